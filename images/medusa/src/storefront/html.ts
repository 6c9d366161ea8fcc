/** HTML as values: what is put into an html`...` template is escaped, unless it is such a value itself. */

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

/** A template's own text without its indentation, worked out once. */
function textsOf(strings: TemplateStringsArray): string[] {
  const known = texts.get(strings) ?? strings.map((text) => text.replace(/\n\s+/g, "\n"))
  texts.set(strings, known)
  return known
}

/** Lists are joined; null, undefined and booleans are nothing, so that `condition && ...` reads well. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Html =>
  new Html(textsOf(strings).map((text, i) => text + (i < parts.length ? render(parts[i]) : "")).join(""))

/** Text as paragraphs: an empty line divides them. */
export const paragraphs = (text: string): Html[] =>
  text.split(/\n\s*\n/).filter((part) => part.trim()).map((part) => html`<p>${part.trim()}</p>`)
