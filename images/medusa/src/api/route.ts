/** GET /: lists all products, or the results of a search. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { perPage, readProducts } from "../shop/catalogue.ts"
import { enter, send, text } from "../shop/web.ts"
import { home } from "../storefront/home.ts"
import { notFound } from "../storefront/told.ts"

export async function GET(req: MedusaRequest, res: MedusaResponse) {
  const shop = await enter(req)
  const search = text(req.query.q, 80)
  const page = Math.max(1, Math.min(1000, parseInt(text(req.query.page)) || 1))
  const { products, total } = await readProducts(req.scope, shop, { search, skip: (page - 1) * perPage })
  const pages = Math.max(1, Math.ceil(total / perPage))
  if (page > pages) return send(req, res, shop, notFound, { status: 404 })
  await send(req, res, shop, home(shop, { products, total, search, page, pages }))
}
