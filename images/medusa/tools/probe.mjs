/**
 * Waits until the store at the given address answers, then acts as a shopper and as its owner: checks the given price, opens
 * a product, buys it, reads the API, logs in. Checks the metrics, if METRICS_PORT is set.
 */
import assert from "node:assert/strict"

const [address, price] = process.argv.slice(2)
const get = (path, init) => fetch(address + path, init)
const form = (fields, headers) => ({ method: "POST", redirect: "manual", headers, body: new URLSearchParams(fields) })
const json = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })

for (let tries = 0; !(await get("/health").catch(() => ({ ok: false }))).ok; tries++) {
  assert(tries < 300, `nothing answered at ${address} within a minute`)
  await new Promise((resolve) => setTimeout(resolve, 200))
}

const field = (page, name) => page.match(new RegExp(`name="${name}" value="([^"]+)"`))[1]

/** Buys the product of the page through the forms. Returns the confirmation page. */
async function buy(product) {
  const cookieOf = (answer) => ({ cookie: answer.headers.get("set-cookie").split(";")[0] })
  const cart = cookieOf(await get("/cart", form({ variant: field(product, "variant"), quantity: "1" })))
  const desk = await (await get("/checkout", { headers: cart })).text()
  const address = { first_name: "Jo", last_name: "Baker", address_1: "1 Mill Lane", postal_code: "1", city: "T", province: "P" }
  const shown = ["seen", "country_code", "delivery", `total-${field(desk, "delivery")}`]
  const chosen = Object.fromEntries(shown.map((name) => [name, field(desk, name)]))
  const placed = await get("/checkout", form({ email: "jo@example.com", ...address, ...chosen }, cart))
  return (await get(placed.headers.get("location"), { headers: cookieOf(placed) })).text()
}

const window = await (await get("/")).text()
assert.match(window, /O&#39;Neil \\ &quot;Sons&quot;/)
assert(window.includes(price), `the home page does not show ${price}`)
const product = await (await get("/products/stoneware-mug")).text()
assert.match(product, /<h1>Stoneware mug<\/h1>/)
assert.match(await buy(product), /Thank you, Jo/)
assert.equal((await get("/products/none")).status, 404)
const { products } = await (await get("/store/products", { headers: { "x-publishable-api-key": "pk_baking" } })).json()
assert.equal(products.length, 8)
const login = await get("/auth/user/emailpass", json({ email: "o'neil@localhost", password: `'\\"$x` }))
const { token } = await login.json()
const { user } = await (await get("/admin/users/me", { headers: { authorization: `Bearer ${token}` } })).json()
assert.equal(user.email, "o'neil@localhost")
assert.equal((await get("/app")).status, 200)
const { METRICS_PORT } = process.env
if (METRICS_PORT) {
  const metrics = await (await fetch(`http://127.0.0.1:${METRICS_PORT}/metrics`)).text()
  assert.match(metrics, /^http_request_duration_seconds_count\{method="GET",route="\/store\/products",status="200"\} 1$/m)
  assert.match(metrics, /^process_resident_memory_bytes \d+$/m)
}
console.log("the store answers, sells a product and accepts its owner's login")
