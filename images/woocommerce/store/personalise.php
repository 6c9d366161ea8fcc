<?php
/** Writes the store's name, owner, prices and address to a newly filled database. Plain SQL, because loading WordPress is slow. */

declare(strict_types=1);

const FORMATS = __DIR__ . '/formats.json'; // by country; missing in an image without WooCommerce
const MOCK_COLOR = '#2f6f4f'; // the accent in the template

// Factor for the sample prices in euros, and the usual step of prices. These are no exchange rates.
const CURRENCIES = [
    'eur' => [1, 0.01], 'usd' => [1.1, 0.5], 'gbp' => [0.86, 0.5], 'chf' => [0.95, 0.5], 'cad' => [1.5, 0.5], 'aud' => [1.65, 0.5],
    'sek' => [11.3, 5], 'nok' => [11.7, 5], 'dkk' => [7.46, 5], 'pln' => [4.3, 1], 'czk' => [25, 5], 'jpy' => [160, 100],
    'inr' => [95, 10], 'brl' => [6.2, 1],
];

/** Currency and country of the environment, and the country's price format. */
final class Place
{
    public readonly string $currency;
    public readonly string $country;
    /** @var array{string, string, string} currency position, thousands separator, decimal separator */
    public readonly array $format;

    public function __construct()
    {
        $formats = json_decode(file_get_contents(FORMATS), true);
        $this->currency = self::one_of(array_keys(CURRENCIES), 'STORE_CURRENCY', env('STORE_CURRENCY', 'eur'));
        $this->country = self::one_of(array_keys($formats), 'STORE_COUNTRY', strtoupper(env('STORE_COUNTRY', 'de')));
        $this->format = $formats[$this->country];
    }

    /**
     * @param list<string> $known
     * @throws DomainException
     */
    private static function one_of(array $known, string $variable, string $value): string
    {
        if (!in_array($value, $known, true)) {
            throw new DomainException("$variable is $value; it must be one of " . implode(', ', $known));
        }
        return $value;
    }
}

/**
 * The store owner's WordPress account. The hash is that of WordPress 6.8: bcrypt of an HMAC, so that all characters of a long
 * password count. The login form escapes quotes and backslashes first, so this does the same.
 */
final class Admin
{
    private ?string $hash = null;

    public function __construct(public readonly string $user, private readonly string $password, public readonly string $email)
    {
    }

    public function hash(): string
    {
        $digest = base64_encode(hash_hmac('sha384', addslashes(trim($this->password)), 'wp-sha384', true));
        return $this->hash ??= '$wp' . password_hash($digest, PASSWORD_BCRYPT);
    }
}

/** `$place` is null in an image without WooCommerce. */
function personalise(mysqli $database, Admin $admin, ?Place $place): void
{
    $database->execute_query(
        'UPDATE wp_users SET user_login = ?, user_nicename = ?, display_name = ?, user_email = ?, user_pass = ? WHERE ID = 1',
        [$admin->user, $admin->user, $admin->user, $admin->email, $admin->hash()],
    );
    $database->execute_query("UPDATE wp_usermeta SET meta_value = ? WHERE meta_key = 'nickname' AND user_id = 1", [$admin->user]);
    foreach (['admin_email', 'woocommerce_email_from_address', 'woocommerce_stock_email_recipient'] as $option) {
        set_option($database, $option, $admin->email);
    }
    foreach (['blogname', 'woocommerce_email_from_name'] as $option) {
        set_option($database, $option, htmlspecialchars(env('STORE_NAME'))); // WordPress stores names as HTML
    }
    $database->execute_query(
        "UPDATE wp_posts SET post_content = REPLACE(post_content, ?, ?) WHERE post_type = 'wp_global_styles'",
        [MOCK_COLOR, env('STORE_COLOR', MOCK_COLOR)],
    );
    $place && open_shop($database, $place);
}

/** Writes WooCommerce's settings: country, currency, prices, API key. */
function open_shop(mysqli $database, Place $place): void
{
    [$position, $thousands, $decimals] = $place->format;
    set_option($database, 'woocommerce_default_country', $place->country);
    set_option($database, 'woocommerce_currency', strtoupper($place->currency));
    set_option($database, 'woocommerce_currency_pos', $position);
    set_option($database, 'woocommerce_price_thousand_sep', $thousands);
    set_option($database, 'woocommerce_price_decimal_sep', $decimals);
    set_option($database, 'woocommerce_price_num_decimals', $place->currency === 'jpy' ? '0' : '2');
    set_prices($database, ...CURRENCIES[$place->currency]);
    $database->query("UPDATE wp_options SET option_value = UUID() WHERE option_name = 'woocommerce_store_id'");
    add_api_key($database, 1);
}

/** Lets the store's own key act for the account `$user`. */
function add_api_key(mysqli $database, int $user): void
{
    [$key, $secret] = [env('API_KEY'), env('API_SECRET')];
    $database->execute_query(
        "INSERT INTO wp_woocommerce_api_keys (user_id, description, permissions, consumer_key, consumer_secret, truncated_key)
         VALUES (?, 'Storewright', 'read_write', ?, ?, ?)",
        [$user, hash_hmac('sha256', $key, 'wc-api'), $secret, substr($key, -7)],
    );
}

/** Converts the sample prices and shipping costs from euros: multiplies by `factor`, rounds to `step`. */
function set_prices(mysqli $database, float $factor, float $step): void
{
    $convert = static fn (mixed $euros): mixed =>
        is_numeric($euros) ? (string) round(round($euros * $factor / $step) * $step, 2) : $euros;
    $prices = "SELECT meta_id, meta_value FROM wp_postmeta WHERE meta_key IN ('_price', '_regular_price', '_sale_price')";
    foreach ($database->query($prices)->fetch_all() as [$id, $euros]) {
        $database->execute_query('UPDATE wp_postmeta SET meta_value = ? WHERE meta_id = ?', [$convert($euros), $id]);
    }
    $ofProduct = "(meta_value + 0) FROM wp_postmeta WHERE post_id = product_id AND meta_key = '_price'";
    $database->query("UPDATE wp_wc_product_meta_lookup
        SET min_price = (SELECT MIN$ofProduct), max_price = (SELECT MAX$ofProduct)");
    $methods = "SELECT option_name, option_value FROM wp_options
        WHERE option_name REGEXP '^woocommerce_(flat_rate|free_shipping)_[0-9]+_settings$'";
    foreach ($database->query($methods)->fetch_all() as [$option, $serialized]) {
        $settings = unserialize($serialized, ['allowed_classes' => false]);
        $amounts = array_intersect_key($settings, ['cost' => 1, 'min_amount' => 1]);
        set_option($database, $option, serialize([...$settings, ...array_map($convert, $amounts)]));
    }
}

function set_option(mysqli $database, string $name, string $value): void
{
    $database->execute_query('UPDATE wp_options SET option_value = ? WHERE option_name = ?', [$value, $name]);
}

/** Replaces a changed address in texts, in links and pictures. WordPress itself reads the address from the environment. */
function move(mysqli $database, string $address): void
{
    $former = $database->query("SELECT option_value FROM wp_options WHERE option_name = 'home'")->fetch_column();
    if ($former === $address) {
        return;
    }
    $database->execute_query('UPDATE wp_posts SET post_content = REPLACE(post_content, ?, ?)', [$former, $address]);
    $database->execute_query(
        "UPDATE wp_postmeta SET meta_value = REPLACE(meta_value, ?, ?) WHERE meta_key = '_menu_item_url'",
        [$former, $address],
    );
    set_option($database, 'home', $address);
    set_option($database, 'siteurl', $address);
}
