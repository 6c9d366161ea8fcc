/** GET /cart: shows the cart. POST /cart: adds `quantity` of `variant`. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { ContainerRegistrationKeys } from "@medusajs/framework/utils"
import { addToCart, openCart, OutOfStock, readCart } from "../../shop/carts.ts"
import { showProduct } from "../../shop/showcase.ts"
import { cartOf, enter, keepCart, send, text } from "../../shop/web.ts"
import { cart } from "../../storefront/cart.ts"
import type { Line } from "../../storefront/model.ts"
import { notFound } from "../../storefront/told.ts"

const tooFew = ({ title, variant, left }: Line) =>
  `There ${left === 1 ? "is" : "are"} only ${left} of ${variant ? `${title}, ${variant}` : title} left.`
const notThatMany = "There are not that many left. Items that are already in your cart count too."

export async function GET(req: MedusaRequest, res: MedusaResponse) {
  const shop = await enter(req)
  const found = await readCart(req.scope, shop, cartOf(req))
  if (found?.order) return send(req, res, shop, cart(null, { ordered: true }))
  const { query } = req
  const scarce = found?.lines.find(({ id, left }) => id === query.scarce && left !== null)
  const added = found?.lines.find(({ handle }) => handle === query.added)
  const removed = "removed" in query ? "The product was removed from your cart." : undefined
  const message = added ? `${added.title} is in your cart.` : removed
  const trouble = scarce ? tooFew(scarce) : "scarce" in query ? "Some products were sold in the meantime." : undefined
  const inCart = found?.lines.reduce((sum, { quantity }) => sum + quantity, 0) ?? 0
  await send(req, res, shop, cart(found, { message, trouble }), { inCart })
}

async function handleOf(req: MedusaRequest, variant: string): Promise<string | null> {
  const query = req.scope.resolve(ContainerRegistrationKeys.QUERY)
  const fields = ["product.handle"]
  const { data } = await query.graph({ entity: "product_variant", fields, filters: { id: variant } })
  return data[0]?.product?.handle ?? null
}

export async function POST(req: MedusaRequest<Record<string, unknown>>, res: MedusaResponse) {
  const shop = await enter(req)
  const [variant, quantity] = [text(req.body?.variant), text(req.body?.quantity) || "1"]
  const handle = variant && (await handleOf(req, variant))
  if (!handle) return send(req, res, shop, notFound, { status: 404 })
  const again = (trouble: string) => showProduct(req, res, shop, handle, { chosen: variant, quantity, trouble })
  if (!/^[1-9]\d?$/.test(quantity)) return again("Please enter a quantity from 1 to 99.")
  const item = { variant_id: variant, quantity: Number(quantity) }
  const open = await readCart(req.scope, shop, cartOf(req))
  try {
    if (open && !open.order) await addToCart(req.scope, open.id, item)
    else keepCart(res, await openCart(req.scope, shop, item))
  } catch (error) {
    if (error instanceof OutOfStock) return again(notThatMany)
    throw error
  }
  res.redirect(303, `/cart?added=${encodeURIComponent(handle)}`)
}
