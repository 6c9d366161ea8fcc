/** Drawn pictures of the sample products: 600 x 600, light from the upper left, a few kilobytes each. */
import { mix } from "./colour.ts"

const dark = (colour: string, share: number) => mix(colour, "#1c1712", share)
const light = (colour: string, share: number) => mix(colour, "#ffffff", share)

/** A template without indentation. Joins lists. */
const svg = (strings: TemplateStringsArray, ...parts: (string | number | string[])[]) =>
  strings.map((text, i) => text.replace(/\n\s+/g, "\n") + [parts[i] ?? ""].flat().join("")).join("")

/** A gradient's stop: offset (0 to 1) and colour. */
type Stop = [number, string]
const stops = (all: Stop[]) => all.map(([at, colour]) => svg`<stop offset="${at}" stop-color="${colour}"/>`)
const gradient = (id: string, place: string, all: Stop[]) =>
  svg`<linearGradient id="${id}" ${place}>${stops(all)}</linearGradient>`
const across = (id: string, ...all: Stop[]) => gradient(id, "", all)
const down = (id: string, ...all: Stop[]) => gradient(id, 'x2="0" y2="1"', all)
const slanting = (id: string, ...all: Stop[]) => gradient(id, 'x2=".9" y2="1"', all)
const glow = (id: string, place: string, colour: string, strength: number) => svg`<radialGradient id="${id}" ${place}>
  <stop stop-color="${colour}" stop-opacity="${strength}"/><stop offset="1" stop-color="${colour}" stop-opacity="0"/>
  </radialGradient>`
const clip = (id: string, path: string) => svg`<clipPath id="${id}"><path d="${path}"/></clipPath>`

/** Gradient of a round, upright object. */
function round(id: string, colour: string): string {
  const lit: Stop[] = [[0, dark(colour, 0.22)], [0.22, light(colour, 0.16)], [0.4, light(colour, 0.06)]]
  return across(id, ...lit, [0.72, dark(colour, 0.12)], [1, dark(colour, 0.4)])
}

/** Noise for wood, wool and paper. */
const grain = (id: string, frequency: string, strength: number) => svg`<filter id="${id}" x="0" y="0" width="1"
  height="1"><feTurbulence type="fractalNoise" baseFrequency="${frequency}" numOctaves="3" seed="4"/>
  <feColorMatrix values="0 0 0 0 .1 0 0 0 0 .07 0 0 0 0 .04 0 0 0 ${strength} -${(strength * 0.42).toFixed(2)}"/>
  <feComposite operator="in" in2="SourceGraphic"/></filter>`

const blur = (id: string, by: number) => svg`<filter id="${id}" x="-.5" y="-.5" width="2" height="2">
  <feGaussianBlur stdDeviation="${by}"/></filter>`

const shadow = (cx: number, cy: number, rx: number, ry: number, opacity = 0.34) =>
  svg`<ellipse cx="${cx}" cy="${cy}" rx="${rx}" ry="${ry}" fill="#2a2015" opacity="${opacity}" filter="url(#s)"/>`

const lamp = glow("l", 'cx=".22" cy=".1" r="1"', "#fff", 0.6)
const picture = (defs: string, shapes: string) => svg`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 600">
  <defs>${blur("s", 15)}${blur("n", 5)}${lamp}${defs}</defs>${shapes}</svg>`

/** Objects on a table in front of a wall. */
function stilllife(wall: string, table: string, defs: string, shapes: string): string {
  const room = down("w", [0, light(wall, 0.12)], [1, wall])
  const wood = down("t", [0, dark(table, 0.07)], [0.25, table], [1, light(table, 0.25)])
  return picture(room + wood + defs, svg`<rect width="600" height="600" fill="url(#w)"/>
    <rect y="424" width="600" height="176" fill="url(#t)"/><rect width="600" height="600" fill="url(#l)"/>${shapes}`)
}

