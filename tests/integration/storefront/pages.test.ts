/** The pages in each state of a store, a product, a cart and an order. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { cart as cartPage } from "../../../images/medusa/src/storefront/cart.ts"
import { check, checkout, type CheckoutForm } from "../../../images/medusa/src/storefront/checkout.ts"
import { home } from "../../../images/medusa/src/storefront/home.ts"
import { type Details, fields, type Order } from "../../../images/medusa/src/storefront/model.ts"
import { lookUp, order as orderPage } from "../../../images/medusa/src/storefront/order.ts"
import { frame, logoFrom } from "../../../images/medusa/src/storefront/page.ts"
import { product as productPage } from "../../../images/medusa/src/storefront/product.ts"
import { cart, germany, line, looks, product, seen, shop, variant, words } from "./sample.ts"

const opened = (products = [product()], more = {}) =>
  home(shop, { products, total: products.length, search: "", page: 1, pages: 1, ...more })

test("the frame shows name, cart and logo, and only the home page is indexed", () => {
  const text = frame(shop, looks, 3, opened())
  assert.match(text, /<title>O&#39;Neil &amp; Sons<\/title>/)
  assert.match(text, /<span class="count">3<span class="unseen"> items<\/span>/)
  assert.match(text, /<link rel="canonical" href="https:\/\/shop\.example\/">/)
  assert.match(text, /og:image" content="https:\/\/shop\.example\/assets\/mug\.1\.svg"/)
  assert.match(frame(shop, looks, 0, cartPage(null)), /noindex/)
  assert(!frame(shop, looks, 0, cartPage(null)).includes("class=\"count\""))
  const typed = { ...cartPage(null), picture: "http://" }
  assert(!frame(shop, looks, 0, typed).includes("og:image"))
  const withLogo = frame(shop, { ...looks, logo: "/static/l.png" }, 0, cartPage(null))
  assert.match(withLogo, /<img src="\/static\/l\.png" alt="O&#39;Neil &amp; Sons"/)
})

test("a logo is a path of the store, an https address or an image data URI", () => {
  const fit = ["/static/l.png", "https://cdn.example/l.svg", "data:image/png;base64,AA=="]
  const unfit = [undefined, "", "//evil.example/l", "http://a/l", "javascript:1", "data:text/html,x"]
  assert.deepEqual(fit.map((logo) => logoFrom(logo)), fit)
  assert.deepEqual(unfit.map((logo) => logoFrom(logo)), unfit.map(() => null))
})

test("the home page shows prices, sold-out products and low stock", () => {
  const several = [variant({ price: 12.5 }), variant({ price: 18 })]
  assert.match(words(opened([product({ variants: several })])), /Mug from €12\.50/)
  assert.match(words(opened([product({ variants: [variant({ price: 9, left: 0 }), variant()] })])), /Mug €18\.00/)
  assert.match(words(opened([product({ variants: [variant({ before: 20 })] })])), /before €20\.00 €18\.00/)
  assert.match(words(opened([product({ variants: [variant({ left: 0 })] })])), /€18\.00 Sold out/)
  assert.match(words(opened([product({ variants: [variant({ left: 2 })] })])), /Only 2 left/)
  assert.doesNotMatch(words(opened([product({ variants: [variant({ left: 2 }), variant({ left: null })] })])), /left/)
  assert.match(words(opened([product({ variants: [variant({ price: null })] })])), /Not for sale at present Sold out/)
})

test("the home page explains an empty catalogue, a search without results and further pages", () => {
  assert.match(words(opened([])), /Nothing is for sale here yet/)
  assert.match(words(opened([], { search: "<sock>" })), /We found nothing for “&lt;sock&gt;”/)
  const second = opened([product()], { page: 2, pages: 3, search: "a b" })
  assert.match(seen(second), /href="\/\?q=a\+b&amp;page=1" rel="prev"/)
  assert.match(seen(second), /href="\/\?q=a\+b&amp;page=3" rel="next"/)
  assert.doesNotMatch(words(second), /Welcome/)
})

test("a product with one variant shows no choice", () => {
  const text = seen(productPage(shop, product({ variants: [variant({ left: 3 })] }), []))
  assert.match(text, /<input type="hidden" name="variant" value="variant_1">/)
  assert.match(text, /max="3"/)
  assert.match(text, /data-state="low" role="status">Only 3 left/)
})

test("the first variant in stock is chosen, and a sold-out one is disabled", () => {
  const small = variant({ id: "v1", options: ["S"], left: 0 })
  const middle = variant({ id: "v2", options: ["M"], price: 20 })
  const shown = product({ options: ["Size"], variants: [small, middle] })
  const text = seen(productPage(shop, shown, []))
  assert.match(text, /value="v1" required disabled/)
  assert.match(text, /value="v2" required checked/)
  assert.match(text, /<b>S<\/b><small>Sold out<\/small>/)
  assert.match(text, /<b>M<\/b><small>€20\.00<\/small>/)
  const three = { ...shown, variants: [variant({ id: "v0", options: ["L"] }), small, middle] }
  assert.match(seen(productPage(shop, three, [])), /value="v0" required checked/)
  assert.match(seen(productPage(shop, three, [], { chosen: "v2" })), /value="v2" required checked/)
})

test("two options render a group for each value of the first", () => {
  const both = [["Oat", "S"], ["Oat", "M"], ["Moss", "S"], ["Moss", "M"]]
  const variants = both.map((options) => variant({ id: options.join(), options }))
  const text = words(productPage(shop, product({ options: ["Colour", "Size"], variants }), []))
  assert.match(text, /Colour: Oat S M Colour: Moss S M/)
})

test("a sold-out product has no form", () => {
  const page = productPage(shop, product({ variants: [variant({ left: 0 })] }), [])
  assert.match(words(page), /Sold out/)
  assert(!seen(page).includes("<form"))
})

test("the cart page shows an empty, an ordered, a full and an out-of-stock cart", () => {
  assert.match(words(cartPage(null)), /Your cart is empty/)
  assert.match(seen(cartPage(null, { ordered: true })), /href="\/checkout">see your order/)
  assert.match(words(cartPage(cart())), /Mug €18\.00 each €36\.00/)
  assert.match(seen(cartPage(cart())), /href="\/checkout"/)
  const scarce = cartPage(cart([line({ left: 1 }), line({ left: 0, title: "Bag" })]))
  assert.match(words(scarce), /Only 1 left\. Please take one to continue/)
  assert.match(words(scarce), /Sold out in the meantime/)
  assert(!seen(scarce).includes("href=\"/checkout\""))
})

const typed = (given: Partial<Details> = {}): Details => ({
  ...(Object.fromEntries(fields.map((name) => [name, ""])) as Details),
  email: "ann@example.com", first_name: "Ann", last_name: "Lee", address_1: "1 Main St", postal_code: "1", city: "Town",
  country_code: "de", ...given,
})

test("the checkout reports each missing or invalid field, and no others", () => {
  assert.deepEqual(check(typed(), shop.countries), {})
  const required = ["email", "first_name", "last_name", "address_1", "postal_code", "city", "country_code"]
  for (const name of required) assert.deepEqual(Object.keys(check(typed({ [name]: "" }), shop.countries)), [name])
  for (const email of ["ann", "ann@", "ann@home", "a b@example.com", "@example.com"])
    assert("email" in check(typed({ email }), shop.countries), email)
  assert("country_code" in check(typed({ country_code: "us" }), shop.countries))
  assert("province" in check(typed({ country_code: "us" }), [{ code: "us", name: "United States" }]))
  assert("phone" in check(typed({ phone: "call me" }), shop.countries))
  assert(!("phone" in check(typed({ phone: "+49 (30) 123-45" }), shop.countries)))
})

const deliveries = [
  { id: "so_1", name: "Standard", description: "2 days", price: 5 },
  { id: "so_2", name: "Pick up", description: null, price: 0 },
]
const form = (given: Partial<CheckoutForm> = {}): CheckoutForm =>
  ({ cart: cart(), seen: "abc", countries: shop.countries, deliveries, chosen: "so_1", payable: true, ...given })

test("the checkout shows the total of the chosen delivery and carries those of the others", () => {
  const page = checkout(shop, form(), {})
  assert.match(words(page), /Products €36\.00 Delivery €5\.00 Total €41\.00 Place order/)
  assert.match(seen(page), /value="so_2" required data-delivery="€0\.00" data-total="€36\.00"/)
  assert.match(words(page), /Country Germany/)
  assert.match(seen(page), /name="country_code" value="de"/)
})

test("errors are shown at their fields, and the input is kept", () => {
  const page = checkout(shop, form(), { email: "ann@", city: "Town" }, { email: "Please enter an address." })
  assert.match(seen(page), /value="ann@" autocomplete="email" maxlength="120" required aria-invalid="true"/)
  assert.match(seen(page), /aria-describedby="email-error"><p class="error" id="email-error">/)
  assert.match(seen(page), /role="alert".*<a href="#email">/s)
  assert.match(seen(page), /id="city"[^>]*value="Town"/)
  assert.match(page.title, /^Please check your details/)
})

test("the order button is disabled without a delivery or a payment", () => {
  for (const given of [{ deliveries: [], chosen: null }, { payable: false }])
    assert.match(seen(checkout(shop, form(given), {})), /<button class="button full" disabled>/)
})

test("the state is required in countries whose addresses need one", () => {
  const [de, us] = [germany, { code: "us", name: "United States" }]
  assert(!seen(checkout(shop, form(), {})).includes("province"))
  assert.match(seen(checkout(shop, form({ countries: [us] }), {})), /id="province"[^>]*required/)
  assert.doesNotMatch(seen(checkout(shop, form({ countries: [de, us] }), {})), /id="province"[^>]*required/)
  const abroad = checkout(shop, form({ countries: [de, us] }), { country_code: "us" })
  assert.match(seen(abroad), /<option value="us" selected>/)
})

const order = (given: Partial<Order> = {}): Order => ({
  ...cart(), number: 7, placed: new Date("2026-11-21T10:00:00Z"), email: "ann@example.com", address: typed(),
  delivery: "Standard", state: "received", paid: false, ...given,
})

test("the order page shows number, state and address", () => {
  const page = words(orderPage(shop, order()))
  assert.match(page, /Thank you, Ann/)
  assert.match(page, /number 7 of 21 November 2026\. We have received it/)
  assert.match(page, /Please keep the order number/)
  assert.match(page, /Ann Lee 1 Main St 1 Town Germany/)
  assert.match(page, /will contact you at ann@example\.com about how to pay/)
  assert.match(words(orderPage(shop, order({ state: "sent", paid: true }))), /It is on its way\..*Paid\. Thank you\./)
  assert.match(words(orderPage(shop, order({ state: "cancelled" }))), /It was cancelled\..*Nothing is due\./)
})

test("a failed order lookup keeps the input", () => {
  const page = lookUp({ number: "7", email: "a@b.c" }, "No order has these.")
  assert.match(seen(page), /value="7".*value="a@b\.c"/s)
  assert.match(seen(page), /role="alert"><div>No order has these\./)
})
