# Creates the data directory that start.sh copies. It has one database and one user without a password, so nobody can log in.
set -eu
baked=/var/lib/storewright/database
initdb --pgdata="$baked" --username=postgres --auth=reject --encoding=UTF8 --locale=C.UTF-8 --data-checksums --no-sync >/dev/null
sql() { postgres --single -D "$baked" -c config_file=/etc/storewright/postgresql.conf -c exit_on_error=on template1 >/dev/null; }
printf '%s\n' 'create role medusa login' 'create database medusa owner medusa' 'drop database postgres' | sql
