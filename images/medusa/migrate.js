/** Brings a shop's database to the schema of this image: the chart runs it as a Job before a new version rolls out (`node migrate.js`). */
"use strict"
// Told by ourselves, in a line; and a shop that holds a table for longer than this fails a migration, not the reverse.
process.env.LOG_LEVEL ??= "silent"
process.env.PGOPTIONS ??= "-c lock_timeout=30s"
const { connect, isEmpty, lock } = require("./connection")
const { say } = require("./log")

/** The names of all migrations the database has seen: of tables, of links between modules, of data. */
async function seen(client) {
  const { rows } = await client.query(`
    select name from mikro_orm_migrations union all select table_name from link_module_migrations
    union all select script_name from script_migrations`)
  return rows.map(({ name }) => name)
}

/**
 * As `medusa db:migrate --execute-safe-links`, but that a script that fails is a failure. Each module's migrations are one
 * transaction and each script is entered anew if it was not finished, so that this can be killed and run again at any time.
 * Not with Medusa's `allOrNothing`: that takes back a migration of every module which had nothing to do.
 */
async function migrate(client) {
  const { initializeContainer } = require("@medusajs/medusa/loaders/index")
  const { migrate: migrateModules } = require("@medusajs/medusa/commands/db/migrate")
  const { runMigrationScripts } = require("@medusajs/medusa/commands/db/run-scripts")
  const container = await initializeContainer(__dirname)
  const call = { directory: __dirname, container, logger: container.resolve("logger") }
  await migrateModules({ ...call, executeSafeLinks: true, skipScripts: true })
  await client.query("delete from script_migrations where finished_at is null") // one that was killed counts as done to Medusa
  await runMigrationScripts(call)
}

/** Until this connection ends, which is also when this process dies. */
async function hold(client) {
  try {
    await client.query("select pg_advisory_lock($1)", [lock])
  } catch (error) {
    throw new Error(`another migration or first start has this database and does not let go: ${error.message}`, { cause: error })
  }
}

async function main() {
  process.on("SIGTERM", () => process.exit(143)) // as a container's first process, node would not heed it otherwise
  const client = await connect()
  await hold(client)
  if (await isEmpty(client)) return "the database is empty: the first start fills it"
  const before = new Set(await seen(client))
  await migrate(client)
  const fresh = (await seen(client)).filter((name) => !before.has(name))
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
