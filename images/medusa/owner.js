/** The owner's login and the publishable API key, in the formats of Medusa's tables. */
"use strict"
const scrypt = require("scrypt-kdf")

/** Hash in the format of Medusa's auth-emailpass. */
async function hashPassword(password) {
  const hash = await scrypt.kdf(password, { logN: 15, r: 8, p: 1 })
  return hash.toString("base64")
}

/** What the admin shows of an API key. */
const redacted = (key) => `${key.slice(0, 6)}***${key.slice(-3)}`

module.exports = { hashPassword, redacted }
