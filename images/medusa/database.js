/** Thread that fills an empty database: tables, products, the store's name, the owner's login and the API key. */
"use strict"
const fs = require("node:fs")
const path = require("node:path")
const zlib = require("node:zlib")
const { parentPort } = require("node:worker_threads")
const { connect, isEmpty, lock } = require("./connection")
const { hashPassword, redacted } = require("./owner")
const { place, settle } = require("./places")
const { stamp } = require("./schema")

/** Replaces the template's placeholders with the store's values. Uses query parameters, so any value is safe. */
async function personalise(client, password, { STORE_NAME, PUBLISHABLE_KEY, ADMIN_EMAIL }) {
  await client.query("update store set name = $1", [STORE_NAME])
  await client.query("update api_key set token = $1, redacted = $2 where type = 'publishable'", [
    PUBLISHABLE_KEY, redacted(PUBLISHABLE_KEY),
  ])
  await client.query(`update "user" set email = $1`, [ADMIN_EMAIL])
  await client.query("update provider_identity set entity_id = $1, provider_metadata = $2 where provider = 'emailpass'", [
    ADMIN_EMAIL, { password },
  ])
}

async function loadTemplate(client) {
  const template = zlib.gunzipSync(fs.readFileSync(path.join(__dirname, "template.sql.gz"))).toString()
  try {
    await client.query(template)
  } catch (error) {
    const { user, database } = client
    const owner = error.code === "42501" ? `; make ${user} the owner of the database ${database}` : ""
    throw new Error(`could not fill the empty database: ${error.message}${owner}`, { cause: error })
  }
  await client.query("set local search_path = public") // the dump sets it to an empty value
}

/** Fills the database in one transaction under a lock. A killed start leaves it empty; two concurrent starts fill it once. */
async function prepare(client) {
  await client.query("begin")
  await client.query("select pg_advisory_xact_lock($1)", [lock])
  if (!(await isEmpty(client))) {
    await client.query("rollback")
    return "kept"
  }
  const [password] = await Promise.all([hashPassword(process.env.ADMIN_PASSWORD), loadTemplate(client)])
  await personalise(client, password, process.env)
  await settle(client, place())
  await stamp(client)
  await client.query("commit")
  return "loaded"
}

async function main() {
  const client = await connect()
  const outcome = await prepare(client)
  await client.end()
  parentPort.postMessage(outcome)
}

main().catch((error) => setImmediate(() => { throw error })) // outside the promise: the parent gets "error"
