/** Orders: placed once per cart, and shown only to their shopper. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto"
import type { MedusaContainer } from "@medusajs/framework/types"
import { ContainerRegistrationKeys, Modules } from "@medusajs/framework/utils"
import {
  addShippingMethodToCartWorkflow, completeCartWorkflow, createPaymentCollectionForCartWorkflow,
  createPaymentSessionsWorkflow, getOrderDetailWorkflow, listShippingOptionsForCartWithPricingWorkflow,
  updateCartWorkflow,
} from "@medusajs/medusa/core-flows"
import type { Cart, Delivery, Details, Order } from "../storefront/model.ts"
import { money } from "../storefront/words.ts"
import { minding, readOrderOf, toDetails, toPurchase } from "./carts.ts"

/** The provider of manual payments. Other providers need scripts of their own in the storefront. */
export const manual = "pp_system_default"

/** Thrown if the total of an order differs from the total that the shopper saw. */
export class Repriced extends Error {}

export async function readDeliveries(scope: MedusaContainer, cart_id: string): Promise<Delivery[]> {
  const list = listShippingOptionsForCartWithPricingWorkflow(scope)
  const { result } = await list.run({ input: { cart_id, is_return: false } })
  const priceOf = (option: any) => option.calculated_price?.calculated_amount
  return (result as any[])
    .filter((option) => priceOf(option) != null)
    .map((option) => ({ ...option, description: option.type?.description || null, price: Number(priceOf(option)) }))
    .sort((a, b) => a.price - b.price)
}

/** Identifies the content of an order: products, quantities, prices, discounts and deliveries. Tax is not included, because
 * the first of two quick clicks sets the address and so changes the tax. Repriced covers the tax. */
export function fingerprint({ id, currency, lines, totals }: Cart, deliveries: Delivery[]): string {
  const things = lines.map((line) => [line.id, line.quantity, line.price])
  const content = [id, currency, things, totals.discount, deliveries.map(({ id, price }) => [id, price])]
  return createHash("sha256").update(JSON.stringify(content)).digest("base64url").slice(0, 16)
}

async function preparePayment(scope: MedusaContainer, cart_id: string) {
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const fields = ["payment_collection.id"]
  const { data: [cart] } = await query.graph({ entity: "cart", fields, filters: { id: cart_id } })
  const existing = cart.payment_collection?.id
  const made = existing ? null : await createPaymentCollectionForCartWorkflow(scope).run({ input: { cart_id } })
  const payment_collection_id = existing ?? (made!.result as any).id
  await createPaymentSessionsWorkflow(scope).run({ input: { payment_collection_id, provider_id: manual } })
}

async function readTotal(scope: MedusaContainer, id: string): Promise<string> {
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const { data: [cart] } = await query.graph({ entity: "cart", fields: ["total", "currency_code"], filters: { id } })
  return money(Number(cart.total), cart.currency_code)
}

export type Wish = { details: Details; delivery: string; total: string }

/** Places an order and returns its id. If the cart is already ordered, returns the id of that order. Runs once at a time per
 * cart. `total` is the total that the shopper saw; address and delivery can add tax to it. Throws OutOfStock, Repriced. */
export async function placeOrder(scope: MedusaContainer, id: string, { details, delivery, total }: Wish) {
  const { email, ...address } = details
  const place = async () => {
    const placed = await readOrderOf(scope, id)
    if (placed) return placed
    await updateCartWorkflow(scope).run({ input: { id, email, shipping_address: address, billing_address: address } })
    await addShippingMethodToCartWorkflow(scope).run({ input: { cart_id: id, options: [{ id: delivery }] } })
    if ((await readTotal(scope, id)) !== total) throw new Repriced()
    await preparePayment(scope, id)
    const { result } = await minding(completeCartWorkflow(scope).run({ input: { id } }))
    return result.id
  }
  return scope.resolve(Modules.LOCKING).execute(`checkout:${id}`, place, { timeout: 60 })
}

const orderFields = [
  "id", "display_id", "created_at", "email", "currency_code", "status", "total", "tax_total", "discount_total",
  "discount_subtotal", "items.*", "items.product.variants.id", "shipping_methods.name", "shipping_methods.amount",
  "shipping_address.*",
]

function stateOf(order: any): Order["state"] {
  if (order.status === "canceled") return "cancelled"
  if (order.fulfillment_status === "delivered") return "delivered"
  return ["shipped", "partially_delivered"].includes(order.fulfillment_status) ? "sent" : "received"
}

export async function readOrder(scope: MedusaContainer, order_id: string): Promise<Order> {
  const { result } = await getOrderDetailWorkflow(scope).run({ input: { order_id, fields: orderFields } })
  const order = result as any
  return {
    number: order.display_id,
    placed: new Date(order.created_at),
    email: order.email,
    currency: order.currency_code,
    ...toPurchase(order),
    address: toDetails(order.email, order.shipping_address),
    delivery: order.shipping_methods?.[0]?.name ?? null,
    state: stateOf(order),
    paid: ["captured", "partially_refunded"].includes(order.payment_status),
  }
}

/** The id of the order with that number and e-mail address, or null. */
export async function findOrder(scope: MedusaContainer, number: number, email: string): Promise<string | null> {
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const filters: any = { display_id: number }
  const { data: [order] } = await query.graph({ entity: "order", fields: ["id", "email"], filters })
  return order?.email?.toLowerCase() === email.toLowerCase() ? order.id : null
}

/** Value of the cookie that grants access to an order. */
export const seal = (id: string) =>
  createHmac("sha256", process.env.COOKIE_SECRET!).update(`order ${id}`).digest("base64url").slice(0, 22)

export function mayRead(id: string, sealed: string): boolean {
  const [given, right] = [Buffer.from(sealed), Buffer.from(seal(id))]
  return given.length === right.length && timingSafeEqual(given, right)
}
