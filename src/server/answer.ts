import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as ClaimsChallenge from "../core/ClaimsChallenge.js"
import { writeChallengeClaims } from "../core/challengeClaims.js"
import { isGuid } from "../core/guid.js"
import type { AuthorityUnavailable, InteractionRequired, Throttled, TokenError } from "../core/TokenError.js"
import type { Scopes } from "../core/TokenProvider.js"
import type { Asked } from "./CallerError.js"
import { type CallerError, Forbidden, Unauthorized, Unavailable } from "./callerFailures.js"

/** It may be the program's own, which nobody has checked. */
const correlationOf = (error: TokenError): { readonly correlationId?: string } => {
  const id = "correlationId" in error ? error.correlationId : undefined
  return id !== undefined && isGuid(id) ? { correlationId: id } : {}
}

/** Who is not asked for a while (its circuit is open) has told a time, and no wait. */
const waitOf = ({ retryAfter, until }: Throttled | AuthorityUnavailable, now: number | undefined) =>
  retryAfter ??
  (until === undefined || now === undefined
    ? undefined
    : Duration.millis(Math.max(0, DateTime.toEpochMillis(until) - now)))

const textOf = (scopes: Scopes | undefined): string | undefined =>
  typeof scopes === "object" ? scopes.join(" ") : scopes

const invalidToken = (error: TokenError) => new Unauthorized({ reason: "invalid_token", ...correlationOf(error) })

const accessDenied = (error: TokenError) => new Forbidden({ reason: "access_denied", ...correlationOf(error) })

const serverError = (error: TokenError) => new Unavailable({ reason: "server_error", ...correlationOf(error) })

/** Claims that no client would read are none: then another sign-in is all that can help. */
const demand = (error: TokenError, { isChallenged, claims: wanted = "" }: Asked): CallerError => {
  const claims =
    ClaimsChallenge.fromTokenError(error)?.claims ?? (writeChallengeClaims(wanted) === undefined ? undefined : wanted)
  if (claims === undefined) return invalidToken(error)
  return isChallenged === false
    ? new Forbidden({ reason: "interaction_required", ...correlationOf(error) })
    : new Unauthorized({ reason: "insufficient_claims", claims, ...correlationOf(error) })
}

const interaction = (error: InteractionRequired, asked: Asked): CallerError => {
  switch (error.classification) {
    case "consent_required":
      return new Forbidden({ reason: "consent_required", scope: textOf(asked.scopes), ...correlationOf(error) })
    case "message_only":
      return accessDenied(error)
    default:
      return demand(error, asked)
  }
}

/**
 * @internal
 */
export const answerTo = (error: TokenError, asked: Asked = {}): CallerError => {
  switch (error._tag) {
    case "InteractionRequired":
      return interaction(error, asked)
    case "ClaimsChallengeRequired":
    case "InvalidGrant":
      return demand(error, asked)
    case "InvalidToken":
      return invalidToken(error)
    case "AuthorizationDeclined":
      return accessDenied(error)
    case "Throttled":
      return new Unavailable({
        reason: "throttled",
        retryAfter: waitOf(error, asked.now),
        ...correlationOf(error)
      })
    case "AuthorityUnavailable":
      return new Unavailable({
        reason: "unavailable",
        retryAfter: waitOf(error, asked.now),
        ...correlationOf(error)
      })
    case "TransportError":
    case "MalformedResponse":
    case "ClientClosed":
    case "CacheUnavailable":
      return new Unavailable({ reason: "unavailable" })
    case "InvalidClient":
    case "RequestRejected":
    case "ConfigurationError":
    case "CredentialUnavailable":
    case "InvalidAuthorizationResponse":
    case "DeviceCodeExpired":
      return serverError(error)
  }
}
