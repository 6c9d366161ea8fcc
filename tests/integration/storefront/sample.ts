/** Sample store and products for the page tests. */
import type { Cart, Line, Product, Shop, Variant } from "../../../images/medusa/src/storefront/model.ts"
import type { Looks, Page } from "../../../images/medusa/src/storefront/page.ts"

export const germany = { code: "de", name: "Germany" }
export const shop: Shop = { name: "O'Neil & Sons", tagline: null, currency: "eur", countries: [germany] }

export const looks: Looks = {
  style: "/s.css", script: "/s.js", icon: "/i.svg", logo: null, accent: "#123456", url: "https://shop.example",
}

export const variant = (given: Partial<Variant> = {}): Variant =>
  ({ id: "variant_1", options: ["Standard"], price: 18, before: null, left: 100, picture: null, ...given })

export const product = (given: Partial<Product> = {}): Product => ({
  handle: "mug", title: "Mug", subtitle: null, description: "", material: null, pictures: ["/assets/mug.1.svg"],
  options: ["Kind"], variants: [variant()], ...given,
})

export const line = (given: Partial<Line> = {}): Line => ({
  id: "cali_1", title: "Mug", variant: null, handle: "mug", picture: null, quantity: 2, price: 18, left: 100, ...given,
})

export const cart = (lines: Line[] = [line()]): Cart => ({
  id: "cart_1", currency: "eur", lines, country: "de", details: {}, order: null,
  totals: { items: 36, delivery: null, discount: 0, tax: 0, taxIncluded: true, total: 36 },
})

export const seen = (page: Page) => page.main.text.replace(/\s+/g, " ")
export const words = (page: Page) => seen(page).replace(/<[^>]*>/g, " ").replace(/\s+/g, " ")
