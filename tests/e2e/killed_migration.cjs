/**
 * Run by test_medusa_upgrade.py in the store's container, with the names of two pending migrations: kills the migration
 * run after the first of them, then runs it again, and once more with nothing to do.
 */
"use strict"
const { spawn, spawnSync } = require("node:child_process")
const { once } = require("node:events")
const { connect } = require("/app/connection.js")

const wanted = process.argv.slice(2)

async function main() {
  const client = await connect()
  const ask = async (question, values) => (await client.query(question, values)).rows
  const done = async () => {
    const rows = await ask("select name from mikro_orm_migrations where name = any($1) order by id", [wanted])
    return rows.map(({ name }) => name)
  }

  // A killed script has no finished_at. Medusa alone would never run it again.
  await ask("update script_migrations set finished_at = null where script_name = 'reconcile-inventory-reserved-quantity.js'")
  const first = spawn(process.execPath, ["/app/migrate.js"], { stdio: "ignore" })
  while ((await done()).length === 0) if (first.exitCode !== null) throw new Error("the run ended before its first migration")
  first.kill("SIGKILL")
  await once(first, "exit")
  const half = await done()

  const again = spawnSync(process.execPath, ["/app/migrate.js"]).stdout.toString()
  const [{ unfinished }] = await ask("select count(*)::int as unfinished from script_migrations where finished_at is null")
  const counted = "process.on('exit', () => console.log(Object.keys(require.cache).length)); require('/app/migrate.js')"
  const idle = spawnSync(process.execPath, ["--eval", counted]).stdout.toString().trim().split("\n")
  console.log(JSON.stringify({ half, again, whole: await done(), unfinished, idle: { log: idle[0], modules: Number(idle[1]) } }))
  await client.end()
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
