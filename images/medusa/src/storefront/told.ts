/** Pages that say what went wrong, in the shop's look. */
import { html } from "./html.ts"
import { signpost, spill } from "./drawings.ts"
import type { Page } from "./page.ts"

export const notFound: Page = {
  title: "Not found",
  main: html`<div class="centre"><div class="art">${signpost}</div><h1>This page does not exist</h1>
<p class="muted">It may have moved, or what it showed is no longer sold.</p><p><a class="button" href="/">See all products</a></p></div>`,
}

/** `reference` is what the shop's log calls the request. */
export const broken = (reference: string): Page => ({
  title: "Something went wrong",
  main: html`<div class="centre"><div class="art">${spill}</div><h1>Something went wrong on our side</h1>
<p class="muted">Nothing was lost: your cart is as it was. Please try again in a moment.</p>
<p><a class="button" href="/">Back to the shop</a></p><p class="small muted">If it happens again, tell us this reference: ${reference}</p></div>`,
})

/** A form that came from another site. */
export const foreign: Page = {
  title: "Please try again",
  main: html`<div class="centre"><div class="art">${signpost}</div><h1>Please try again from the shop</h1>
<p class="muted">This request came from another website, so it was not carried out.</p><p><a class="button" href="/">Back to the shop</a></p></div>`,
}
