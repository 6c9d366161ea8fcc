/** Starts one store in one process: a thread prepares the database while this one loads Medusa's modules. */
"use strict"
const path = require("node:path")
const { Worker } = require("node:worker_threads")
const { say } = require("./log")

const elapsed = () => `${Math.round(performance.now())} ms`

const quit = () => process.exit(0)

async function main() {
  process.on("SIGTERM", quit) // as a container's first process, node would not heed it otherwise; Medusa's own comes later
  const prepared = new Promise((resolve, reject) => {
    // A thread of its own, because require() below holds this one for a second or two, and a database
    // that is not up yet wants asking again in the meantime.
    new Worker(path.join(__dirname, "database.js")).once("message", resolve).once("error", reject)
  })
  prepared.catch(() => {}) // told below, once the modules are in
  if (process.env.METRICS_PORT) require("./metrics").serve(process.env.METRICS_PORT)
  const start = require("@medusajs/medusa/commands/start").default
  // All that a start was seen to load when the image was made, most of which Medusa would ask for only after the
  // database has answered.
  for (const file of require("./modules.json")) require(path.join(__dirname, file))
  const loaded = elapsed()
  say("info", `boot: modules ${loaded}, database ${await prepared} at ${elapsed()}`)
  await start({ directory: __dirname, port: process.env.PORT ?? "9000", host: process.env.HOST ?? "0.0.0.0" })
  process.off("SIGTERM", quit)
  say("info", `boot: serving at ${elapsed()}`)
}

main().catch((error) => {
  say("error", `boot: ${error.message}`)
  process.exit(1)
})
