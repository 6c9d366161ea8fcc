<?php
/** Gives the owner a new password, and ends the owner's sessions. The chart runs it as a Job; it can be run again. */

declare(strict_types=1);

require __DIR__ . '/database.php';
require __DIR__ . '/personalise.php';
require __DIR__ . '/owner.php';

function end_with(int $status, string $what): never
{
    define('ENDED', true);
    fwrite(STDERR, "reset: $what\n");
    exit($status);
}

// WordPress exits with status 0 when it loses the database, and after other errors.
register_shutdown_function(static fn () => defined('ENDED') || end_with(1, 'WordPress stopped before the end; see the lines above'));
try {
    $database = connect();
    $_SERVER += ['REQUEST_URI' => '/', 'REQUEST_METHOD' => 'GET'];
    require '/srv/wordpress/wp-load.php';
    take_login($database, new Admin(env('ADMIN_USER'), env('ADMIN_PASSWORD'), env('ADMIN_EMAIL')));
    end_with(0, 'the password is set');
} catch (Throwable $error) {
    end_with(1, get_class($error) . ": {$error->getMessage()}");
}
