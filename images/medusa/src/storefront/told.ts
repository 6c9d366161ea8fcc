/** Pages that say what went wrong, in the shop's look. */
import { html, Html } from "./html.ts"
import { signpost, spill } from "./drawings.ts"
import type { Page } from "./page.ts"

const tell = (art: Html, title: string, words: string, more?: Html): Page => ({
  title,
  main: html`<div class="centre"><div class="art">${art}</div><h1>${title}</h1><p class="muted">${words}</p>
    <p><a class="button" href="/">See all products</a></p>${more}</div>`,
})

export const notFound =
  tell(signpost, "This page does not exist", "It may have moved, or what it showed is no longer sold.")

/** A form that came from another site. */
export const foreign =
  tell(signpost, "Please try again from the shop", "This request came from another website, so it was not carried out.")

/** A form that was cut off or too large, or with something in it that can't be. */
export const unreadable =
  tell(signpost, "That could not be read", "Something in it was not as expected. Please go back and try again.")

/** `reference` is what the shop's log calls the request. */
export const broken = (reference: string) =>
  tell(
    spill,
    "Something went wrong on our side",
    "Nothing was lost: your cart is as it was. Please try again in a moment.",
    html`<p class="small muted">If it happens again, tell us this reference: ${reference}</p>`,
  )
