/** An order: its confirmation, which is also what a look-up by number and e-mail shows. */
import { html, Html } from "./html.ts"
import { parcel } from "./drawings.ts"
import type { Country, Details, Order, Shop } from "./model.ts"
import type { Page } from "./page.ts"
import { brief, notice, sums } from "./parts.ts"
import { date } from "./words.ts"

const states = {
  received: "We have received it and prepare it.", sent: "It is on its way.", delivered: "It has been delivered.", cancelled: "It was cancelled.",
}

function address(to: Details, countries: Country[]): Html {
  const country = countries.find(({ code }) => code === to.country_code)?.name ?? to.country_code.toUpperCase()
  const lines = [`${to.first_name} ${to.last_name}`, to.company, to.address_1, to.address_2, `${to.postal_code} ${to.city}`, to.province, country]
  return html`<p>${lines.filter((line) => line?.trim()).map((line, i) => html`${i > 0 && html`<br>`}${line}`)}</p>`
}

const payment = (shop: Shop, order: Order) => order.paid ? "Paid. Thank you."
  : order.state === "cancelled" ? "Nothing is due." : `Nothing is charged yet. ${shop.name} gets in touch with you at ${order.email} about how to pay.`

const tick = html`<svg width="28" height="28" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"
stroke-linejoin="round" aria-hidden="true"><path d="m5 12.5 4.5 4.5L19 7.5"/></svg>`

export function order(shop: Shop, order: Order): Page {
  return {
    title: `Order ${order.number}`,
    main: html`<div class="thanks"><span class="tick">${tick}</span><div><h1>Thank you, ${order.address.first_name}</h1>
<p>Your order <strong>number ${order.number}</strong> of ${date(order.placed)}. ${states[order.state]}</p></div></div>
${notice(html`<strong>Please keep this page or the order number.</strong> No e-mail is sent. With the number and your e-mail address
you <a href="/orders">find the order</a> again at any time.`)}
<div class="split"><div><section class="panel parts"><div><h2>Delivery to</h2>${address(order.address, shop.countries)}</div>
<div><h2>Delivery by</h2><p>${order.delivery ?? "To be agreed"}</p></div><div><h2>Contact</h2><p>${order.email}${order.address.phone && html`<br>${order.address.phone}`}</p></div>
<div><h2>Payment</h2><p>${payment(shop, order)}</p></div></section>
<p class="after"><a class="button quiet" href="/">Back to the shop</a></p></div>
<section class="panel stack" aria-labelledby="yours"><h2 id="yours">Your order</h2>${brief(order.lines, order.currency)}${sums(order)}</section></div>`,
  }
}

/** The form that finds an order; `typed` and `trouble` after a vain attempt. */
export function lookUp(typed: { number?: string; email?: string } = {}, trouble?: string): Page {
  return {
    title: "Find an order",
    path: "/orders",
    main: html`<div class="centre"><div class="art">${parcel}</div><h1>Find an order</h1><p class="muted">The number is on the page that you saw after ordering.</p>
<form method="post" action="/orders" class="panel">${trouble && notice(trouble, true)}<div class="fields"><div class="field"><label for="number">Order number</label>
<input id="number" name="number" inputmode="numeric" value="${typed.number}" required maxlength="12" autocomplete="off"></div>
<div class="field"><label for="email">E-mail</label><input id="email" name="email" type="email" value="${typed.email}" required maxlength="120" autocomplete="email"></div>
<div class="field"><button class="button full">Find it</button></div></div></form></div>`,
  }
}
