/** Whatever is put into a page arrives as text. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { html, paragraphs } from "../../../images/medusa/src/storefront/html.ts"
import { frame } from "../../../images/medusa/src/storefront/page.ts"
import { product as page } from "../../../images/medusa/src/storefront/product.ts"
import { product, seen, shop, variant } from "./sample.ts"

test("text is escaped, HTML is not, and nothing is nothing", () => {
  const evil = `<script>"&'`
  assert.equal(html`<p title="${evil}">${evil}</p>`.text, "<p title=\"&lt;script&gt;&quot;&amp;&#39;\">&lt;script&gt;&quot;&amp;&#39;</p>")
  assert.equal(html`${html`<b>`}${[1, html`<i>`, ["<"]]}${null}${undefined}${false}${0}`.text, "<b>1<i>&lt;0")
})

test("an empty line divides paragraphs", () => {
  assert.equal(html`${paragraphs("a <b>\nc\n\n  \nd\n")}`.text, "<p>a &lt;b&gt;\nc</p><p>d</p>")
})

test("a product's words cannot leave their place", () => {
  const evil = `"><img src=x onerror=alert(1)>`
  const shown = product({ title: evil, subtitle: evil, description: evil, material: evil, pictures: [evil], options: [evil], handle: evil,
    variants: [variant({ id: evil, options: [evil] }), variant({ options: [evil], picture: evil })] })
  const looks = { style: "/s.css", script: "/s.js", icon: "/i.svg", logo: evil, accent: "#123456", url: "https://shop.example" }
  const text = frame({ ...shop, name: evil, tagline: evil }, looks, 3, page({ ...shop, name: evil }, shown, [shown]))
  assert(text.includes("&quot;&gt;&lt;img src=x"))
  assert(!text.includes("<img src=x"))
  assert(!seen(page(shop, shown, [])).includes(`href="/products/">`))
})
