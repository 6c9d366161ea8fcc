<?php
/** Opens the home page and, if a product can be bought, puts it into a cart. Writes what it did and exits 0, or throws. */

declare(strict_types=1);

require '/srv/storewright/visitor.php';

$shop = new Visitor(getenv('SHOP'), getenv('STORE_URL'));
$shop->request('/');
$products = $shop->has_shop() ? $shop->api('/wc/store/v1/products?per_page=20&stock_status=instock&type=simple') : [];
$priced = array_filter($products, static fn ($product) => $product['is_purchasable'] && $product['prices']['price'] > 0);
if ($product = reset($priced)) {
    $shop->api('/wc/store/v1/cart');
    $cart = ['Cart-Token' => $shop->header('Cart-Token')];
    $filled = $shop->api('/wc/store/v1/cart/add-item', ['id' => $product['id'], 'quantity' => 1], $cart, 201);
    if ($filled['totals']['total_price'] <= 0) {
        throw new RuntimeException('a cart with a product costs nothing');
    }
}
file_put_contents('/dev/termination-log', $product ? 'A cart holds a product with a price.' : 'The home page answers. No product can be bought.');
