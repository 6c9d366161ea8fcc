/** Preloaded with `node --require` by a start: on exit, writes the archive for archive.js to the folder $ARCHIVE. */
"use strict"
const fs = require("node:fs")
const Module = require("node:module")
const path = require("node:path")
const { isMainThread } = require("node:worker_threads")
const { compile } = require(path.resolve("archive.js"))

const entries = new Map() // file -> { targets: what its requests resolve to; source and script, unless Node has to load it }
const entry = (file) => entries.get(file) ?? entries.set(file, { file, targets: {} }).get(file)

function record() {
  const { _resolveFilename: resolve, prototype: { _compile } } = Module
  Module._resolveFilename = function (request, parent, isMain, options) {
    const file = resolve.call(this, request, parent, isMain, options)
    if (parent?.filename && !options) entry(parent.filename).targets[request] = file
    return file
  }
  Module.prototype._compile = function (source, file, format) {
    if (!file.includes("/node_modules/") || !archivable(source, format)) return _compile.call(this, source, file, format)
    const { script, run } = compile(source, file)
    Object.assign(entry(file), { text: source, script })
    run(this)
  }
}

/** Scripts of vm cannot call import(). The store's own files are not archived, so that an image built on this one can change them. */
const archivable = (source, format) => format !== "module" && !source.startsWith("#!") && !/\bimport\s*\(/.test(source)

/** Appends the data to the file and returns its range. V8 copies code that does not begin at a multiple of 8. */
function append(handle, data) {
  const { size } = fs.fstatSync(handle)
  fs.writeSync(handle, Buffer.concat([data, Buffer.alloc(-data.length & 7)]))
  return [size, size + data.length]
}

/** Writes the modules in the order in which they started to load. Their code now includes the functions that ran. */
function write(folder) {
  const [sources, code] = ["sources", "code"].map((name) => fs.openSync(path.join(folder, name), "a"))
  const loaded = new Set(Object.keys(require.cache).filter((file) => entries.has(file)))
  const index = [...loaded].map(entry).map(({ file, targets, text, script }) => ({
    file, targets,
    ...(script && { source: append(sources, Buffer.from(text)), cached: append(code, script.createCachedData()) }),
  }))
  fs.writeFileSync(path.join(folder, "index.json"), JSON.stringify(index))
}

if (isMainThread) {
  record()
  process.on("exit", () => write(process.env.ARCHIVE))
}
