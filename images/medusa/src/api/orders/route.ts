/** GET /orders: shows the lookup form. POST /orders: redirects to the order if number and e-mail address match. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { noteVain, tooMany } from "../../shop/attempts.ts"
import { findOrder } from "../../shop/orders.ts"
import { enter, send, showOrder, text } from "../../shop/web.ts"
import { lookUp } from "../../storefront/order.ts"

export async function GET(req: MedusaRequest, res: MedusaResponse) {
  await send(req, res, await enter(req), lookUp())
}

const unknown = "No order has this number and e-mail address. Please check both."
const wait = "Too many attempts. Please wait ten minutes and try again."

export async function POST(req: MedusaRequest<Record<string, unknown>>, res: MedusaResponse) {
  const shop = await enter(req)
  const typed = { number: text(req.body?.number, 12), email: text(req.body?.email) }
  const visitor = req.ip ?? ""
  if (tooMany(visitor)) return send(req, res, shop, lookUp(typed, wait), { status: 429 })
  const number = /^#?(\d{1,9})$/.exec(typed.number)?.[1]
  const id = number ? await findOrder(req.scope, Number(number), typed.email) : null
  if (id) return showOrder(res, id)
  noteVain(visitor)
  await send(req, res, shop, lookUp(typed, unknown), { status: 422 })
}
