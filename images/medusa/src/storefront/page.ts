/** The frame of every page: head, header, footer. */
import { html, Html } from "./html.ts"
import type { Shop } from "./model.ts"

/** Addresses of the pages' assets, and the design settings of the store's environment. */
export type Looks = { style: string; script: string; icon: string; logo: string | null; accent: string; url: string }

/** A path of the store, an https address or an image data URI. Browsers would not show anything else. */
export const logoFrom = (given = "") => (/^(\/(?!\/)|https:\/\/|data:image\/)/.test(given) ? given : null)

export type Page = {
  title: string
  main: Html
  description?: string
  picture?: string | null
  path?: string // set if search engines should index the page
}

const bag = html`<svg width="20" height="20" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.7"
  stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path
  d="M5 8h14l1 12.5H4zM8.5 10.5V7a3.5 3.5 0 0 1 7 0v3.5"/></svg>`

function metadata(shop: Shop, { url }: Looks, { title, description, picture, path }: Page): Html {
  const words = description ?? shop.tagline ?? shop.name
  const shown = picture && !picture.startsWith("data:") && URL.canParse(picture, url) // the owner can enter any text
  const seen = shown && new URL(picture, url).href
  return html`<meta name="description" content="${words}">
    <meta property="og:site_name" content="${shop.name}"><meta property="og:type" content="website">
    <meta property="og:title" content="${title}"><meta property="og:description" content="${words}">
    ${seen && html`<meta property="og:image" content="${seen}">`}
    ${path && !shop.hidden
      ? html`<meta property="og:url" content="${url + path}"><link rel="canonical" href="${url + path}">`
      : html`<meta name="robots" content="noindex">`}`
}

const brand = ({ name }: Shop, { logo }: Looks) => html`<a class="brand" href="/">${logo
  ? html`<img src="${logo}" alt="${name}" height="44">`
  : html`<span class="letter" aria-hidden="true">${[...name][0]}</span> <span>${name}</span>`}</a>`

const header = (shop: Shop, looks: Looks, inCart: number) => html`<header class="top"><div class="wide">
  ${brand(shop, looks)}<nav aria-label="Shop"><a class="find" href="/orders">Find an order</a>
    <a class="cart" href="/cart">${bag}<span>Cart</span>${
      inCart > 0 && html` <span class="count">${inCart}<span class="unseen"> items</span></span>`}</a></nav>
  </div></header>`

const footer = (shop: Shop) => html`<footer class="bottom"><div class="wide"><p>${shop.name}</p>
  <a href="/">All products</a><a href="/orders">Find an order</a><p>Prices in ${shop.currency.toUpperCase()}</p>
  </div></footer>`

/** The whole page as HTML. `inCart` is the number of items in the cart. */
export function frame(shop: Shop, looks: Looks, inCart: number, page: Page): string {
  const title = page.title === shop.name ? shop.name : `${page.title} · ${shop.name}`
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="${looks.style}">
<link rel="icon" href="${looks.icon}" type="image/svg+xml">
<meta name="theme-color" content="${looks.accent}">
${metadata(shop, looks, page)}
<script src="${looks.script}" defer></script></head>
<body><a class="skip" href="#main">Skip to the content</a>
${header(shop, looks, inCart)}
<main id="main" class="wide" tabindex="-1">${page.main}</main>
${footer(shop)}</body></html>
`.text
}
