/** Values in a page are escaped. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { html, paragraphs } from "../../../images/medusa/src/storefront/html.ts"
import { frame } from "../../../images/medusa/src/storefront/page.ts"
import { product as page } from "../../../images/medusa/src/storefront/product.ts"
import { looks, product, seen, shop, variant } from "./sample.ts"

test("text is escaped, HTML is not, and empty values render nothing", () => {
  const evil = `<script>"&'`
  const escaped = "&lt;script&gt;&quot;&amp;&#39;"
  assert.equal(html`<p title="${evil}">${evil}</p>`.text, `<p title="${escaped}">${escaped}</p>`)
  assert.equal(html`${html`<b>`}${[1, html`<i>`, ["<"]]}${null}${undefined}${false}${0}`.text, "<b>1<i>&lt;0")
})

test("a template loses its indentation, a value keeps its line breaks", () => {
  assert.equal(html`<p>
    a${"\n  b"}
  </p>`.text, "<p>\na\n  b\n</p>")
})

test("an empty line separates paragraphs", () => {
  assert.equal(html`${paragraphs("a <b>\nc\n\n  \nd\n")}`.text, "<p>a &lt;b&gt;\nc</p><p>d</p>")
})

test("a product's texts are escaped everywhere", () => {
  const evil = `"><img src=x onerror=alert(1)>`
  const variants = [variant({ id: evil, options: [evil] }), variant({ options: [evil], picture: evil })]
  const words = { handle: evil, title: evil, subtitle: evil, description: evil, material: evil }
  const shown = product({ ...words, pictures: [evil], options: [evil], variants })
  const evilShop = { ...shop, name: evil, tagline: evil }
  const text = frame(evilShop, { ...looks, logo: evil }, 3, page(evilShop, shown, [shown]))
  assert(text.includes("&quot;&gt;&lt;img src=x"))
  assert(!text.includes("<img src=x"))
  assert(!seen(page(shop, shown, [])).includes(`href="/products/">`))
})
