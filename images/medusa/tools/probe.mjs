/**
 * Waits until the shop at the address given answers, then checks what a visitor and its owner need: window, the price given
 * in it, product, API, login; and its metrics, if it has them.
 */
import assert from "node:assert/strict"

const [address, price] = process.argv.slice(2)
const get = (path, init) => fetch(address + path, init)
const json = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })

for (let tries = 0; !(await get("/health").catch(() => ({ ok: false }))).ok; tries++) {
  assert(tries < 300, `nothing answered at ${address} within a minute`)
  await new Promise((resolve) => setTimeout(resolve, 200))
}
const window = await (await get("/")).text()
assert.match(window, /O&#39;Neil \\ &quot;Sons&quot;/)
assert(window.includes(price), `the window does not show ${price}`)
assert.match(await (await get("/products/stoneware-mug")).text(), /<h1>Stoneware mug<\/h1>/)
assert.equal((await get("/products/none")).status, 404)
const { products } = await (await get("/store/products", { headers: { "x-publishable-api-key": "pk_baking" } })).json()
assert.equal(products.length, 6)
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
console.log("the shop answers, shows its products and lets its owner in")
