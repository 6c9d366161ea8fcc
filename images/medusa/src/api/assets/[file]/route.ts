/** GET /assets/:file: style, script and pictures. Browsers keep them, because a changed file has another address. */
import type { MedusaNextFunction, MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { find } from "../../../storefront/assets.ts"

export async function GET(req: MedusaRequest, res: MedusaResponse, next: MedusaNextFunction) {
  const asset = find(req.params.file)
  if (!asset) return next()
  res.set({
    "Cache-Control": asset.current ? "public, max-age=31536000, immutable" : "public, max-age=300",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
  }).type(asset.type).send(asset.body)
}
