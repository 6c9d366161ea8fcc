/** The plain storefront's pages: product data in, complete HTML out; no script, no request of its own. */

export type Card = { handle: string; title: string; description: string | null; thumbnail: string | null; price: string | null }

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }
const escape = (text: string) => text.replace(/[&<>"']/g, (c) => entities[c])

const style = `
:root { color-scheme: light; font: 17px/1.55 system-ui, "Noto Sans", sans-serif; color: #22282c; background: #faf8f4 }
body { margin: 0 auto; max-width: 68rem; padding: 0 1.25rem 4rem }
a { color: inherit; text-decoration: none }
header { padding: 2.5rem 0 2rem; border-bottom: 1px solid #e4ded3; margin-bottom: 2rem }
header a { font-size: 1.9rem; font-weight: 700; letter-spacing: -.02em }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 2rem 1.5rem; padding: 0; list-style: none }
img { display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: cover; border-radius: .75rem; background: #efe9dd }
.grid a:hover h2, .grid a:focus h2 { text-decoration: underline }
h1, h2 { line-height: 1.2; letter-spacing: -.01em }
h2 { font-size: 1.1rem; margin: .8rem 0 .15rem }
.price { color: #5a6a5c; margin: 0; font-variant-numeric: tabular-nums }
.product { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 2.5rem }
.product .price { font-size: 1.35rem }
`

/** A whole page named `title` in the shop called `shop`; `body` is HTML. */
export function page(shop: string, title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title === shop ? shop : `${title} · ${shop}`)}</title><style>${style}</style></head>
<body><header><a href="/">${escape(shop)}</a></header><main>${body}</main></body></html>
`
}

const picture = (card: Card) =>
  card.thumbnail ? `<img src="${escape(card.thumbnail)}" alt="" width="400" height="400">` : ""
const price = (card: Card) => `<p class="price">${escape(card.price ?? "Not for sale at present")}</p>`

/** The shop window: every card links to its product's page. */
export function grid(cards: Card[]): string {
  if (cards.length === 0) return "<p>Nothing is for sale here yet.</p>"
  const items = cards.map(
    (card) => `<li><a href="/products/${encodeURIComponent(card.handle)}">${picture(card)}<h2>${escape(card.title)}</h2>${price(card)}</a></li>`,
  )
  return `<ul class="grid">${items.join("\n")}</ul>`
}

/** One product's page. */
export function product(card: Card): string {
  return `<article class="product"><div>${picture(card)}</div><div><h1>${escape(card.title)}</h1>${price(card)}
<p>${escape(card.description ?? "")}</p></div></article>`
}
