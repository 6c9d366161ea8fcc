/** The stylesheet, for an accent colour and the address of the welcome's background picture. */
import { ink, muted, paper, shades } from "./colour.ts"

export function style(accentColour: string, welcome: string): string {
  const { accent, onAccent, text, hover, tint } = shades(accentColour)
  return `
:root {
  color-scheme: light;
  --paper: ${paper}; --card: #fff; --ink: ${ink}; --muted: ${muted}; --line: #e5e0d6; --edge: #85897f; --wrong: #9b2226;
  --accent: ${accent}; --on-accent: ${onAccent}; --accent-text: ${text}; --accent-hover: ${hover}; --tint: ${tint};
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, "Noto Serif", "Source Serif 4", Georgia, serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font: 100%/1.6 var(--sans); color: var(--ink); background: var(--paper);
  -webkit-text-size-adjust: 100%; text-size-adjust: 100%;
}
*, ::before, ::after { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; overflow-wrap: break-word }
main { flex: 1; padding-bottom: 5rem }
.wide { width: min(72rem, 100% - 2.5rem); margin-inline: auto }
a { color: inherit; text-decoration-thickness: 1px; text-underline-offset: .2em }
img, svg { display: block; max-width: 100% }
h1, h2, h3 { font-family: var(--serif); font-weight: 600; line-height: 1.15; letter-spacing: -.012em; margin: 0;
  text-wrap: balance }
h1 { font-size: clamp(1.9rem, 1.5rem + 2vw, 2.75rem) }
h2 { font-size: 1.4rem }
p { margin: 0 0 1rem }
small, .small { font-size: .9rem }
.muted { color: var(--muted) }
.number { font-variant-numeric: tabular-nums }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
:focus-visible { outline: 3px solid var(--accent-text); outline-offset: 3px; border-radius: 4px }
.skip { position: absolute; left: 1rem; top: -5rem; background: var(--card); padding: .75rem 1.25rem;
  border-radius: .5rem; z-index: 9 }
.skip:focus { top: 1rem }

.top .wide { display: flex; align-items: center; gap: .5rem; min-height: 5rem; padding-block: .75rem }
.brand { display: flex; align-items: center; gap: .7rem; margin-right: auto; min-width: 0; text-decoration: none;
  font: 600 1.4rem/1.2 var(--serif); letter-spacing: -.012em }
.brand img { height: 2.75rem; width: auto; max-width: min(13rem, 40vw); object-fit: contain }
.brand .letter { flex: none; width: 2.5rem; height: 2.5rem; display: grid; place-items: center; border-radius: 50%;
  background: var(--accent); color: var(--on-accent); font-size: 1.3rem; line-height: 1 }
.top nav { display: flex; align-items: center; gap: .25rem }
.top nav a { display: flex; align-items: center; gap: .5rem; min-height: 2.75rem; padding: 0 1rem;
  border-radius: 99rem; text-decoration: none; white-space: nowrap }
.top nav a:hover { background: var(--tint) }
.top nav .cart { border: 1px solid var(--line); background: var(--card) }
.count { display: inline-grid; place-items: center; min-width: 1.5rem; height: 1.5rem; padding: 0 .4rem;
  border-radius: 99rem; background: var(--accent); color: var(--on-accent); font-size: .8rem; font-weight: 600 }

.button { display: inline-flex; align-items: center; justify-content: center; gap: .6rem; min-height: 3.25rem;
  padding: .5rem 1.75rem; border: 1px solid transparent; border-radius: 99rem; background: var(--accent);
  color: var(--on-accent); font: 600 1rem/1.2 var(--sans); text-decoration: none; text-align: center; cursor: pointer;
  transition: background-color .15s }
.button:hover { background: var(--accent-hover) }
.button.quiet { background: none; border-color: var(--edge); color: var(--ink); min-height: 2.75rem;
  padding-inline: 1.25rem }
.button.quiet:hover { background: var(--tint) }
.button[disabled] { background: #e3e1db; border-color: #e3e1db; color: #5b605b; cursor: default }
.link { border: 0; background: none; padding: .5rem 0; font: inherit; color: var(--muted); text-decoration: underline;
  cursor: pointer; text-decoration-thickness: 1px; text-underline-offset: .2em }
.link:hover { color: var(--ink) }
.full { width: 100% }

.welcome { margin: .25rem 0 3rem; padding: clamp(2rem, 5vw, 4rem) clamp(1.5rem, 5vw, 4rem);
  min-height: clamp(13rem, 26vw, 20rem); display: grid; align-content: center; border-radius: 1.5rem;
  color: var(--on-accent); background: var(--accent) url(${welcome}) right bottom / auto 100% no-repeat }
.welcome h1 { max-width: 14ch; font-size: clamp(2.1rem, 1.4rem + 3.4vw, 3.6rem) }
.welcome p { margin: 1rem 0 0; max-width: 34ch }
.heading { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 1rem 2rem;
  margin: 0 0 1.75rem }
.search { display: flex; flex: 0 1 22rem; position: relative }
.search input { padding-right: 3.25rem; border-radius: 99rem; padding-left: 1.25rem }
.search button { position: absolute; right: .25rem; top: 50%; translate: 0 -50%; width: 2.75rem; height: 2.75rem;
  display: grid; place-items: center; border: 0; border-radius: 50%; background: none; color: var(--ink);
  cursor: pointer }
.search button:hover { background: var(--tint) }

.grid { list-style: none; margin: 0; padding: 0; display: grid; gap: 2.25rem 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(15rem, 45%), 1fr)) }
.card { position: relative }
.card a { text-decoration: none }
.card a::after { content: ""; position: absolute; inset: 0; border-radius: 1rem }
.card a:focus-visible { outline: none }
.card a:focus-visible::after { outline: 3px solid var(--accent-text); outline-offset: 4px }
.card:hover a { text-decoration: underline; text-decoration-thickness: 1px }
.card h3 { font: 600 1.05rem/1.35 var(--sans); letter-spacing: 0; margin: .9rem 0 .1rem }
.card p { margin: 0 }
.picture { position: relative; overflow: hidden; border-radius: 1rem; background: #efece4; aspect-ratio: 1 }
.picture img { width: 100%; height: 100%; object-fit: cover }
.card .picture img { transition: scale .4s }
.card:hover .picture img { scale: 1.03 }
.card.gone .picture img { opacity: .55 }
.badge { position: absolute; left: .75rem; top: .75rem; padding: .25rem .75rem; border-radius: 99rem;
  background: var(--card); font-size: .85rem; font-weight: 600; box-shadow: 0 1px 3px #0002 }
.price s { color: var(--muted); margin-right: .4em }
.pages { display: flex; justify-content: center; gap: 1rem; margin-top: 3rem }

.crumbs { margin: .5rem 0 1.5rem; font-size: .95rem; color: var(--muted) }
.product { display: grid; gap: 2rem clamp(2rem, 5vw, 4.5rem); grid-template-columns: minmax(0, 1.1fr) minmax(0, 1fr);
  align-items: start }
.gallery { position: sticky; top: 1.5rem; min-width: 0 }
.track { display: flex; gap: .75rem; overflow-x: auto; scroll-snap-type: x mandatory; scrollbar-width: thin;
  border-radius: 1.25rem }
.track .picture { flex: 0 0 100%; scroll-snap-align: start; border-radius: 1.25rem }
.buy h1 { margin-bottom: .4rem }
.buy .price { font-size: 1.5rem; margin: 1rem 0 1.25rem }
.buy .about { margin: 1.25rem 0 }
.chips { border: 0; padding: 0; margin: 0 0 1.25rem; min-width: 0 }
.chips legend { padding: 0; font-weight: 600; margin-bottom: .5rem }
.chips div { display: flex; flex-wrap: wrap; gap: .5rem }
.chip { position: relative; margin: 0; font-weight: 400; cursor: pointer }
.chip input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; pointer-events: none }
.chip span { height: 100%; display: grid; place-content: center; min-width: 3.25rem; min-height: 3rem;
  padding: .3rem 1rem; text-align: center; line-height: 1.3; border: 1px solid var(--edge); border-radius: .75rem;
  background: var(--card) }
.chip small { color: var(--muted); font-weight: 400 }
.chips legend span { font-weight: 400; color: var(--muted) }
.chip:hover span { border-color: var(--ink) }
.chip input:checked + span { border-color: var(--accent-text); box-shadow: inset 0 0 0 1px var(--accent-text);
  background: var(--tint) }
.chip input:focus-visible + span { outline: 3px solid var(--accent-text); outline-offset: 3px }
.chip input:disabled + span { cursor: not-allowed; color: #6a6f69; background: #f1eee7; border-style: dashed;
  border-color: #b9b6ad; box-shadow: none }
.chip input:disabled + span b { text-decoration: line-through }
.chip b { font-weight: 500 }
.take { display: flex; flex-wrap: wrap; align-items: end; gap: 1rem }
.take .button { flex: 1 1 12rem }
.quantity { display: inline-flex; align-items: stretch; border: 1px solid var(--edge); border-radius: 99rem;
  background: var(--card); overflow: hidden }
.quantity:focus-within { outline: 3px solid var(--accent-text); outline-offset: 3px }
.quantity input { width: 4rem; min-height: 3.1rem; border: 0; border-radius: 0; text-align: center; padding: .25rem;
  outline: 0; background: none }
.quantity button { width: 2.75rem; border: 0; background: none; font: 400 1.3rem/1 var(--sans); cursor: pointer;
  color: var(--ink) }
.quantity button:hover { background: var(--tint) }
.quantity button:disabled { color: #b0b0a8; background: none; cursor: default }
.stepped input { width: 2.75rem; appearance: textfield; -moz-appearance: textfield }
.stepped ::-webkit-inner-spin-button, .stepped ::-webkit-outer-spin-button { appearance: none; margin: 0 }
.stock { display: flex; align-items: center; gap: .5rem; margin: 1rem 0 0 }
.stock::before { content: ""; width: .6rem; height: .6rem; border-radius: 50%; background: #3f8f5b }
.stock[data-state=low]::before { background: #c77d11 }
.stock[data-state=none]::before { background: #a9a79f }
.facts { display: grid; grid-template-columns: auto 1fr; gap: .4rem 1.5rem; margin: 2rem 0 0; padding-top: 1.5rem;
  border-top: 1px solid var(--line) }
.facts dt { color: var(--muted) }
.facts dd { margin: 0 }
.more { margin-top: clamp(3rem, 8vw, 6rem) }
.more h2 { margin-bottom: 1.5rem }

.notice { display: flex; gap: .8rem; padding: 1rem 1.25rem; margin: 0 0 1.5rem; border-radius: 1rem;
  background: var(--tint); border: 1px solid var(--line) }
.notice > :last-child { margin: 0 }
.notice.wrong { background: #fdf1ef; border-color: #e9c4bf; color: #7d1a1e }
.notice ul { margin: .4rem 0 0; padding-left: 1.2rem }
.split { display: grid; grid-template-columns: minmax(0, 1fr) minmax(18rem, 24rem); gap: 2rem clamp(2rem, 5vw, 4rem);
  align-items: start }
.title { margin: 1rem 0 1.75rem }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 1.25rem;
  padding: clamp(1.25rem, 3vw, 1.75rem) }
.aside { position: sticky; top: 1.5rem }
.stack { display: grid; gap: 1.25rem; align-content: start; justify-items: start }
.stack > * { margin: 0 }
.stack > :not(a) { width: 100% }
.lines { list-style: none; margin: 0; padding: 0 }
.line { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr) auto; gap: .25rem 1.25rem; padding: 1.5rem 0;
  border-top: 1px solid var(--line) }
.line .picture { grid-row: span 2; border-radius: .75rem }
.line h2 { font: 600 1.05rem/1.4 var(--sans); letter-spacing: 0 }
.line h2 a { text-decoration: none }
.line h2 a:hover { text-decoration: underline }
.line p { margin: 0 }
.line .controls { grid-column: 2 / -1; display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.25rem;
  margin-top: .75rem }
.line .controls form { display: flex; align-items: center; gap: .75rem }
.line .quantity input { min-height: 2.6rem }
.line .warning { grid-column: 2 / -1; color: var(--wrong); font-weight: 600 }
.brief { list-style: none; margin: 0; padding: 0 0 1.25rem; border-bottom: 1px solid var(--line); display: grid;
  gap: .9rem }
.brief li { display: grid; grid-template-columns: 3.5rem minmax(0, 1fr) auto; gap: .9rem; align-items: center;
  line-height: 1.4 }
.brief .picture { border-radius: .6rem }
.sums { margin: 0; display: grid; grid-template-columns: 1fr auto; row-gap: .5rem }
.sums dd { margin: 0; text-align: right }
.sums .total { font-size: 1.2rem; font-weight: 600; padding-top: .75rem; margin-top: .25rem;
  border-top: 1px solid var(--line) }
.sums .note { grid-column: 1 / -1; color: var(--muted); font-size: .9rem; text-align: left }

fieldset.panel { margin: 0 0 1.25rem; min-width: 0 }
fieldset.panel > legend { float: left; width: 100%; padding: 0; margin-bottom: 1.1rem;
  font: 600 1.25rem/1.2 var(--serif) }
fieldset.panel > legend + * { clear: both }
.fields { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 1rem }
.field { grid-column: span 6; min-width: 0 }
.field.half { grid-column: span 3 }
.field.third { grid-column: span 2 }
.field.rest { grid-column: span 4 }
label, .label { display: block; font-weight: 600; margin-bottom: .3rem }
label .muted { font-weight: 400 }
input, select { width: 100%; min-height: 3rem; padding: .6rem .9rem; border: 1px solid var(--edge);
  border-radius: .75rem; background: var(--card); color: var(--ink); font: inherit }
input:focus-visible, select:focus-visible { outline-offset: 1px; border-radius: .75rem }
input[type=radio] { width: 1.2rem; height: 1.2rem; min-height: 0; margin: 0; accent-color: var(--accent-text) }
[aria-invalid=true] { border-color: var(--wrong); box-shadow: inset 0 0 0 1px var(--wrong) }
.error { color: var(--wrong); font-size: .92rem; margin: .3rem 0 0 }
.choice { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; align-items: center; gap: .2rem 1rem;
  padding: .9rem 1.1rem; margin: 0; border: 1px solid var(--line); border-radius: .75rem; font-weight: 400;
  cursor: pointer }
.choice + .choice { margin-top: .6rem }
.choice:has(:checked) { border-color: var(--accent-text); box-shadow: inset 0 0 0 1px var(--accent-text);
  background: var(--tint) }
.choice b { font-weight: 600 }
.choice .muted { grid-column: 2 }
.choice .number { grid-column: 3; grid-row: 1 }

.centre { max-width: 34rem; margin: clamp(2rem, 8vw, 5rem) auto; text-align: center }
.centre .art { width: 11rem; margin: 0 auto 1.5rem }
.centre h1 { margin-bottom: .8rem }
.centre form { text-align: left; margin-top: 2rem }
.thanks { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 1.25rem; align-items: center;
  margin: 1.5rem 0 2rem }
.tick { width: 3.5rem; height: 3.5rem; border-radius: 50%; background: var(--accent); color: var(--on-accent);
  display: grid; place-items: center }
.thanks p { margin: .3rem 0 0 }
.parts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.75rem 2rem }
.parts h2 { font: 600 1rem/1.4 var(--sans); letter-spacing: 0; margin-bottom: .25rem }
.parts p { margin: 0 }
.after { margin: 1.5rem 0 0 }

.bottom { border-top: 1px solid var(--line); color: var(--muted); font-size: .95rem }
.bottom .wide { display: flex; flex-wrap: wrap; gap: .5rem 2rem; padding-block: 2rem }
.bottom .wide > :first-child { margin-right: auto }
.bottom p { margin: 0 }

.js .without-script { display: none }
@media (max-width: 52rem) {
  .product, .split { grid-template-columns: minmax(0, 1fr) }
  .gallery, .aside { position: static }
}
@media (max-width: 40rem) {
  .wide { width: calc(100% - 2rem) }
  .top .wide { min-height: 4.25rem }
  .top nav .find { display: none }
  .brand { font-size: 1.2rem }
  .brand .letter { width: 2.1rem; height: 2.1rem; font-size: 1.1rem }
  .welcome { margin-bottom: 2rem; background-size: auto 8.5rem; align-content: start; padding-bottom: 9rem }
  .grid { gap: 1.75rem 1rem }
  .card h3 { font-size: 1rem; margin-top: .65rem }
  .badge { left: .5rem; top: .5rem }
  .search { flex: 1 1 100% }
  .product { gap: 1.5rem }
  .line { grid-template-columns: 4.75rem minmax(0, 1fr) auto; gap: .25rem 1rem }
  .line .picture { grid-row: span 1; align-self: start }
  .line .controls, .line .warning { grid-column: 1 / -1 }
  .field.half, .field.third, .field.rest { grid-column: span 6 }
  .parts { grid-template-columns: minmax(0, 1fr) }
}
@media (prefers-reduced-motion: no-preference) {
  .track { scroll-behavior: smooth }
}
@media (prefers-reduced-motion: reduce) {
  .card .picture img, .button { transition: none }
  .card:hover .picture img { scale: none }
}
@media print {
  .top nav, .bottom, .button, .skip { display: none }
}
`
}
