/** Texts for amounts, stock and dates. */
import type { Variant } from "./model.ts"

const formats = new Map<string, Intl.NumberFormat>()

/** `18` in `eur` is "€18.00". Each currency has its own number of decimals. */
export function money(amount: number, currency: string): string {
  let format = formats.get(currency)
  if (!format) {
    format = new Intl.NumberFormat("en", { style: "currency", currency: currency.toUpperCase() })
    formats.set(currency, format)
  }
  return format.format(amount)
}

export const forSale = (variant: Variant) => variant.price !== null && (variant.left === null || variant.left > 0)

const few = 5

/** "Sold out", "Only 3 left" or "In stock". */
export function stock(left: number | null): string {
  if (left !== null && left <= 0) return "Sold out"
  return left !== null && left <= few ? `Only ${left} left` : "In stock"
}

export const isLow = (left: number | null) => left !== null && left > 0 && left <= few

/** The maximum quantity of a line. */
export const most = (left: number | null) => Math.min(left ?? 99, 99)

export const count = (number: number, one: string, many: string) => `${number} ${number === 1 ? one : many}`

/** "21 November 2026", in UTC. */
export const date = (day: Date) => new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(day)
