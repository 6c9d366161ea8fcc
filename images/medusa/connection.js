/** Connection to the store's database, configured by libpq's variables (PGHOST, PGUSER, PGSSLMODE, ...). */
"use strict"
const fs = require("node:fs")
const { Client } = require("pg")

const patience = 120_000 // ms to wait for the database
const hopeless = new Set(["28P01", "28000", "3D000"]) // wrong password, connection not allowed, unknown database
const full = /No space left|could not write init file/ // of a disk
const distrust = /CERT|VERIFY|does not support SSL/ // TLS errors: a retry does not help
const lock = 7226 // key of pg_advisory_lock: only one process at a time fills or migrates a database

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** libpq's sslmode as Node's TLS options. node-postgres treats `require` as `verify-full`, so do not leave it to it. */
const modes = {
  disable: () => false,
  require: () => ({ rejectUnauthorized: false }),
  "verify-ca": (ca) => ({ ca, checkServerIdentity: () => undefined }),
  "verify-full": (ca) => ({ ca }),
}

/** The `ssl` option of node-postgres and Medusa. Without PGSSLROOTCERT (a file of certificates), Node's own CAs apply. */
function ssl({ PGSSLMODE, PGSSLROOTCERT } = process.env) {
  const mode = modes[PGSSLMODE || "disable"]
  if (!mode) throw new Error(`PGSSLMODE is ${PGSSLMODE}; it must be one of ${Object.keys(modes).join(", ")}`)
  return mode(PGSSLROOTCERT ? fs.readFileSync(PGSSLROOTCERT) : undefined)
}

/** A connection. Retries until the database is up. Throws an Error with the cause if a retry does not help. */
async function connect() {
  const options = { connectionTimeoutMillis: 2000, ssl: ssl() }
  for (;;) {
    const client = new Client(options)
    client.on("error", () => {}) // after a lost connection, the running query fails
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.end().catch(() => {})
      const final = hopeless.has(error.code) || full.test(error.message) || distrust.test(`${error.code} ${error.message}`)
      if (final || performance.now() > patience)
        throw new Error(`the database at ${process.env.PGHOST} refused this store: ${error.message}`, { cause: error })
      await wait(50)
    }
  }
}

/** Whether the database is still empty. */
async function isEmpty(client) {
  const { rows: [found] } = await client.query("select to_regclass('public.store') is null as empty")
  return found.empty
}

module.exports = { connect, isEmpty, lock, ssl }
