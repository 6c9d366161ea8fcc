/**
 * Loads the modules of a start from an archive of their sources, V8's compiled code, and the file that each `require` resolves
 * to. Without it, Node searches, reads, and compiles some 4,000 files, which is most of a start's CPU time.
 *
 * tools/record.cjs writes the archive during the image build: `index.json`, `sources` and `code`. Modules that are not in it, and
 * all modules if there is no archive, load from their files. So an image that is built on this one and changes packages has to
 * delete the archive. Node's own compile cache would still search and read all files, and it ignores what a CPU with other
 * features wrote.
 */
"use strict"
const fs = require("node:fs")
const Module = require("node:module")
const path = require("node:path")
const vm = require("node:vm")

const folder = path.join(__dirname, "archive")
const read = (name) => fs.readFileSync(path.join(folder, name))

/** Compiles the source of a CommonJS module. Errors have the same file names and positions as with Node's own loader. */
function compile(source, filename, cachedData) {
  const script = new vm.Script(Module.wrap(source), { filename, cachedData, columnOffset: -Module.wrapper[0].length })
  return { script, run: (module) => run(script.runInThisContext(), module, filename) }
}

function run(body, module, filename) {
  const require = (request) => module.require(request)
  require.resolve = (request, options) => Module._resolveFilename(request, module, false, options)
  require.resolve.paths = (request) => Module._resolveLookupPaths(request, module)
  Object.assign(require, { main: process.mainModule, extensions: Module._extensions, cache: Module._cache })
  return Reflect.apply(body, module.exports, [module.exports, require, module, filename, path.dirname(filename)])
}

function readArchive() {
  const index = JSON.parse(read("index.json"))
  return { entries: new Map(index.map((entry) => [entry.file, entry])), sources: read("sources"), code: read("code") }
}

/**
 * Makes `require` use the archive. Returns a function that loads the rest of its modules, in the order of a start, and closes it.
 * That function returns how many modules had to be compiled: none, unless Node is not the one of the image build.
 */
function open() {
  if (!fs.existsSync(folder)) return () => 0
  let archive = readArchive()
  let compiled = 0
  const { _resolveFilename: resolve, _extensions: { ".js": load } } = Module

  Module._resolveFilename = function (request, parent, isMain, options) {
    const targets = options ? undefined : archive.entries.get(parent?.filename)?.targets
    return targets && Object.hasOwn(targets, request) ? targets[request] : resolve.call(this, request, parent, isMain, options)
  }
  Module._extensions[".js"] = (module, filename) => {
    const { source, cached } = archive.entries.get(filename) ?? {}
    if (!source) return load(module, filename)
    const text = archive.sources.toString("utf8", ...source)
    const { script, run } = compile(text, filename, archive.code.subarray(...cached))
    if (script.cachedDataRejected) compiled++
    run(module)
  }
  return () => {
    for (const { file, source } of archive.entries.values()) if (source && !require.cache[file]) require(file)
    Module._resolveFilename = resolve
    Module._extensions[".js"] = load
    archive = undefined // frees its memory
    return compiled
  }
}

module.exports = { compile, open }
