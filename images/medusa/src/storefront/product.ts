/** One product: its pictures, its variants with price and stock, and the way into the cart. */
import { html, Html, paragraphs } from "./html.ts"
import type { Product, Shop, Variant } from "./model.ts"
import type { Page } from "./page.ts"
import { cards, notice, picture, price } from "./parts.ts"
import { forSale, isLow, money, stock } from "./words.ts"

/** `chosen` is a variant's id, `trouble` why it did not go into the cart. */
export type Wish = { chosen?: string; quantity?: string; trouble?: string }

const state = (variant: Variant) => (!forSale(variant) ? "none" : isLow(variant.left) ? "low" : "some")
const most = (variant: Variant) => Math.min(variant.left ?? 99, 99)
const available = (variant: Variant) => (variant.price === null ? "Not for sale at present" : stock(variant.left))

/** With several options the first one divides: Size below each Colour. */
function groups({ options, variants }: Product): { name: string; value: string; variants: Variant[] }[] {
  const [name = "Kind"] = options
  if (options.length < 2) return [{ name, value: "", variants }]
  const values = [...new Set(variants.map((variant) => variant.options[0]))]
  return values.map((value) => ({ name, value, variants: variants.filter((variant) => variant.options[0] === value) }))
}

function chip(product: Product, variant: Variant, currency: string, chosen: Variant): Html {
  const label = (product.options.length > 1 ? variant.options.slice(1) : variant.options).join(" / ")
  const differs = product.variants.some((other) => other.price !== variant.price)
  const told = variant.price === null ? "" : money(variant.price, currency)
  const hint = !forSale(variant) ? "Sold out" : [differs && told, isLow(variant.left) && `${variant.left} left`].filter(Boolean).join(" · ")
  return html`<label class="chip"><input type="radio" name="variant" value="${variant.id}" required ${variant === chosen && "checked"}
${!forSale(variant) && "disabled"} data-price="${told}" data-before="${variant.before !== null && money(variant.before, currency)}"
data-stock="${available(variant)}" data-state="${state(variant)}" data-most="${most(variant)}" data-picture="${product.pictures.indexOf(variant.picture ?? "")}">
<span><b>${label}</b>${hint && html`<small>${hint}</small>`}</span></label>`
}

const choices = (product: Product, currency: string, chosen: Variant) => product.variants.length === 1
  ? html`<input type="hidden" name="variant" value="${chosen.id}">`
  : groups(product).map(({ name, value, variants }) => html`<fieldset class="chips"><legend>${value ? html`<span>${name}:</span> ${value}` : name}</legend>
<div>${variants.map((variant) => chip(product, variant, currency, chosen))}</div></fieldset>`)

function buy(product: Product, currency: string, chosen: Variant, quantity: string): Html {
  const one = product.variants.length === 1
  return html`<form method="post" action="/cart" data-buy>${choices(product, currency, chosen)}<div class="take">
<div><label for="quantity">Quantity</label><div class="quantity"><input id="quantity" name="quantity" type="number" inputmode="numeric" min="1"
max="${one ? most(chosen) : 99}" value="${quantity}" required></div></div><button class="button">Add to cart</button></div>
${(one || !product.variants.some((variant) => variant.left !== null)) && stockLine(chosen)}
${!one && html`<div data-stock-line hidden>${stockLine(chosen)}</div>`}</form>`
}

const stockLine = (variant: Variant) => html`<p class="stock" data-state="${state(variant)}" role="status">${available(variant)}</p>`

const gallery = ({ title, pictures }: Product) => html`<div class="gallery"><div class="track" ${pictures.length > 1 &&
  html`tabindex="0" role="group" aria-label="Pictures of ${title}"`}>${pictures.length > 0
  ? pictures.map((address, i) => picture(address, pictures.length > 1 ? `${title}, picture ${i + 1} of ${pictures.length}` : title, i === 0))
  : picture(null)}</div></div>`

export function product(shop: Shop, product: Product, others: Product[], wish: Wish = {}): Page {
  const chosen = product.variants.find((v) => v.id === wish.chosen) ?? product.variants.find(forSale) ?? product.variants[0]
  const gone = !product.variants.some(forSale)
  return {
    title: product.title,
    description: product.subtitle ?? product.description.slice(0, 160),
    path: `/products/${encodeURIComponent(product.handle)}`,
    picture: product.pictures[0],
    main: html`<nav class="crumbs" aria-label="You are here"><a href="/">All products</a> / <span aria-current="page">${product.title}</span></nav>
${wish.trouble && notice(wish.trouble, true)}
<article class="product">${gallery(product)}<div class="buy"><h1>${product.title}</h1>${product.subtitle && html`<p class="muted">${product.subtitle}</p>`}
<p class="price number" data-price-line aria-live="polite">${price(product, shop.currency)}</p><div class="about">${paragraphs(product.description)}</div>
${gone ? html`<p class="stock" data-state="none"><strong>Sold out</strong></p><p class="muted">It cannot be ordered at present.</p>`
  : buy(product, shop.currency, chosen, wish.quantity ?? "1")}
${product.material && html`<dl class="facts"><dt>Material</dt><dd>${product.material}</dd></dl>`}</div></article>
${others.length > 0 && html`<section class="more"><h2>More from ${shop.name}</h2>${cards(others, shop.currency)}</section>`}`,
  }
}
