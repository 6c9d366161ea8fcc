/** GET /robots.txt: rules for search engines. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { shopLooks } from "../../storefront/assets.ts"

const rules = ["User-agent: *", ...["/app", "/cart", "/checkout", "/orders/"].map((path) => `Disallow: ${path}`)]

export async function GET(_req: MedusaRequest, res: MedusaResponse) {
  res.type("text").send([...rules, `Sitemap: ${shopLooks.url}/sitemap.xml`, ""].join("\n"))
}
