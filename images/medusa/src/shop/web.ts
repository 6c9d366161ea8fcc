/** Between the pages and HTTP: what a visitor sent, which cart is theirs, and answers with the headers they need. */
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

/** One line of text as sent in a form or an address, at most `length` characters; empty if it is anything else. */
export const text = (sent: unknown, length = 120): string =>
  typeof sent === "string" ? sent.replace(/[\u0000-\u001f\u007f]+/g, " ").trim().slice(0, length) : ""

const secure = shopLooks.url.startsWith("https:")
/** With this prefix no neighbour below the same domain can set it (RFC 6265bis); browsers take it with TLS only. */
const cartCookie = secure ? "__Host-cart" : "cart"

export function cartOf(req: MedusaRequest): string | null {
  const id = req.cookies?.[cartCookie]
  return typeof id === "string" && /^cart_[0-9A-Z]{26}$/.test(id) ? id : null
}

const kept: CookieOptions = { httpOnly: true, sameSite: "lax", secure, maxAge: month }

export const keepCart = (res: MedusaResponse, id: string) => res.cookie(cartCookie, id, kept)

/** On to the order's page, which opens by this visitor's cookie alone: addresses get around, and into logs. */
export function showOrder(res: MedusaResponse, id: string) {
  const path = `/orders/${id}`
  res.cookie("order", seal(id), { ...kept, path }).redirect(303, path)
}

type Answer = { status?: number; inCart?: number }

/** A page in the frame of the shop, never kept by anyone but the visitor's browser, which asks again each time. */
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

/** The shop; what was last known of it is there for pages that must do without the database. */
export const enter = async (req: MedusaRequest): Promise<OpenShop> => (lastSeen = await readShop(req.scope))

export const asLastSeen = (): Shop => {
  const { STORE_NAME: name = "Shop", STORE_CURRENCY: currency = "eur" } = process.env
  return lastSeen ?? { name, currency, tagline: null, countries: [] }
}

/** Forms may only come from this shop's own pages. Other sites' come without the cookie; this is for old browsers. */
export async function fromHere(req: MedusaRequest, res: MedusaResponse, next: MedusaNextFunction) {
  const site = req.get("sec-fetch-site")
  const origin = req.get("origin")
  const here = [req.get("host"), new URL(shopLooks.url).host]
  const host = origin && URL.canParse(origin) ? new URL(origin).host : origin
  if (site ? ["same-origin", "none"].includes(site) : !origin || here.includes(host)) return next()
  await send(req, res, asLastSeen(), foreign, { status: 403, inCart: 0 })
}
