/** Style, script and pictures of the pages. Created at the start; a file's address changes with its content. */
import { createHash } from "node:crypto"
import fs from "node:fs"
import path from "node:path"
import { accentOr, mix, shades } from "./colour.ts"
import { icon, landscape } from "./drawings.ts"
import { logoFrom, type Looks } from "./page.ts"
import { pictures } from "./pictures.ts"
import { style } from "./style.ts"

type Asset = { name: string; hash: string; type: string; body: string }

const types: Record<string, string> = {
  css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8", svg: "image/svg+xml; charset=utf-8",
}
const assets = new Map<string, Asset>()

/** Adds an asset and returns its address, such as /assets/shop.0123456789.css for "shop.css". */
function add(file: string, body: string): string {
  const [name, ending] = file.split(".")
  const hash = createHash("sha256").update(body).digest("hex").slice(0, 10)
  assets.set(file, { name, hash, type: types[ending], body })
  return `/assets/${name}.${hash}.${ending}`
}

/** The asset at /assets/<file>. `current` is false for an address of former content, which pages and databases may still have. */
export function find(file: string): (Asset & { current: boolean }) | null {
  const [name, hash, ending] = file.split(".")
  const asset = assets.get(`${name}.${ending}`)
  return asset ? { ...asset, current: asset.hash === hash } : null
}

const addresses = Object.fromEntries(Object.entries(pictures).map(([name, svg]) => [name, add(`${name}.svg`, svg)]))

/** The address of a drawn picture. */
export function pictureOf(name: string): string {
  if (!addresses[name]) throw new Error(`there is no picture ${name}`)
  return addresses[name]
}

function looks({ STORE_COLOR, STORE_LOGO, STORE_NAME, STORE_URL }: NodeJS.ProcessEnv): Looks {
  const { accent, onAccent } = shades(accentOr(STORE_COLOR))
  const welcome = add("welcome.svg", landscape((share) => mix(accent, onAccent, share)))
  return {
    style: add("shop.css", style(accent, welcome)),
    script: add("shop.js", fs.readFileSync(path.join(__dirname, "browser.js"), "utf8")),
    icon: add("icon.svg", icon([...(STORE_NAME ?? "S")][0], accent, onAccent)),
    logo: logoFrom(STORE_LOGO),
    accent,
    url: STORE_URL ?? "http://localhost:9000",
  }
}

export const shopLooks = looks(process.env)
