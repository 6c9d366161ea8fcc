<?php
/**
 * Installs WordPress and WooCommerce into an empty database: php install.php core|plugin|shop|formats|site|leave
 * Each stage needs a process of its own, because a plugin's hooks run only in the request after its activation.
 */

declare(strict_types=1);

$_SERVER += ['HTTP_HOST' => 'template.invalid', 'SERVER_NAME' => 'template.invalid', 'REQUEST_URI' => '/', 'REQUEST_METHOD' => 'GET'];
$stage = $argv[1];
$stage === 'core' && define('WP_INSTALLING', true);
$stage === 'plugin' && define('WP_ADMIN', true);
require '/srv/wordpress/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/admin.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
require __DIR__ . '/content.php';
wp_set_current_user(1); // WordPress removes HTML from posts if the user may not write it

/** Returns the result. Throws if it is a failure, which ends the build. */
function sure(mixed $result): mixed
{
    if ($result === false || is_wp_error($result)) {
        throw new RuntimeException(is_wp_error($result) ? $result->get_error_message() : 'failed');
    }
    return $result;
}

function core(): void
{
    sure(wp_install('Store', 'admin', 'admin@example.com', true, '', 'nobody has it'));
    foreach (get_posts(['post_type' => ['post', 'page', 'wp_navigation'], 'post_status' => 'any', 'numberposts' => -1]) as $post) {
        wp_delete_post($post->ID, true);
    }
    switch_theme('storewright');
    $options = [
        'permalink_structure' => '/%postname%/', 'uploads_use_yearmonth_folders' => '0', 'blogdescription' => '',
        'default_comment_status' => 'closed', 'default_ping_status' => 'closed', 'default_pingback_flag' => '0',
        'timezone_string' => 'UTC', 'large_size_w' => '1600', 'large_size_h' => '1600', 'finished_updating_comment_type' => '1',
        'auto_update_core_major' => 'unset', 'admin_email_lifespan' => (string) PHP_INT_MAX,
    ];
    array_walk($options, static fn (string $value, string $name) => update_option($name, $value));
}

function plugin(): void
{
    add_option('woocommerce_coming_soon', 'no');
    sure(activate_plugin('woocommerce/woocommerce.php') ?? true);
}

/** Pages and stories of a site, with and without WooCommerce. The theme's header and footer refer to the menus by number. */
function site(): void
{
    $front = page('home', 'Home', is_shop() ? home_of_a_shop() : home_of_a_journal());
    $journal = page('journal', 'Journal', '');
    $privacy = page('privacy', 'Privacy', PRIVACY);
    page('about', 'About us', ABOUT);
    update_option('show_on_front', 'page');
    update_option('page_on_front', (string) $front);
    update_option('page_for_posts', (string) $journal);
    update_option('wp_page_for_privacy_policy', (string) $privacy);
    if (is_shop()) {
        update_option('woocommerce_terms_page_id', (string) page('delivery', 'Delivery and returns', DELIVERY));
    }
    foreach (STORIES as $age => $story) {
        story($story, gmdate('Y-m-d 09:00:00', strtotime("2025-06-01 -$age weeks")));
    }
    array_map(picture(...), ['hero', 'about']);
    menu(1, 'Header', (is_shop() ? ['Shop' => '/shop/'] : []) + ['Journal' => '/journal/', 'About us' => '/about/']);
    menu(2, 'Footer', (is_shop() ? ['Delivery and returns' => '/delivery/'] : []) + ['Privacy' => '/privacy/']);
    accent();
    flush_rewrite_rules(false);
}

/** @param array{title: string, picture: string, text: list<string>} $story */
function story(array $story, string $date): void
{
    $post = sure(wp_insert_post([
        'post_title' => $story['title'], 'post_content' => paragraphs($story['text']), 'post_excerpt' => $story['text'][0],
        'post_status' => 'publish', 'post_author' => 1, 'post_date' => $date,
    ], true));
    set_post_thumbnail($post, picture($story['picture'], $story['title']));
}

function is_shop(): bool
{
    return class_exists('WooCommerce', false);
}

function page(string $slug, string $title, string $content): int
{
    $page = ['post_type' => 'page', 'post_name' => $slug, 'post_title' => $title, 'post_content' => $content];
    return sure(wp_insert_post([...$page, 'post_status' => 'publish', 'post_author' => 1], true));
}

/** @param list<string> $text */
function paragraphs(array $text): string
{
    return implode("\n\n", array_map(static fn ($p) => "<!-- wp:paragraph -->\n<p>$p</p>\n<!-- /wp:paragraph -->", $text));
}

/** Adds pictures/<name>.webp as an attachment and returns its id. */
function picture(string $name, string $alt = ''): int
{
    $file = wp_upload_dir()['basedir'] . "/$name.webp";
    sure(copy(__DIR__ . "/pictures/$name.webp", $file));
    $attachment = ['post_title' => $name, 'post_mime_type' => 'image/webp', 'post_status' => 'inherit', 'post_author' => 1];
    $id = sure(wp_insert_attachment($attachment, $file, 0, true));
    wp_update_attachment_metadata($id, sure(wp_generate_attachment_metadata($id, $file)));
    update_post_meta($id, '_wp_attachment_image_alt', $alt);
    return $id;
}

/** @param array<string, string> $links */
function menu(int $number, string $title, array $links): void
{
    $items = array_map(static fn ($label, $url) => sprintf(
        '<!-- wp:navigation-link %s /-->',
        serialize_block_attributes(['label' => $label, 'url' => $url, 'kind' => 'custom']),
    ), array_keys($links), $links);
    sure(wp_insert_post([
        'import_id' => $number, 'post_type' => 'wp_navigation', 'post_title' => $title, 'post_status' => 'publish',
        'post_content' => implode("\n", $items), 'post_author' => 1,
    ], true) === $number);
}

