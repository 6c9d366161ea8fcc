/** The order page: shown as confirmation and after a lookup. */
import { html, Html } from "./html.ts"
import { parcel } from "./drawings.ts"
import type { Country, Details, Order, Shop } from "./model.ts"
import type { Page } from "./page.ts"
import { brief, notice, sums } from "./parts.ts"
import { date } from "./words.ts"

const states = {
  received: "We have received it and are preparing it.",
  sent: "It is on its way.",
  delivered: "It has been delivered.",
  cancelled: "It was cancelled.",
}

function address(to: Details, countries: Country[]): Html {
  const country = countries.find(({ code }) => code === to.country_code)?.name ?? to.country_code.toUpperCase()
  const [name, town] = [`${to.first_name} ${to.last_name}`, `${to.postal_code} ${to.city}`]
  const lines = [name, to.company, to.address_1, to.address_2, town, to.province, country].filter((line) => line.trim())
  return html`<p>${lines.map((line, i) => html`${i > 0 && html`<br>`}${line}`)}</p>`
}

function payment({ name }: Shop, { paid, state, email }: Order): string {
  if (paid) return "Paid. Thank you."
  if (state === "cancelled") return "Nothing is due."
  return `Nothing is charged yet. ${name} will contact you at ${email} about how to pay.`
}

const tick = html`<svg width="28" height="28" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.4"
  stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="m5 12.5 4.5 4.5L19 7.5"/></svg>`

const keep = notice(html`<strong>Please keep the order number.</strong> No e-mail is sent. With the number and your
  e-mail address you can <a href="/orders">find the order</a> at any time.`)

export function order(shop: Shop, order: Order): Page {
  const { address: to, number, placed, email, currency } = order
  return {
    title: `Order ${number}`,
    main: html`<div class="thanks"><span class="tick">${tick}</span><div><h1>Thank you, ${to.first_name}</h1>
        <p>Your order <strong>number ${number}</strong> of ${date(placed)}. ${states[order.state]}</p></div></div>
      ${keep}<div class="split"><div><section class="panel parts">
        <div><h2>Delivery to</h2>${address(to, shop.countries)}</div>
        <div><h2>Delivery by</h2><p>${order.delivery ?? "To be agreed"}</p></div>
        <div><h2>Contact</h2><p>${email}${to.phone && html`<br>${to.phone}`}</p></div>
        <div><h2>Payment</h2><p>${payment(shop, order)}</p></div></section>
        <p class="after"><a class="button quiet" href="/">Back to the shop</a></p></div>
        <section class="panel stack" aria-labelledby="yours"><h2 id="yours">Your order</h2>
          ${brief(order.lines, currency)}${sums(order)}</section></div>`,
  }
}

/** The lookup form. After a failed attempt, `typed` is the input and `trouble` the error. */
export function lookUp(typed: { number?: string; email?: string } = {}, trouble?: string): Page {
  return {
    title: "Find an order",
    path: "/orders",
    main: html`<div class="centre"><div class="art">${parcel}</div><h1>Find an order</h1>
      <p class="muted">The number is on the page that confirmed your order.</p>
      <form method="post" action="/orders" class="panel">${trouble && notice(trouble, true)}<div class="fields">
        <div class="field"><label for="number">Order number</label>
          <input id="number" name="number" inputmode="numeric" value="${typed.number}" required maxlength="12"
            autocomplete="off"></div>
        <div class="field"><label for="email">E-mail</label>
          <input id="email" name="email" type="email" value="${typed.email}" required maxlength="120"
            autocomplete="email"></div>
        <div class="field"><button class="button full">Find it</button></div></div></form></div>`,
  }
}
