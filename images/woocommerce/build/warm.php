<?php
/** Opens the pages that shoppers and the owner use: PHP compiles their code, and the build fails if a page fails. */

declare(strict_types=1);

require '/srv/storewright/visit.php';

$pages = ['/', '/journal/', '/about/', '/?s=mug', '/feed/', '/wp-sitemap.xml', '/wp-json/wp/v2/posts', '/wp-login.php'];
$shop = ['/shop/', '/cart/', '/checkout/', '/my-account/', '/delivery/', '/product-category/kitchen/', '/wp-json/wc/store/v1/products'];
$admin = [
    '', 'index.php', 'edit.php', 'post-new.php', 'edit.php?post_type=page', 'upload.php', 'users.php', 'profile.php', 'themes.php',
    'site-editor.php', 'options-general.php', 'options-permalink.php', 'plugins.php', 'site-health.php', 'tools.php',
];
$back_office = [
    'admin.php?page=wc-orders', 'admin.php?page=wc-settings', 'admin.php?page=wc-settings&tab=checkout', 'admin.php?page=wc-admin',
    'admin.php?page=wc-settings&tab=shipping', 'edit.php?post_type=product', 'post-new.php?post_type=product',
    'admin.php?page=wc-status', 'edit-tags.php?taxonomy=product_cat&post_type=product',
];
if ($visitor->has_shop()) {
    $good = $visitor->api('/wc/store/v1/products?per_page=1')[0];
    $pages = [...$pages, parse_url($good['permalink'], PHP_URL_PATH), "/?add-to-cart={$good['id']}", ...$shop];
    $admin = [...$admin, ...$back_office];
}
$pages[] = parse_url($visitor->api('/wp/v2/posts?per_page=1')[0]['link'], PHP_URL_PATH);
array_map($visitor->request(...), [...$pages, ...array_map(static fn ($page) => "/wp-admin/$page", $admin)]);
$visitor->request('/nothing-here/', status: 404);
$visitor->request('/wp-cron.php');
echo count($pages) + count($admin) . " pages answer\n";