/** Saves the theme's colours as user settings, so that the store owner can change the accent in the site editor. */
function accent(): void
{
    $colors = wp_json_file_decode(get_theme_file_path('theme.json'), ['associative' => true])['settings']['color']['palette'];
    $styles = WP_Theme_JSON_Resolver::get_user_data_from_wp_global_styles(wp_get_theme(), true);
    sure(wp_update_post(['ID' => $styles['ID'], 'post_content' => wp_slash(wp_json_encode([
        'version' => 3, 'isGlobalStylesUserThemeJSON' => true,
        'settings' => ['color' => ['palette' => ['theme' => $colors]]],
    ]))], true));
}

/** Sets WooCommerce up: products, shipping, cash on delivery, without setup wizards and without tracking. */
function shop(): void
{
    WC_Install::newly_installed(); // else the first page of the admin does it
    WC_Install::create_pages();
    $options = [
        'woocommerce_coming_soon' => 'no', 'woocommerce_store_pages_only' => 'no',
        'woocommerce_custom_orders_table_enabled' => 'yes', 'woocommerce_custom_orders_table_data_sync_enabled' => 'no',
        'woocommerce_default_country' => 'DE', 'woocommerce_currency' => 'EUR', 'woocommerce_currency_pos' => 'right_space',
        'woocommerce_price_thousand_sep' => '.', 'woocommerce_price_decimal_sep' => ',', 'woocommerce_price_num_decimals' => '2',
        'woocommerce_calc_taxes' => 'no', 'woocommerce_enable_guest_checkout' => 'yes', 'woocommerce_manage_stock' => 'yes',
        'woocommerce_enable_signup_and_login_from_checkout' => 'yes', 'woocommerce_enable_myaccount_registration' => 'yes',
        'woocommerce_default_customer_address' => 'base', 'woocommerce_feature_order_attribution_enabled' => 'no',
        'woocommerce_feature_site_visibility_badge_enabled' => 'no', 'woocommerce_hooked_blocks_version' => 'no',
        'woocommerce_email_from_name' => 'Store', 'woocommerce_email_from_address' => 'admin@example.com',
        'woocommerce_stock_email_recipient' => 'admin@example.com', 'woocommerce_allow_tracking' => 'no',
        'woocommerce_show_marketplace_suggestions' => 'no', 'woocommerce_task_list_hidden' => 'yes',
        'woocommerce_task_list_hidden_lists' => ['setup', 'extended'], 'woocommerce_task_list_welcome_modal_dismissed' => 'yes',
        'woocommerce_onboarding_profile' => ['skipped' => true, 'completed' => true], 'woocommerce_admin_notices' => [],
        'woocommerce_cod_settings' => [
            'enabled' => 'yes', 'title' => 'Cash on delivery', 'description' => 'Pay when the parcel arrives.',
            'instructions' => 'Please have the amount ready when the parcel arrives.', 'enable_for_methods' => [],
            'enable_for_virtual' => 'yes',
        ],
    ];
    array_walk($options, static fn (mixed $value, string $name) => update_option($name, $value));
    delete_transient('_wc_activation_redirect');
    shipping();
    array_map(good(...), GOODS, array_keys(GOODS));
    ActionScheduler_QueueRunner::instance()->run('build');
}

function shipping(): void
{
    $everywhere = new WC_Shipping_Zone(0);
    $flat = $everywhere->add_shipping_method('flat_rate');
    update_option("woocommerce_flat_rate_{$flat}_settings", ['title' => 'Standard delivery', 'tax_status' => 'none', 'cost' => '4.9']);
    $free = $everywhere->add_shipping_method('free_shipping');
    update_option("woocommerce_free_shipping_{$free}_settings", [
        'title' => 'Free delivery', 'requires' => 'min_amount', 'min_amount' => '60', 'ignore_discounts' => 'no',
    ]);
}

/** @param array{name: string, picture: string, category: string, price: string, stock: int, text: string, details: string} $good */
function good(array $good, int $order): void
{
    $category = term_exists($good['category'], 'product_cat') ?: sure(wp_insert_term($good['category'], 'product_cat'));
    $product = new WC_Product_Simple();
    $product->set_name($good['name']);
    $product->set_slug(sanitize_title($good['name']));
    $product->set_sku(strtoupper(sanitize_title($good['name'])));
    $product->set_regular_price($good['price']);
    $product->set_sale_price($good['sale'] ?? '');
    $product->set_short_description($good['text']);
    $product->set_description($good['details']);
    $product->set_category_ids([(int) $category['term_id']]);
    $product->set_image_id(picture($good['picture'], $good['name']));
    $product->set_manage_stock(true);
    $product->set_stock_quantity($good['stock']);
    $product->set_weight($good['weight']);
    $product->set_menu_order($order);
    $product->save();
}

/** Prints each country's price format: currency position, thousands separator, decimal separator. */
function formats(): void
{
    $known = include WC()->plugin_path() . '/i18n/locale-info.php';
    echo wp_json_encode(array_map(static fn ($l) => [$l['currency_pos'], $l['thousand_sep'], $l['decimal_sep']], $known));
}

/** Removes data that belongs only to the build. */
function leave(): void
{
    global $wpdb;
    $wpdb->query("DELETE FROM {$wpdb->options} WHERE option_name LIKE '\\_transient\\_%' OR option_name LIKE '\\_site\\_transient\\_%'");
    $wpdb->query("DELETE FROM {$wpdb->usermeta} WHERE meta_key = 'session_tokens'");
    update_option('uploads_use_yearmonth_folders', '1');
    update_user_meta(1, 'show_welcome_panel', '0');
}

$stage();
