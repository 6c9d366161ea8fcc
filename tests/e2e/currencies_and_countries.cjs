/** Run by test_medusa_external_database.py in the store's container: sets up the database template for each currency and country, and prints a summary. */
"use strict"
const fs = require("node:fs")
const zlib = require("node:zlib")
const { connect } = require("/app/connection.js")
const { countries, currencies, settle } = require("/app/places.js")

process.env.PGDATABASE = "places"

/** The prices, currencies, countries and names in the database, each value once. */
const question = `select json_build_object(
  'prices', (select json_agg(distinct amount) from price),
  'exact', (select bool_and((raw_amount->>'value')::numeric = amount) from price),
  'currencies', (select json_agg(distinct currency_code) from (
    select currency_code from price union select currency_code from region union select currency_code from store_currency
    union select value from price_preference where attribute = 'currency_code') all_of_them),
  'countries', (select json_agg(distinct lower(code)) from (
    select iso_2 as code from region_country where region_id is not null union select country_code from geo_zone
    union select country_code from tax_region union select country_code from stock_location_address) all_of_them),
  'names', (select json_agg(distinct name) from (select name from region union select name from service_zone) all_of_them)
) as summary`

async function main() {
  const client = await connect()
  await client.query("begin")
  await client.query(zlib.gunzipSync(fs.readFileSync("/app/template.sql.gz")).toString())
  await client.query("set local search_path = public")
  const places = [
    ...Object.keys(currencies).map((currency) => ({ currency, country: "de" })),
    ...countries.map((country) => ({ currency: "eur", country })),
  ]
  for (const place of places) {
    await client.query("savepoint template")
    await settle(client, place)
    const { rows: [{ summary }] } = await client.query(question)
    console.log(JSON.stringify({ ...place, ...summary }))
    await client.query("rollback to savepoint template")
  }
  await client.query("rollback")
  await client.end()
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
