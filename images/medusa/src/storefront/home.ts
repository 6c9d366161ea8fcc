/** The home page: a welcome, a search and all products. */
import { html, Html } from "./html.ts"
import type { Product, Shop } from "./model.ts"
import type { Page } from "./page.ts"
import { cards } from "./parts.ts"
import { count } from "./words.ts"

type Listing = { products: Product[]; total: number; search: string; page: number; pages: number }

const lens = html`<svg width="20" height="20" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
  stroke-linecap="round" aria-hidden="true"><circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/></svg>`

const searchForm = (search: string) => html`<form class="search" role="search" action="/">
  <input type="search" name="q" value="${search}" placeholder="Search products" aria-label="Search products"
    maxlength="80" enterkeyhint="search">
  <button aria-label="Search">${lens}</button></form>`

function welcome({ name, tagline, countries }: Shop): Html {
  const names = countries.map((country) => country.name)
  const where = names.length < 4 ? names.join(", ") : `${names.length} countries`
  return html`<section class="welcome"><h1>${tagline ?? `Welcome to ${name}`}</h1>
    ${where && html`<p>We deliver to ${where}.</p>`}</section>`
}

function turn({ search, page, pages }: Listing): Html | false {
  const to = (number: number) => `/?${new URLSearchParams({ ...(search && { q: search }), page: String(number) })}`
  return pages > 1 && html`<nav class="pages" aria-label="Pages">
    ${page > 1 && html`<a class="button quiet" href="${to(page - 1)}" rel="prev">Previous</a>`}
    <span class="button quiet" aria-current="page">Page ${page} of ${pages}</span>
    ${page < pages && html`<a class="button quiet" href="${to(page + 1)}" rel="next">Next</a>`}</nav>`
}

const nothing = (search: string) => search
  ? html`<p>We found nothing for “${search}”. Try another word, or <a href="/">see all products</a>.</p>`
  : html`<p>Nothing is for sale here yet. Please come back soon.</p>`

export function home(shop: Shop, listing: Listing): Page {
  const { products, total, search, page } = listing
  const first = !search && page === 1
  const words = search ? `Results for “${search}”` : "All products"
  return {
    title: search ? words : shop.name,
    path: first ? "/" : undefined,
    picture: products[0]?.pictures[0],
    main: html`${first && welcome(shop)}<section>
      <div class="heading"><div>${first ? html`<h2>${words}</h2>` : html`<h1>${words}</h1>`}
        <span class="muted">${count(total, "product", "products")}</span></div>${searchForm(search)}</div>
      ${products.length > 0 ? cards(products, shop.currency, 4) : nothing(search)}${turn(listing)}</section>`,
  }
}
