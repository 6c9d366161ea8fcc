<?php
/** The theme's stylesheet, and the operator's logo unless the store owner chose one. */

add_action('wp_enqueue_scripts', static function (): void {
    wp_enqueue_style('storewright', get_stylesheet_uri(), [], wp_get_theme()->get('Version'));
});
add_action('after_setup_theme', static fn () => add_editor_style('style.css'));

// esc_attr() and not esc_url(), which rejects data: URIs. The value comes from the operator and is used only as an attribute.
add_filter('render_block_core/site-logo', static function (string $html): string {
    $logo = (string) getenv('STORE_LOGO');
    if ($html !== '' || $logo === '') {
        return $html;
    }
    $picture = sprintf('<img class="site-logo" src="%s" alt="%s">', esc_attr($logo), esc_attr(get_bloginfo('name')));
    return '<div class="wp-block-site-logo"><a href="' . esc_url(home_url('/')) . '" rel="home">' . $picture . '</a></div>';
});
