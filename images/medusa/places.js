/** Currencies and countries of a store, and the conversion of the template (Germany, euros) to them. */
"use strict"

// Factor for the sample prices in euros, and the usual step of prices: 18 euros become 2900 yen. These are no exchange rates.
const currencies = {
  eur: [1, 0.01], usd: [1.1, 0.5], gbp: [0.86, 0.5], chf: [0.95, 0.5], cad: [1.5, 0.5], aud: [1.65, 0.5],
  sek: [11.3, 5], nok: [11.7, 5], dkk: [7.46, 5], pln: [4.3, 1], czk: [25, 5], jpy: [160, 100], inr: [95, 10], brl: [6.2, 1],
}
const countries = [
  "de", "at", "ch", "fr", "it", "es", "nl", "be", "ie", "gb", "us", "ca", "au", "se", "no", "dk", "fi", "pl", "cz", "pt",
  "jp", "in", "br",
]

/** The currency and the country of the environment. */
function place({ STORE_CURRENCY, STORE_COUNTRY } = process.env) {
  const one = (name, value, allowed) => {
    if (!allowed.includes(value)) throw new Error(`${name} is ${value}; it must be one of ${allowed.join(", ")}`)
    return value
  }
  return {
    currency: one("STORE_CURRENCY", STORE_CURRENCY || "eur", Object.keys(currencies)),
    country: one("STORE_COUNTRY", STORE_COUNTRY || "de", countries),
  }
}

/** Converts all prices of the template, those of products and of delivery, to the currency. */
async function reprice(client, currency) {
  const [factor, step] = currencies[currency]
  await client.query(
    `update price set currency_code = $1, amount = fresh.amount,
       raw_amount = jsonb_build_object('value', fresh.amount::text, 'precision', 20)
     from (select id, trim_scale(round(amount * $2 / $3) * $3) as amount from price) fresh where fresh.id = price.id`,
    [currency, factor, step],
  )
  await client.query("update region set currency_code = $1", [currency])
  await client.query("update store_currency set currency_code = $1", [currency])
  await client.query("update price_preference set value = $1 where attribute = 'currency_code'", [currency])
}

/** Sets the country that the store sells to and ships from. */
async function move(client, country) {
  const name = new Intl.DisplayNames("en", { type: "region" }).of(country.toUpperCase())
  await client.query("update region set name = $1", [name])
  await client.query("update region_country set region_id = case iso_2 when $1 then (select id from region) end", [country])
  await client.query("update tax_region set country_code = $1", [country])
  await client.query("update service_zone set name = $1", [name])
  await client.query("update geo_zone set country_code = $1", [country])
  await client.query("update stock_location_address set country_code = upper($1)", [country])
}

async function settle(client, { currency, country }) {
  await reprice(client, currency)
  await move(client, country)
}

module.exports = { countries, currencies, place, settle }
