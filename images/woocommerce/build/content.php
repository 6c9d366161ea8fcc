<?php
/** Sample texts and products of a new store. The store owner can change them. Links have no host, because it may change. */

declare(strict_types=1);

const GOODS = [
    [
        'name' => 'Stoneware mug', 'picture' => 'mug', 'category' => 'Kitchen', 'price' => '18', 'stock' => 40, 'weight' => '0.38',
        'text' => 'Thrown by hand and fired twice; holds 350 ml and keeps it warm.',
        'details' => 'Each one is a little different, because every glaze runs its own way. Dishwasher safe. Stoneware, 9 cm high.',
    ],
    [
        'name' => 'Oak serving board', 'picture' => 'board', 'category' => 'Kitchen', 'price' => '39', 'stock' => 15, 'weight' => '0.9',
        'text' => 'One piece of oiled oak with a leather loop, 38 × 18 cm.',
        'details' => 'Cut from a single plank and oiled three times. Wipe it, never soak it, and oil it once a season.',
    ],
    [
        'name' => 'Glass carafe', 'picture' => 'carafe', 'category' => 'Kitchen', 'price' => '32', 'stock' => 18, 'weight' => '0.7',
        'text' => 'Mouth-blown, with a stopper of oak; holds a litre.',
        'details' => 'Small bubbles in the glass show that somebody made it. The stopper fits loosely, so that water can breathe.',
    ],
    [
        'name' => 'Beeswax candle', 'picture' => 'candle', 'category' => 'Home', 'price' => '12.5', 'stock' => 60, 'weight' => '0.26',
        'text' => 'Pure beeswax and a cotton wick; burns for about forty hours.',
        'details' => 'It smells faintly of honey and does not drip when it stands out of the wind. 7 × 12 cm.',
    ],
    [
        'name' => 'Wool blanket', 'picture' => 'blanket', 'category' => 'Home', 'price' => '89', 'sale' => '75', 'stock' => 12,
        'weight' => '1.4', 'text' => 'Woven from recycled wool in one small mill, 130 × 180 cm.',
        'details' => 'Fringed on the short sides. Airing does more for it than washing; when it must, by hand and cold.',
    ],
    [
        'name' => 'Olive oil soap', 'picture' => 'soap', 'category' => 'Home', 'price' => '7.5', 'stock' => 80, 'weight' => '0.12',
        'text' => 'Cold-stirred and cured for eight weeks; mild enough for every day.',
        'details' => 'Olive oil, water, lye and time, nothing else. Let it dry between uses and it lasts for months.',
    ],
    [
        'name' => 'Linen tote bag', 'picture' => 'tote', 'category' => 'Everyday', 'price' => '24', 'stock' => 35, 'weight' => '0.21',
        'text' => 'Washed linen with long handles and an inner pocket.',
        'details' => 'It carries twelve kilos and gets softer with every wash. 38 × 42 cm; handles long enough for a winter coat.',
    ],
    [
        'name' => 'Pocket notebook', 'picture' => 'notebook', 'category' => 'Everyday', 'price' => '9', 'stock' => 100, 'weight' => '0.11',
        'text' => '64 dotted pages of recycled paper that lie flat; fits a shirt pocket.',
        'details' => 'Bound with thread, so it opens wide and stays open. 9 × 14 cm, paper of 100 g.',
    ],
];

const STORIES = [
    [
        'title' => 'How a bowl begins', 'picture' => 'story-clay', 'text' => [
            'Before it is a bowl it is a lump that will not stay in the middle. The first minutes at the wheel go into that alone.',
            'Once the clay is centred it takes two hands, some water and no hurry. The walls rise because the fingers do; pull too fast and the rim wobbles.',
            'Then it dries for a week, goes into the kiln, gets its glaze and goes in again. A tenth of them do not come out whole. The rest will outlive us.',
        ],
    ],
    [
        'title' => 'Reading a tree', 'picture' => 'story-oak', 'text' => [
            'Wide rings are good summers, narrow ones are dry. On the end of a plank you can count the years somebody waited for it.',
            'We take oak that fell or had to, and let it lie for two winters under a roof before it is cut. Wood that dries slowly stays straight.',
            'Oil it when it looks thirsty. That is all it asks for.',
        ],
    ],
    [
        'title' => 'Wool, twice', 'picture' => 'story-wool', 'text' => [
            'Old jumpers come back to the mill by the sack. They are sorted by colour rather than dyed, torn into fibres and spun again.',
            'The second yarn is a little shorter and a little softer than the first. It takes no new sheep and hardly any water.',
            'What we like most is that no two lots are quite the same shade. Order a second blanket and you will see.',
        ],
    ],
];

