<?php
/** `helm test`: buys one thing and finds the order as its owner would; without WooCommerce reads a page. Then into the admin. */

declare(strict_types=1);

require __DIR__ . '/visitor.php';

$visitor = new Visitor(getenv('SHOP'), getenv('STORE_URL'));
if (getenv('WOOCOMMERCE') === 'true' || $visitor->has_shop()) {
    $id = $visitor->buy();
    $order = $visitor->shop_api("/orders/$id", getenv('API_KEY'), getenv('API_SECRET'));
    if ($order['total'] <= 0 || $order['status'] !== 'processing') {
        throw new RuntimeException("order $id is worth {$order['total']} and is {$order['status']}");
    }
    echo "bought order #{$order['number']} for {$order['total']} {$order['currency']} and found it by the REST API\n";
} else {
    $visitor->request('/');
    echo "this image has no WooCommerce: read the home page instead of buying\n";
}
$visitor->login(getenv('ADMIN_USER'), getenv('ADMIN_PASSWORD'));
echo "logged in to the admin\n";
