/** The product page with further products. It is shown again if a product could not be added to the cart. */
import type { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { product, type Wish } from "../storefront/product.ts"
import { notFound } from "../storefront/told.ts"
import { readProducts } from "./catalogue.ts"
import type { OpenShop } from "./shop.ts"
import { send } from "./web.ts"

const neighbours = 4

export async function showProduct(req: MedusaRequest, res: MedusaResponse, shop: OpenShop, handle: string, wish: Wish) {
  const [{ products: [shown] }, { products: all }] = await Promise.all([
    readProducts(req.scope, shop, { handle, take: 1 }),
    readProducts(req.scope, shop, { take: neighbours + 1 }),
  ])
  if (!shown) return send(req, res, shop, notFound, { status: 404 })
  const others = all.filter((other) => other.handle !== handle).slice(0, neighbours)
  await send(req, res, shop, product(shop, shown, others, wish), { status: wish.trouble ? 409 : 200 })
}
