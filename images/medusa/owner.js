/** The owner's login and the publishable API key, in the formats of Medusa's tables. */
"use strict"
const crypto = require("node:crypto")
const scrypt = require("scrypt-kdf")

/** Hash in the format of Medusa's auth-emailpass. */
async function hashPassword(password) {
  const hash = await scrypt.kdf(password, { logN: 15, r: 8, p: 1 })
  return hash.toString("base64")
}

/** What the admin shows of an API key. */
const redacted = (key) => `${key.slice(0, 6)}***${key.slice(-3)}`

const newId = (kind) => `${kind}_${crypto.randomUUID().replaceAll("-", "").slice(0, 26).toUpperCase()}`

const login = "select auth_identity_id from provider_identity where provider = 'emailpass' and entity_id = $1"

/** The id of the account of the owner's login, or of that e-mail; it is created if a merchant deleted it. */
async function account(client, email) {
  const { rows: [known] } = await client.query(
    `select id from "user" where deleted_at is null
       and (email = $1 or id = (select app_metadata->>'user_id' from auth_identity where id = (${login}))) order by email = $1`, [email],
  )
  if (known) return known.id
  const user = newId("user")
  await client.query(`insert into "user" (id, email) values ($1, $2)`, [user, email])
  return user
}

/**
 * Sets the owner's password, and creates the login if a merchant deleted it. Other people keep theirs. The login gets another id,
 * by which middlewares.ts knows former tokens. Second factors end: they may be another person's.
 */
async function takeLogin(client, { ADMIN_EMAIL: email, ADMIN_PASSWORD }) {
  const [owner, id] = [{ user_id: await account(client, email) }, newId("authid")]
  const password = { password: await hashPassword(ADMIN_PASSWORD) }
  const { rowCount: known } = await client.query(
    `update auth_identity set id = $2, deleted_at = null, app_metadata = coalesce(app_metadata, '{}') || $3 where id = (${login})`,
    [email, id, owner],
  )
  if (known === 0) await client.query("insert into auth_identity (id, app_metadata) values ($1, $2)", [id, owner])
  await client.query(
    `insert into provider_identity (id, entity_id, provider, auth_identity_id, provider_metadata) values ($1, $2, 'emailpass', $3, $4)
     on conflict (entity_id, provider) do update set provider_metadata = excluded.provider_metadata, deleted_at = null`,
    [newId("provid"), email, id, password],
  )
  for (const table of ["auth_mfa_factor", "auth_mfa_recovery_code", "auth_password_reset_token"])
    await client.query(`delete from ${table} where auth_identity_id = $1`, [id])
}

module.exports = { hashPassword, redacted, takeLogin }
