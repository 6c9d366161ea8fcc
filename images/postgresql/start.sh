# Starts the store's database. An empty volume first gets a copy of the prepared data directory, with the store's password.
set -eu
umask 077
config=/etc/storewright/postgresql.conf

# A single-user server reads SQL from standard input, so the password is in no argument list. Errors do not log the statement.
set_password() {
  printf "alter role medusa password '%s'\n" "$(printf %s "$POSTGRES_PASSWORD" | sed "s/'/''/g")" |
    postgres --single -D "$1" -c config_file="$config" -c log_min_error_statement=panic -c exit_on_error=on template1 >/dev/null
}

# Copy to a temporary name and flush to the disk before the rename, so that an interrupted copy is never used as a database.
fill() {
  rm -rf "$PGDATA.new"
  cp -a /var/lib/storewright/database "$PGDATA.new"
  set_password "$PGDATA.new"
  initdb --sync-only --pgdata="$PGDATA.new" >/dev/null
  mv -T "$PGDATA.new" "$PGDATA"
  sync "$(dirname "$PGDATA")"
}

if [ ! -e "$PGDATA" ]; then
  case "${POSTGRES_PASSWORD:-}" in
    "" | *"
"*) echo "start: POSTGRES_PASSWORD must be one line and not empty. The chart sets it from the store's Secret." >&2; exit 1 ;;
  esac
  fill
fi
unset POSTGRES_PASSWORD
exec postgres -D "$PGDATA" -c config_file="$config" "$@"
