/** Formatted prices and stock, and the limit on order lookups. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { noteVain, tooMany } from "../../../images/medusa/src/shop/attempts.ts"
import { money, stock } from "../../../images/medusa/src/storefront/words.ts"

test("prices have their currency's decimals", () => {
  const expected = { eur: "€18.00", usd: "$18.00", jpy: "¥18", inr: "₹18.00", gbp: "£18.00" }
  for (const [currency, words] of Object.entries(expected)) assert.equal(money(18, currency), words)
  assert.equal(money(1234.5, "chf").replace(/\s/, " "), "CHF 1,234.50")
})

test("stock shows the number left when it is low", () => {
  for (const left of [null, 100, 6]) assert.equal(stock(left), "In stock")
  assert.deepEqual([5, 1, 0, -1].map(stock), ["Only 5 left", "Only 1 left", "Sold out", "Sold out"])
})

test("ten failed attempts block that visitor for ten minutes", () => {
  const start = 1_000_000
  for (let i = 0; i < 10; i++) {
    assert.equal(tooMany("ann", start + i), false)
    noteVain("ann", start + i)
  }
  assert.equal(tooMany("ann", start + 10), true)
  assert.equal(tooMany("bob", start + 10), false)
  assert.equal(tooMany("ann", start + 600_000), false)
})
