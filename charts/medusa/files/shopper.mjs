/**
 * Opens the home page and, if a product can be bought, puts it into a cart. Writes what it did and exits 0, or throws. A shop that
 * refuses a request works: a merchant may sell out, or end a key. One that answers with an error of its own does not.
 */
import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

const { SHOP, PUBLISHABLE_KEY } = process.env

/** The answer; undefined if the shop refuses the request. */
async function ask(path, body) {
  const headers = { "content-type": "application/json", "x-publishable-api-key": PUBLISHABLE_KEY }
  const answer = await fetch(SHOP + path, { headers, ...(body && { method: "POST", body: JSON.stringify(body) }) })
  const text = await answer.text()
  assert(answer.status < 500, `error: ${path} answered ${answer.status}: ${text.slice(0, 300)}`)
  return answer.ok ? text : undefined
}

const shop = async (path, body) => JSON.parse((await ask(path, body)) ?? "{}")

async function findProduct(region) {
  const fields = encodeURIComponent("*variants.calculated_price,+variants.inventory_quantity")
  const { products = [] } = await shop(`/store/products?region_id=${region}&fields=${fields}`)
  const forSale = (v) => v.calculated_price?.calculated_amount > 0 && (!v.manage_inventory || v.inventory_quantity > 0)
  return products.flatMap((product) => product.variants ?? []).find(forSale)
}

/** Whether a cart holds a product now. */
async function fillCart() {
  const { regions: [region] = [] } = await shop("/store/regions")
  const variant = region && await findProduct(region.id)
  const { cart } = variant ? await shop("/store/carts", { region_id: region.id }) : {}
  const { cart: filled } = cart ? await shop(`/store/carts/${cart.id}/line-items`, { variant_id: variant.id, quantity: 1 }) : {}
  assert(!filled || filled.total > 0, "error: a cart with a product costs nothing")
  return Boolean(filled)
}

/** The home page. A node may refuse connections to a Service for some seconds after its pods are ready. */
async function arrive() {
  for (const end = Date.now() + 30_000; ; await sleep(500)) {
    try {
      return await ask("/")
    } catch (error) {
      if (!(error instanceof TypeError) || Date.now() > end) throw error // fetch's error of a connection
    }
  }
}

assert(await arrive(), "error: the home page does not answer")
const filled = await fillCart()
writeFileSync("/dev/termination-log", filled ? "A cart holds a product with a price." : "The home page answers. No product can be bought.")
