<?php
/** Readiness: 200 if the database answers and contains a store. Probed every second, so it does not load WordPress. */

declare(strict_types=1);

require __DIR__ . '/database.php';

try {
    $ready = connect()->query('SELECT state FROM storewright')->fetch_column() === 'ready';
} catch (mysqli_sql_exception) {
    $ready = false;
}
http_response_code($ready ? 200 : 503);
