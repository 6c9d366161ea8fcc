/** Opens the home page and, if a product can be bought, puts it into a cart. Writes what it did and exits 0, or throws. */
import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"

const { SHOP, PUBLISHABLE_KEY } = process.env

async function open(path, body) {
  const headers = { "content-type": "application/json", "x-publishable-api-key": PUBLISHABLE_KEY }
  const answer = await fetch(SHOP + path, { headers, ...(body && { method: "POST", body: JSON.stringify(body) }) })
  const text = await answer.text()
  assert(answer.ok, `error: ${path} answered ${answer.status}: ${text.slice(0, 300)}`)
  return text
}

const shop = async (path, body) => JSON.parse(await open(path, body))

async function findProduct(region) {
  const fields = encodeURIComponent("*variants.calculated_price,+variants.inventory_quantity")
  const { products } = await shop(`/store/products?region_id=${region}&fields=${fields}`)
  const forSale = (v) => v.calculated_price?.calculated_amount > 0 && (!v.manage_inventory || v.inventory_quantity > 0)
  return products.flatMap((product) => product.variants ?? []).find(forSale)
}

await open("/")
const { regions: [region] } = await shop("/store/regions")
const variant = region && await findProduct(region.id)
if (variant) {
  const { cart } = await shop("/store/carts", { region_id: region.id })
  const { cart: filled } = await shop(`/store/carts/${cart.id}/line-items`, { variant_id: variant.id, quantity: 1 })
  assert(filled.total > 0, "error: a cart with a product costs nothing")
}
writeFileSync("/dev/termination-log", variant ? "A cart holds a product with a price." : "The home page answers. No product can be bought.")
