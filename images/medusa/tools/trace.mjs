/** Copies the files that a running store can load from the built project SRC to the folder DST: about 50 MB of 700 MB. */
import fs from "node:fs"
import path from "node:path"
import { nodeFileTrace } from "@vercel/nft"

const [src, dst] = process.argv.slice(2).map((folder) => path.resolve(folder))
const medusa = path.join(src, "node_modules/@medusajs")

// Packages that only build (the admin is already built), watch files or export traces.
const unused = new RegExp(
  "node_modules/(" +
    [
      "vite", "rollup", "@rollup", "esbuild", "@esbuild", "@vitejs", "tailwindcss", "postcss[^/]*", "autoprefixer", "typescript",
      "ts-node", "@babel/(?!runtime)[^/]+", "react[^/]*", "@swc", "caniuse-lite", "browserslist", "jscodeshift",
      "@opentelemetry/(?!api/)[^/]+", "@grpc", "figlet", "@medusajs/(dashboard|admin-vite-plugin|admin-sdk|icons|ui)",
    ].join("|") +
    ")/",
)
const notRun = /\.(d\.[cm]?ts|[cm]?tsx?|map|md|markdown|flow)$|\/(tests?|__tests__|docs|examples?|\.github)\//i
const wholeBelow = 1.5e6 // bytes; smaller packages are copied whole, in case they read their own files by name

const files = (folder) =>
  fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
const relative = (file) => path.relative(src, file)

/** Files that Medusa finds by listing folders (models, migrations, routes, jobs). The tracer cannot see them. */
function medusaFiles() {
  return fs.readdirSync(medusa)
    .flatMap((name) => ["dist", ".medusa/server/src"].map((sub) => path.join(medusa, name, sub)))
    .filter((folder) => fs.existsSync(folder) && !unused.test(folder))
    .flatMap(files)
    .filter((file) => !/\/(esm|node_modules)\/|\.medusa\/server\/src\/admin\//.test(path.relative(medusa, file)))
    .filter((file) => /\.(c?js|json)$/.test(file))
}

/** The folders of the packages that contain a file in `reached`. */
function packages(reached) {
  return new Set([...reached].flatMap((file) => file.match(/^(.*node_modules\/(@[^/]+\/)?[^/]+)\//)?.[1] ?? []))
}

/** Files of a package to copy in addition to the traced ones. */
function companions(folder) {
  const root = path.join(src, folder)
  const description = path.join(root, "package.json")
  const own = files(root).filter((file) => !notRun.test(relative(file)) && !file.slice(root.length).includes("/node_modules/"))
  const size = own.reduce((sum, file) => sum + fs.statSync(file).size, 0)
  const small = size < wholeBelow && !folder.includes("@medusajs/")
  return small ? own : [description]
}

const entries = ["boot.js", "database.js", "migrate.js", "reset.js", "medusa-config.js", "node_modules/@medusajs/cli/cli.js"]
  .map((file) => path.join(src, file))
const listed = medusaFiles()
const scripts = [...entries, ...files(path.join(src, "src")), ...listed].filter((file) => /\.c?js$/.test(file))
const { fileList } = await nodeFileTrace(scripts, { base: src, ignore: (file) => unused.test(file), mixedModules: true })
const reached = new Set([...fileList, ...listed.map(relative), "package.json", "template.sql.gz"])
for (const folder of packages(reached)) for (const file of companions(folder)) reached.add(relative(file))
for (const file of files(path.join(src, "public"))) reached.add(relative(file))

// Every module needs this folder, even if it is empty. Otherwise Medusa would try to create it on a read-only file system.
for (const folder of fs.globSync(path.join(medusa, "*/dist/migrations")))
  fs.mkdirSync(path.join(dst, relative(folder)), { recursive: true })

let bytes = 0
for (const file of reached) {
  const [from, to] = [path.join(src, file), path.join(dst, file)]
  const stat = fs.statSync(from, { throwIfNoEntry: false })
  if (!stat?.isFile()) continue
  fs.mkdirSync(path.dirname(to), { recursive: true })
  fs.copyFileSync(from, to)
  bytes += stat.size
}
console.log(`${reached.size} files, ${(bytes / 2 ** 20).toFixed(1)} MiB`)
