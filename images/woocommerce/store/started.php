<?php
/**
 * Startup probe: waits until the home page answers, which also warms PHP up for the first shopper.
 * Kubernetes alone would ask once a second, and the store would be up to a second later.
 */

declare(strict_types=1);

const WAIT_SECONDS = 10; // then Kubernetes counts a failure and asks again
const PAGE_SECONDS = 60; // for the first page of a slow machine; less than the probe's timeout

$page = stream_context_create(['http' => ['timeout' => PAGE_SECONDS]]);
for ($until = microtime(true) + WAIT_SECONDS; microtime(true) < $until; usleep(50_000)) {
    $http_response_header = null;
    if (@file_get_contents('http://127.0.0.1:9253/warm', context: $page) !== false) {
        exit(0);
    }
}
echo 'the home page does not answer: ', $http_response_header[0] ?? error_get_last()['message'], "\n";
exit(1);
