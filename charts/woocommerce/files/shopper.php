<?php
/**
 * Opens the home page and, if a product can be bought, puts it into a cart. Writes what it did and exits 0, or throws. A shop that
 * refuses a request works: a merchant may sell out, or close the API. One that answers with an error of its own does not.
 */

declare(strict_types=1);

require '/srv/storewright/visitor.php';

/** Whether a cart holds a product now. */
function fill_cart(Visitor $shop): bool
{
    $products = $shop->has_shop() ? $shop->api('/wc/store/v1/products?per_page=20&stock_status=instock&type=simple') : [];
    $priced = array_filter($products, static fn ($product) => $product['is_purchasable'] && $product['prices']['price'] > 0);
    if ($priced === []) {
        return false;
    }
    $shop->api('/wc/store/v1/cart');
    $cart = ['Cart-Token' => $shop->header('Cart-Token')];
    $filled = $shop->api('/wc/store/v1/cart/add-item', ['id' => reset($priced)['id'], 'quantity' => 1], $cart, 201);
    if ($filled['totals']['total_price'] <= 0) {
        throw new LogicException('a cart with a product costs nothing');
    }
    return true;
}

/** Opens the home page. A node may refuse connections to a Service for some seconds after its pods are ready. */
function arrive(Visitor $shop): void
{
    for ($end = time() + 30; ; usleep(500_000)) {
        try {
            $shop->request('/');
            return;
        } catch (RuntimeException $refused) {
            if (!str_contains($refused->getMessage(), ' answered 0, ') || time() > $end) {
                throw $refused;
            }
        }
    }
}

$shop = new Visitor(getenv('SHOP'), getenv('STORE_URL'));
arrive($shop);
try {
    $filled = fill_cart($shop);
} catch (RuntimeException | JsonException $refused) {
    if (preg_match('/ answered (0|5\d\d), /', $refused->getMessage())) {
        throw $refused;
    }
    $filled = false;
}
file_put_contents('/dev/termination-log', $filled ? 'A cart holds a product with a price.' : 'The home page answers. No product can be bought.');
