/** The pages' data. Amounts are in the currency's major unit: 18 is 18 euros or 18 yen. */

export type Country = { code: string; name: string }

export type Shop = {
  name: string
  tagline: string | null
  hidden: boolean // from search engines
  currency: string // lower-case ISO 4217
  countries: Country[] // countries that the store delivers to
}

export type Variant = {
  id: string
  options: string[] // one value for each of the product's options
  price: number | null // null: not for sale in this currency
  before: number | null // the price before a sale
  left: number | null // stock; null: no limit
  picture: string | null
}

export type Product = {
  handle: string
  title: string
  subtitle: string | null
  description: string
  material: string | null
  pictures: string[]
  options: string[] // titles, such as Colour and Size
  variants: Variant[]
}

export type Line = {
  id: string
  title: string
  variant: string | null // null if the product has only one variant
  handle: string | null
  picture: string | null
  quantity: number
  price: number
  left: number | null // stock; null: no limit
}

export type Totals = {
  items: number
  delivery: number | null // null: not chosen yet
  discount: number
  tax: number
  taxIncluded: boolean // whether the prices include the tax
  total: number
}

export type Purchase = { currency: string; lines: Line[]; totals: Totals }

export type Cart = Purchase & {
  id: string
  country: string | null
  chosen: string | null // id of the delivery that is part of the totals
  details: Partial<Details>
  order: string | null // id of the order that the cart became
}

export type Delivery = { id: string; name: string; description: string | null; price: number }

export type Order = Purchase & {
  number: number
  placed: Date
  email: string
  address: Details
  delivery: string | null
  state: "received" | "sent" | "delivered" | "cancelled"
  paid: boolean
}

/** Fields of the checkout form. */
export const fields = [
  "email", "first_name", "last_name", "company", "address_1", "address_2", "postal_code", "city", "province",
  "country_code", "phone",
] as const
export type Field = (typeof fields)[number]
export type Details = Record<Field, string>
