/** The product page: pictures, variants with price and stock, the form that adds to the cart. */
import { html, Html, paragraphs } from "./html.ts"
import type { Product, Shop, Variant } from "./model.ts"
import type { Page } from "./page.ts"
import { cards, notice, picture, price } from "./parts.ts"
import { forSale, isLow, money, most, stock } from "./words.ts"

/** `chosen` is a variant's id. `trouble` is the reason why it was not added to the cart. */
export type Wish = { chosen?: string; quantity?: string; trouble?: string }

const state = (variant: Variant) => (!forSale(variant) ? "none" : isLow(variant.left) ? "low" : "some")
const available = (variant: Variant) => (variant.price === null ? "Not for sale at present" : stock(variant.left))

/** Groups the variants by the first of several options: Sizes below each Colour. */
function groups({ options, variants }: Product): { name: string; value: string; variants: Variant[] }[] {
  const [name = "Kind"] = options
  if (options.length < 2) return [{ name, value: "", variants }]
  const values = [...new Set(variants.map((variant) => variant.options[0]))]
  return values.map((value) => ({ name, value, variants: variants.filter((variant) => variant.options[0] === value) }))
}

/** Hint at a variant before it is chosen: its price if it differs, low stock, sold out. */
function hint({ variants }: Product, variant: Variant, told: string): string {
  if (!forSale(variant)) return "Sold out"
  const differs = variants.some((other) => other.price !== variant.price)
  return [differs && told, isLow(variant.left) && `${variant.left} left`].filter(Boolean).join(" · ")
}

function chip(product: Product, variant: Variant, currency: string, chosen: Variant): Html {
  const label = (product.options.length > 1 ? variant.options.slice(1) : variant.options).join(" / ")
  const tell = (amount: number | null) => (amount === null ? "" : money(amount, currency))
  const small = hint(product, variant, tell(variant.price))
  return html`<label class="chip"><input type="radio" name="variant" value="${variant.id}" required
    ${variant === chosen && "checked"} ${!forSale(variant) && "disabled"}
    data-price="${tell(variant.price)}" data-before="${tell(variant.before)}" data-stock="${available(variant)}"
    data-state="${state(variant)}" data-most="${most(variant.left)}"
    data-picture="${product.pictures.indexOf(variant.picture ?? "")}">
    <span><b>${label}</b>${small && html`<small>${small}</small>`}</span></label>`
}

function choices(product: Product, currency: string, chosen: Variant): Html | Html[] {
  if (product.variants.length === 1) return html`<input type="hidden" name="variant" value="${chosen.id}">`
  return groups(product).map(({ name, value, variants }) => html`<fieldset class="chips">
    <legend>${value ? html`<span>${name}:</span> ${value}` : name}</legend>
    <div>${variants.map((variant) => chip(product, variant, currency, chosen))}</div></fieldset>`)
}

const stockLine = (variant: Variant) =>
  html`<p class="stock" data-state="${state(variant)}" role="status">${available(variant)}</p>`

/** Shows the stock of the chosen variant. With several variants, only a script can update it. */
function buy(product: Product, currency: string, chosen: Variant, quantity: string): Html {
  const one = product.variants.length === 1
  return html`<form method="post" action="/cart" data-buy>${choices(product, currency, chosen)}
    <div class="take"><div><label for="quantity">Quantity</label>
      <div class="quantity"><input id="quantity" name="quantity" type="number" inputmode="numeric" min="1"
        max="${most(one ? chosen.left : null)}" value="${quantity}" required></div></div>
      <button class="button">Add to cart</button></div>
    ${one ? stockLine(chosen) : html`<div data-stock-line hidden>${stockLine(chosen)}</div>`}</form>`
}

const gone = html`<p class="stock" data-state="none"><strong>Sold out</strong></p>
  <p class="muted">It cannot be ordered at present.</p>`

function gallery({ title, pictures }: Product): Html {
  const several = pictures.length > 1
  const shown = pictures.map((address, i) =>
    picture(address, several ? `${title}, picture ${i + 1} of ${pictures.length}` : title, i === 0))
  const scrolls = several && html`tabindex="0" role="group" aria-label="Pictures of ${title}"`
  return html`<div class="gallery"><div class="track" ${scrolls}>${pictures[0] ? shown : picture(null)}</div></div>`
}

export function product(shop: Shop, product: Product, others: Product[], wish: Wish = {}): Page {
  const { title, subtitle, description, material, variants } = product
  const chosen = variants.find(({ id }) => id === wish.chosen) ?? variants.find(forSale) ?? variants[0]
  return {
    title,
    description: subtitle ?? description.slice(0, 160),
    path: `/products/${encodeURIComponent(product.handle)}`,
    picture: product.pictures[0],
    main: html`<nav class="crumbs" aria-label="You are here"><a href="/">All products</a> /
        <span aria-current="page">${title}</span></nav>
      ${wish.trouble && notice(wish.trouble, true)}
      <article class="product">${gallery(product)}<div class="buy"><h1>${title}</h1>
        ${subtitle && html`<p class="muted">${subtitle}</p>`}
        <p class="price number" data-price-line aria-live="polite">${price(product, shop.currency)}</p>
        <div class="about">${paragraphs(description)}</div>
        ${variants.some(forSale) ? buy(product, shop.currency, chosen, wish.quantity ?? "1") : gone}
        ${material && html`<dl class="facts"><dt>Material</dt><dd>${material}</dd></dl>`}</div></article>
      ${others.length > 0 && html`<section class="more"><h2>More from ${shop.name}</h2>
        ${cards(others, shop.currency)}</section>`}`,
  }
}
