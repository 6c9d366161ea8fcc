/** Checks the settings before Medusa is loaded, which takes seconds. */
"use strict"
const { ssl } = require("./connection")
const { place } = require("./places")

const required = ["STORE_NAME", "PUBLISHABLE_KEY", "ADMIN_EMAIL", "ADMIN_PASSWORD", "JWT_SECRET", "COOKIE_SECRET"]

/** Throws an Error that names the settings that are missing or unusable. */
function check() {
  const missing = required.filter((name) => !process.env[name])
  if (missing.length > 0) throw new Error(`not set in the environment: ${missing.join(", ")}`)
  place()
  ssl()
}

module.exports = { check }
