<?php
/** `helm test`: buys a product and finds the order through the REST API, or reads a page without WooCommerce. Then logs in. */

declare(strict_types=1);

require __DIR__ . '/visitor.php';

$visitor = new Visitor(getenv('SHOP'), getenv('STORE_URL'));
if (getenv('WOOCOMMERCE') === 'true' || $visitor->has_shop()) {
    $id = $visitor->buy();
    $order = $visitor->shop_api("/orders/$id", getenv('API_KEY'), getenv('API_SECRET'));
    if ($order['total'] <= 0 || $order['status'] !== 'processing') {
        throw new RuntimeException("order $id has the total {$order['total']} and the status {$order['status']}");
    }
    echo "bought order #{$order['number']} for {$order['total']} {$order['currency']} and found it through the REST API\n";
} else {
    $visitor->request('/');
    echo "this image has no WooCommerce: read the home page instead of buying a product\n";
}
$visitor->login(getenv('ADMIN_USER'), getenv('ADMIN_PASSWORD'));
echo "logged in to the admin\n";
