/** Small drawings in the accent's shades, for pages without products. */
import { html, Html } from "./html.ts"

const drawing = (shapes: Html) => html`<svg viewBox="0 0 176 176" fill="none" stroke="currentColor" stroke-width="2.5"
  stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
  <circle cx="88" cy="88" r="84" fill="var(--tint)" stroke="none"/>${shapes}</svg>`

export const basket = drawing(html`<path d="M30 132h116" opacity=".35"/>
  <path d="M46 76h84l-9 50a7 7 0 0 1-7 6H62a7 7 0 0 1-7-6z" fill="#fff"/>
  <path d="M40 66h96a4 4 0 0 1 4 4v4a4 4 0 0 1-4 4H40a4 4 0 0 1-4-4v-4a4 4 0 0 1 4-4z" fill="var(--accent)"/>
  <path d="M58 66c4-30 18-40 30-40s26 10 30 40"/><path d="M68 90l3 30M88 90v30M108 90l-3 30" opacity=".45"/>`)

export const parcel = drawing(html`<path d="M28 134h120" opacity=".35"/>
  <path d="M42 70 88 54l46 16v50l-46 16-46-16z" fill="#fff"/><path d="m42 70 46 16 46-16M88 86v50"/>
  <path d="m62 62 46 17v17l-12 4V83L50 67z" fill="var(--accent)" stroke="none"/><path d="m62 62.5 46 16.5"/>`)

export const signpost = drawing(html`<path d="M40 138h96" opacity=".35"/><path d="M86 34h6v104h-6z" fill="#fff"/>
  <path d="M48 46h72l14 12-14 12H48z" fill="var(--accent)"/><path d="M128 82H62L48 93l14 11h66z" fill="#fff"/>
  <path d="M64 58h40M76 93h36" opacity=".5"/>
  <path d="M112 138c2-14 8-18 16-20-1 12-6 18-16 20zM60 138c-2-10-7-14-14-15 1 9 6 14 14 15z" fill="var(--tint)"/>`)

export const spill = drawing(html`<path d="M34 134h112" opacity=".35"/>
  <path d="M74 128c-8-10-26-4-34 2 10 6 60 5 74 2-6-8-28-12-40-4z" fill="var(--accent)" stroke="none" opacity=".55"/>
  <path d="M80 82l44-30 24 36-44 30c-8 5-16 3-21-4L76 99c-4-6-2-13 4-17z" fill="#fff"/>
  <path d="M124 52c5-3 12 2 18 12s9 20 6 24-13-4-18-12-11-21-6-24z" fill="var(--accent)"/>
  <path d="M98 70c-6-10-20-12-25-5-6 8 0 18 8 17"/>`)

/** Icon for the browser's tab: the first letter of the store's name. */
export const icon = (letter: string, accent: string, onAccent: string) => html`<svg
  xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><circle cx="32" cy="32" r="32" fill="${accent}"/>
  <text x="32" y="44" text-anchor="middle" font-family="Georgia,serif" font-weight="700" font-size="36"
  fill="${onAccent}">${letter}</text></svg>`.text

/** Background of the welcome: hills, a sun and a twig. `shade` mixes a share into the accent. */
export const landscape = (shade: (share: number) => string) => html`<svg xmlns="http://www.w3.org/2000/svg"
  viewBox="0 0 560 320"><defs><linearGradient id="f" x2=".45"><stop stop-color="#fff" stop-opacity="0"/>
  <stop offset="1" stop-color="#fff"/></linearGradient>
  <mask id="m"><rect width="560" height="320" fill="url(#f)"/></mask></defs>
  <g mask="url(#m)"><circle cx="372" cy="112" r="66" fill="${shade(0.3)}"/>
  <path d="M0 262c90-70 170-86 262-38s190-76 298-70v166H0z" fill="${shade(0.14)}"/>
  <path d="M0 306c120-66 206-34 300-22s170-54 260-44v80H0z" fill="${shade(0.24)}"/>
  <path d="M150 320c110-40 250-52 410-26v26z" fill="${shade(0.36)}"/></g>
  <path d="M486 320c4-70-2-120-18-176" fill="none" stroke="${shade(0.62)}" stroke-width="4" stroke-linecap="round"/>
  <path d="M478 206c-30 2-46-14-50-36 26-2 44 12 50 36zM482 196c26-6 38-24 36-46-24 4-38 20-36 46zM484 262c-32 4-50-10
  -56-32 28-4 48 8 56 32zM487 250c28-4 44-20 44-44-26 2-44 18-44 44zM470 152c-18-10-24-28-18-46 20 8 26 26 18 46z"
  fill="${shade(0.5)}"/></svg>`.text
