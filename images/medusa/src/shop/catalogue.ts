/** Reads what is for sale: published products of the shop's sales channel, with prices and stock. */
import type { MedusaContainer } from "@medusajs/framework/types"
import { ContainerRegistrationKeys, QueryContext } from "@medusajs/framework/utils"
import type { Product, Variant } from "../storefront/model.ts"
import type { OpenShop } from "./shop.ts"

export const perPage = 24

const cardFields = [
  "id", "handle", "title", "thumbnail", "variants.id", "variants.manage_inventory", "variants.allow_backorder", "variants.calculated_price.*",
]
const pageFields = [
  ...cardFields, "subtitle", "description", "material", "images.url", "images.rank", "variants.title", "variants.thumbnail",
  "variants.variant_rank", "variants.options.value", "variants.options.option.title",
]
const stockFields = [
  "variant_id", "required_quantity", ...["location_id", "stocked_quantity", "reserved_quantity"].map((name) => `inventory.location_levels.${name}`),
]

/** How often a variant can be made from what lies at `locations` of one of its parts. */
const enoughFor = ({ required_quantity, inventory }: any, locations: string[]) =>
  Math.floor((inventory?.location_levels ?? []).filter((level: any) => locations.includes(level.location_id))
    .reduce((sum: number, level: any) => sum + Number(level.stocked_quantity) - Number(level.reserved_quantity), 0) / required_quantity)

/** How many of each variant can still be sold; null is any number. */
export async function readStock(scope: MedusaContainer, { locations }: OpenShop, variants: any[]): Promise<Map<string, number | null>> {
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const tracked = variants.filter((variant) => variant.manage_inventory && !variant.allow_backorder).map(({ id }) => id)
  const { data } = await query.graph({ entity: "product_variant_inventory_items", fields: stockFields, filters: { variant_id: tracked } })
  const stock = new Map<string, number | null>(variants.map(({ id }) => [id, tracked.includes(id) ? Infinity : null]))
  for (const part of data) stock.set(part.variant_id, Math.min(stock.get(part.variant_id)!, Math.max(0, enoughFor(part, locations))))
  for (const [id, left] of stock) if (left === Infinity) stock.set(id, 0) // tracked, but nothing says where
  return stock
}

/** An uploaded picture by its path alone, so that it is found under whatever name the shop is reached. */
export const local = (address: string | null | undefined): string | null =>
  address?.replace(/^https?:\/\/[^/]+(?=\/static\/)/, "") || null

/** Titles of the options, the one first that changes most seldom along the variants: Colour before Size. */
function optionTitles(variants: any[]): string[] {
  const titles = [...new Set<string>(variants.flatMap((variant) => (variant.options ?? []).map((o: any) => o.option.title)))]
  const value = (variant: any, title: string) => variant.options.find((o: any) => o.option.title === title)?.value
  const changes = (title: string) => variants.filter((variant, i) => i > 0 && value(variant, title) !== value(variants[i - 1], title)).length
  return titles.sort((a, b) => changes(a) - changes(b) || a.localeCompare(b))
}

function toVariant(variant: any, titles: string[], stock: Map<string, number | null>): Variant {
  const { calculated_amount: price = null, original_amount: original = null } = variant.calculated_price ?? {}
  return {
    id: variant.id,
    options: titles.map((title) => variant.options.find((o: any) => o.option.title === title)?.value ?? variant.title),
    price,
    before: original !== null && price !== null && original > price ? original : null,
    left: stock.get(variant.id) ?? null,
    picture: local(variant.thumbnail),
  }
}

function toProduct(product: any, stock: Map<string, number | null>): Product {
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

export type Wanted = { handle?: string; search?: string; skip?: number; take?: number }

/** One page of products by title, and how many there are in all. Only with a `handle` are they complete, otherwise good for cards. */
export async function readProducts(scope: MedusaContainer, shop: OpenShop, wanted: Wanted): Promise<{ products: Product[]; total: number }> {
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const links = await query.graph({ entity: "product_sales_channel", fields: ["product_id"], filters: { sales_channel_id: shop.channel } })
  const { handle, search, skip = 0, take = perPage } = wanted
  const filters: any = { id: links.data.map((link: any) => link.product_id), status: "published", ...(handle !== undefined && { handle }), ...(search && { q: search }) }
  const { data, metadata } = await query.graph({
    entity: "product",
    fields: handle === undefined ? cardFields : pageFields,
    filters,
    pagination: { skip, take, order: { title: "ASC" } },
    context: { variants: { calculated_price: QueryContext({ region_id: shop.region, currency_code: shop.currency }) } },
  })
  const sold = data.filter((product) => product.variants.length > 0)
  const stock = await readStock(scope, shop, sold.flatMap(({ variants }) => variants))
  return { products: sold.map((product) => toProduct(product, stock)), total: metadata?.count ?? sold.length }
}

/** Handles of all that is for sale, for search engines. */
export async function readHandles(scope: MedusaContainer, shop: OpenShop): Promise<string[]> {
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const { data } = await query.graph({
    entity: "product_sales_channel", fields: ["product.handle", "product.status"], filters: { sales_channel_id: shop.channel },
  })
  return data.flatMap(({ product }: any) => (product?.status === "published" ? [product.handle] : []))
}
