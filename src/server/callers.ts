import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { ConfidentialClient } from "../client/ConfidentialClient.js"
import type { CallerService } from "./Caller.js"
import { isCapable, strings } from "./callerClaims.js"
import { type CallerError, Forbidden, isCallerError, Unauthorized } from "./callerFailures.js"
import * as Refusal from "./callerRefusal.js"
import * as CallerTokens from "./callerTokens.js"
import type { Options } from "./OnBehalfOf.js"
import { TokenValidator, type ValidatedToken } from "./validator.js"

/** Makes callers of requests. */
export interface Callers {
  /** Who sent a request with these headers. What is told to the caller, now or by what it gets, is noted. */
  readonly identify: (
    headers: HttpServerRequest.HttpServerRequest["headers"],
    note: (error: CallerError) => void
  ) => Effect.Effect<CallerService, CallerError>
  readonly authorizationUri: string | undefined
}

/** RFC 6750 2.1: `"Bearer" 1*SP b64token`; schemes don't distinguish case (RFC 9110 11.1). */
const credentials = /^bearer +([\w\-.~+/]+=*) *$/i
const scheme = /^bearer(?: |$)/i

/** Who sends credentials of another scheme has sent no token. */
const tokenIn = (authorization = ""): Redacted.Redacted | Unauthorized["reason"] => {
  const token = credentials.exec(authorization)?.[1]
  if (token !== undefined) return Redacted.make(token)
  return scheme.test(authorization) ? "invalid_token" : "no_token"
}

const stepUp = (id: string): string => JSON.stringify({ access_token: { acrs: { essential: true, value: id } } })

const requirements = (
  { claims, isApp, roles, scopes }: ValidatedToken,
  { fail }: Refusal.Refuse
): Pick<CallerService, "requireAuthenticationContext" | "requireRole" | "requireScope"> => {
  const oneOf = (present: ReadonlyArray<string>, wanted: ReadonlyArray<string>) =>
    wanted.some((each) => present.includes(each))
      ? Effect.void
      : fail(new Forbidden({ reason: "insufficient_scope", scope: wanted.join(" ") }))
  return {
    requireScope: (...anyOf) => oneOf(scopes, anyOf),
    requireRole: (...anyOf) => oneOf(roles, anyOf),
    requireAuthenticationContext: (id) => {
      if (isApp) return fail(new Forbidden({ reason: "user_required" }))
      if (strings(claims.acrs).includes(id)) return Effect.void
      return isCapable(claims)
        ? fail(new Unauthorized({ reason: "insufficient_claims", claims: stepUp(id) }))
        : fail(new Forbidden({ reason: "interaction_required" }))
    }
  }
}

/**
 * @internal
 */
export const make = ({
  challenged = "everyone"
}: Options = {}): Effect.Effect<Callers, never, ConfidentialClient | TokenValidator> =>
  Effect.gen(function* () {
    const { onBehalfOf } = yield* ConfidentialClient
    const { authorizationUri, validate } = yield* TokenValidator

    const callerOf = (assertion: Redacted.Redacted, token: ValidatedToken, note: (error: CallerError) => void) => {
      const refusal = Refusal.make(note, challenged === "everyone" || isCapable(token.claims))
      const { claims, clientId, expiresAtMillis, isApp, objectId, roles, scopes, tenantId } = token
      return {
        claims,
        clientId,
        isApp,
        objectId,
        roles,
        scopes,
        tenantId,
        tokens: CallerTokens.make({ expiresAtMillis, isApp, provider: onBehalfOf(assertion) }, refusal),
        refuse: (error) => refusal.refuse(error),
        ...requirements(token, refusal)
      } satisfies CallerService
    }

    return {
      authorizationUri,
      identify: ({ authorization }, note) => {
        const { fail, refuse } = Refusal.make(note, false)
        const token = tokenIn(authorization)
        return typeof token === "string"
          ? fail(new Unauthorized({ reason: token }))
          : validate(token).pipe(
              Effect.catchAll((error) => (isCallerError(error) ? fail(error) : refuse(error))),
              Effect.map((validated) => callerOf(token, validated, note))
            )
      }
    }
  })
