/** Gives the owner a new password, and ends the owner's logins. The chart runs it (`node reset.js`) as a Job; it can be run again. */
"use strict"
const { connect } = require("./connection")
const { say } = require("./log")
const { takeLogin } = require("./owner")

async function main() {
  process.on("SIGTERM", () => process.exit(143)) // PID 1 ignores signals without a handler
  const client = await connect()
  await client.query("begin")
  await takeLogin(client, process.env)
  await client.query("commit")
}

main().then(
  () => {
    say("info", `reset: the password is set (${Math.round(performance.now())} ms)`)
    process.exit(0)
  },
  (error) => {
    say("error", `reset: ${error.message.replace(/\s+/g, " ")}`)
    process.exit(1)
  },
)