/** Objects on a cloth, seen from above. */
const flat = (cloth: string, defs: string, shapes: string) => picture(defs, svg`
  <rect width="600" height="600" fill="${cloth}"/><rect width="600" height="600" fill="url(#l)"/>${shapes}`)

function mug(): string {
  const [clay, glaze] = ["#d9c3a3", "#3f6475"]
  const body = "M184 206 196 420Q200 474 252 478H346Q398 474 402 420L414 206Z"
  const handle = "M398 262C500 236 508 396 396 404"
  const specks = [
    [230, 300], [262, 372], [310, 340], [344, 290], [286, 262], [366, 380], [240, 428], [322, 444], [378, 330],
  ].map(([x, y], i) => svg`<circle cx="${x}" cy="${y}" r="${1.6 + (i % 3)}"/>`)
  const coffee = down("c", [0, "#2a1a10"], [1, "#5a3a22"])
  return stilllife("#e9e1d3", "#cdb899", round("a", clay) + round("b", glaze) + coffee + clip("k", body), svg`
    ${shadow(350, 476, 190, 24)}
    <g fill="none" stroke-linecap="round"><path d="${handle}" stroke="${dark(glaze, 0.42)}" stroke-width="34"/>
    <path d="${handle}" stroke="${light(glaze, 0.06)}" stroke-width="24" transform="translate(-3 -4)"/></g>
    <path d="${body}" fill="url(#a)"/><g clip-path="url(#k)">
    <path d="M170 190H430V334c-12 0-12 22-24 22s-12-26-26-26-14 42-28 42-14-46-28-46-14 28-26 28-12-24-26-24-12 44-26 44
      -12-48-24-48-12 20-24 20-10-12-28-12Z" fill="url(#b)"/>
    <path d="M208 232q-6 76 4 118" stroke="#fff" stroke-width="16" stroke-linecap="round" fill="none" opacity=".28"
      filter="url(#n)"/></g>
    <g fill="#2d2219" opacity=".3">${specks}</g>
    <ellipse cx="299" cy="206" rx="115" ry="27" fill="${light(glaze, 0.24)}"/>
    <ellipse cx="299" cy="207" rx="102" ry="20.5" fill="${dark(glaze, 0.5)}"/>
    <path d="M201 213a102 20.5 0 0 0 196 0 130 18 0 0 0-196 0z" fill="url(#c)"/>
    <path d="M272 168c-22-32 20-48 0-84M322 170c-22-32 24-56 2-96" fill="none" stroke="#fff" stroke-width="13"
      stroke-linecap="round" opacity=".55" filter="url(#n)"/>`)
}

function tote(): string {
  const cloth = "#e6dcc6"
  const [bright, seam, shade] = [light(cloth, 0.25), dark(cloth, 0.35), dark(cloth, 0.26)]
  const body = "M166 226H434L458 494Q300 520 142 494Z"
  const handle = "M222 256C206 46 394 46 380 256"
  const folds = across("a", [0, dark(cloth, 0.16)], [0.2, bright], [0.55, cloth], [0.85, dark(cloth, 0.1)], [1, shade])
  const weave = svg`<pattern id="p" width="5" height="5" patternUnits="userSpaceOnUse">
    <path d="M0 1h5M1 0v5" stroke="#6b5b3e" stroke-width=".7" opacity=".22"/></pattern>`
  return stilllife("#c9d3c3", "#b59f80", folds + weave, svg`
    ${shadow(320, 498, 190, 24)}
    <path d="M236 240C232 70 372 70 366 240" fill="none" stroke="${dark(cloth, 0.34)}" stroke-width="20"/>
    <path d="${body}" fill="url(#a)"/><path d="${body}" fill="url(#p)"/>
    <g fill="none" stroke-width="22"><path d="${handle}" stroke="${light(cloth, 0.16)}"/>
    <path d="${handle}" stroke="${seam}" opacity=".12" stroke-dasharray="2 3"/></g>
    <path d="M164 248 436 248" stroke="${seam}" stroke-width="2" stroke-dasharray="7 4"/>
    <path d="M210 238h24v34h-24zM368 238h24v34h-24z" fill="${light(cloth, 0.1)}" stroke="${seam}" stroke-width="1.5"
      stroke-dasharray="5 3"/>
    <path d="M300 452C296 400 300 350 304 306" fill="none" stroke="#3d5a40" stroke-width="4" stroke-linecap="round"/>
    <path d="M300 424c-34 4-56-12-62-38 34-4 56 12 62 38zM301 412c32-2 50-20 52-46-32 2-50 20-52 46zM300 376c-28 0-44-14
      -48-36 28-2 44 12 48 36zM302 364c26-4 40-20 40-40-26 2-40 18-40 40zM304 318c-12-14-12-30 0-44 12 14 12 30 0 44z"
      fill="#4c6b4f"/>
    <path d="M176 300q14 90-6 186M420 280q-16 110 12 204" stroke="${dark(cloth, 0.5)}" stroke-width="14" fill="none"
      opacity=".16" filter="url(#n)"/>`)
}

