/** GET /sitemap.xml: addresses of all products, for search engines. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { readHandles } from "../../shop/catalogue.ts"
import { enter } from "../../shop/web.ts"
import { shopLooks } from "../../storefront/assets.ts"
import { html } from "../../storefront/html.ts"

export async function GET(req: MedusaRequest, res: MedusaResponse) {
  const handles = await readHandles(req.scope, await enter(req))
  const addresses = ["/", ...handles.map((handle) => `/products/${encodeURIComponent(handle)}`)]
  res.type("xml").send(html`<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
${addresses.map((address) => html`<url><loc>${shopLooks.url + address}</loc></url>
`)}</urlset>
`.text)
}
