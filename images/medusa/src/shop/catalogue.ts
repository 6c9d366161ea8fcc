/** Reads the published products of the store's sales channel, with prices and stock. */
import type { MedusaContainer } from "@medusajs/framework/types"
import { ContainerRegistrationKeys, QueryContext } from "@medusajs/framework/utils"
import type { Product, Variant } from "../storefront/model.ts"
import type { OpenShop } from "./shop.ts"

export const perPage = 24

const cardFields = [
  "id", "handle", "title", "thumbnail", "variants.id", "variants.manage_inventory", "variants.allow_backorder",
  "variants.calculated_price.*",
]
const pageFields = [
  ...cardFields, "subtitle", "description", "material", "images.url", "images.rank", "variants.title",
  "variants.thumbnail", "variants.variant_rank", "variants.options.value", "variants.options.option.title",
]
const stockFields = [
  "variant_id", "required_quantity", "inventory.location_levels.location_id",
  "inventory.location_levels.stocked_quantity", "inventory.location_levels.reserved_quantity",
]

/** Stock by variant. null: no limit. */
export type Stock = Map<string, number | null>

/** Number of variants that the stock of one part at `locations` is enough for. */
function enoughFor({ required_quantity, inventory }: any, locations: string[]): number {
  const levels: any[] = (inventory?.location_levels ?? []).filter((level: any) => locations.includes(level.location_id))
  const there = levels.reduce((sum, level) => sum + Number(level.stocked_quantity) - Number(level.reserved_quantity), 0)
  return Math.max(0, Math.floor(there / required_quantity))
}

/** The scarcest part limits a variant's stock. A variant with tracked stock but without stock levels is sold out. */
export async function readStock(scope: MedusaContainer, { locations }: OpenShop, variants: any[]): Promise<Stock> {
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const tracked = variants.filter((variant) => variant.manage_inventory && !variant.allow_backorder).map(({ id }) => id)
  const { data: parts } = await query.graph({
    entity: "product_variant_inventory_items", fields: stockFields, filters: { variant_id: tracked },
  })
  const left = (id: string) => {
    const numbers = parts.filter((part: any) => part.variant_id === id).map((part: any) => enoughFor(part, locations))
    return numbers.length > 0 ? Math.min(...numbers) : 0
  }
  return new Map(variants.map(({ id }) => [id, tracked.includes(id) ? left(id) : null]))
}

/** The path of an uploaded picture, without the host: it works under every address of the store. */
export const local = (address: string | null | undefined): string | null =>
  address?.replace(/^https?:\/\/[^/]+(?=\/static\/)/, "") || null

/** Titles of the options. The option that changes least often from variant to variant comes first: Colour before Size. */
function optionTitles(variants: any[]): string[] {
  const titles = variants.flatMap(({ options = [] }) => options.map(({ option }: any) => option.title as string))
  const changes = (title: string) => {
    const values = variants.map((variant) => valueOf(variant, title))
    return values.filter((value, i) => i > 0 && value !== values[i - 1]).length
  }
  return [...new Set(titles)].sort((a, b) => changes(a) - changes(b) || a.localeCompare(b))
}

const valueOf = ({ options }: any, title: string): string | undefined =>
  options.find(({ option }: any) => option.title === title)?.value

function toVariant(variant: any, titles: string[], stock: Stock): Variant {
  const { calculated_amount: price = null, original_amount: original = null } = variant.calculated_price ?? {}
  return {
    id: variant.id,
    options: titles.map((title) => valueOf(variant, title) ?? variant.title),
    price,
    before: original !== null && price !== null && original > price ? original : null,
    left: stock.get(variant.id) ?? null,
    picture: local(variant.thumbnail),
  }
}

function toProduct(product: any, stock: Stock): Product {
  const variants = [...product.variants].sort((a, b) => a.variant_rank - b.variant_rank || (a.id < b.id ? -1 : 1))
  const options = optionTitles(variants)
  const images = [...(product.images ?? [])].sort((a, b) => a.rank - b.rank).map(({ url }) => url)
  const pictures = [product.thumbnail, ...images, ...variants.map(({ thumbnail }) => thumbnail)].map(local)
  return {
    ...product,
    description: product.description ?? "",
    pictures: [...new Set(pictures)].filter((address) => address !== null),
    options,
    variants: variants.map((variant) => toVariant(variant, options, stock)),
  }
}

type Wanted = { handle?: string; search?: string; skip?: number; take?: number }

/**
 * One page of products, sorted by title, and the total number. Only a product requested by `handle` is complete; the others
 * have the fields of a card.
 */
export async function readProducts(scope: MedusaContainer, shop: OpenShop, wanted: Wanted) {
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const { data: links } = await query.graph({
    entity: "product_sales_channel", fields: ["product_id"], filters: { sales_channel_id: shop.channel },
  })
  const { handle, search, skip = 0, take = perPage } = wanted
  const one = handle !== undefined && { handle }
  const filters: any = { id: links.map((link: any) => link.product_id), status: "published", ...one }
  if (search) filters.q = search
  const price = QueryContext({ region_id: shop.region, currency_code: shop.currency })
  const { data, metadata } = await query.graph({
    entity: "product",
    fields: one ? pageFields : cardFields,
    filters,
    pagination: { skip, take, order: { title: "ASC" } },
    context: { variants: { calculated_price: price } },
  })
  const sold = data.filter((product) => product.variants.length > 0)
  const stock = await readStock(scope, shop, sold.flatMap(({ variants }) => variants))
  return { products: sold.map((product) => toProduct(product, stock)), total: metadata?.count ?? sold.length }
}

/** Handles of all published products, for search engines. */
export async function readHandles(scope: MedusaContainer, shop: OpenShop): Promise<string[]> {
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const fields = ["product.handle", "product.status"]
  const filters = { sales_channel_id: shop.channel }
  const { data } = await query.graph({ entity: "product_sales_channel", fields, filters })
  return data.flatMap(({ product }: any) => (product?.status === "published" ? [product.handle] : []))
}
