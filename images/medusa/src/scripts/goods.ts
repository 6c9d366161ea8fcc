/** The first stock itself: six things with prices in euros, weights in grams and pictures drawn here. */

type Good = { handle: string; title: string; description: string; amount: number; weight: number; picture: string }

/** A data URL, so that a picture needs no address, no volume and no second request. `shapes` is SVG in a 100 x 100 box. */
const draw = (background: string, shapes: string) =>
  "data:image/svg+xml," +
  encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect width="100" height="100" fill="${background}"/>${shapes}</svg>`)

export const goods: Good[] = [
  {
    handle: "stoneware-mug", title: "Stoneware mug", amount: 18, weight: 380,
    description: "Thrown by hand and fired twice; holds 350 ml and keeps it warm. Dishwasher safe.",
    picture: draw("#e8dfd0", '<path d="M64 42h8a10 10 0 0 1 0 24h-8" fill="none" stroke="#4f6d7a" stroke-width="6"/><path d="M28 34h38v32a10 10 0 0 1-10 10H38a10 10 0 0 1-10-10z" fill="#4f6d7a"/><path d="M28 34h38v8H28z" fill="#dd6e42"/>'),
  },
  {
    handle: "linen-tote", title: "Linen tote bag", amount: 24, weight: 210,
    description: "Washed European linen with long handles and an inner pocket. Gets softer with every wash.",
    picture: draw("#dce5dd", '<path d="M38 44V34a12 12 0 0 1 24 0v10" fill="none" stroke="#3a5a40" stroke-width="4"/><path d="M28 42h44l4 38H24z" fill="#a3b18a"/><path d="M34 50h32" stroke="#3a5a40" stroke-width="2" stroke-dasharray="3 2"/>'),
  },
  {
    handle: "beeswax-candle", title: "Beeswax candle", amount: 12.5, weight: 260,
    description: "Pure beeswax and a cotton wick; burns for about 40 hours with a faint smell of honey.",
    picture: draw("#f3e6cf", '<path d="M50 16c7 8 7 15 0 18-7-3-7-10 0-18z" fill="#e76f51"/><path d="M50 32v8" stroke="#5b4636" stroke-width="2"/><rect x="36" y="40" width="28" height="40" rx="4" fill="#e9b44c"/><path d="M36 50h28M36 60h28M36 70h28" stroke="#c98f2c" stroke-width="1.5"/>'),
  },
  {
    handle: "oak-board", title: "Oak serving board", amount: 39, weight: 900,
    description: "One piece of oiled oak, 38 x 18 cm, with a groove on one side and a leather loop.",
    picture: draw("#e3e0da", '<rect x="30" y="26" width="40" height="56" rx="8" fill="#b08968"/><rect x="44" y="12" width="12" height="20" rx="6" fill="#b08968"/><circle cx="50" cy="18" r="2.5" fill="#e3e0da"/><path d="M38 32v44M46 32v44M55 32v44M63 32v44" stroke="#8f6a4a" stroke-width="1.5"/>'),
  },
  {
    handle: "wool-blanket", title: "Wool blanket", amount: 89, weight: 1400,
    description: "Woven from recycled wool in one small mill, 130 x 180 cm, with fringes on the short sides.",
    picture: draw("#dfe3ea", '<rect x="22" y="28" width="56" height="44" rx="4" fill="#6d597a"/><path d="M22 40h56M22 60h56" stroke="#eaac8b" stroke-width="4"/><path d="M22 50h56" stroke="#e56b6f" stroke-width="4"/><path d="M26 72v8M34 72v8M42 72v8M50 72v8M58 72v8M66 72v8M74 72v8" stroke="#6d597a" stroke-width="2"/>'),
  },
  {
    handle: "pocket-notebook", title: "Pocket notebook", amount: 9, weight: 110,
    description: "64 dotted pages of recycled paper, thread-bound so that it lies flat; fits a shirt pocket.",
    picture: draw("#f0e2dd", '<rect x="30" y="18" width="42" height="64" rx="4" fill="#264653"/><rect x="30" y="18" width="7" height="64" rx="3" fill="#1b333d"/><path d="M64 18v64" stroke="#e9c46a" stroke-width="3"/><path d="M44 34h14M44 41h14" stroke="#f0e2dd" stroke-width="2.5"/>'),
  },
]
