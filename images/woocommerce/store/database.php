<?php
/** Connection to the store's database, for scripts without WordPress. Uses the same environment as wp-config.php. */

declare(strict_types=1);

const LOCKED_WITHIN = 300; // seconds

mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);

function env(string $name, string $default = ''): string
{
    return (string) getenv($name) ?: $default;
}

/** Throws mysqli_sql_exception. Its message includes PHP's warnings, such as an untrusted certificate. */
function connect(): mysqli
{
    $database = mysqli_init();
    $database->options(MYSQLI_OPT_CONNECT_TIMEOUT, 2);
    $where = [env('MARIADB_HOST'), env('MARIADB_USER'), env('MARIADB_PASSWORD'), env('MARIADB_DATABASE')];
    $causes = [];
    set_error_handler(static function (int $_, string $cause) use (&$causes): bool {
        $causes[] = $cause;
        return true;
    });
    try {
        $database->real_connect(...[...$where, (int) env('MARIADB_PORT', '3306'), null, encryption()]);
    } catch (mysqli_sql_exception $error) {
        throw new mysqli_sql_exception(preg_replace('/\s+/', ' ', implode('; ', [$error->getMessage(), ...$causes])), $error->getCode());
    } finally {
        restore_error_handler();
    }
    $database->set_charset('utf8mb4');
    return $database;
}

function encryption(): int
{
    return match ($wanted = env('MARIADB_SSL', 'disable')) {
        'disable' => 0,
        'require' => MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT,
        'verify-full' => MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_VERIFY_SERVER_CERT,
        default => throw new DomainException("MARIADB_SSL is $wanted; it must be one of disable, require, verify-full"),
    };
}

/**
 * Locks the database against other starts and migrations until the connection ends. Throws mysqli_sql_exception on timeout.
 * The lock's name includes the database, because locks are global to a server, which may contain other stores.
 */
function lock(mysqli $database): void
{
    $name = 'storewright-' . env('MARIADB_DATABASE');
    if ($database->execute_query('SELECT GET_LOCK(?, ?)', [$name, LOCKED_WITHIN])->fetch_column() !== 1) {
        throw new mysqli_sql_exception("another start or migration held the lock $name for " . LOCKED_WITHIN . ' s; try again later');
    }
}
