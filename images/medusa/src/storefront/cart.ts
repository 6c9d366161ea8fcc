/** The cart page: lines with their quantities, totals, link to the checkout. */
import { html, Html } from "./html.ts"
import { basket } from "./drawings.ts"
import type { Cart, Line } from "./model.ts"
import type { Page } from "./page.ts"
import { notice, picture, sums } from "./parts.ts"
import { isLow, money, most, stock } from "./words.ts"

/** Whether the stock is smaller than the quantity in the cart. */
export const short = (line: Line) => line.left !== null && line.left < line.quantity

const warning = ({ left }: Line) => html`<p class="warning">${left! <= 0
  ? "Sold out in the meantime. Please remove it to continue."
  : `Only ${left} left. Please take ${left === 1 ? "one" : `${left} or fewer`} to continue.`}</p>`

const name = ({ title, variant }: Line) => (variant ? `${title}, ${variant}` : title)

/** Two forms, so that the Enter key in the quantity field does not remove the line. */
const controls = (line: Line) => html`<div class="controls">
  <form method="post" action="/cart/${line.id}" data-amend>
    <label class="unseen" for="${line.id}">Quantity of ${name(line)}</label>
    <div class="quantity"><input id="${line.id}" name="quantity" type="number" inputmode="numeric" min="1"
      max="${Math.max(1, most(line.left))}" value="${line.quantity}" required></div>
    <button class="button quiet without-script">Update</button></form>
  <form method="post" action="/cart/${line.id}"><button class="link" name="quantity" value="0">Remove<span
    class="unseen"> ${name(line)}</span></button></form></div>`

function row(line: Line, currency: string): Html {
  const address = line.handle && `/products/${encodeURIComponent(line.handle)}`
  return html`<li class="line">${picture(line.picture)}<div>
    <h2>${address ? html`<a href="${address}">${line.title}</a>` : line.title}</h2>
    <p class="muted">${line.variant && html`${line.variant}<br>`}${money(line.price, currency)} each${
      isLow(line.left) && !short(line) && ` · ${stock(line.left)}`}</p></div>
    <span class="number">${money(line.price * line.quantity, currency)}</span>
    ${short(line) && warning(line)}${controls(line)}</li>`
}

/** Links to the checkout, because only the checkout knows the order that the cart became. */
const empty = (ordered: boolean) => html`<div class="centre"><div class="art">${basket}</div>
  <h1>Your cart is empty</h1>
  <p class="muted">${ordered
    ? html`You ordered the products that were in it: <a href="/checkout">see your order</a>.`
    : "Products that you add to your cart appear here."}</p>
  <p><a class="button" href="/">See all products</a></p></div>`

type Told = { message?: string; trouble?: string; ordered?: boolean }

/** `message` is a confirmation, `trouble` an error. `ordered`: the last cart became an order. */
export function cart(cart: Cart | null, { message, trouble, ordered = false }: Told = {}): Page {
  const news = html`${trouble && notice(trouble, true)}${message && notice(message)}`
  if (!cart?.lines.length) return { title: "Your cart", main: html`${news}${empty(ordered)}` }
  const { lines, currency } = cart
  return {
    title: "Your cart",
    main: html`<h1 class="title">Your cart</h1>${news}<div class="split">
      <ul class="lines">${lines.map((line) => row(line, currency))}</ul>
      <section class="panel aside stack" aria-label="Total">${sums(cart)}
        ${lines.some(short)
          ? html`<p class="error">Some products are no longer in stock. Please change the quantities first.</p>`
          : html`<a class="button full" href="/checkout">Check out</a>`}
        <a href="/" class="small">Continue shopping</a></section></div>`,
  }
}
