/** GET /orders/:id?key= : the order, for whoever was given its address. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { mayRead, readOrder } from "../../../shop/orders.ts"
import { enter, send, text } from "../../../shop/web.ts"
import { order } from "../../../storefront/order.ts"
import { notFound } from "../../../storefront/told.ts"

export async function GET(req: MedusaRequest, res: MedusaResponse) {
  const shop = await enter(req)
  const id = text(req.params.id)
  if (!mayRead(id, text(req.query.key))) return send(req, res, shop, notFound, { status: 404 })
  await send(req, res, shop, order(shop, await readOrder(req.scope, id)))
}
