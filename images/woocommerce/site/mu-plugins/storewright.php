<?php
/**
 * Plugin Name: Storewright
 * Description: Adapts WordPress and WooCommerce to a container without outgoing connections.
 */

defined('ABSPATH') || exit;

// No update checks: updates come with the image, and the CronJob runs scheduled tasks.
remove_action('init', 'wp_schedule_update_checks');
remove_action('admin_init', '_maybe_update_core');
remove_action('admin_init', '_maybe_update_plugins');
remove_action('admin_init', '_maybe_update_themes');
remove_action('wp_maybe_auto_update', 'wp_maybe_auto_update');
add_filter('action_scheduler_allow_async_request_runner', '__return_false');
add_filter('woocommerce_enable_auto_update_db', '__return_false'); // the migration Job updates the database
add_filter('woocommerce_allow_marketplace_suggestions', '__return_false');
add_filter('woocommerce_helper_suppress_admin_notices', '__return_true');
add_filter('browse_happy_data', '__return_empty_array');

// Browsers do not load emoji pictures from wordpress.org: their fonts contain emoji.
remove_action('wp_head', 'print_emoji_detection_script', 7);
remove_action('admin_print_scripts', 'print_emoji_detection_script');
remove_action('wp_print_styles', 'print_emoji_styles');
add_filter('emoji_svg_url', '__return_false');

// There is no mail server: fail at once instead of trying to connect.
add_filter('pre_wp_mail', static fn (?bool $sent): bool => $sent ?? false);

// A line in the log for each request of a person. Storewright counts them: a store without shoppers may go to sleep. WordPress's
// own requests, an admin page that is left open, the login page, which attackers try all day, and what no person opens are
// not counted.
add_action('shutdown', static function (): void {
    $agent = trim(preg_replace('/[[:cntrl:]]+/', ' ', $_SERVER['HTTP_USER_AGENT'] ?? ''));
    $heartbeat = wp_doing_ajax() && ($_POST['action'] ?? '') === 'heartbeat';
    $person = in_array($_SERVER['REQUEST_METHOD'] ?? '', ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], true) && $agent !== '';
    $uncounted = is_robots() || is_feed() || is_favicon() || get_query_var('sitemap') !== '' || is_login();
    if ($person && !$heartbeat && !wp_doing_cron() && !$uncounted && http_response_code() < 400) {
        file_put_contents('php://stderr', 'visit: ' . substr($agent, 0, 300) . "\n");
    }
});
