/** HTML templates: html`...` escapes its values, except values that are Html themselves. */

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }

export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Part = Html | string | number | boolean | null | undefined | Part[]

function render(part: Part): string {
  if (Array.isArray(part)) return part.map(render).join("")
  if (part instanceof Html) return part.text
  if (part === null || part === undefined || typeof part === "boolean") return ""
  return String(part).replace(/[&<>"']/g, (character) => entities[character])
}

const texts = new WeakMap<TemplateStringsArray, string[]>()

/** A template's static parts without indentation. Cached. */
function textsOf(strings: TemplateStringsArray): string[] {
  const known = texts.get(strings) ?? strings.map((text) => text.replace(/\n\s+/g, "\n"))
  texts.set(strings, known)
  return known
}

/** Joins lists. Renders null, undefined and booleans as nothing, so that `condition && ...` works. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Html =>
  new Html(textsOf(strings).map((text, i) => text + (i < parts.length ? render(parts[i]) : "")).join(""))

/** Text as paragraphs, separated by empty lines. */
export const paragraphs = (text: string): Html[] =>
  text.split(/\n\s*\n/).filter((part) => part.trim()).map((part) => html`<p>${part.trim()}</p>`)
