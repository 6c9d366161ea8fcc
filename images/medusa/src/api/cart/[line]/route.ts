/** POST /cart/:line: sets the quantity of a line. 0 removes the line. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { changeLine, OutOfStock, readCart } from "../../../shop/carts.ts"
import { cartOf, enter, text } from "../../../shop/web.ts"

export async function POST(req: MedusaRequest<Record<string, unknown>>, res: MedusaResponse) {
  const [line, quantity] = [text(req.params.line), text(req.body?.quantity)]
  const cart = await readCart(req.scope, await enter(req), cartOf(req))
  const known = cart && !cart.order && cart.lines.some(({ id }) => id === line)
  if (!known || !/^\d{1,2}$/.test(quantity)) return res.redirect(303, "/cart")
  try {
    await changeLine(req.scope, cart.id, line, Number(quantity))
  } catch (error) {
    if (error instanceof OutOfStock) return res.redirect(303, `/cart?scarce=${line}`)
    throw error
  }
  res.redirect(303, Number(quantity) === 0 ? "/cart?removed" : "/cart")
}
