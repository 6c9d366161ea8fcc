<?php
/** WordPress's configuration. Everything that differs between stores comes from the environment. The file is above the web root. */

$env = static fn (string $name, string $default = ''): string => (string) getenv($name) ?: $default;

define('DB_HOST', $env('MARIADB_HOST') . ':' . $env('MARIADB_PORT', '3306'));
define('DB_NAME', $env('MARIADB_DATABASE'));
define('DB_USER', $env('MARIADB_USER'));
define('DB_PASSWORD', $env('MARIADB_PASSWORD'));
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('MYSQL_CLIENT_FLAGS', match ($env('MARIADB_SSL', 'disable')) {
    'disable' => 0,
    'require' => MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT,
    'verify-full' => MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_VERIFY_SERVER_CERT,
});
$table_prefix = 'wp_';

// The address comes from the environment and not from the database, so that a new host name works at once.
define('WP_HOME', $env('STORE_URL'));
define('WP_SITEURL', $env('STORE_URL'));

// Scheme, host and port come from that address too, and never from what a proxy says. TLS may end before the ingress, whose
// X-Forwarded-Proto is http then: WordPress would redirect to HTTPS for ever.
$address = parse_url(WP_HOME);
$_SERVER['HTTPS'] = $address['scheme'] === 'https' ? 'on' : 'off';
$_SERVER['SERVER_NAME'] = $address['host'];
$_SERVER['SERVER_PORT'] = (string) ($address['port'] ?? ($address['scheme'] === 'https' ? 443 : 80));
$_SERVER['HTTP_HOST'] = $address['host'] . (isset($address['port']) ? ":{$address['port']}" : '');

foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $what) {
    define("{$what}_KEY", hash_hmac('sha256', "{$what}_KEY", $env('WORDPRESS_SALT')));
    define("{$what}_SALT", hash_hmac('sha256', "{$what}_SALT", $env('WORDPRESS_SALT')));
}

// The code comes from the image and cannot change. Pods may not connect to other hosts. A CronJob runs scheduled tasks.
define('DISALLOW_FILE_MODS', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('WP_ACCESSIBLE_HOSTS', $env('WP_ACCESSIBLE_HOSTS')); // exceptions, set by the operator
define('DISABLE_WP_CRON', true);
define('FS_METHOD', 'direct'); // otherwise WooCommerce's log asks for FTP credentials, and the checkout fails
define('WP_DEBUG', false);
define('WP_POST_REVISIONS', 20);
define('WP_DEFAULT_THEME', 'storewright');
define('WPMU_PLUGIN_DIR', __DIR__ . '/mu-plugins');
define('CONCATENATE_SCRIPTS', false);

unset($env, $what, $address);
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/wordpress/');
require_once ABSPATH . 'wp-settings.php';
