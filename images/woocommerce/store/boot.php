<?php
/**
 * Runs before PHP serves: waits for the database, fills an empty one with the store's content, and updates a changed address.
 * Several processes may run this at the same time, and each may be killed at any point.
 */

declare(strict_types=1);

require __DIR__ . '/database.php';
require __DIR__ . '/personalise.php';

const TEMPLATE = __DIR__ . '/template.sql.gz';
const PICTURES = __DIR__ . '/uploads';
const UPLOADS = '/srv/wordpress/wp-content/uploads';
const PLUGIN = '/srv/wordpress/wp-content/plugins/woocommerce';
const REFUSALS = '/access denied|unknown database|using SSL/i'; // a retry does not help

function say(string $what): void
{
    fwrite(STDERR, "boot: $what\n");
}

function stop(string $why): never
{
    say($why);
    exit(1);
}

/** Stops if chart and image disagree about WooCommerce: the store would look broken. */
function compare_with_chart(): void
{
    $has = is_dir(PLUGIN) ? 'true' : 'false';
    if (env('WOOCOMMERCE', $has) !== $has) {
        stop($has === 'true' ? 'this image contains WooCommerce: set image.woocommerce to true' :
            'this image was built without WooCommerce: set image.woocommerce to false, or build it with WOOCOMMERCE_SRC');
    }
}

/** Connects to the database, with retries. Computes the password's hash in the meantime, because that takes a moment. */
function await_database(Admin $admin): mysqli
{
    for ($waited = false;; $waited = true) {
        try {
            return connect();
        } catch (mysqli_sql_exception $error) {
            if (preg_match(REFUSALS, $error->getMessage())) {
                stop("the database refused the connection: {$error->getMessage()}. Check database-password in the Secret, host, ssl and MARIADB_CA.");
            }
            $waited || say('waiting for the database');
            $admin->hash();
            usleep(50_000);
        }
    }
}

/** State of the database: null if it is empty, 'filling' if a process started to fill it, 'ready' if it is filled. */
function state(mysqli $database): ?string
{
    $tables = array_column($database->query('SHOW TABLES')->fetch_all(), 0);
    if (!in_array('storewright', $tables, true)) {
        $tables && stop(env('MARIADB_DATABASE') . ' contains tables of something else; give it an empty database.');
        return null;
    }
    return $database->query('SELECT state FROM storewright')->fetch_column() ?: 'filling';
}

/** Fills the database. Creating tables cannot be rolled back, so this first drops the tables of a killed attempt. */
function fill(mysqli $database): void
{
    $database->query("CREATE TABLE IF NOT EXISTS storewright (state varchar(10) NOT NULL)");
    $database->query('SET foreign_key_checks = 0');
    foreach ($database->query('SHOW TABLES')->fetch_all() as [$table]) {
        $table === 'storewright' || $database->query("DROP TABLE `$table`");
    }
    $database->multi_query(gzdecode(file_get_contents(TEMPLATE)));
    do {
        $database->store_result();
    } while ($database->more_results() && $database->next_result());
}

/** Copies the sample pictures to the volume, each to a temporary name first. */
function copy_pictures(): void
{
    $files = new RecursiveIteratorIterator(new RecursiveDirectoryIterator(PICTURES, FilesystemIterator::SKIP_DOTS));
    foreach ($files as $file) {
        $target = UPLOADS . substr($file->getPathname(), strlen(PICTURES));
        is_dir(dirname($target)) || mkdir(dirname($target), 0755, true);
        if (!file_exists($target)) {
            copy($file->getPathname(), "$target.new");
            rename("$target.new", $target);
        }
    }
}

function main(): void
{
    compare_with_chart();
    $admin = new Admin(env('ADMIN_USER'), env('ADMIN_PASSWORD'), env('ADMIN_EMAIL'));
    $place = file_exists(FORMATS) ? new Place() : null;
    $database = await_database($admin);
    $began = microtime(true);
    lock($database);
    $found = state($database);
    if ($found !== 'ready') {
        copy_pictures();
        fill($database);
    }
    $database->begin_transaction();
    if ($found !== 'ready') {
        personalise($database, $admin, $place);
        $database->query('DELETE FROM storewright');
        $database->query("INSERT INTO storewright VALUES ('ready')");
    }
    move($database, env('STORE_URL'));
    $database->commit();
    say(sprintf('database %s in %.2f s', $found === 'ready' ? 'kept' : 'filled', microtime(true) - $began));
}

try {
    main();
} catch (mysqli_sql_exception $error) {
    stop("the database failed: {$error->getMessage()}");
} catch (DomainException $error) {
    stop($error->getMessage());
}
