/** Preloaded with `node --require`: on exit, writes the list of loaded modules, in order, for boot.js. */
"use strict"
const fs = require("node:fs")
const path = require("node:path")

process.on("exit", () => {
  const loaded = Object.keys(require.cache).map((file) => path.relative(process.cwd(), file))
  fs.writeFileSync("modules.json", JSON.stringify(loaded.filter((file) => file.startsWith("node_modules/"))))
})
