/** GET /robots.txt: rules for search engines. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { enter } from "../../shop/web.ts"
import { shopLooks } from "../../storefront/assets.ts"

const rules = ["User-agent: *", ...["/app", "/cart", "/checkout", "/orders/"].map((path) => `Disallow: ${path}`)]

export async function GET(req: MedusaRequest, res: MedusaResponse) {
  const { hidden } = await enter(req)
  if (hidden) return void res.type("text").send("User-agent: *\nDisallow: /\n")
  res.type("text").send([...rules, `Sitemap: ${shopLooks.url}/sitemap.xml`, ""].join("\n"))
}
