/** A shopper's cart: read and changed with Medusa's workflows. */
import type { MedusaContainer } from "@medusajs/framework/types"
import { ContainerRegistrationKeys, MedusaError } from "@medusajs/framework/utils"
import {
  addToCartWorkflow, createCartWorkflow, updateCartWorkflow, updateLineItemInCartWorkflow,
} from "@medusajs/medusa/core-flows"
import { type Cart, type Details, fields, type Line, type Totals } from "../storefront/model.ts"
import { local, readStock, type Stock } from "./catalogue.ts"
import type { OpenShop } from "./shop.ts"

/** Thrown if the stock is smaller than the requested quantity. */
export class OutOfStock extends Error {}

const cartFields = [
  "id", "currency_code", "email", "completed_at", "total", "tax_total", "discount_total", "discount_subtotal",
  "items.*", "items.variant.manage_inventory", "items.variant.allow_backorder", "items.product.status",
  "items.product.variants.id", "shipping_methods.amount", "shipping_methods.shipping_option_id", "shipping_address.*",
]

const toLine = (item: any, left: number | null): Line => ({
  id: item.id,
  title: item.product_title ?? item.title,
  variant: item.product?.variants?.length === 1 ? null : item.variant_title,
  handle: item.product_handle,
  picture: local(item.thumbnail),
  quantity: Number(item.quantity),
  price: Number(item.unit_price),
  left,
})

const byTime = (a: any, b: any) => +new Date(a.created_at) - +new Date(b.created_at) || a.title.localeCompare(b.title)

/** Lines and totals of a cart or an order. Without `stock`, the lines have no stock. */
export function toPurchase(bought: any, stock: Stock = new Map()): { lines: Line[]; totals: Totals } {
  const items: any[] = [...(bought.items ?? [])].sort(byTime)
  const lines = items.map((item) => toLine(item, stock.get(item.variant_id) ?? null))
  const methods: any[] = bought.shipping_methods ?? []
  const taxIncluded = items.every((item) => item.is_tax_inclusive)
  const totals = {
    items: lines.reduce((sum, line) => sum + line.price * line.quantity, 0),
    delivery: methods.length > 0 ? methods.reduce((sum, method) => sum + Number(method.amount), 0) : null,
    discount: Number((taxIncluded ? bought.discount_total : bought.discount_subtotal) ?? 0),
    tax: Number(bought.tax_total ?? 0),
    taxIncluded,
    total: Number(bought.total),
  }
  return { lines, totals }
}

/** E-mail and address as the checkout form has them. */
export const toDetails = (email: string | null, address: any): Details =>
  Object.fromEntries(fields.map((name) => [name, (name === "email" ? email : address?.[name]) ?? ""])) as Details

export async function readOrderOf(scope: MedusaContainer, cart: string): Promise<string | null> {
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const { data } = await query.graph({ entity: "order_cart", fields: ["order_id"], filters: { cart_id: cart } })
  return data[0]?.order_id ?? null
}

/** The cart with that id, or null. Products that are no longer sold have a stock of 0. `order` is the order it became. */
export async function readCart(scope: MedusaContainer, shop: OpenShop, id: string | null): Promise<Cart | null> {
  if (!id) return null
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const { data: [cart] } = await query.graph({ entity: "cart", fields: cartFields, filters: { id } })
  const order = cart?.completed_at ? await readOrderOf(scope, id) : null
  if (!cart || (cart.completed_at && !order)) return null
  const items: any[] = cart.items ?? []
  const sold = items.flatMap(({ variant, product }) => (variant && product?.status === "published" ? [variant] : []))
  const stock = await readStock(scope, shop, sold)
  for (const item of items) if (!stock.has(item.variant_id)) stock.set(item.variant_id, 0)
  return {
    id,
    currency: cart.currency_code,
    ...toPurchase(cart, stock),
    country: cart.shipping_address?.country_code ?? null,
    chosen: cart.shipping_methods?.[0]?.shipping_option_id ?? null,
    details: cart.email ? toDetails(cart.email, cart.shipping_address) : {},
    order,
  }
}

/** Number of items in the cart. An ordered cart has 0. */
export async function countItems(scope: MedusaContainer, id: string | null): Promise<number> {
  if (!id) return 0
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const fields = ["completed_at", "items.quantity"]
  const { data: [cart] } = await query.graph({ entity: "cart", fields, filters: { id } })
  if (!cart || cart.completed_at) return 0
  return (cart.items ?? []).reduce((sum: number, item: any) => sum + Number(item.quantity), 0)
}

/** Turns Medusa's error for missing stock into OutOfStock. */
export async function minding<T>(work: Promise<T>): Promise<T> {
  return work.catch((error) => {
    throw error?.code === MedusaError.Codes.INSUFFICIENT_INVENTORY ? new OutOfStock(error.message) : error
  })
}

/** The country of a new cart: the store's own, if the store delivers there. */
const home = ({ countries }: OpenShop) =>
  (countries.find(({ code }) => code === process.env.STORE_COUNTRY) ?? countries[0])?.code

type Item = { variant_id: string; quantity: number }

/** Throws OutOfStock. */
export async function addToCart(scope: MedusaContainer, cart_id: string, item: Item): Promise<void> {
  await minding(addToCartWorkflow(scope).run({ input: { cart_id, items: [item] } }))
}

/** Creates a cart and returns its id. Throws OutOfStock. */
export async function openCart(scope: MedusaContainer, shop: OpenShop, item: Item): Promise<string> {
  const { region: region_id, channel: sales_channel_id } = shop
  const input = { region_id, sales_channel_id, items: [item], shipping_address: { country_code: home(shop) } }
  const { result } = await minding(createCartWorkflow(scope).run({ input }))
  return result.id
}

/** `quantity` 0 removes the line. Throws OutOfStock. */
export async function changeLine(scope: MedusaContainer, cart_id: string, item_id: string, quantity: number) {
  await minding(updateLineItemInCartWorkflow(scope).run({ input: { cart_id, item_id, update: { quantity } } }))
}

export async function setCountry(scope: MedusaContainer, id: string, country_code: string): Promise<void> {
  await updateCartWorkflow(scope).run({ input: { id, shipping_address: { country_code } } })
}
