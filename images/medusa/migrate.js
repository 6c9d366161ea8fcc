/**
 * Migrates the store's database to this image's schema. The chart runs it (`node migrate.js`) as a Job before an upgrade and after a
 * backup was loaded; if that is another store's, $MOVED_FROM is that store's address.
 */
"use strict"
// This script logs the outcome itself. With the lock timeout, a store that locks a table for longer fails the migration; the
// migration never blocks the store.
process.env.LOG_LEVEL ??= "silent"
process.env.PGOPTIONS ??= "-c lock_timeout=30s"
const { open } = require("./archive")
const { adopt } = require("./adopt")
const { connect, isEmpty, lock } = require("./connection")
const { say } = require("./log")
const { applied, isCurrent, stamp } = require("./schema")

/**
 * Runs the migrations like `medusa db:migrate --execute-safe-links`, but a failed script fails the migration. Each module
 * migrates in one transaction, and an unfinished script starts again. So this can be killed and run again at any time.
 * Medusa's `allOrNothing` is off, because it reverts a migration of each module that has no new ones.
 */
async function migrate(client) {
  open()
  const { initializeContainer } = require("@medusajs/medusa/loaders/index")
  const { migrate: migrateModules } = require("@medusajs/medusa/commands/db/migrate")
  const { runMigrationScripts } = require("@medusajs/medusa/commands/db/run-scripts")
  const container = await initializeContainer(__dirname)
  const call = { directory: __dirname, container, logger: container.resolve("logger") }
  await migrateModules({ ...call, executeSafeLinks: true, skipScripts: true })
  await client.query("delete from script_migrations where finished_at is null") // Medusa treats a killed script as done
  await runMigrationScripts(call)
}

/** Takes the lock until the connection ends, at the latest when the process ends. */
async function hold(client) {
  try {
    await client.query("select pg_advisory_lock($1)", [lock])
  } catch (error) {
    throw new Error(`another migration or first start still holds the lock on this database: ${error.message}`, { cause: error })
  }
}

async function main() {
  process.on("SIGTERM", () => process.exit(143)) // PID 1 ignores signals without a handler
  const client = await connect()
  await hold(client)
  if (await isEmpty(client)) return "nothing to migrate: the database is empty, and the first start fills it"
  const outcome = await bringUpToDate(client)
  if (!process.env.MOVED_FROM) return outcome
  await adopt(client, process.env.MOVED_FROM)
  return `${outcome}; it was that of ${process.env.MOVED_FROM}`
}

async function bringUpToDate(client) {
  if (await isCurrent(client)) return "the database is up to date"
  const before = new Set(await applied(client))
  await migrate(client)
  await stamp(client).catch(() => {}) // if this user does not own the tables, the next migration compares them again
  const fresh = (await applied(client)).filter((name) => !before.has(name))
  return fresh.length > 0 ? `done: ${fresh.join(", ")}` : "the database is up to date"
}

main().then(
  (outcome) => {
    say("info", `migrate: ${outcome} (${Math.round(performance.now())} ms)`)
    process.exit(0)
  },
  (error) => {
    say("error", `migrate: ${error.message.replace(/\s+/g, " ")}`)
    process.exit(1)
  },
)
