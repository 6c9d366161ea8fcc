# Creates the image's /srv: WordPress, the plugin if there is one, the template of a store's database and its pictures. Then runs
# it as the image's user. That run tests the result and writes PHP's compiled code. Needs root.
set -eu
site=/srv/wordpress
work=$(mktemp -d)
export MARIADB_HOST=127.0.0.1 MARIADB_PORT=3307 MARIADB_DATABASE=template MARIADB_USER=root MARIADB_PASSWORD=unused
export STORE_URL=http://template.invalid WORDPRESS_SALT=unused PHPRC=/etc/storewright PHP_INI_SCAN_DIR=
as_shop="setpriv --reuid 33 --regid 33 --clear-groups"

# Repeats a command until it succeeds, for a minute.
await() {
  for _ in $(seq 600); do "$@" 2>/dev/null && return; sleep 0.1; done
  echo "bake: timed out: $*" >&2
  return 1
}

# Debian's WordPress is a tree of symlinks with its own configuration: copy the files and remove the configuration.
assemble() {
  rm -f /usr/share/wordpress/.htaccess /usr/share/wordpress/wp-includes/certificates/ca-bundle.crt
  cp -RL /usr/share/wordpress/. "$site"
  grep -q "^\$wp_version = '6\.8" "$site/wp-includes/version.php" ||
    { echo "bake: WordPress must be 6.8, because WooCommerce 10.0 needs it; use a BUILD_IMAGE of Debian 13" >&2; exit 1; }
  cat /usr/share/ca-certificates/mozilla/*.crt >"$site/wp-includes/certificates/ca-bundle.crt"
  rm -rf "$site/wp-config.php" "$site/wp-content/plugins"/*/
  mkdir -p "$site/wp-content/plugins" "$site/wp-content/uploads"
  [ ! -e plugin/woocommerce.php ] || cp -R plugin "$site/wp-content/plugins/woocommerce"
  chmod -R u=rwX,go=rX /srv
  chown 33:33 "$site/wp-content/uploads"
}

draw() {
  for drawing in pictures/*.svg; do
    rsvg-convert "$drawing" --output "${drawing%.svg}.png"
    php8.4 -r 'imagewebp(imagecreatefrompng("$argv[1].png"), "$argv[1].webp", 85);' "${drawing%.svg}"
  done
}

start_database() {
  chmod 711 "$work"
  install -d -o 33 -g 33 "$work/db"
  $as_shop mariadb-install-db --no-defaults --datadir="$work/db" --skip-test-db --force >/dev/null 2>&1
  $as_shop mariadbd --no-defaults --datadir="$work/db" --socket="$work/db/s" --bind-address=127.0.0.1 --port=3307 \
    --skip-grant-tables --skip-name-resolve --innodb-flush-log-at-trx-commit=0 --log-error="$work/db/log" &
  running=$!
  trap 'kill $running 2>/dev/null || true; wait; rm -rf "$work"' EXIT
  await sql 'create database template; create database proof'
}

sql() { mariadb --no-defaults --host=127.0.0.1 --port=3307 --execute "$1"; }

make_template() {
  $as_shop php8.4 install.php core
  if [ -e plugin/woocommerce.php ]; then
    $as_shop php8.4 install.php plugin
    $as_shop php8.4 install.php shop
    $as_shop php8.4 install.php formats >/srv/storewright/formats.json
  fi
  $as_shop php8.4 install.php site
  $as_shop php8.4 install.php leave
  mariadb-dump --no-defaults --host=127.0.0.1 --port=3307 --skip-comments --skip-lock-tables --skip-add-locks --skip-disable-keys \
    --no-tablespaces --hex-blob template | gzip -9n >/srv/storewright/template.sql.gz
  mv "$site/wp-content/uploads" /srv/storewright/uploads
  chown -R 0:0 /srv/storewright
  install -d -o 33 -g 33 "$site/wp-content/uploads" /srv/opcache /run/php
}

# Starts the store with special characters in its values. The first start compiles the code, the second uses it.
prove() {
  export MARIADB_DATABASE=proof SHOP=http://127.0.0.1:8080 STORE_URL=http://127.0.0.1:8080 STORE_NAME="O'Neil \\ \"Sons\""
  export STORE_CURRENCY=usd STORE_COUNTRY=us ADMIN_USER=o.neil ADMIN_EMAIL="o'neil@example.com" ADMIN_PASSWORD="'\\\"\$x"
  export API_KEY=ck_baking API_SECRET=cs_baking
  $as_shop nginx -c /etc/storewright/nginx.conf &
  running="$running $!"
  $as_shop php8.4 /srv/storewright/boot.php
  $as_shop php-fpm8.4 --nodaemonize --force-stderr --fpm-config /etc/storewright/php-fpm.conf -d opcache.file_cache=/srv/opcache &
  first=$!
  running="$running $first"
  await [ -S /run/php/fpm.sock ]
  php8.4 warm.php
  kill $first
  wait $first || true
  chown -R 0:0 /srv/opcache
  chmod -R u=rwX,go=rX /srv/opcache
  $as_shop sh /srv/storewright/start.sh &
  running="$running $!"
  await [ -S /run/php/fpm.sock ]
  php8.4 /srv/storewright/visit.php
  rm -rf "$site/wp-content/uploads"/* "$site/wp-content/uploads"/.[!.]*
}

assemble
draw
start_database
make_template
prove