const ABOUT = <<<'HTML'
<!-- wp:media-text {"align":"wide","mediaType":"image","mediaWidth":46,"verticalAlignment":"center","className":"is-framed"} -->
<div class="wp-block-media-text alignwide is-stacked-on-mobile is-vertically-aligned-center is-framed" style="grid-template-columns:46% auto"><figure class="wp-block-media-text__media"><img src="/wp-content/uploads/about.webp" alt="Two hands shape a bowl on a potter’s wheel"/></figure><div class="wp-block-media-text__content"><!-- wp:paragraph {"fontSize":"large"} -->
<p class="has-large-font-size">We look for things that are made with care, and for the people who make them.</p>
<!-- /wp:paragraph -->

<!-- wp:paragraph -->
<p>Most come from workshops of two or three. We know their names, we have seen their tables, and we write down what a thing is made of and how to look after it.</p>
<!-- /wp:paragraph -->

<!-- wp:paragraph -->
<p>If something breaks that should not have, write to us. The workshop that made it repairs it.</p>
<!-- /wp:paragraph --></div></div>
<!-- /wp:media-text -->
HTML;

const DELIVERY = <<<'HTML'
<!-- wp:heading -->
<h2 class="wp-block-heading">Delivery</h2>
<!-- /wp:heading -->

<!-- wp:paragraph -->
<p>We pack on weekdays, in paper and cardboard. You pay when the parcel is handed to you; larger orders travel free, and the checkout shows what yours costs.</p>
<!-- /wp:paragraph -->

<!-- wp:heading -->
<h2 class="wp-block-heading">Returns</h2>
<!-- /wp:heading -->

<!-- wp:paragraph -->
<p>Thirty days to change your mind. Send it back as it came and you get back what you paid.</p>
<!-- /wp:paragraph -->
HTML;

const PRIVACY = <<<'HTML'
<!-- wp:paragraph -->
<p>We keep what you type into a form here for as long as it takes to answer you, and what an order needs for as long as the law asks us to. We do not sell it, and we share it only with the carrier who brings your parcel.</p>
<!-- /wp:paragraph -->

<!-- wp:paragraph -->
<p>Cookies keep your basket and, if you have an account, your login. There is no advertising and no tracking here.</p>
<!-- /wp:paragraph -->
HTML;

const STORIES_GRID = <<<'HTML'
<!-- wp:query {"query":{"perPage":3,"pages":0,"offset":0,"postType":"post","order":"desc","orderBy":"date","sticky":"","inherit":false},"align":"wide"} -->
<div class="wp-block-query alignwide"><!-- wp:post-template {"className":"is-cards","layout":{"type":"grid","columnCount":3,"minimumColumnWidth":"17rem"}} -->
<!-- wp:post-featured-image {"isLink":true,"aspectRatio":"3/2"} /-->
<!-- wp:post-title {"level":3,"isLink":true,"fontSize":"large"} /-->
<!-- wp:post-excerpt {"excerptLength":24,"showMoreOnNewLine":false} /-->
<!-- /wp:post-template --></div>
<!-- /wp:query -->
HTML;

/** The top of the home page: text on the left, a large picture on the right. */
function hero(string $title, string $text, string $label, string $link): string
{
    return <<<HTML
    <!-- wp:group {"align":"full","className":"is-hero","layout":{"type":"constrained"}} -->
    <div class="wp-block-group alignfull is-hero"><!-- wp:media-text {"align":"wide","mediaPosition":"right","mediaType":"image","mediaWidth":48,"verticalAlignment":"center","className":"is-framed"} -->
    <div class="wp-block-media-text alignwide has-media-on-the-right is-stacked-on-mobile is-vertically-aligned-center is-framed" style="grid-template-columns:auto 48%"><div class="wp-block-media-text__content"><!-- wp:heading {"level":1,"className":"is-display"} -->
    <h1 class="wp-block-heading is-display">$title</h1>
    <!-- /wp:heading -->

    <!-- wp:paragraph {"fontSize":"large"} -->
    <p class="has-large-font-size">$text</p>
    <!-- /wp:paragraph -->

    <!-- wp:buttons -->
    <div class="wp-block-buttons"><!-- wp:button -->
    <div class="wp-block-button"><a class="wp-block-button__link wp-element-button" href="$link">$label</a></div>
    <!-- /wp:button --></div>
    <!-- /wp:buttons --></div><figure class="wp-block-media-text__media"><img src="/wp-content/uploads/hero.webp" alt="A mug, a linen bag, an oak board and a candle on a table by a window"/></figure></div>
    <!-- /wp:media-text --></div>
    <!-- /wp:group -->
    HTML;
}