function candle(): string {
  const wax = "#e3ab45"
  const pillar = (x: number, top: number, width: number) => {
    const [middle, rim] = [x + width / 2, width * 0.16]
    const body = `M${x} ${top}V478a${width / 2} ${rim} 0 0 0 ${width} 0V${top}z`
    return svg`<path d="${body}" fill="url(#a)"/><path d="${body}" fill="url(#p)"/>
      <ellipse cx="${middle}" cy="${top}" rx="${width / 2}" ry="${rim}" fill="${light(wax, 0.42)}"/>
      <ellipse cx="${middle}" cy="${top + 2}" rx="${width / 2 - 14}" ry="${rim - 7}" fill="${light(wax, 0.2)}"/>
      <path d="M${middle} ${top + 4}v-34" stroke="#3a2a1c" stroke-width="5" stroke-linecap="round"/>
      <circle cx="${middle}" cy="${top - 54}" r="120" fill="url(#o)"/>
      <path d="M${middle} ${top - 108}c24 34 30 52 16 72a20 20 0 0 1-32 0c-14-20-8-38 16-72z" fill="url(#f)"/>`
  }
  const comb = svg`<pattern id="p" width="34" height="58" patternUnits="userSpaceOnUse">
    <path d="M17 0 34 10v19L17 39 0 29V10zM0 29l17 10v19M34 29 17 39" fill="none" stroke="${dark(wax, 0.45)}"
      stroke-width="2" opacity=".42"/></pattern>`
  const flame = glow("o", "", "#fff3c9", 0.95) + down("f", [0, "#fff8de"], [0.55, "#ffd166"], [1, "#ee8a2e"])
  return stilllife("#d8cfc6", "#8f7458", round("a", wax) + comb + flame, svg`
    ${shadow(330, 484, 190, 24)}${pillar(200, 250, 124)}${shadow(372, 496, 66, 12, 0.3)}${pillar(334, 354, 100)}`)
}

