/** GET /products/:handle : one product's page, or a 404 that leads back to the shop. */
import { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { readShop } from "../../../catalogue"
import { page, product } from "../../../storefront"

export async function GET(req: MedusaRequest, res: MedusaResponse) {
  const { shop, cards } = await readShop(req.scope, req.params.handle)
  const [card] = cards
  if (card) return res.type("html").send(page(shop, card.title, product(card)))
  return res.status(404).type("html").send(page(shop, "Not found", '<h1>Not found</h1><p><a href="/">All products</a></p>'))
}
