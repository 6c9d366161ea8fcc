/**
 * Makes the database of another store, which was just loaded, this store's own: its address, its login and its keys. It takes no
 * payments and search engines keep out, until the owner changes that in the admin. It can be killed and run again at any time.
 */
"use strict"
const { redacted, takeLogin } = require("./owner")

const escaped = (text) => text.replace(/[^a-zA-Z0-9]/g, "\\$&")

/**
 * Pairs of a PostgreSQL expression and what replaces it: the address first, then the host alone. A host is none in the middle of
 * another name, such as shop.example.com in my-shop.example.com. In JSON, an escape such as \n may come before it.
 */
function replacements(former, address) {
  const [from, to] = [new URL(former), new URL(address)]
  const whole = (text) => `(?:(?<![a-zA-Z0-9.-])|(?<=\\\\[bfnrt]))${escaped(text)}(?![a-zA-Z0-9-])`
  return [[whole(from.origin), to.origin], [whole(from.host), to.host], [whole(from.hostname), to.hostname]]
}

/** Replaces the former address in all texts of all tables. */
async function rewrite(client, former, address) {
  const { rows: columns } = await client.query(`
    select table_name, column_name, data_type from information_schema.columns natural join information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' and is_generated = 'NEVER'
      and data_type in ('text', 'character varying', 'json', 'jsonb')`)
  const pairs = replacements(former, address)
  const found = new URL(former).hostname.toLowerCase()
  for (const { table_name, column_name, data_type } of columns) {
    const [table, column] = [table_name, column_name].map((name) => client.escapeIdentifier(name))
    const type = data_type.startsWith("json") ? `::${data_type}` : ""
    const text = pairs.reduce((inner, _, at) => `regexp_replace(${inner}, $${2 * at + 2}, $${2 * at + 3}, 'gi')`, `${column}::text`)
    await client.query(`update ${table} set ${column} = (${text})${type} where strpos(lower(${column}::text), $1) > 0`, [
      found, ...pairs.flat(),
    ])
  }
}

/** The oldest publishable key becomes this store's; all others end, because other people know them. */
async function takeKeys(client, { PUBLISHABLE_KEY: key }) {
  const oldest = "select id from api_key where type = 'publishable' and deleted_at is null order by created_at, id limit 1"
  await client.query(`update api_key set token = $1, redacted = $2, revoked_at = null where id = (${oldest})`, [key, redacted(key)])
  await client.query(
    "update api_key set revoked_at = now(), revoked_by = 'storewright' where token != $1 and revoked_at is null", [key],
  )
}

async function adopt(client, former, env = process.env) {
  await client.query("begin")
  await rewrite(client, former, env.STORE_URL)
  await takeLogin(client, env)
  await takeKeys(client, env)
  await client.query("delete from region_payment_provider")
  await client.query(`update store set metadata = coalesce(metadata, '{}') || '{"hidden": true}'`)
  await client.query("commit")
}

module.exports = { adopt }
