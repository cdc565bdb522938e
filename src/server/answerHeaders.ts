import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as ClaimsChallenge from "../core/ClaimsChallenge.js"
import type { CallerError, Unauthorized } from "./callerFailures.js"

/** RFC 6750 3.1: who sent no token is told no error. */
const challengeOf = ({ claims, reason }: Unauthorized, authorizationUri: string | undefined): string =>
  ClaimsChallenge.format({
    authorizationUri,
    claims,
    error: reason === "no_token" ? undefined : "invalid_token"
  })

/**
 * @internal
 */
export const headersOf = (
  error: CallerError,
  authorizationUri: string | undefined
): Readonly<Record<string, string>> => {
  if (error._tag === "Unauthorized") return { "www-authenticate": challengeOf(error, authorizationUri) }
  return error._tag === "Unavailable" && error.retryAfter !== undefined && Duration.isFinite(error.retryAfter)
    ? { "retry-after": String(Math.ceil(Duration.toSeconds(error.retryAfter))) }
    : {}
}

/**
 * The response with the headers of what its handler failed of: those of another status are not its own, and what the handler
 * has set stands.
 *
 * @internal
 */
export const withHeaders = (
  response: HttpServerResponse.HttpServerResponse,
  headers: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse => HttpServerResponse.setHeaders(response, { ...headers, ...response.headers })
