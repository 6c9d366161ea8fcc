/** The store's settings: name, currency, countries, stock locations, payment providers. */
import { setTimeout as wait } from "node:timers/promises"
import type { MedusaContainer } from "@medusajs/framework/types"
import { ContainerRegistrationKeys } from "@medusajs/framework/utils"
import type { Country, Shop } from "../storefront/model.ts"

/** Settings that the pages do not need. `locations` are the stock locations of the sales channel. */
export type OpenShop = Shop & { region: string; channel: string; locations: string[]; payments: string[] }

const regionFields = ["id", "currency_code", "countries.iso_2", "countries.display_name", "payment_providers.id"]

async function read(scope: MedusaContainer): Promise<OpenShop> {
  const query = scope.resolve(ContainerRegistrationKeys.QUERY)
  const [stores, regions] = await Promise.all([
    query.graph({ entity: "store", fields: ["name", "metadata", "default_region_id", "default_sales_channel_id"] }),
    query.graph({ entity: "region", fields: regionFields, pagination: { order: { created_at: "ASC" } } }),
  ])
  const store = stores.data[0]
  const region = regions.data.find(({ id }) => id === store.default_region_id) ?? regions.data[0]
  if (!region) throw new Error("the store has no region: create one in the admin under Settings > Regions")
  const channel = store.default_sales_channel_id!
  const { data: locations } = await query.graph({
    entity: "sales_channel_locations", fields: ["stock_location_id"], filters: { sales_channel_id: channel },
  })
  return {
    name: store.name,
    tagline: typeof store.metadata?.tagline === "string" ? store.metadata.tagline : null,
    hidden: store.metadata?.hidden === true,
    currency: region.currency_code,
    countries: (region.countries ?? [])
      .map(({ iso_2, display_name }: any) => ({ code: iso_2, name: display_name }))
      .sort((a: Country, b: Country) => a.name.localeCompare(b.name)),
    region: region.id,
    channel,
    locations: locations.map(({ stock_location_id }: any) => stock_location_id),
    payments: (region.payment_providers ?? []).map(({ id }: any) => id),
  }
}

const patience = 10_000 // ms; Medusa itself waits a minute for a database that does not answer

async function giveUp(): Promise<never> {
  await wait(patience, undefined, { ref: false })
  throw new Error(`the database did not answer within ${patience / 1000} s`)
}

const fresh = 5000 // ms to cache the settings; products and stock are never cached
let known: { shop: Promise<OpenShop>; until: number } | null = null

/** The store with its default region, or with its oldest. Throws if there is no region or the database does not answer. */
export function readShop(scope: MedusaContainer): Promise<OpenShop> {
  if (!known || known.until < Date.now()) {
    const shop = Promise.race([read(scope), giveUp()])
    known = { shop, until: Date.now() + fresh }
    shop.catch(() => (known = null))
  }
  return known.shop
}
