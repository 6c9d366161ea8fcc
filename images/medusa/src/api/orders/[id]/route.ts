/** GET /orders/:id: shows the order to the shopper who placed or found it, and the lookup form to others. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { mayRead, readOrder } from "../../../shop/orders.ts"
import { enter, send, text } from "../../../shop/web.ts"
import { lookUp, order } from "../../../storefront/order.ts"

const unknown = "To see this order, enter its number and e-mail address."

export async function GET(req: MedusaRequest, res: MedusaResponse) {
  const shop = await enter(req)
  const id = text(req.params.id)
  if (!mayRead(id, text(req.cookies?.order))) return send(req, res, shop, lookUp({}, unknown), { status: 404 })
  await send(req, res, shop, order(shop, await readOrder(req.scope, id)))
}
