/** What the pages show, as plain data. Amounts are in the currency's major unit, so 18 is 18 euros or 18 yen. */

export type Country = { code: string; name: string }

export type Shop = {
  name: string
  tagline: string | null
  currency: string // lower-case ISO 4217
  countries: Country[] // where it delivers
}

export type Variant = {
  id: string
  options: string[] // one value for each of the product's options
  price: number | null // null: not for sale in this currency
  before: number | null // the price before a sale
  left: number | null // null: as many as wanted
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
  variant: string | null // null where the product has only one
  handle: string | null
  picture: string | null
  quantity: number
  price: number
  left: number | null // of which the shop has, null: as many as wanted
}

export type Totals = {
  items: number
  delivery: number | null // null: not chosen yet
  discount: number
  tax: number
  taxIncluded: boolean // in the prices above; otherwise it comes on top
  total: number
}

export type Purchase = { currency: string; lines: Line[]; totals: Totals }

export type Cart = Purchase & {
  id: string
  country: string | null
  chosen: string | null // the delivery that its totals are with
  details: Partial<Details>
  order: string | null // the order that it became
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

/** What the checkout asks for, as typed. */
export const fields = [
  "email", "first_name", "last_name", "company", "address_1", "address_2", "postal_code", "city", "province",
  "country_code", "phone",
] as const
export type Field = (typeof fields)[number]
export type Details = Record<Field, string>
