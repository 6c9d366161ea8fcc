/** The checkout page: contact, address, delivery, payment and total. Each error is shown at its field. */
import { html, Html } from "./html.ts"
import type { Cart, Country, Delivery, Details, Field, Shop } from "./model.ts"
import type { Page } from "./page.ts"
import { brief, notice, sums } from "./parts.ts"
import { money } from "./words.ts"

export type Errors = Partial<Record<Field | "delivery", string>>

/** `seen` identifies the cart's content on the page, so that the form cannot order changed content. */
export type CheckoutForm = {
  cart: Cart
  seen: string
  countries: Country[]
  deliveries: Delivery[]
  chosen: string | null
  payable: boolean
}

/** Countries whose addresses need a state, province or prefecture. */
const withProvince = new Set(["us", "ca", "au", "br", "in", "jp", "mx", "cn"])

const missing: Errors = {
  email: "Please enter your e-mail address.",
  first_name: "Please enter your first name.",
  last_name: "Please enter your last name.",
  address_1: "Please enter your street and house number.",
  postal_code: "Please enter your postal code.",
  city: "Please enter your town or city.",
}

const isEmail = (typed: string) => /^[^\s@]+@[^\s@]+\.[^\s@.]+$/.test(typed)
const isPhone = (typed: string) => /^[+()\d\s./-]{5,}$/.test(typed)

/** The errors of the input, by field. */
export function check(typed: Details, countries: Country[]): Errors {
  const empty = Object.entries(missing).filter(([field]) => !typed[field as Field])
  const errors: Errors = Object.fromEntries(empty)
  if (typed.email && !isEmail(typed.email)) errors.email = "Please enter an address like name@example.com."
  if (!countries.some(({ code }) => code === typed.country_code))
    errors.country_code = "Please choose a country that we deliver to."
  else if (withProvince.has(typed.country_code) && !typed.province)
    errors.province = "Please enter your state or province."
  if (typed.phone && !isPhone(typed.phone)) errors.phone = "Please enter a phone number, or leave it empty."
  return errors
}

type Shape = { label: string; autocomplete: string; type?: string; optional?: boolean; width?: string }

const shapes = {
  email: { label: "E-mail", autocomplete: "email", type: "email" },
  phone: { label: "Phone", autocomplete: "tel", type: "tel", optional: true },
  first_name: { label: "First name", autocomplete: "given-name", width: "half" },
  last_name: { label: "Last name", autocomplete: "family-name", width: "half" },
  company: { label: "Company", autocomplete: "organization", optional: true },
  address_1: { label: "Street and house number", autocomplete: "address-line1" },
  address_2: { label: "Flat, floor or building", autocomplete: "address-line2", optional: true },
  postal_code: { label: "Postal code", autocomplete: "postal-code", width: "third" },
  city: { label: "Town or city", autocomplete: "address-level2", width: "rest" },
} satisfies Partial<Record<Field, Shape>>

const problem = (name: string, error?: string) => error && html`<p class="error" id="${name}-error">${error}</p>`
const marks = (name: string, error?: string) =>
  error && html`aria-invalid="true" aria-describedby="${name}-error"`

function field(name: Field, shape: Shape, typed: Partial<Details>, errors: Errors): Html {
  const { label, autocomplete, type = "text", optional, width } = shape
  const error = errors[name]
  return html`<div class="field ${width}">
    <label for="${name}">${label}${optional && html` <span class="muted">(optional)</span>`}</label>
    <input id="${name}" name="${name}" type="${type}" value="${typed[name]}" autocomplete="${autocomplete}"
      maxlength="120" ${!optional && "required"} ${marks(name, error)}>${problem(name, error)}</div>`
}

/** With one country there is no choice. Otherwise, without scripts, a button shows the deliveries of the chosen country. */
function country(countries: Country[], chosen: string | null | undefined, error?: string): Html {
  const [only] = countries
  if (countries.length === 1)
    return html`<div class="field"><span class="label">Country</span>${only.name}
      <input type="hidden" name="country_code" value="${only.code}"></div>`
  const options = countries.map(({ code, name }) =>
    html`<option value="${code}" ${code === chosen && "selected"}>${name}</option>`)
  return html`<div class="field"><label for="country_code">Country</label>
    <select id="country_code" name="country_code" autocomplete="country" required ${marks("country_code", error)}>
      ${options}</select>${problem("country_code", error)}
    <button class="link small without-script" name="step" value="country" formnovalidate>Show delivery to this
      country</button></div>`
}

