/** Error pages in the store's design. */
import { html, Html } from "./html.ts"
import { signpost, spill } from "./drawings.ts"
import type { Page } from "./page.ts"

const tell = (art: Html, title: string, words: string, more?: Html): Page => ({
  title,
  main: html`<div class="centre"><div class="art">${art}</div><h1>${title}</h1><p class="muted">${words}</p>
    <p><a class="button" href="/">See all products</a></p>${more}</div>`,
})

export const notFound =
  tell(signpost, "This page does not exist", "It may have moved, or the product is no longer sold.")

/** For a form that came from another site. */
export const foreign =
  tell(signpost, "Please try again from the shop", "This request came from another website, so we did not process it.")

/** For a form that was cut off, too large or not valid. */
export const unreadable =
  tell(signpost, "That could not be read", "The form was not complete or not valid. Please go back and try again.")

/** For an error of the store. `reference` is the request's id in the store's log. */
export const broken = (reference: string) =>
  tell(
    spill,
    "Something went wrong on our side",
    "Your cart has not changed. Please try again in a moment.",
    html`<p class="small muted">If it happens again, please send us this reference: ${reference}</p>`,
  )