/** A section with a heading and a link. */
function section(string $title, string $label, string $link, string $content): string
{
    return <<<HTML
    <!-- wp:group {"align":"full","className":"is-section","layout":{"type":"constrained"}} -->
    <div class="wp-block-group alignfull is-section"><!-- wp:group {"align":"wide","layout":{"type":"flex","justifyContent":"space-between","verticalAlignment":"bottom"}} -->
    <div class="wp-block-group alignwide"><!-- wp:heading -->
    <h2 class="wp-block-heading">$title</h2>
    <!-- /wp:heading -->

    <!-- wp:paragraph -->
    <p><a href="$link">$label</a></p>
    <!-- /wp:paragraph --></div>
    <!-- /wp:group -->

    $content</div>
    <!-- /wp:group -->
    HTML;
}

const GOODS_GRID = <<<'HTML'
<!-- wp:woocommerce/product-collection {"queryId":1,"query":{"perPage":8,"pages":1,"offset":0,"postType":"product","order":"asc","orderBy":"menu_order","search":"","exclude":[],"inherit":false,"taxQuery":{},"isProductCollectionBlock":true,"featured":false,"woocommerceOnSale":false,"woocommerceStockStatus":["instock","outofstock","onbackorder"],"woocommerceAttributes":[],"woocommerceHandPickedProducts":[]},"tagName":"div","displayLayout":{"type":"flex","columns":4,"shrinkColumns":true},"dimensions":{"widthType":"fill"},"collection":"woocommerce/product-collection/product-catalog","hideControls":["inherit"],"queryContextIncludes":["collection"],"align":"wide"} -->
<div class="wp-block-woocommerce-product-collection alignwide"><!-- wp:woocommerce/product-template -->
<!-- wp:woocommerce/product-image {"showSaleBadge":true,"isDescendentOfQueryLoop":true,"aspectRatio":"1"} /-->
<!-- wp:post-title {"level":3,"isLink":true,"fontSize":"medium","__woocommerceNamespace":"woocommerce/product-collection/product-title"} /-->
<!-- wp:woocommerce/product-price {"isDescendentOfQueryLoop":true,"fontSize":"medium"} /-->
<!-- wp:woocommerce/product-button {"isDescendentOfQueryLoop":true} /-->
<!-- /wp:woocommerce/product-template --></div>
<!-- /wp:woocommerce/product-collection -->
HTML;

/** A column with a short text. */
function column(string $title, string $text): string
{
    return <<<HTML
<!-- wp:column -->
<div class="wp-block-column"><!-- wp:heading {"level":3,"fontSize":"medium"} -->
<h3 class="wp-block-heading has-medium-font-size">$title</h3>
<!-- /wp:heading -->

<!-- wp:paragraph -->
<p>$text</p>
<!-- /wp:paragraph --></div>
<!-- /wp:column -->
HTML;
}

function promises(): string
{
    $columns = implode("\n\n", [
        column('Made in small batches', 'By people whose names we know.'),
        column('Pay when it arrives', 'Cash on delivery, nothing in advance.'),
        column('Thirty days to decide', 'Send it back if it is not for you.'),
    ]);
    return <<<HTML
<!-- wp:columns {"align":"wide","className":"is-promises"} -->
<div class="wp-block-columns alignwide is-promises">$columns</div>
<!-- /wp:columns -->
HTML;
}

function home_of_a_shop(): string
{
    return implode("\n\n", [
        hero('Things worth keeping', 'For the table, the home and the way between, made slowly by people who know how.', 'Shop everything', '/shop/'),
        section('New on the shelf', 'See all →', '/shop/', GOODS_GRID . "\n\n" . promises()),
        section('From the journal', 'Read more →', '/journal/', STORIES_GRID),
    ]);
}

function home_of_a_journal(): string
{
    return implode("\n\n", [
        hero('Made slowly, kept for long', 'Notes from workshops: how things are made, what they are made of, and how to look after them.', 'Read the journal', '/journal/'),
        section('From the journal', 'All stories →', '/journal/', STORIES_GRID),
    ]);
}