function contact(typed: Partial<Details>, errors: Errors): Html {
  const names = ["email", "phone"] as const
  return html`<fieldset class="panel"><legend>Contact</legend>
    <div class="fields">${names.map((name) => field(name, shapes[name], typed, errors))}</div></fieldset>`
}

function address({ cart, countries }: CheckoutForm, typed: Partial<Details>, errors: Errors): Html {
  const names = ["first_name", "last_name", "company", "address_1", "address_2", "postal_code", "city"] as const
  const asked = countries.map(({ code }) => withProvince.has(code))
  const province = { label: "State or province", autocomplete: "address-level1", optional: asked.includes(false) }
  return html`<fieldset class="panel"><legend>Delivery address</legend>
    <div class="fields">${names.map((name) => field(name, shapes[name], typed, errors))}
      ${asked.includes(true) && field("province", province, typed, errors)}
      ${country(countries, typed.country_code ?? cart.country, errors.country_code)}</div></fieldset>`
}

/** The cart's totals with this delivery. They lack the delivery's tax, which is not known yet. */
function withDelivery({ chosen, totals }: Cart, { id, price }: Delivery): Cart["totals"] {
  if (id === chosen) return totals
  return { ...totals, delivery: price, total: totals.total - (totals.delivery ?? 0) + price }
}

function way(option: Delivery, { cart, chosen }: CheckoutForm): Html {
  const { id, name, description, price } = option
  const tell = (amount: number) => money(amount, cart.currency)
  const total = tell(withDelivery(cart, option).total)
  return html`<label class="choice"><input type="radio" name="delivery" value="${id}" required
    ${id === chosen && "checked"} data-delivery="${tell(price)}" data-total="${total}">
    <input type="hidden" name="total-${id}" value="${total}">
    <b>${name}</b><span class="number">${price === 0 ? "Free" : tell(price)}</span>
    ${description && html`<small class="muted">${description}</small>`}</label>`
}

const nowhere = html`<p class="error">We have no delivery to this country at present. Please choose another one.</p>`

const delivery = (form: CheckoutForm, error?: string) => html`<fieldset class="panel"><legend>Delivery</legend>
  ${form.deliveries.length > 0 ? form.deliveries.map((option) => way(option, form)) : nowhere}
  ${problem("delivery", error)}</fieldset>`

const payment = ({ name }: Shop, { payable }: CheckoutForm) => html`<fieldset class="panel"><legend>Payment</legend>${payable
  ? html`<div class="choice"><span aria-hidden="true">✓</span><b>Pay later</b><small class="muted">Nothing is charged
      now. ${name} will contact you by e-mail about how to pay, for example by bank transfer.</small></div>`
  : html`<p class="error">This shop accepts no orders at present, because it has no payment method. Please come back
      later.</p>`}</fieldset>`

function mistakes(errors: Errors): Html | false {
  const found = Object.entries(errors)
  const many = found.length === 1 ? "one field" : `${found.length} fields`
  return found.length > 0 && notice(html`<strong>Please look at ${many} again.</strong>
    <ul>${found.map(([name, message]) => html`<li><a href="#${name}">${message}</a></li>`)}</ul>`, true)
}

/** `typed` is the input. `trouble` is an error that concerns no field. */
export function checkout(shop: Shop, form: CheckoutForm, typed: Partial<Details>, errors: Errors = {}, trouble?: string): Page {
  const { cart, deliveries, chosen, payable } = form
  const option = deliveries.find(({ id }) => id === chosen)
  const sum = { ...cart, totals: option ? withDelivery(cart, option) : cart.totals }
  return {
    title: Object.keys(errors).length > 0 ? "Please check your details: checkout" : "Checkout",
    main: html`<h1 class="title">Checkout</h1>${trouble && notice(trouble, true)}${mistakes(errors)}
      <form method="post" action="/checkout" class="split" novalidate data-checkout>
        <input type="hidden" name="seen" value="${form.seen}">
        <div>${contact(typed, errors)}${address(form, typed, errors)}
          ${delivery(form, errors.delivery)}${payment(shop, form)}</div>
        <section class="panel aside stack" aria-labelledby="yours"><h2 id="yours">Your order</h2>
          ${brief(cart.lines, cart.currency)}${sums(sum)}
          <button class="button full" ${(!payable || !option) && "disabled"}>Place order</button>
          <p class="small muted">When you place the order, you order the products listed above.</p>
          <a class="small" href="/cart">Back to the cart</a></section></form>`,
  }
}
