<?php
/** The way to the store's database, by the same environment as wp-config.php; for what runs without WordPress. */

declare(strict_types=1);

const LOCKED_WITHIN = 300; // seconds

mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);

function env(string $name, string $default = ''): string
{
    return (string) getenv($name) ?: $default;
}

/** Throws mysqli_sql_exception; what PHP knows of the cause, such as a certificate that is not trusted, is in its message. */
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
 * Keeps others from filling or migrating the database until the connection ends. Throws mysqli_sql_exception if it is not free in
 * time. Locks count for the whole server, which may hold other stores.
 */
function lock(mysqli $database): void
{
    $name = 'storewright-' . env('MARIADB_DATABASE');
    if ($database->execute_query('SELECT GET_LOCK(?, ?)', [$name, LOCKED_WITHIN])->fetch_column() !== 1) {
        throw new mysqli_sql_exception("another start or migration held the lock $name for " . LOCKED_WITHIN . ' s; try again after it');
    }
}
