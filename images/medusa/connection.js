/** How everything in this image reaches the store's database: by libpq's variables (PGHOST, PGUSER, PGSSLMODE, ...). */
"use strict"
const fs = require("node:fs")
const { Client } = require("pg")

const patience = 120_000 // ms in which the database must answer
const hopeless = new Set(["28P01", "28000", "3D000"]) // wrong password, not allowed in, no such database
const distrust = /CERT|VERIFY|does not support SSL/ // of a server that is up, but will not be another on the next try
const lock = 7226 // of pg_advisory_lock: only one process at a time fills or migrates a database

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** libpq's sslmode as Node's TLS options; node-postgres would take `require` for `verify-full`. */
const modes = {
  disable: () => false,
  require: () => ({ rejectUnauthorized: false }),
  "verify-ca": (ca) => ({ ca, checkServerIdentity: () => undefined }),
  "verify-full": (ca) => ({ ca }),
}

/** What node-postgres and Medusa call `ssl`. Without PGSSLROOTCERT (a file of certificates) Node's own authorities count. */
function ssl({ PGSSLMODE, PGSSLROOTCERT } = process.env) {
  const mode = modes[PGSSLMODE || "disable"]
  if (!mode) throw new Error(`PGSSLMODE is ${PGSSLMODE}; it must be one of ${Object.keys(modes).join(", ")}`)
  return mode(PGSSLROOTCERT ? fs.readFileSync(PGSSLROOTCERT) : undefined)
}

/** A connection, asked for again until the database is up; an Error that says why there will be none. */
async function connect() {
  const options = { connectionTimeoutMillis: 2000, ssl: ssl() }
  for (;;) {
    const client = new Client(options)
    client.on("error", () => {}) // a lost connection fails the query that is under way
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.end().catch(() => {})
      const final = hopeless.has(error.code) || distrust.test(`${error.code} ${error.message}`)
      if (final || performance.now() > patience)
        throw new Error(`the database at ${process.env.PGHOST} refused this store: ${error.message}`, { cause: error })
      await wait(50)
    }
  }
}

/** Whether nothing has filled the database yet. */
async function isEmpty(client) {
  const { rows: [found] } = await client.query("select to_regclass('public.store') is null as empty")
  return found.empty
}

module.exports = { connect, isEmpty, lock, ssl }
