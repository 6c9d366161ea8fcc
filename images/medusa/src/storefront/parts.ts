/** Parts that several pages have: cards, lines, sums, fields, notices. */
import { html, Html } from "./html.ts"
import type { Line, Product, Purchase } from "./model.ts"
import { forSale, isLow, money, stock } from "./words.ts"

/** A square picture; `eager` for those seen at once. `alt` is empty where the words beside it say the same. */
export const picture = (address: string | null, alt = "", eager = false) => html`<div class="picture">${address &&
  html`<img src="${address}" alt="${alt}" width="600" height="600" ${eager ? html`fetchpriority="high"` : html`loading="lazy"`} decoding="async">`}</div>`

/** The price of what is for sale, else of all: "€12.50", "from €12.50", before a sale too. */
export function price(product: Product, currency: string): Html {
  const priced = product.variants.filter((variant) => variant.price !== null)
  if (priced.length === 0) return html`Not for sale at present`
  const offered = priced.some(forSale) ? priced.filter(forSale) : priced
  const least = offered.reduce((a, b) => (a.price! <= b.price! ? a : b))
  const one = offered.every((variant) => variant.price === least.price)
  const before = one && least.before !== null && html`<s><span class="unseen">before </span>${money(least.before, currency)}</s>`
  return html`${before}${!one && "from "}${money(least.price!, currency)}`
}

/** What is left of a product whose variants all share it: null if any is unlimited or none is tracked. */
function left(product: Product): number | null {
  const numbers = product.variants.map((variant) => variant.left)
  return numbers.includes(null) ? null : (numbers as number[]).reduce((a, b) => a + Math.max(b, 0), 0)
}

export function card(product: Product, currency: string, eager: boolean): Html {
  const gone = !product.variants.some(forSale)
  const badge = gone ? "Sold out" : isLow(left(product)) ? stock(left(product)) : null
  return html`<li class="card ${gone && "gone"}">${picture(product.pictures[0] ?? null, "", eager)}
<h3><a href="/products/${encodeURIComponent(product.handle)}">${product.title}</a></h3>
<p class="price muted number">${price(product, currency)}</p>${badge && html`<span class="badge">${badge}</span>`}</li>`
}

export const cards = (products: Product[], currency: string, eager = 0) =>
  html`<ul class="grid">${products.map((product, i) => card(product, currency, i < eager))}</ul>`

/** Lines as the checkout and an order show them: what, how many, how much. */
export const brief = (lines: Line[], currency: string) => html`<ul class="brief">${lines.map((line) => html`
<li>${picture(line.picture)}<span>${line.title}<br><small class="muted">${line.variant && `${line.variant}, `}${line.quantity} ×
${money(line.price, currency)}</small></span><span class="number">${money(line.price * line.quantity, currency)}</span></li>`)}</ul>`

/** The sum up. Amounts that a script may change are marked with what they are. */
export function sums({ totals, currency }: Purchase): Html {
  const tell = (amount: number) => money(amount, currency)
  return html`<dl class="sums number"><dt>Products</dt><dd>${tell(totals.items)}</dd>
${totals.discount > 0 && html`<dt>Discount</dt><dd>−${tell(totals.discount)}</dd>`}
<dt>Delivery</dt><dd data-sum="delivery">${totals.delivery === null ? "at checkout" : tell(totals.delivery)}</dd>
${totals.tax > 0 && !totals.taxIncluded && html`<dt>Tax</dt><dd>${tell(totals.tax)}</dd>`}
<dt class="total">Total</dt><dd class="total" data-sum="total">${tell(totals.total)}</dd>
${totals.tax > 0 && totals.taxIncluded && html`<dd class="note">including ${tell(totals.tax)} of tax</dd>`}</dl>`
}

/** Something to read first; what went wrong is read out at once. */
export const notice = (words: Html | string, wrong = false) =>
  html`<div class="notice ${wrong && "wrong"}" role="${wrong ? "alert" : "status"}"><div>${words}</div></div>`
