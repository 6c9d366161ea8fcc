/**
 * Whether a database needs a migration. Medusa finds that out only after it loaded all of itself and compared all tables, so a
 * comment in the database says which migrations it has and which image applied them.
 */
"use strict"
const crypto = require("node:crypto")
const fs = require("node:fs")
const path = require("node:path")

/** Names of the migrations that were applied: of tables, of links between modules, of data. A killed script is not applied. */
async function applied(client) {
  const { rows } = await client.query(`
    select name from mikro_orm_migrations union all select table_name from link_module_migrations
    union all select script_name from script_migrations where finished_at is not null`)
  return rows.map(({ name }) => name)
}

/** The files that decide about the schema, also in an image that somebody built on this one: packages, configuration, own code. */
function sources() {
  const own = fs.readdirSync(path.join(__dirname, "src"), { recursive: true, withFileTypes: true })
  const files = own.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
  return ["package.json", "medusa-config.js"].map((name) => path.join(__dirname, name)).concat(files.sort())
}

async function current(client) {
  const hash = crypto.createHash("sha256").update(JSON.stringify((await applied(client)).sort()))
  for (const file of sources()) hash.update(file).update(fs.readFileSync(file))
  return `schema ${hash.digest("hex")}`
}

/** Records that this image has migrated the database. */
async function stamp(client) {
  await client.query(`comment on table script_migrations is '${await current(client)}'`)
}

/** Whether this image has migrated the database, and no migration was undone since. */
async function isCurrent(client) {
  const { rows: [{ comment }] } = await client.query("select obj_description('script_migrations'::regclass) as comment")
  return comment === (await current(client))
}

module.exports = { applied, isCurrent, stamp }
