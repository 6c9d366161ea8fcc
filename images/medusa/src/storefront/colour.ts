/** Readable colours for any accent, by WCAG's contrast: text on the accent, and the accent as text. */

export const ink = "#1f2421"
export const muted = "#59615b"
export const paper = "#fbfaf7"
const enough = 4.5 // WCAG 2.2 AA for text

type Rgb = [number, number, number]

const parse = (hex: string): Rgb => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as Rgb

function luminance(hex: string): number {
  const [r, g, b] = parse(hex).map((part) => (part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** Contrast ratio from 1 (same colour) to 21 (black on white). */
export function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

/** Mixes `share` (0 to 1) of `other` into `one`. */
export function mix(one: string, other: string, share: number): string {
  const [from, to] = [parse(one), parse(other)]
  const parts = from.map((part, i) => Math.round(part + (to[i] - part) * share))
  return "#" + parts.map((part) => part.toString(16).padStart(2, "0")).join("")
}

/** Shades of an accent (`#rrggbb`): text on it, the accent as text, hover and tint. */
export function shades(accent: string) {
  const onAccent = ["#ffffff", ink, "#000000"].find((text) => contrast(accent, text) >= enough)! // black, if no other
  const tint = mix(accent, paper, 0.9)
  let text = accent
  while ([paper, tint].some((ground) => contrast(text, ground) < enough)) text = mix(text, ink, 0.1)
  const hover = mix(accent, onAccent === "#ffffff" ? "#000000" : "#ffffff", 0.14)
  return { accent, onAccent, text, hover, tint }
}

/** `colour` if it is `#rrggbb`, otherwise the default green. */
export const accentOr = (colour: string | undefined): string =>
  /^#[0-9a-f]{6}$/i.test(colour ?? "") ? colour!.toLowerCase() : "#2f6f4f"
