/** Medusa's configuration. It comes from the environment, which the chart sets; secrets come from the store's Secret. */
import { defineConfig } from "@medusajs/framework/utils"

const { ssl } = require("./connection.js")

const env = process.env
const url = env.STORE_URL ?? "http://localhost:9000"

/** One user and one database, named by libpq's variables. connection.js reads the same variables. */
const databaseUrl = new URL("postgres://localhost/medusa")
databaseUrl.hostname = env.PGHOST ?? "localhost"
databaseUrl.port = env.PGPORT || "5432"
databaseUrl.pathname = env.PGDATABASE ?? "medusa"
databaseUrl.username = encodeURIComponent(env.PGUSER ?? "medusa")
databaseUrl.password = encodeURIComponent(env.PGPASSWORD ?? "")

module.exports = defineConfig({
  projectConfig: {
    databaseUrl: databaseUrl.href,
    databaseDriverOptions: { connection: { ssl: ssl() } },
    http: {
      // Storefront, admin and API share one origin.
      storeCors: url,
      adminCors: url,
      authCors: url,
      jwtSecret: env.JWT_SECRET,
      cookieSecret: env.COOKIE_SECRET,
      compression: { enabled: true },
    },
  },
  admin: { path: "/app" },
  modules: [
    {
      resolve: "@medusajs/medusa/file",
      options: {
        providers: [
          { resolve: "@medusajs/medusa/file-local", id: "local", options: { backend_url: `${url}/static` } },
        ],
      },
    },
  ],
})
