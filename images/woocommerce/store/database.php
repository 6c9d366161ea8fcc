<?php
/** The way to the store's database, by the same environment as wp-config.php; for what runs without WordPress. */

declare(strict_types=1);

mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);

function env(string $name, string $default = ''): string
{
    return (string) getenv($name) ?: $default;
}

/** Throws mysqli_sql_exception. */
function connect(): mysqli
{
    $flags = match (env('MARIADB_SSL', 'disable')) {
        'disable' => 0,
        'require' => MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT,
        'verify-full' => MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_VERIFY_SERVER_CERT,
    };
    $database = mysqli_init();
    $database->options(MYSQLI_OPT_CONNECT_TIMEOUT, 2);
    $where = [env('MARIADB_HOST'), env('MARIADB_USER'), env('MARIADB_PASSWORD'), env('MARIADB_DATABASE')];
    @$database->real_connect(...[...$where, (int) env('MARIADB_PORT', '3306'), null, $flags]);
    $database->set_charset('utf8mb4');
    return $database;
}
