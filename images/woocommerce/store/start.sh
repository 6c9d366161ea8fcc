# Links the compiled code into a writable folder, prepares the database, then starts PHP.
set -eu
trap 'exit 143' TERM # as process 1, a shell ignores the signal otherwise: the pod of a new clone is stopped at once
mkdir -p /tmp/opcache
ln -sfn /srv/opcache/* /tmp/opcache/
php8.4 /srv/storewright/boot.php
exec php-fpm8.4 --nodaemonize --force-stderr --fpm-config /etc/storewright/php-fpm.conf
