/** Text on any accent colour, and text in that colour, is readable. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { accentOr, contrast, ink, mix, muted, paper, shades } from "../../../images/medusa/src/storefront/colour.ts"

const offered = ["#2f6f4f", "#1f5f8b", "#8b3a3a", "#6b4c9a", "#b45309", "#374151"]
const steps = [0, 51, 102, 119, 128, 153, 204, 255]
const hex = (part: number) => part.toString(16).padStart(2, "0")
const every = steps.flatMap((r) => steps.flatMap((g) => steps.map((b) => `#${hex(r)}${hex(g)}${hex(b)}`)))

test("contrast follows WCAG's formula", () => {
  assert.equal(contrast("#000000", "#ffffff"), 21)
  assert.equal(contrast("#777777", "#ffffff").toFixed(2), "4.48")
})

test("every text in or on an accent has a contrast of at least 4.5", () => {
  const poor = [...offered, ...every].flatMap((accent) => {
    const { onAccent, text, hover, tint } = shades(accent)
    const pairs = [[onAccent, accent], [onAccent, hover], [text, paper], [text, tint], [muted, tint], [ink, tint]]
    return pairs.filter(([one, other]) => contrast(one, other) < 4.5).map((pair) => [accent, ...pair])
  })
  assert.deepEqual(poor, [])
})

test("an invalid accent becomes the default colour", () => {
  assert.equal(accentOr("#ABCDEF"), "#abcdef")
  for (const wrong of [undefined, "", "red", "#fff", "#12345g", "#123456;}"]) assert.equal(accentOr(wrong), "#2f6f4f")
})

test("a mix lies between both colours", () => assert.equal(mix("#000000", "#ffffff", 0.5), "#808080"))
