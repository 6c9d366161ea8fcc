/**
 * Creates the sample content during the image build, with Medusa's workflows: region, shipping, payment, products.
 * The content is for Germany, in euros. The first start converts it to the store's country and currency (places.js).
 */
import { ExecArgs, MedusaContainer } from "@medusajs/framework/types"
import { ContainerRegistrationKeys, Modules, ProductStatus } from "@medusajs/framework/utils"
import {
  createInventoryLevelsWorkflow, createProductsWorkflow, createRegionsWorkflow, createShippingOptionsWorkflow,
  createShippingProfilesWorkflow, createStockLocationsWorkflow, createTaxRegionsWorkflow, createUserAccountWorkflow,
  linkSalesChannelsToStockLocationWorkflow, updateStoresWorkflow,
} from "@medusajs/medusa/core-flows"
import { type Good, goods, type Variant } from "./goods.ts"

const country = "de"
const place = "Germany"
const currency = "eur"

export default async function seed({ container }: ExecArgs) {
  const query = container.resolve(ContainerRegistrationKeys.QUERY)
  const { data: [store] } = await query.graph({ entity: "store", fields: ["id", "default_sales_channel_id"] })
  const channel = store.default_sales_channel_id as string
  const region = await createRegion(container)
  const location = await createStockLocation(container, channel)
  const profile = await createShipping(container, region, location)
  await createGoods(container, channel, profile, location)
  await updateStoresWorkflow(container).run({
    input: {
      selector: { id: store.id },
      update: {
        supported_currencies: [{ currency_code: currency, is_default: true }],
        default_region_id: region,
        default_location_id: location,
        metadata: { tagline: "Good things for every day" }, // headline of the home page; the store owner can change it
      },
    },
  })
  await createOwner(container)
}

async function createRegion(container: MedusaContainer): Promise<string> {
  const regions = [{ name: place, currency_code: currency, countries: [country], payment_providers: ["pp_system_default"] }]
  const { result } = await createRegionsWorkflow(container).run({ input: { regions } })
  await createTaxRegionsWorkflow(container).run({ input: [{ country_code: country, provider_id: "tp_system" }] })
  return result[0].id
}

async function createStockLocation(container: MedusaContainer, channel: string): Promise<string> {
  const locations = [{ name: "Warehouse", address: { country_code: country.toUpperCase(), address_1: "" } }]
  const { result } = await createStockLocationsWorkflow(container).run({ input: { locations } })
  const id = result[0].id
  const link = container.resolve(ContainerRegistrationKeys.LINK)
  await link.create({
    [Modules.STOCK_LOCATION]: { stock_location_id: id },
    [Modules.FULFILLMENT]: { fulfillment_provider_id: "manual_manual" },
  })
  await linkSalesChannelsToStockLocationWorkflow(container).run({ input: { id, add: [channel] } })
  return id
}

/** Creates one flat rate for the region, with manual fulfilment. Returns the shipping profile of the products. */
async function createShipping(container: MedusaContainer, region: string, location: string): Promise<string> {
  const profiles = await createShippingProfilesWorkflow(container).run({ input: { data: [{ name: "Default", type: "default" }] } })
  const profile = profiles.result[0].id
  const set = await container.resolve(Modules.FULFILLMENT).createFulfillmentSets({
    name: "Delivery",
    type: "shipping",
    service_zones: [{ name: place, geo_zones: [{ country_code: country, type: "country" }] }],
  })
  const link = container.resolve(ContainerRegistrationKeys.LINK)
  await link.create({ [Modules.STOCK_LOCATION]: { stock_location_id: location }, [Modules.FULFILLMENT]: { fulfillment_set_id: set.id } })
  await createShippingOptionsWorkflow(container).run({
    input: [{
      name: "Standard delivery", price_type: "flat", provider_id: "manual_manual",
      service_zone_id: set.service_zones[0].id, shipping_profile_id: profile,
      type: { label: "Standard", description: "2 to 4 days", code: "standard" },
      prices: [{ currency_code: currency, amount: 5 }, { region_id: region, amount: 5 }],
      rules: [{ attribute: "enabled_in_store", operator: "eq", value: "true" }, { attribute: "is_return", operator: "eq", value: "false" }],
    }],
  })
  return profile
}

async function createGoods(container: MedusaContainer, channel: string, profile: string, location: string) {
  await createProductsWorkflow(container).run({ input: { products: goods.map((good) => toProduct(good, channel, profile)) } })
  const stock = new Map(goods.flatMap((good) => good.variants.map((variant) => [sku(good, variant), variant.stock])))
  const query = container.resolve(ContainerRegistrationKeys.QUERY)
  const { data: items } = await query.graph({ entity: "inventory_item", fields: ["id", "sku"] })
  const inventory_levels = items.map(({ id, sku }) => ({ inventory_item_id: id, location_id: location, stocked_quantity: stock.get(sku!)! }))
  await createInventoryLevelsWorkflow(container).run({ input: { inventory_levels } })
}

const sku = ({ handle, variants }: Good, { options }: Variant) =>
  [handle, ...(variants.length > 1 ? Object.values(options) : [])].join("-").replaceAll(" ", "-").toUpperCase()

function toProduct(good: Good, channel: string, profile: string) {
  const { handle, title, subtitle, description, material, weight, options, variants } = good
  const pictures = [...new Set(variants.map(({ picture }) => picture))]
  return {
    handle, title, subtitle, description, material, weight, thumbnail: pictures[0], images: pictures.map((url) => ({ url })),
    status: ProductStatus.PUBLISHED, shipping_profile_id: profile, sales_channels: [{ id: channel }],
    options: Object.entries(options).map(([title, values]) => ({ title, values })),
    variants: variants.map((variant, variant_rank) => ({
      title: Object.values(variant.options).join(" / "), sku: sku(good, variant), options: variant.options, variant_rank,
      thumbnail: variant.picture, manage_inventory: true, prices: [{ currency_code: currency, amount: variant.amount }],
    })),
  }
}

/** Creates the owner's account with a random password. The first start replaces name and password. */
async function createOwner(container: MedusaContainer) {
  const body = { email: "owner@localhost", password: crypto.randomUUID() }
  const { authIdentity, error } = await container.resolve(Modules.AUTH).register("emailpass", { body })
  if (!authIdentity) throw new Error(`could not register the owner's account: ${error}`)
  await createUserAccountWorkflow(container).run({ input: { authIdentityId: authIdentity.id, userData: { email: body.email } } })
}
