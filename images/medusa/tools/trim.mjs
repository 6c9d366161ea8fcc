/** Changes packages of the project SRC, so that a start loads 4,000 instead of 5,800 modules. */
import fs from "node:fs"
import { createRequire } from "node:module"
import path from "node:path"

const packages = path.resolve(process.argv[2], "node_modules")
const require = createRequire(import.meta.url)

// Modules that load when a property of theirs is first read, with the number of modules that a start saves. Each has to export
// properties, not one function.
const rarelyUsed = [
  "@medusajs/types/dist/index.js", // 680: types of TypeScript, which are empty files in JavaScript
  "@medusajs/utils/dist/graphql/graphql-to-ts-types.js", // 345: generates types during development
  "umzug/lib/cli.js", // 223: a command line for migrations
  "@medusajs/payment/dist/providers/payment-medusa/index.js", // 150: payments of Medusa's own hosting
  "@medusajs/auth/dist/providers/medusa-cloud-auth.js", // 116: logins of Medusa's own hosting
  "zod/v4/locales/index.cjs", // 47: translations of validation errors
  "@medusajs/deps/dist/opentelemetry-api.js", // 45: traces
]

/** Without it, Medusa starts a second process after 10 s and at its end, only to find that MEDUSA_DISABLE_TELEMETRY is set. */
function removeTelemetry() {
  const names = ["setTelemetryEnabled", "track", "trackFeatureFlag", "trackInstallation"]
  const file = path.join(packages, "@medusajs/telemetry/dist/index.js")
  fs.writeFileSync(file, names.map((name) => `exports.${name} = () => {}\n`).join(""))
}

/** The file moves next to its old place, and getters replace it. TypeScript's and Babel's re-exports read them late, too. */
function makeLazy(file) {
  const names = Object.keys(require(file)).filter((name) => name !== "__esModule")
  const { dir, name, ext } = path.parse(file)
  fs.renameSync(file, path.join(dir, `${name}.loaded${ext}`))
  fs.writeFileSync(file, `"use strict"
Object.defineProperty(exports, "__esModule", { value: true })
const get = (name) => Object.defineProperty(exports, name, { enumerable: true, get: () => require("./${name}.loaded${ext}")[name] })
${JSON.stringify(names)}.forEach(get)
`)
}

for (const file of rarelyUsed) makeLazy(path.join(packages, file))
removeTelemetry()
