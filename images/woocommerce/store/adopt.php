<?php
/**
 * Makes the database of another store, which was just loaded and migrated, this store's own: its login and its keys. It takes no
 * payments, sends no mail, and search engines keep out, until the owner changes that in the admin. Needs WordPress.
 */

declare(strict_types=1);

require_once __DIR__ . '/personalise.php';

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

/** Sets the owner's password, and creates the account if a merchant deleted it; returns its id. Other people keep theirs. */
function take_login(mysqli $database, Admin $admin): int
{
    $account = get_user_by('login', $admin->user);
    if (!$account) {
        $id = wp_insert_user(['user_login' => $admin->user, 'user_pass' => wp_generate_password(), 'user_email' => $admin->email]);
        $account = new WP_User(is_wp_error($id) ? throw new RuntimeException($id->get_error_message()) : $id);
    }
    $account->set_role('administrator');
    $database->execute_query('UPDATE wp_users SET user_pass = ? WHERE ID = ?', [$admin->hash(), $account->ID]);
    clean_user_cache($account);
    return $account->ID;
}
