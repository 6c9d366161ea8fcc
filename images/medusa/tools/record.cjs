/** Preloaded into one start (`node --require`): on exit it writes what that start loaded, in order, for boot.js to load at once. */
"use strict"
const fs = require("node:fs")
const path = require("node:path")

process.on("exit", () => {
  const loaded = Object.keys(require.cache).map((file) => path.relative(process.cwd(), file))
  fs.writeFileSync("modules.json", JSON.stringify(loaded.filter((file) => file.startsWith("node_modules/"))))
})
