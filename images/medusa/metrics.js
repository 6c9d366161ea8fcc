/** Tells Prometheus how this process is doing, on a port that no visitor reaches. Loaded only where METRICS_PORT asks for it. */
"use strict"
const { subscribe } = require("node:diagnostics_channel")
const http = require("node:http")
const { Histogram, collectDefaultMetrics, register } = require("prom-client")

const duration = new Histogram({
  name: "http_request_duration_seconds",
  help: "How long requests took, by method, route (as Medusa registered it) and status.",
  labelNames: ["method", "route", "status"],
  buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
})
const started = new WeakMap() // request -> when it came, in ms

/** Node tells of every request of every server of its own accord; Express has put the route's pattern on it by the end. */
function watch(own) {
  subscribe("http.server.request.start", ({ request, server }) => {
    if (server !== own) started.set(request, performance.now())
  })
  subscribe("http.server.response.finish", ({ request, response }) => {
    if (!started.has(request)) return
    const labels = { method: request.method, route: request.route?.path ?? "none", status: response.statusCode }
    duration.observe(labels, (performance.now() - started.get(request)) / 1000)
  })
}

/** Serves GET /metrics on `port` of all addresses. */
function serve(port) {
  collectDefaultMetrics()
  const server = http.createServer(async (request, response) => {
    if (request.url !== "/metrics") return response.writeHead(404).end()
    response.writeHead(200, { "content-type": register.contentType }).end(await register.metrics())
  })
  watch(server)
  server.listen(port)
}

module.exports = { serve }
