<?php
/** The store owner's account in WordPress. Needs WordPress. */

declare(strict_types=1);

/**
 * Sets the owner's password, and creates the account if a merchant deleted it; returns its id. Its sessions and application
 * passwords end. Other people keep theirs.
 */
function take_login(mysqli $database, Admin $admin): int
{
    $account = get_user_by('login', $admin->user);
    if (!$account) {
        $email = email_exists($admin->email) ? '' : $admin->email; // another person may have it
        $account = ['user_login' => $admin->user, 'user_pass' => wp_generate_password(), 'user_email' => $email];
        $id = wp_insert_user([...$account, 'role' => 'administrator']);
        $account = new WP_User(is_wp_error($id) ? throw new RuntimeException($id->get_error_message()) : $id);
    }
    $account->add_role('administrator');
    $database->execute_query("UPDATE wp_users SET user_pass = ?, user_activation_key = '' WHERE ID = ?", [$admin->hash(), $account->ID]);
    $database->execute_query(
        "DELETE FROM wp_usermeta WHERE user_id = ? AND meta_key IN ('session_tokens', '_application_passwords')",
        [$account->ID],
    );
    clean_user_cache($account);
    return $account->ID;
}
