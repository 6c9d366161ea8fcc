/** GET / : the shop window. */
import { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { readShop } from "../catalogue"
import { grid, page } from "../storefront"

export async function GET(req: MedusaRequest, res: MedusaResponse) {
  const { shop, cards } = await readShop(req.scope)
  res.type("html").send(page(shop, shop, grid(cards)))
}
