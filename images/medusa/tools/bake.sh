# Creates the folder $1 of the image from the built project: dumps a migrated and seeded database, copies the files in use, then
# runs the result as the image's user. That run tests the result and writes the archive of modules. Needs root and PostgreSQL.
set -eu
src=$PWD
app=$1
PATH=/usr/lib/postgresql/15/bin:$PATH
export PGHOST=127.0.0.1 PGPORT=5439 PGUSER=medusa PGDATABASE=medusa PGPASSWORD=unused JWT_SECRET=unused COOKIE_SECRET=unused
as_postgres="setpriv --reuid postgres --regid postgres --clear-groups"
as_shop="setpriv --reuid 1000 --regid 1000 --clear-groups"
work=$(mktemp -d)

start_database() {
  chmod 711 "$work"
  install -d -o postgres "$work/db"
  $as_postgres initdb -D "$work/db" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null
  $as_postgres pg_ctl -D "$work/db" -l "$work/db/log" -w -o "-p $PGPORT -h $PGHOST -k $work/db -c fsync=off" start
  trap '$as_postgres pg_ctl -D "$work/db" -m immediate stop; rm -rf "$work"' EXIT
  psql -qU postgres -c 'create role medusa login' -c 'create database medusa owner medusa' \
    -c 'create database euros owner medusa' -c 'create database yen owner medusa' postgres
}

# \restrict is a psql command. Everything else in the dump is SQL that any client can send.
dump() { pg_dump --no-owner --no-privileges --inserts --rows-per-insert=1000 | sed '/^\\\(un\)\?restrict /d' | gzip -9n; }

# Outside .medusa, because Medusa does not find its own scripts below a folder whose name starts with a dot.
make_template() (
  mv .medusa/server server
  mv node_modules ./*.js server/
  cd server
  node ../tools/trim.mjs .
  node node_modules/.bin/medusa db:migrate --execute-safe-links
  node node_modules/.bin/medusa exec ./src/scripts/seed.js
  dump >template.sql.gz
)

trace() {
  ln -s server/node_modules node_modules # for the imports of trace.mjs
  node tools/trace.mjs server "$app"
  mkdir "$app/static"
}

# Runs node as in a cluster: as the image's user, which may not write to the app's folder.
run() { cd "$app" && exec $as_shop node "$@"; }

# Starts a store on the empty database $1 with currency $2 and country $3, with special characters in its values, and checks that
# the page shows the price $4. Further arguments are options of node.
start() (
  export PGDATABASE=$1 STORE_CURRENCY=$2 STORE_COUNTRY=$3 HOST=127.0.0.1 PORT=9039 STORE_URL=http://127.0.0.1:9039 \
    STORE_NAME="O'Neil \\ \"Sons\"" PUBLISHABLE_KEY=pk_baking ADMIN_EMAIL="o'neil@localhost" ADMIN_PASSWORD="'\\\"\$x"
  price=$4
  shift 4
  run "$@" boot.js &
  shop=$!
  node "$src/tools/probe.mjs" "$STORE_URL" "$price" || { kill $shop; exit 1; }
  kill $shop
  wait $shop
)

# The exit of the first start writes the archive. The second start uses it, and serves metrics.
prove_start() {
  install -d -o 1000 -g 1000 "$work/archive"
  ARCHIVE=$work/archive start euros eur de €18.00 --require "$src/tools/record.cjs"
  cp -r "$work/archive" "$app/archive"
  METRICS_PORT=9040 start yen jpy jp ¥2,900 >"$work/log" || { cat "$work/log"; exit 1; }
  if grep "boot: compiled" "$work/log"; then exit 1; fi
}

# The first run has to load Medusa, the second has nothing to do.
prove_migration() (
  export PGDATABASE=euros
  psql -qc 'comment on table script_migrations is null'
  (run migrate.js)
  (run migrate.js)
)

start_database
make_template
trace
prove_start
prove_migration
