/** Reads what the storefront shows from Medusa: the shop's name and its published products with their lowest price. */
import { MedusaContainer } from "@medusajs/framework/types"
import { ContainerRegistrationKeys, QueryContext } from "@medusajs/framework/utils"
import type { Card } from "./storefront"

type Price = { calculated_amount: number | null; currency_code: string | null }

function lowest(prices: Array<Price | undefined>): string | null {
  const amounts = prices.flatMap((p) => (p?.calculated_amount != null && p.currency_code ? [p] : []))
  if (amounts.length === 0) return null
  const least = amounts.reduce((a, b) => (a.calculated_amount! <= b.calculated_amount! ? a : b))
  const format = new Intl.NumberFormat("en", { style: "currency", currency: least.currency_code!.toUpperCase() })
  return format.format(least.calculated_amount!)
}

/** The shop's name and its products in alphabetical order; only `handle` if given. Prices are those of the first region. */
export async function readShop(scope: MedusaContainer, handle?: string): Promise<{ shop: string; cards: Card[] }> {
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const [stores, regions] = await Promise.all([
    query.graph({ entity: "store", fields: ["name"] }),
    query.graph({ entity: "region", fields: ["id", "currency_code"], pagination: { take: 1, order: { created_at: "ASC" } } }),
  ])
  const region = regions.data[0]
  const products = await query.graph({
    entity: "product",
    fields: ["handle", "title", "description", "thumbnail", "variants.calculated_price.*"],
    filters: { status: "published" as const, ...(handle ? { handle } : {}) },
    pagination: { order: { title: "ASC" } },
    context: { variants: { calculated_price: QueryContext({ region_id: region?.id, currency_code: region?.currency_code }) } },
  })
  const cards = products.data.map(({ handle, title, description, thumbnail, variants }) => ({
    handle, title, description, thumbnail,
    price: lowest(variants.map((variant: { calculated_price?: Price }) => variant.calculated_price)),
  }))
  return { shop: stores.data[0].name, cards }
}