function board(): string {
  const oak = "#c08e5c"
  const outline = svg`M196 150h208a40 40 0 0 1 40 40v268a40 40 0 0 1-40 40H196a40 40 0 0 1-40-40V190a40 40 0 0 1 40-40z
    M262 160V74a38 38 0 0 1 76 0v86z`
  const rings = [182, 214, 240, 262, 290, 322, 346, 376, 408].map((x, i) =>
    svg`<path d="M${x} 30q${i % 2 ? 14 : -12} 140 ${i % 3 ? 4 : -8} 250t${i % 2 ? -8 : 12} 240"/>`)
  const wood = across("a", [0, light(oak, 0.2)], [0.5, oak], [1, dark(oak, 0.14)]) + grain("g", ".09 .008", 1.1)
  return flat("#d9dcd6", wood + clip("k", outline), svg`<g transform="rotate(24 300 300) translate(22 46) scale(.93)">
    <path d="${outline}" transform="translate(16 22)" fill="#2a2015" opacity=".38" filter="url(#s)"/>
    <path d="${outline}" fill="${dark(oak, 0.4)}" transform="translate(3 6)"/>
    <path d="${outline}" fill="url(#a)"/><path d="${outline}" filter="url(#g)" opacity=".55"/>
    <g clip-path="url(#k)" fill="none" stroke="${dark(oak, 0.45)}" stroke-width="1.6" opacity=".5">${rings}</g>
    <path d="M200 176h200a20 20 0 0 1 20 20v256a20 20 0 0 1-20 20H200a20 20 0 0 1-20-20V196a20 20 0 0 1 20-20z"
      fill="none" stroke="${dark(oak, 0.5)}" stroke-width="6" opacity=".42"/>
    <path d="M200 179h200a17 17 0 0 1 17 17" fill="none" stroke="#fff" stroke-width="2" opacity=".35"/>
    <circle cx="300" cy="76" r="15" fill="#6b4a30"/>
    <path d="M296 70C230 20 250-40 330-30S350 40 304 78" fill="none" stroke="#5b3a26" stroke-width="9"
      stroke-linecap="round"/></g>
    <path d="M66 470c40-8 90-4 132 26" fill="none" stroke="#5f7351" stroke-width="5" stroke-linecap="round"/>
    <path d="M92 466c-4-22 6-38 26-44 6 22-4 38-26 44zM128 470c2-22 16-34 38-34 0 22-14 36-38 34zM164 482c10-20 26-26 46
      -18-8 20-24 28-46 18zM104 470c4 20 20 30 40 26-4-20-18-32-40-26zM146 478c0 22 12 34 34 36 2-22-10-36-34-36z"
      fill="#6f865e"/>`)
}

function blanket(): string {
  const [wool, band, line] = ["#55627a", "#e6dcca", "#c2694a"]
  const front = "M108 282H462Q496 284 496 320V460Q496 474 482 474H108Q94 474 94 460V298Q94 282 108 282Z"
  const fold = (y: number, height: number, inset: number) => svg`<path d="M${112 + inset} ${y}h${350 - inset}
    q${height / 2} 0 ${height / 2} ${height / 2}t-${height / 2} ${height / 2}H${112 + inset}q-14 0-14-14V${y + 14}
    q0-14 14-14z" fill="url(#a)"/>`
  const fringe = Array.from({ length: 19 }, (_, i) => svg`<path d="M${108 + i * 21} 470q${i % 2 ? 6 : -5} 20
    ${i % 3 ? 2 : -3} 42" stroke="${i % 2 ? wool : light(wool, 0.16)}"/>`)
  const cloth = down("a", [0, light(wool, 0.24)], [0.5, wool], [1, dark(wool, 0.34)]) + grain("g", ".5 .7", 1.3)
  return stilllife("#e2dbd0", "#bfa586", cloth + clip("k", front), svg`
    ${shadow(320, 500, 240, 22)}${fold(176, 56, 22)}${fold(228, 58, 10)}
    <g fill="none" stroke-width="7" stroke-linecap="round">${fringe}</g><path d="${front}" fill="url(#a)"/>
    <g clip-path="url(#k)"><path d="M140 270v210M450 270v210" stroke="${band}" stroke-width="34"/>
    <path d="M172 270v210M418 270v210" stroke="${line}" stroke-width="8"/>
    <path d="M186 270v210M404 270v210" stroke="${band}" stroke-width="3"/></g>
    <path d="${front}" filter="url(#g)" opacity=".28"/>
    <path d="M104 286h356q28 4 30 30" fill="none" stroke="#fff" stroke-width="3" opacity=".25"/>
    <path d="M112 280h350" stroke="#0d1420" stroke-width="7" opacity=".4" filter="url(#n)"/>`)
}

