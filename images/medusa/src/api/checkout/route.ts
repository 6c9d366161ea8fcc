/** GET /checkout: shows the form. POST /checkout: places the order once, or shows the form again with errors. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { OutOfStock, readCart, setCountry } from "../../shop/carts.ts"
import { fingerprint, manual, placeOrder, readDeliveries, Repriced } from "../../shop/orders.ts"
import type { OpenShop } from "../../shop/shop.ts"
import { cartOf, enter, send, showOrder, text } from "../../shop/web.ts"
import { short } from "../../storefront/cart.ts"
import { check, checkout, type CheckoutForm, type Errors } from "../../storefront/checkout.ts"
import { type Cart, type Details, fields } from "../../storefront/model.ts"

/** The cart, if it can be ordered. Otherwise redirects the shopper and returns null. */
async function orderable(req: MedusaRequest, res: MedusaResponse, shop: OpenShop): Promise<Cart | null> {
  const cart = await readCart(req.scope, shop, cartOf(req))
  if (cart?.order) showOrder(res, cart.order)
  else if (!cart || cart.lines.length === 0 || cart.lines.some(short)) res.redirect(303, "/cart")
  else return cart
  return null
}

async function prepare(req: MedusaRequest, shop: OpenShop, cart: Cart, wanted = ""): Promise<CheckoutForm> {
  const { countries, payments } = shop
  const deliveries = await readDeliveries(req.scope, cart.id)
  const chosen = deliveries.find(({ id }) => id === wanted) ?? deliveries[0]
  const payable = payments.includes(manual)
  return { cart, seen: fingerprint(cart, deliveries), countries, deliveries, chosen: chosen?.id ?? null, payable }
}

export async function GET(req: MedusaRequest, res: MedusaResponse) {
  const shop = await enter(req)
  const cart = await orderable(req, res, shop)
  if (cart) await send(req, res, shop, checkout(shop, await prepare(req, shop, cart), cart.details))
}

const changed = "Your cart or its prices changed while this page was open. Please check it before you order."
const moved = "Below are the delivery options for the country you chose. Please check them before you order."
const repriced = "Your address and delivery change the total. Please check it before you order."

export async function POST(req: MedusaRequest<Record<string, unknown>>, res: MedusaResponse) {
  const shop = await enter(req)
  const cart = await orderable(req, res, shop)
  if (!cart) return
  const body = req.body ?? {}
  const details = Object.fromEntries(fields.map((name) => [name, text(body[name])])) as Details
  const moving = details.country_code !== cart.country && shop.countries.some(({ code }) => code === details.country_code)
  if (moving) await setCountry(req.scope, cart.id, details.country_code)
  if (body.step === "country") return showAgain(req, res, shop, cart, details)
  if (moving) return showAgain(req, res, shop, cart, details, { trouble: moved }) // not shown yet without scripts
  const delivery = text(body.delivery)
  const form = await prepare(req, shop, cart, delivery)
  const errors: Errors = check(details, shop.countries)
  if (delivery !== form.chosen) errors.delivery = "Please choose a delivery option."
  const trouble = body.seen === form.seen ? undefined : changed
  if (trouble || Object.keys(errors).length > 0 || !form.payable)
    return send(req, res, shop, checkout(shop, form, details, errors, trouble), { status: trouble ? 409 : 422 })
  try {
    const total = text(body[`total-${delivery}`])
    showOrder(res, await placeOrder(req.scope, cart.id, { details, delivery, total }))
  } catch (error) {
    if (error instanceof OutOfStock) res.redirect(303, "/cart?scarce")
    else if (error instanceof Repriced) await showAgain(req, res, shop, cart, details, { delivery, trouble: repriced })
    else throw error
  }
}

/** Shows the form again, with the current cart. */
async function showAgain(
  req: MedusaRequest, res: MedusaResponse, shop: OpenShop, cart: Cart, details: Details,
  { delivery, trouble }: { delivery?: string; trouble?: string } = {},
) {
  const now = (await readCart(req.scope, shop, cart.id)) ?? cart
  const page = checkout(shop, await prepare(req, shop, now, delivery), details, {}, trouble)
  await send(req, res, shop, page, { status: trouble ? 409 : 200 })
}
