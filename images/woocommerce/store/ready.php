<?php
/** Whether the store can serve: 200 once its database is there and holds a store; asked every second, so WordPress is left out. */

declare(strict_types=1);

require __DIR__ . '/database.php';

try {
    $ready = connect()->query('SELECT state FROM storewright')->fetch_column() === 'ready';
} catch (mysqli_sql_exception) {
    $ready = false;
}
http_response_code($ready ? 200 : 503);
