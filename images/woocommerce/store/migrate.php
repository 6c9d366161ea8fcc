<?php
/** Before a new version starts: brings the database's tables up to this image's WordPress and WooCommerce. Its last line is its end. */

declare(strict_types=1);

require __DIR__ . '/database.php';

function end_with(int $status, string $what): never
{
    fwrite(STDERR, "migrate: $what\n");
    exit($status);
}

/** Whether there is a store to migrate; where none was made yet, the first start brings the newest tables. */
function has_store(): bool
{
    $database = connect();
    $tables = array_column($database->query("SHOW TABLES LIKE 'storewright'")->fetch_all(), 0);
    return $tables && $database->query('SELECT state FROM storewright')->fetch_column() === 'ready';
}

/** What WooCommerce's own command line does: its tables, then each change since the version that was here. */
function upgrade_shop(): int
{
    include_once WC_ABSPATH . 'includes/wc-update-functions.php';
    $before = (string) get_option('woocommerce_db_version');
    WC_Install::install();
    $newer = static fn (string $version): bool => version_compare($before, $version, '<');
    $changes = array_merge(...array_values(array_filter(WC_Install::get_db_update_callbacks(), $newer, ARRAY_FILTER_USE_KEY)));
    foreach ($changes as $change) {
        while (is_callable($change) && $change()) {
            continue; // one that has more to do says so
        }
    }
    WC_Install::update_db_version();
    $missing = WC_Install::verify_base_tables(false);
    $missing && end_with(1, 'WooCommerce could not make the tables ' . implode(', ', $missing));
    return count($changes);
}

try {
    has_store() || end_with(0, 'there is no store yet');
    $_SERVER += ['HTTP_HOST' => parse_url(env('STORE_URL'), PHP_URL_HOST), 'REQUEST_URI' => '/', 'REQUEST_METHOD' => 'GET'];
    define('WP_ADMIN', true);
    require '/srv/wordpress/wp-load.php';
    require_once ABSPATH . 'wp-admin/includes/upgrade.php';
    wp_upgrade();
    if ((int) get_option('db_version') !== $GLOBALS['wp_db_version']) {
        end_with(1, 'WordPress left the database at ' . get_option('db_version'));
    }
    $changes = class_exists('WC_Install') ? upgrade_shop() : 0;
    flush_rewrite_rules(false);
    end_with(0, "the database is at WordPress {$GLOBALS['wp_db_version']}" . ($changes ? " after $changes changes of WooCommerce" : ''));
} catch (Throwable $error) {
    end_with(1, get_class($error) . ": {$error->getMessage()}");
}
