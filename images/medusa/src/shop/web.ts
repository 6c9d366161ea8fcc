/** HTTP for the pages: form input, cart cookies, responses with security headers. */
import type { CookieOptions } from "express"
import type { MedusaNextFunction, MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { shopLooks } from "../storefront/assets.ts"
import type { Shop } from "../storefront/model.ts"
import { frame, type Page } from "../storefront/page.ts"
import { foreign } from "../storefront/told.ts"
import { countItems } from "./carts.ts"
import { seal } from "./orders.ts"
import { type OpenShop, readShop } from "./shop.ts"

const policy = [
  "default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self' data: https:", "form-action 'self'",
  "base-uri 'none'", "frame-ancestors 'none'",
].join("; ")
const month = 30 * 24 * 3600 * 1000 // ms

/** A form or query value as one line of at most `length` characters. Empty if it is not a string. */
export const text = (sent: unknown, length = 120): string =>
  typeof sent === "string" ? sent.replace(/[\u0000-\u001f\u007f]+/g, " ").trim().slice(0, length) : ""

const secure = shopLooks.url.startsWith("https:")
/** With this prefix, no other host of the domain can set the cookie (RFC 6265bis). Browsers accept it only over TLS. */
const cartCookie = secure ? "__Host-cart" : "cart"

export function cartOf(req: MedusaRequest): string | null {
  const id = req.cookies?.[cartCookie]
  return typeof id === "string" && /^cart_[0-9A-Z]{26}$/.test(id) ? id : null
}

const kept: CookieOptions = { httpOnly: true, sameSite: "lax", secure, maxAge: month }

export const keepCart = (res: MedusaResponse, id: string) => res.cookie(cartCookie, id, kept)

/** Redirects to the order's page. It opens only with this shopper's cookie, because addresses end up in logs. */
export function showOrder(res: MedusaResponse, id: string) {
  const path = `/orders/${id}`
  res.cookie("order", seal(id), { ...kept, path }).redirect(303, path)
}

type Answer = { status?: number; inCart?: number }

/** Sends a page in the store's frame. Only the shopper's browser may cache it, and it revalidates each time. */
export async function send(req: MedusaRequest, res: MedusaResponse, shop: Shop, page: Page, answer: Answer = {}) {
  const { status = 200, inCart } = answer
  const count = inCart ?? (await countItems(req.scope, cartOf(req)))
  res.status(status).set({
    "Content-Security-Policy": policy,
    "Cache-Control": page.path ? "private, no-cache" : "private, no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
  }).type("html").send(frame(shop, shopLooks, count, page))
}

let lastSeen: OpenShop | null = null

/** The store's settings. The last known ones serve error pages when the database does not answer. */
export const enter = async (req: MedusaRequest): Promise<OpenShop> => (lastSeen = await readShop(req.scope))

export const asLastSeen = (): Shop => {
  const { STORE_NAME: name = "Shop", STORE_CURRENCY: currency = "eur" } = process.env
  return lastSeen ?? { name, currency, tagline: null, hidden: false, countries: [] }
}

/** Accepts forms only from the store's own pages. SameSite cookies cover current browsers; this check covers old ones. */
export async function fromHere(req: MedusaRequest, res: MedusaResponse, next: MedusaNextFunction) {
  const site = req.get("sec-fetch-site")
  const origin = req.get("origin")
  const here = [req.get("host"), new URL(shopLooks.url).host]
  const host = origin && URL.canParse(origin) ? new URL(origin).host : origin
  if (site ? ["same-origin", "none"].includes(site) : !origin || here.includes(host)) return next()
  await send(req, res, asLastSeen(), foreign, { status: 403, inCart: 0 })
}
