/** Buys a product through the Store API and finds the order in the admin. Prints the order and exits 0, or throws. */
import assert from "node:assert/strict"

const { SHOP, PUBLISHABLE_KEY, ADMIN_EMAIL, ADMIN_PASSWORD } = process.env

async function call(path, headers, body) {
  const init = body && { method: "POST", body: JSON.stringify(body) }
  const answer = await fetch(SHOP + path, { ...init, headers: { "content-type": "application/json", ...headers } })
  const text = await answer.text()
  assert(answer.ok, `${path} answered ${answer.status}: ${text.slice(0, 300)}`)
  return JSON.parse(text)
}

const shop = (path, body) => call(path, { "x-publishable-api-key": PUBLISHABLE_KEY }, body)

async function fillCart() {
  const { regions: [region] } = await shop("/store/regions")
  const fields = "*variants.calculated_price,+variants.inventory_quantity"
  const { products } = await shop(`/store/products?region_id=${region.id}&fields=${encodeURIComponent(fields)}`)
  const forSale = (v) => v.calculated_price?.calculated_amount > 0 && (!v.manage_inventory || v.inventory_quantity > 0)
  const variant = products.flatMap((product) => product.variants).find(forSale)
  assert(variant, "no product with a price is in stock")
  const { cart } = await shop("/store/carts", { region_id: region.id })
  await shop(`/store/carts/${cart.id}/line-items`, { variant_id: variant.id, quantity: 1 })
  const address = {
    first_name: "Test", last_name: "Shopper", address_1: "1 Test Street", city: "Testville", postal_code: "10115",
    country_code: region.countries[0].iso_2,
  }
  await shop(`/store/carts/${cart.id}`, { email: "shopper@example.com", shipping_address: address, billing_address: address })
  return cart.id
}

async function checkOut(cart) {
  const { shipping_options: [option] } = await shop(`/store/shipping-options?cart_id=${cart}`)
  assert(option, "nothing ships to the region's first country")
  await shop(`/store/carts/${cart}/shipping-methods`, { option_id: option.id })
  const { payment_collection } = await shop("/store/payment-collections", { cart_id: cart })
  await shop(`/store/payment-collections/${payment_collection.id}/payment-sessions`, { provider_id: "pp_system_default" })
  const { type, order } = await shop(`/store/carts/${cart}/complete`, {})
  assert.equal(type, "order", "the cart did not become an order")
  return order
}

async function findInAdmin(id) {
  const { token } = await call("/auth/user/emailpass", {}, { email: ADMIN_EMAIL, password: ADMIN_PASSWORD })
  const { order } = await call(`/admin/orders/${id}?fields=display_id,total,currency_code`, { authorization: `Bearer ${token}` })
  return order
}

const bought = await checkOut(await fillCart())
const seen = await findInAdmin(bought.id)
assert.equal(seen.total, bought.total)
assert(seen.total > 0, "the order's total is 0")
console.log(`bought order #${seen.display_id} for ${seen.total} ${seen.currency_code} and found it in the admin`)
