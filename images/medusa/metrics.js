/** Metrics for Prometheus, on a port that is not public. Loaded only if METRICS_PORT is set. */
"use strict"
const { subscribe } = require("node:diagnostics_channel")
const http = require("node:http")
const { Histogram, collectDefaultMetrics, register } = require("prom-client")

const duration = new Histogram({
  name: "http_request_duration_seconds",
  help: "Duration of HTTP requests in seconds, by method, route pattern and status.",
  labelNames: ["method", "route", "status"],
  buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
})
const started = new WeakMap() // request -> start time in ms

/** Node publishes every request of every server. When a response ends, Express has set the request's route pattern. */
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
