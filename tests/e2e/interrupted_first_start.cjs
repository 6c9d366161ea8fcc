/** Run by test_medusa_chart.py in the store's container, on an empty database: kills a first start half-way, then runs two starts at the same time. */
"use strict"
const { spawn } = require("node:child_process")
const { Worker } = require("node:worker_threads")
const { Client } = require("pg")

process.env.PGDATABASE = "second"

async function ask(question) {
  const client = new Client()
  await client.connect()
  const { rows: [row] } = await client.query(question)
  await client.end()
  return row.answer
}

const loading = () => ask("select exists (select from pg_locks where locktype = 'advisory' and granted) as answer")
const loaded = () => ask("select to_regclass('public.store') is not null as answer")

/** Kills a first start as soon as it holds the lock under which it loads the database. */
async function killedHalfWay() {
  const start = spawn(process.execPath, ["/app/boot.js"], { env: { ...process.env, PORT: "9009" }, stdio: "ignore" })
  while (!(await loading())) if (start.exitCode !== null) throw new Error("the start ended before it locked the database")
  start.kill("SIGKILL")
  while (await loading());
  return loaded()
}

const prepare = () => new Promise((resolve, reject) => {
  new Worker("/app/database.js").once("message", resolve).once("error", reject)
})

async function main() {
  const half = await killedHalfWay()
  const twoAtOnce = await Promise.all([prepare(), prepare()])
  console.log(JSON.stringify({ half, twoAtOnce: twoAtOnce.sort(), third: await prepare(), whole: await loaded() }))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
