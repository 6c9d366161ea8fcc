<?php
/**
 * Migrates the database to this image's WordPress and WooCommerce, before an upgrade and after a backup was loaded; if that is another
 * store's, $MOVED_FROM is that store's address. The last log line is the outcome.
 */

declare(strict_types=1);

require __DIR__ . '/database.php';
require __DIR__ . '/rewrite.php';

function end_with(int $status, string $what): never
{
    define('ENDED', true);
    fwrite(STDERR, "migrate: $what\n");
    exit($status);
}

/** Whether the database contains a store. If not, the first start creates the newest tables. */
function has_store(mysqli $database): bool
{
    $tables = array_column($database->query("SHOW TABLES LIKE 'storewright'")->fetch_all(), 0);
    return $tables && $database->query('SELECT state FROM storewright')->fetch_column() === 'ready';
}

/** The first statement that failed. WordPress only records failures. DESCRIBE may fail: dbDelta uses it to find missing tables. */
function refused(): ?string
{
    $mishaps = array_filter($GLOBALS['EZSQL_ERROR'], static fn (array $one): bool => !str_starts_with($one['query'], 'DESCRIBE'));
    return array_column($mishaps, 'error_str')[0] ?? null;
}

/** Ends the migration if a statement failed. */
function require_success(): void
{
    $refused = refused();
    $refused === null || end_with(1, "the database refused a change: $refused. The next upgrade tries it again.");
}

/** Saves a version only after all its changes succeeded, so that the next run repeats failed or interrupted ones. */
function keep_versions_true(): void
{
    foreach (['db_version', 'woocommerce_db_version'] as $option) {
        add_filter("pre_update_option_$option", static fn ($new, $old) => refused() === null ? $new : $old, 10, 2);
    }
}

/** Does the same as WooCommerce's command line: creates tables, then applies each change since the former version. */
function upgrade_shop(): int
{
    include_once WC_ABSPATH . 'includes/wc-update-functions.php';
    $before = (string) get_option('woocommerce_db_version');
    WC_Install::install();
    require_success();
    $newer = static fn (string $version): bool => version_compare($before, $version, '<');
    $changes = array_merge(...array_values(array_filter(WC_Install::get_db_update_callbacks(), $newer, ARRAY_FILTER_USE_KEY)));
    foreach ($changes as $change) {
        while (is_callable($change) && $change()) {
            continue; // it returns true while there is more to do
        }
        require_success();
    }
    WC_Install::update_db_version();
    return count($changes);
}

// WordPress exits with status 0 when it loses the database, and after other errors.
register_shutdown_function(static fn () => defined('ENDED') || end_with(1, 'WordPress stopped before the end; see the lines above'));
try {
    $database = connect();
    lock($database);
    has_store($database) || end_with(0, 'there is no store yet');
    // WooCommerce's own lock: a killed migration leaves it for ten minutes, and in that time an installation silently does nothing.
    $database->query("DELETE FROM wp_options WHERE option_name IN ('_transient_wc_installing', '_transient_timeout_wc_installing')");
    $former = env('MOVED_FROM');
    if ($former) {
        (new Rewriting($former, env('STORE_URL')))->database($database);
    }
    $_SERVER += ['REQUEST_URI' => '/', 'REQUEST_METHOD' => 'GET'];
    define('WP_ADMIN', true);
    require '/srv/wordpress/wp-load.php';
    require_once ABSPATH . 'wp-admin/includes/upgrade.php';
    $GLOBALS['EZSQL_ERROR'] = []; // ignore errors from loading new code with old tables
    keep_versions_true();
    wp_upgrade();
    require_success();
    if ((int) get_option('db_version') !== $GLOBALS['wp_db_version']) {
        end_with(1, 'WordPress left the database at ' . get_option('db_version'));
    }
    $changes = class_exists('WC_Install') ? upgrade_shop() : 0;
    if ($former) {
        require __DIR__ . '/adopt.php';
        adopt($database);
    }
    flush_rewrite_rules(false);
    require_success();
    end_with(0, "the database is at WordPress {$GLOBALS['wp_db_version']}" . ($changes ? " after $changes changes of WooCommerce" : ''));
} catch (Throwable $error) {
    end_with(1, get_class($error) . ": {$error->getMessage()}");
}
