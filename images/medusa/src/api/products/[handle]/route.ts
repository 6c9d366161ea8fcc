/** GET /products/:handle: shows a product. ?variant= selects a variant. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { enter, text } from "../../../shop/web.ts"
import { showProduct } from "../../../shop/showcase.ts"

export async function GET(req: MedusaRequest, res: MedusaResponse) {
  await showProduct(req, res, await enter(req), text(req.params.handle, 255), { chosen: text(req.query.variant) })
}
