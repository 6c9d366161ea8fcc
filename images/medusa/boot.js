/** Starts Medusa. A thread prepares the database while the main thread loads the modules. */
"use strict"
const path = require("node:path")
const { Worker } = require("node:worker_threads")
const loadRest = require("./archive").open() // first, so that everything below comes from the archive
const { say } = require("./log")
const { check } = require("./settings")

const elapsed = () => `${Math.round(performance.now())} ms`

const quit = () => process.exit(0)

async function main() {
  process.on("SIGTERM", quit) // PID 1 ignores signals without a handler; Medusa sets its own handler later
  check()
  const prepared = new Promise((resolve, reject) => {
    // A separate thread, because require() below blocks this one for a second or two, and the connection to a starting
    // database needs retries in the meantime.
    new Worker(path.join(__dirname, "database.js")).once("message", resolve).once("error", reject)
  })
  prepared.catch(() => {}) // the await below reports the error
  if (process.env.METRICS_PORT) require("./metrics").serve(process.env.METRICS_PORT)
  const start = require("@medusajs/medusa/commands/start").default
  const compiled = loadRest() // Medusa itself loads most of its modules only after the database answers
  if (compiled > 0) say("warn", `boot: compiled ${compiled} modules, because this Node is not the one of the image build`)
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
