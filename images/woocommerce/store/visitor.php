<?php
/** HTTP client of a store, for the test at the end of the image build and for `helm test`. */

declare(strict_types=1);

final class Visitor
{
    private CurlHandle $http;
    /** @var array<string, string> */
    private array $headers = [];

    /** Connects to `$address` and sends the host of `$store`, the store's public address. */
    public function __construct(private readonly string $address, private readonly string $store)
    {
        $this->http = curl_init();
        curl_setopt_array($this->http, [CURLOPT_COOKIEFILE => '', CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 60]);
        curl_setopt($this->http, CURLOPT_HEADERFUNCTION, function ($_, string $line): int {
            [$name, $value] = [...explode(':', $line, 2), ''];
            $this->headers[strtolower($name)] = trim($value);
            return strlen($line);
        });
    }

    /**
     * Returns the response body. Sends `$body` by POST. Throws unless the status is `$status`.
     *
     * @param array<string, string> $headers
     */
    public function request(string $path, ?string $body = null, array $headers = [], int $status = 200): string
    {
        $headers += ['Host' => explode('://', $this->store)[1]];
        $this->headers = [];
        $sent = $body === null ? [CURLOPT_HTTPGET => true] : [CURLOPT_POST => true, CURLOPT_POSTFIELDS => $body];
        curl_setopt_array($this->http, $sent + [
            CURLOPT_URL => $this->address . $path,
            CURLOPT_HTTPHEADER => array_map(static fn ($name, $value) => "$name: $value", array_keys($headers), $headers),
        ]);
        $answer = curl_exec($this->http);
        $found = curl_getinfo($this->http, CURLINFO_RESPONSE_CODE);
        if ($answer === false || $found !== $status) {
            throw new RuntimeException("$path answered $found, not $status: " . substr(strip_tags((string) $answer), 0, 300));
        }
        return $answer;
    }

    /** Returns the response of the REST API. Sends `$body` as JSON. */
    public function api(string $path, ?array $body = null, array $headers = [], int $status = 200): mixed
    {
        $headers['Content-Type'] = 'application/json';
        $json = $body === null ? null : json_encode($body, JSON_THROW_ON_ERROR);
        return json_decode($this->request("/wp-json$path", $json, $headers, $status), true, flags: JSON_THROW_ON_ERROR);
    }

    /** A header of the last response. */
    public function header(string $name): string
    {
        return $this->headers[strtolower($name)] ?? throw new RuntimeException("the last response has no header $name");
    }

    /** Logs in to the admin. Throws if the name or the password is wrong. */
    public function login(string $user, string $password): void
    {
        $this->request('/wp-login.php');
        $form = ['log' => $user, 'pwd' => $password, 'testcookie' => '1', 'redirect_to' => "$this->store/wp-admin/"];
        $this->request('/wp-login.php', http_build_query($form), status: 302);
        $this->request('/wp-admin/');
    }

    public function has_shop(): bool
    {
        return in_array('wc/store/v1', $this->api('/?_fields=namespaces')['namespaces'], true);
    }

    /** Buys one product with cash on delivery and returns the order's id. Throws if the checkout fails. */
    public function buy(): int
    {
        $wares = $this->api('/wc/store/v1/products?per_page=20&stock_status=instock&type=simple');
        $good = $wares[0] ?? throw new RuntimeException('no product is in stock');
        $this->api('/wc/store/v1/cart');
        $cart = ['Cart-Token' => $this->header('Cart-Token')];
        $this->api('/wc/store/v1/cart/add-item', ['id' => $good['id'], 'quantity' => 1], $cart, 201);
        $address = [
            'first_name' => 'Test', 'last_name' => 'Shopper', 'address_1' => '1 Test Street', 'city' => 'Testville',
            'postcode' => '10115', 'country' => 'DE', 'email' => 'shopper@example.com', 'phone' => '030123456',
        ];
        $order = $this->api('/wc/store/v1/checkout', [
            'billing_address' => $address, 'shipping_address' => $address, 'payment_method' => 'cod',
        ], $cart);
        if (($order['payment_result']['payment_status'] ?? '') !== 'success') {
            throw new RuntimeException('the checkout did not succeed: ' . json_encode($order));
        }
        return $order['order_id'];
    }

    /** Returns the response of WooCommerce's REST API (wc/v3). It takes a key and its secret over HTTPS, and a signature otherwise. */
    public function shop_api(string $path, string $key, string $secret): mixed
    {
        if (str_starts_with($this->store, 'https:')) {
            return $this->api("/wc/v3$path", null, ['Authorization' => 'Basic ' . base64_encode("$key:$secret")]);
        }
        [$path, $query] = [...explode('?', "/wc/v3$path", 2), ''];
        parse_str($query, $parameters);
        return $this->api("$path?" . self::signed("$this->store/wp-json$path", $parameters, $key, $secret));
    }

    /**
     * Returns the query with the signature of OAuth 1.0a for a GET of `$url` (RFC 5849, one-legged: there is no token).
     *
     * @param array<string, string> $parameters
     */
    private static function signed(string $url, array $parameters, string $key, string $secret): string
    {
        $parameters += [
            'oauth_consumer_key' => $key, 'oauth_nonce' => bin2hex(random_bytes(16)),
            'oauth_signature_method' => 'HMAC-SHA256', 'oauth_timestamp' => (string) time(),
        ];
        ksort($parameters, SORT_STRING);
        $base = 'GET&' . rawurlencode($url) . '&' . rawurlencode(http_build_query($parameters, encoding_type: PHP_QUERY_RFC3986));
        $parameters['oauth_signature'] = base64_encode(hash_hmac('sha256', $base, "$secret&", true));
        return http_build_query($parameters, encoding_type: PHP_QUERY_RFC3986);
    }
}
