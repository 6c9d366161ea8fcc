/** The cart: what is in it, changed line by line, and the way to the checkout. */
import { html, Html } from "./html.ts"
import { basket } from "./drawings.ts"
import type { Cart, Line } from "./model.ts"
import type { Page } from "./page.ts"
import { notice, picture, sums } from "./parts.ts"
import { isLow, money, most, stock } from "./words.ts"

/** There is less of it than the cart holds. */
export const short = (line: Line) => line.left !== null && line.left < line.quantity

const warning = ({ left }: Line) => html`<p class="warning">${left! <= 0
  ? "Sold out meanwhile. Please remove it to go on."
  : `Only ${left} left. Please take ${left === 1 ? "one" : `${left} or fewer`} to go on.`}</p>`

const name = ({ title, variant }: Line) => (variant ? `${title}, ${variant}` : title)

/** Two forms, so that the Enter key in the quantity never removes. */
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

/** The address of the order that a cart became is the checkout's to tell. */
const empty = (ordered: boolean) => html`<div class="centre"><div class="art">${basket}</div>
  <h1>Your cart is empty</h1>
  <p class="muted">${ordered
    ? html`What was in it is ordered: <a href="/checkout">see your order</a>.`
    : "Whatever you add to it waits here for you."}</p>
  <p><a class="button" href="/">See all products</a></p></div>`

type Told = { message?: string; trouble?: string; ordered?: boolean }

/** `message` says what just happened, `trouble` what could not; `ordered` that the last cart became an order. */
export function cart(cart: Cart | null, { message, trouble, ordered = false }: Told = {}): Page {
  const news = html`${trouble && notice(trouble, true)}${message && notice(message)}`
  if (!cart?.lines.length) return { title: "Your cart", main: html`${news}${empty(ordered)}` }
  const { lines, currency } = cart
  return {
    title: "Your cart",
    main: html`<h1 class="title">Your cart</h1>${news}<div class="split">
      <ul class="lines">${lines.map((line) => row(line, currency))}</ul>
      <section class="panel aside stack" aria-label="Sum">${sums(cart)}
        ${lines.some(short)
          ? html`<p class="error">Some of it is no longer in stock; please change the quantities first.</p>`
          : html`<a class="button full" href="/checkout">Check out</a>`}
        <a href="/" class="small">Continue shopping</a></section></div>`,
  }
}
