/** GET /orders : the form that finds an order. POST /orders : on to the order, if number and e-mail belong together. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { noteVain, tooMany } from "../../shop/attempts.ts"
import { findOrder } from "../../shop/orders.ts"
import { enter, send, showOrder, text } from "../../shop/web.ts"
import { lookUp } from "../../storefront/order.ts"

export async function GET(req: MedusaRequest, res: MedusaResponse) {
  await send(req, res, await enter(req), lookUp())
}

const unknown = "No order has this number and this e-mail address. Please look at both again."
const wait = "That was tried too often. Please wait ten minutes and try again."

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
