/** The sample products: eight products with prices in euros, weights in grams and pictures of our own. */
import { pictureOf } from "../storefront/assets.ts"

/** `amount` is in euros, `picture` the address of a file that the store serves. */
export type Variant = { options: Record<string, string>; amount: number; stock: number; picture: string }

export type Good = {
  handle: string
  title: string
  subtitle: string
  description: string
  material: string
  weight: number // grams
  options: Record<string, string[]>
  variants: Variant[]
}

/** A product with one variant. */
const single = (amount: number, stock: number, picture: string) => ({
  options: { Kind: ["Standard"] },
  variants: [{ options: { Kind: "Standard" }, amount, stock, picture: pictureOf(picture) }],
})

const sizes = ["S", "M", "L", "XL"]
const colours = { Oat: "t-shirt-oat", Moss: "t-shirt-moss", Clay: "t-shirt-clay" }
const shirtStock: Record<string, number> = { "Oat XL": 3, "Clay M": 0 }
const shirt = (Colour: string, Size: string, picture: string): Variant =>
  ({ options: { Colour, Size }, amount: 29, stock: shirtStock[`${Colour} ${Size}`] ?? 40, picture: pictureOf(picture) })
const shirts = Object.entries(colours).flatMap(([colour, picture]) => sizes.map((size) => shirt(colour, size, picture)))

export const goods: Good[] = [
  {
    handle: "beeswax-candle", title: "Beeswax candle", weight: 260, material: "Beeswax, cotton wick",
    subtitle: "A faint smell of honey",
    description:
      "Pure beeswax, poured slowly and left to cure for a week. The small one burns for about 25 hours, the tall one " +
      "for 40, both without soot.",
    options: { Size: ["Small", "Tall"] },
    variants: [
      { options: { Size: "Small" }, amount: 12.5, stock: 60, picture: pictureOf("beeswax-candle") },
      { options: { Size: "Tall" }, amount: 18.5, stock: 60, picture: pictureOf("beeswax-candle") },
    ],
  },
  {
    handle: "loose-leaf-tea", title: "Loose-leaf tea", weight: 180, material: "Tinplate, 100 g of tea",
    subtitle: "100 g in a tin that keeps it fresh",
    description:
      "Three teas from small gardens, packed in the month they were picked.\n\nThe tin closes tight and is made to " +
      "be filled again.",
    options: { Tea: ["Earl Grey", "Sencha", "Rooibos"] },
    variants: [
      { options: { Tea: "Earl Grey" }, amount: 11, stock: 80, picture: pictureOf("tea-earl-grey") },
      { options: { Tea: "Sencha" }, amount: 13, stock: 80, picture: pictureOf("tea-sencha") },
      { options: { Tea: "Rooibos" }, amount: 9.5, stock: 0, picture: pictureOf("tea-rooibos") },
    ],
  },
  {
    handle: "stoneware-mug", title: "Stoneware mug", weight: 380, material: "Stoneware, lead-free glaze",
    subtitle: "Holds 350 ml and keeps it warm",
    description:
      "Thrown by hand and fired twice, so that no two glazes run alike. Safe in the dishwasher and the microwave.",
    ...single(18, 100, "stoneware-mug"),
  },
  {
    handle: "organic-t-shirt", title: "Organic T-shirt", weight: 190, material: "Organic cotton, 180 g/m²",
    subtitle: "Cut straight, in three colours of earth",
    description:
      "Heavy cotton that keeps its shape, dyed with little water.\n\nTrue to size: if you are between two, take the " +
      "larger one.",
    options: { Colour: Object.keys(colours), Size: sizes },
    variants: shirts,
  },
  {
    handle: "linen-tote", title: "Linen tote bag", weight: 210, material: "European linen",
    subtitle: "Long handles and a pocket inside",
    description:
      "Washed linen that carries a week's shopping and folds to the size of a hand. It gets softer with every wash.",
    ...single(24, 100, "linen-tote"),
  },
  {
    handle: "oak-board", title: "Oak serving board", weight: 900, material: "European oak, leather loop",
    subtitle: "One piece, 38 × 18 cm",
    description:
      "Oiled oak with a groove on one side and a smooth back. Wipe it with a damp cloth and oil it now and then.",
    ...single(39, 100, "oak-board"),
  },
  {
    handle: "wool-blanket", title: "Wool blanket", weight: 1400, material: "Recycled wool",
    subtitle: "130 × 180 cm, with fringes",
    description: "Woven from recycled wool in one small mill. Warm without being heavy; air it rather than wash it.",
    ...single(89, 4, "wool-blanket"),
  },
  {
    handle: "pocket-notebook", title: "Pocket notebook", weight: 110, material: "Recycled paper, linen thread",
    subtitle: "64 dotted pages that lie flat",
    description:
      "Bound with thread, so that it lies flat, and small enough for a shirt pocket. The paper takes ink without " +
      "bleeding.",
    ...single(9, 100, "pocket-notebook"),
  },
]
