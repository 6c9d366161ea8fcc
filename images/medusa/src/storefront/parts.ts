/** Parts of several pages: cards, lines, totals, notices. */
import { html, Html } from "./html.ts"
import type { Line, Product, Purchase } from "./model.ts"
import { forSale, isLow, money, stock } from "./words.ts"

/** A square picture. `eager`: visible without scrolling. `alt` is empty if the text next to it says the same. */
export function picture(address: string | null, alt = "", eager = false): Html {
  const when = eager ? html`fetchpriority="high"` : html`loading="lazy"`
  return html`<div class="picture">${
    address && html`<img src="${address}" alt="${alt}" width="600" height="600" ${when} decoding="async">`
  }</div>`
}

/** The price of the variants in stock, or of all: "€12.50" or "from €12.50", with the price before a sale. */
export function price(product: Product, currency: string): Html {
  const priced = product.variants.filter((variant) => variant.price !== null)
  if (priced.length === 0) return html`Not for sale at present`
  const offered = priced.some(forSale) ? priced.filter(forSale) : priced
  const least = offered.reduce((a, b) => (a.price! <= b.price! ? a : b))
  const one = offered.every((variant) => variant.price === least.price)
  const before = one && least.before !== null && money(least.before, currency)
  return html`${before && html`<s><span class="unseen">before </span>${before}</s>`}${!one && "from "}${
    money(least.price!, currency)}`
}

/** Stock of all variants together. null: no limit. */
function left({ variants }: Product): number | null {
  if (variants.some((variant) => variant.left === null)) return null
  return variants.reduce((sum, variant) => sum + variant.left!, 0)
}

function card(product: Product, currency: string, eager: boolean): Html {
  const gone = !product.variants.some(forSale)
  const badge = gone ? "Sold out" : isLow(left(product)) && stock(left(product))
  return html`<li class="card ${gone && "gone"}">${picture(product.pictures[0] ?? null, "", eager)}
    <h3><a href="/products/${encodeURIComponent(product.handle)}">${product.title}</a></h3>
    <p class="price muted number">${price(product, currency)}</p>
    ${badge && html`<span class="badge">${badge}</span>`}</li>`
}

/** Products as a grid of cards. The first `eager` cards are visible without scrolling. */
export const cards = (products: Product[], currency: string, eager = 0) =>
  html`<ul class="grid">${products.map((product, i) => card(product, currency, i < eager))}</ul>`

function briefly({ picture: shown, title, variant, quantity, price }: Line, currency: string): Html {
  const each = `${quantity} × ${money(price, currency)}`
  return html`<li>${picture(shown)}<span>${title}<br>
    <small class="muted">${variant ? `${variant}, ${each}` : each}</small></span>
    <span class="number">${money(price * quantity, currency)}</span></li>`
}

/** Lines as the checkout and an order show them: product, quantity, price. */
export const brief = (lines: Line[], currency: string) =>
  html`<ul class="brief">${lines.map((line) => briefly(line, currency))}</ul>`

/** The totals. `data-sum` marks the amounts that a script may change. */
export function sums({ totals, currency }: Purchase): Html {
  const tell = (amount: number) => money(amount, currency)
  const { discount, tax, taxIncluded } = totals
  return html`<dl class="sums number"><dt>Products</dt><dd>${tell(totals.items)}</dd>
    ${discount > 0 && html`<dt>Discount</dt><dd>−${tell(discount)}</dd>`}
    <dt>Delivery</dt><dd data-sum="delivery">${totals.delivery === null ? "at checkout" : tell(totals.delivery)}</dd>
    ${tax > 0 && !taxIncluded && html`<dt>Tax</dt><dd>${tell(tax)}</dd>`}
    <dt class="total">Total</dt><dd class="total" data-sum="total">${tell(totals.total)}</dd>
    ${tax > 0 && taxIncluded && html`<dd class="note">including ${tell(tax)} of tax</dd>`}</dl>`
}

/** A message at the top of the page. Screen readers announce errors at once. */
export const notice = (words: Html | string, wrong = false) =>
  html`<div class="notice ${wrong && "wrong"}" role="${wrong ? "alert" : "status"}"><div>${words}</div></div>`
