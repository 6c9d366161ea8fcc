<?php
/**
 * Makes the database of another store, which was just loaded and migrated, this store's own: its login and its keys. It takes no
 * payments, sends no mail, and search engines keep out, until the owner changes that in the admin. Needs WordPress.
 */

declare(strict_types=1);

require_once __DIR__ . '/personalise.php';
require_once __DIR__ . '/owner.php';

function adopt(mysqli $database): void
{
    $database->query("DELETE FROM wp_usermeta WHERE meta_key IN ('session_tokens', '_application_passwords')");
    $owner = take_login($database, new Admin(env('ADMIN_USER'), env('ADMIN_PASSWORD'), env('ADMIN_EMAIL')));
    update_option('blog_public', '0');
    if (class_exists('WooCommerce')) {
        $database->query('DELETE FROM wp_woocommerce_api_keys');
        add_api_key($database, $owner);
        $database->query("UPDATE wp_wc_webhooks SET status = 'disabled'");
        $database->query("UPDATE wp_options SET option_value = UUID() WHERE option_name = 'woocommerce_store_id'");
        foreach ([...WC()->payment_gateways()->payment_gateways(), ...WC()->mailer()->get_emails()] as $sender) {
            $sender->update_option('enabled', 'no');
        }
    }
}
