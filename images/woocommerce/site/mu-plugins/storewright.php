<?php
/**
 * Plugin Name: Storewright
 * Description: Fits WordPress and WooCommerce to a container that may not call out.
 */

defined('ABSPATH') || exit;

// Nobody calls home: updates come with the image, and the CronJob runs what is due.
remove_action('init', 'wp_schedule_update_checks');
remove_action('admin_init', '_maybe_update_core');
remove_action('admin_init', '_maybe_update_plugins');
remove_action('admin_init', '_maybe_update_themes');
remove_action('wp_maybe_auto_update', 'wp_maybe_auto_update');
add_filter('action_scheduler_allow_async_request_runner', '__return_false');
add_filter('woocommerce_enable_auto_update_db', '__return_false'); // the migration Job does it, before a new version starts
add_filter('woocommerce_allow_marketplace_suggestions', '__return_false');
add_filter('woocommerce_helper_suppress_admin_notices', '__return_true');
add_filter('browse_happy_data', '__return_empty_array');

// Nor do visitors' browsers, for pictures of emoji that they have in their fonts.
remove_action('wp_head', 'print_emoji_detection_script', 7);
remove_action('admin_print_scripts', 'print_emoji_detection_script');
remove_action('wp_print_styles', 'print_emoji_styles');
add_filter('emoji_svg_url', '__return_false');

// No mail server is within reach: say so at once instead of looking for one.
add_filter('pre_wp_mail', static fn (?bool $sent): bool => $sent ?? false);