function notebook(): string {
  const cover = "#2f4858"
  const [bright, shade] = [light(cover, 0.1), dark(cover, 0.15)]
  const bound = across("a", [0, dark(cover, 0.3)], [0.1, bright], [0.14, shade], [0.4, bright], [1, cover])
  return flat("#e8d9cf", bound + grain("g", ".8", 0.9), svg`<g transform="rotate(-11 300 300)">
    <rect x="188" y="126" width="270" height="396" rx="14" fill="#2a2015" opacity=".42" filter="url(#s)"/>
    <path d="M184 116h252a8 8 0 0 1 8 8v366a8 8 0 0 1-8 8H184z" fill="#f5efe2"/>
    <path d="M438 122v372M441 124v368" stroke="#cfc4ac" stroke-width="1.5"/>
    <rect x="166" y="104" width="268" height="390" rx="12" fill="url(#a)"/>
    <rect x="166" y="104" width="268" height="390" rx="12" filter="url(#g)" opacity=".3"/>
    <path d="M192 106v386" stroke="#0d1a21" stroke-width="3" opacity=".5"/>
    <path d="M179 150v50M179 236v50M179 322v50M179 408v46" stroke="#e7c77d" stroke-width="3.5" stroke-linecap="round"/>
    <rect x="236" y="170" width="140" height="92" rx="6" fill="#f1e7d3"/>
    <path d="M258 200h96M258 218h96M258 236h60" stroke="#8d7b5f" stroke-width="4" stroke-linecap="round"/>
    <path d="M400 104v390" stroke="#d9a441" stroke-width="13"/>
    <path d="M404 104v390" stroke="#8a6220" stroke-width="2" opacity=".5"/></g>
    <g transform="rotate(28 470 380)">
    <rect x="474" y="210" width="24" height="300" rx="4" fill="#2a2015" opacity=".36" filter="url(#n)"/>
    <path d="M460 220h24v240h-24z" fill="#c2694a"/><path d="M460 220h8v240h-8z" fill="#dd8a6a"/>
    <path d="M478 220h6v240h-6z" fill="#974a30"/><path d="M460 460h24l-12 44z" fill="#ecd6b0"/>
    <path d="m468 489 4 15 4-15z" fill="#2b2b2b"/><path d="M460 200h24v22h-24z" fill="#c9c6be"/>
    <path d="M460 186a6 6 0 0 1 6-6h12a6 6 0 0 1 6 6v16h-24z" fill="#e0a0a0"/></g>`)
}

function shirt(colour: string): string {
  const body = svg`M226 112C192 128 150 140 128 158 100 192 78 236 60 282Q96 312 136 324L172 276V500Q300 520 428 500V276
    L464 324Q504 312 540 282C522 236 500 192 472 158 450 140 408 128 374 112Q300 178 226 112Z`
  const cotton = slanting("a", [0, light(colour, 0.2)], [0.5, colour], [1, dark(colour, 0.16)])
  return flat("#e4e0d8", cotton + grain("g", ".9", 0.9) + clip("k", body), svg`
    <path d="${body}" fill="#2a2015" opacity=".36" filter="url(#s)" transform="translate(10 18)"/>
    <path d="M226 112Q300 96 374 112 300 186 226 112Z" fill="${dark(colour, 0.46)}"/>
    <path d="M284 107h32v20h-32z" fill="#fbfaf7" opacity=".85"/>
    <path d="${body}" fill="url(#a)"/><path d="${body}" filter="url(#g)" opacity=".16"/>
    <g clip-path="url(#k)" fill="none" filter="url(#n)" stroke-linecap="round">
    <path d="M172 276q16 110-2 226M428 276q-18 110 4 226M246 350q26 60 6 160M372 320q-34 90-8 190M172 276q2-60 26-96
      M428 276q-2-60-26-96M110 220q-16 40-20 80M490 220q16 40 20 80" stroke="${dark(colour, 0.6)}" opacity=".24"
      stroke-width="13"/>
    <path d="M212 300q18 90 0 190M322 300q-20 90 2 200M146 186q-30 40-46 90" stroke="${light(colour, 0.5)}"
      opacity=".32" stroke-width="15"/></g>
    <g fill="none" stroke="${dark(colour, 0.42)}" stroke-width="2" opacity=".7"><path d="M214 118Q300 204 386 118"/>
    <path d="M173 486q127 20 254 0M68 270q36 26 78 38M532 270q-36 26-78 38" stroke-dasharray="5 4"/>
    <path d="M172 276q2-66 30-136M428 276q-2-66-30-136"/></g>
    <path d="M226 112Q300 186 374 112" fill="none" stroke="${dark(colour, 0.2)}" stroke-width="3"/>`)
}

