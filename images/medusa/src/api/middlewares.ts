/**
 * Middleware of all routes: rejects forms from other sites and logins that ended, and renders missing pages and errors in the store's
 * design.
 */
import {
  type AuthenticatedMedusaRequest, defineMiddlewares, errorHandler, type MedusaErrorHandlerFunction, type MedusaNextFunction, type MedusaRequest,
  type MedusaResponse,
} from "@medusajs/framework/http"
import { ContainerRegistrationKeys, MedusaError, Modules } from "@medusajs/framework/utils"
import { asLastSeen, enter, fromHere, send } from "../shop/web.ts"
import { broken, notFound, unreadable } from "../storefront/told.ts"

/** Medusa's own paths. Medusa answers them. */
const medusas = /^\/(admin|app|auth|cloud|health|hooks|static|store)(\/|$)/

async function tellMissing(req: MedusaRequest, res: MedusaResponse, next: MedusaNextFunction) {
  if (medusas.test(req.path)) return next()
  await send(req, res, await enter(req), notFound, { status: 404 })
}

/** Medusa's tokens are good for a day. Those from before a reset name a login that is gone (owner.js). */
async function requireLogin(req: MedusaRequest, res: MedusaResponse, next: MedusaNextFunction) {
  const id = (req as AuthenticatedMedusaRequest).auth_context?.auth_identity_id // none with an API key
  const known = !id || (await req.scope.resolve(Modules.AUTH).listAuthIdentities({ id: [id] }, { select: ["id"] })).length > 0
  if (known) next()
  else res.status(401).json({ message: "Unauthorized" })
}

/** HTTP statuses of Medusa's errors. Errors of body-parser have a status of their own. */
const statuses: Record<string, number> = {
  [MedusaError.Types.NOT_FOUND]: 404, [MedusaError.Types.INVALID_DATA]: 400, [MedusaError.Types.NOT_ALLOWED]: 400,
}

const medusaHandler = errorHandler()

const handleError: MedusaErrorHandlerFunction = (error, req, res, next) => {
  if (medusas.test(req.path)) return medusaHandler(error, req, res, next)
  const status: number = error.statusCode ?? statuses[error.type] ?? 500
  const { requestId = "none" } = req
  if (status >= 500) req.scope.resolve(ContainerRegistrationKeys.LOGGER).error(`request ${requestId}: ${error.stack}`)
  const page = status >= 500 ? broken(requestId) : status === 404 ? notFound : unreadable
  void send(req, res, asLastSeen(), page, { status, inCart: 0 })
}

export default defineMiddlewares({
  errorHandler: handleError,
  routes: [
    { matcher: "/admin*", middlewares: [requireLogin] },
    { matcher: "/cart*", method: ["POST"], middlewares: [fromHere] },
    { matcher: "/checkout", method: ["POST"], middlewares: [fromHere] },
    { matcher: "/orders", method: ["POST"], middlewares: [fromHere] },
    // A path that is only a parameter matches after all other routes.
    { matcher: "/:path(.*)", method: ["GET"], middlewares: [tellMissing] },
  ],
})
