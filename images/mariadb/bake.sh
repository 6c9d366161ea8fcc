# Creates the data directory that start.sh copies. It has one database and one user. The user cannot log in until start.sh sets
# the password.
set -eu
baked=/var/lib/storewright/database
config=/etc/storewright/mariadb.cnf
# --force, because a host name that does not resolve would stop the installation. The system user mysql is the server's admin.
mariadb-install-db --defaults-file="$config" --datadir="$baked" --auth-root-authentication-method=socket \
  --auth-root-socket-user=mysql --skip-test-db --force >/tmp/install.log 2>&1 || { cat /tmp/install.log; exit 1; }
mariadbd --defaults-file="$config" --datadir="$baked" --bootstrap <<'SQL'
create database store;
drop database sys;
flush privileges;
create user store@'%' identified via mysql_native_password using 'invalid';
grant all on store.* to store@'%';
SQL
