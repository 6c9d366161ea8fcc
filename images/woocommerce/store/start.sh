# Links the compiled code into a writable folder, prepares the database, then starts PHP.
set -eu
mkdir -p /tmp/opcache
ln -sfn /srv/opcache/* /tmp/opcache/
php8.4 /srv/storewright/boot.php
exec php-fpm8.4 --nodaemonize --force-stderr --fpm-config /etc/storewright/php-fpm.conf
