# Starts the store's database. An empty volume first gets a copy of the prepared data directory. Each start sets the password.
set -eu
umask 077
config=/etc/storewright/mariadb.cnf

case "${MARIADB_PASSWORD:-}" in
  "" | *"
"*) echo "start: MARIADB_PASSWORD must be one line and not empty. The chart sets it from the store's Secret." >&2; exit 1 ;;
esac

# Copy to a temporary name and flush to the disk before the rename, so that an interrupted copy is never used as a database.
if [ ! -e "$DATA" ]; then
  rm -rf "$DATA.new"
  cp -a --sparse=always /var/lib/storewright/database "$DATA.new"
  sync "$DATA.new" "$DATA.new"/* "$DATA.new"/*/*
  mv -T "$DATA.new" "$DATA"
  sync "$(dirname "$DATA")"
fi

# The server reads this SQL from a pipe before it accepts connections. So the password is in no argument list, file or log.
quoted=$(printf %s "$MARIADB_PASSWORD" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")
unset MARIADB_PASSWORD
exec mariadbd --defaults-file="$config" --datadir="$DATA" --init-file=/dev/fd/3 "$@" 3<<SQL
alter user store@'%' identified by '$quoted';
SQL
