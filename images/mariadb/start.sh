# Starts this store's database. An empty volume first gets a copy of the baked data directory; each start sets the password.
set -eu
umask 077
config=/etc/storewright/mariadb.cnf

case "${MARIADB_PASSWORD:-}" in
  "" | *"
"*) echo "start: MARIADB_PASSWORD must be one line and not empty; the chart sets it from the store's Secret" >&2; exit 1 ;;
esac

# Filled beside its final name and put on the disk before the rename: a copy that was killed is never taken for a database.
if [ ! -e "$DATA" ]; then
  rm -rf "$DATA.new"
  cp -a --sparse=always /var/lib/storewright/database "$DATA.new"
  sync "$DATA.new" "$DATA.new"/* "$DATA.new"/*/*
  mv -T "$DATA.new" "$DATA"
  sync "$(dirname "$DATA")"
fi

# The server reads this SQL before it lets anyone in, from a pipe: the password is in no argument list, file or log.
quoted=$(printf %s "$MARIADB_PASSWORD" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")
unset MARIADB_PASSWORD
exec mariadbd --defaults-file="$config" --datadir="$DATA" --init-file=/dev/fd/3 "$@" 3<<SQL
alter user store@'%' identified by '$quoted';
SQL