function tin(colour: string, wall: string): string {
  const side = (top: number, bottom: number, wider = 0) => {
    const [radius, width] = [110 + wider, 220 + wider * 2]
    return `M${190 - wider} ${top}V${bottom}a${radius} 26 0 0 0 ${width} 0V${top}a${radius} 26 0 0 1-${width} 0z`
  }
  const leaf = (x: number, y: number, turn: number, size: number) => svg`<path d="M0 0c-20-10-30-36-22-62 24 10 34 38 22
    62z" transform="translate(${x} ${y}) rotate(${turn}) scale(${size})"/>`
  const tea = [[118, 500, 20], [146, 522, -30], [92, 530, 60], [172, 544, 10], [128, 556, -50], [206, 528, 40]]
    .map(([x, y, turn]) => svg`<rect width="24" height="6" rx="3" transform="translate(${x} ${y}) rotate(${turn})"/>`)
  const paint = round("a", colour) + round("b", light(colour, 0.16)) + round("c", "#f0e6d2") + round("e", "#c9a35b")
  return stilllife(wall, "#bfa283", paint, svg`${shadow(330, 482, 170, 24)}
    <path d="${side(176, 462)}" fill="url(#a)"/><path d="${side(262, 408)}" fill="url(#c)"/>
    <path d="${side(250, 258)}${side(412, 420)}" fill="url(#e)"/>
    <g fill="${colour}">${leaf(300, 408, 6, 1.3)}${leaf(296, 412, -48, 1)}${leaf(306, 412, 62, 1)}</g>
    <path d="M300 410v22" stroke="${colour}" stroke-width="5" stroke-linecap="round"/>
    <path d="${side(140, 190, 5)}" fill="url(#b)"/>
    <path d="M185 184a115 26 0 0 0 230 0" fill="none" stroke="${dark(colour, 0.5)}" stroke-width="3" opacity=".5"/>
    <ellipse cx="300" cy="140" rx="115" ry="26" fill="${light(colour, 0.3)}"/>
    <ellipse cx="300" cy="139" rx="98" ry="20" fill="${light(colour, 0.16)}"/>
    <ellipse cx="300" cy="132" rx="20" ry="8" fill="${dark(colour, 0.2)}"/>
    <path d="M282 126a18 9 0 0 1 36 0v8a18 7 0 0 1-36 0z" fill="url(#e)"/><g fill="#4a3b26">${tea}</g>`)
}

/** The pictures by file name. */
export const pictures: Record<string, string> = {
  "stoneware-mug": mug(),
  "linen-tote": tote(),
  "beeswax-candle": candle(),
  "oak-board": board(),
  "wool-blanket": blanket(),
  "pocket-notebook": notebook(),
  "t-shirt-oat": shirt("#dccfb4"),
  "t-shirt-moss": shirt("#74815c"),
  "t-shirt-clay": shirt("#b9694c"),
  "tea-earl-grey": tin("#44536b", "#dfe0dc"),
  "tea-sencha": tin("#5d7a4a", "#e6e2cf"),
  "tea-rooibos": tin("#9c4a33", "#ecdcd0"),
}
