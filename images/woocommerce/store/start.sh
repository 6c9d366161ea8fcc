# Starts PHP: first the compiled code is linked to where PHP may also write, then the database is made ready, then it serves.
set -eu
mkdir -p /tmp/opcache
ln -sfn /srv/opcache/* /tmp/opcache/
php8.4 /srv/storewright/boot.php
exec php-fpm8.4 --nodaemonize --force-stderr --fpm-config /etc/storewright/php-fpm.conf
