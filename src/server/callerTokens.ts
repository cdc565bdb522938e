import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { AccessToken } from "../core/AccessToken.js"
import type { UserError } from "../core/TokenError.js"
import type { Scopes, TokenProvider, TokenRequest } from "../core/TokenProvider.js"
import { type CallerError, Forbidden, Unauthorized } from "./callerFailures.js"
import type { Refuse } from "./callerRefusal.js"

/** What a user's token is exchanged by, and until when. */
export interface Exchange {
  readonly isApp: boolean
  readonly expiresAtMillis: number
  readonly provider: TokenProvider<UserError>
}

/** As many milliseconds as the validator grants to clocks that differ. */
const clockTolerance = 300_000

const expired = new Unauthorized({ reason: "invalid_token" })
const noUser = new Forbidden({ reason: "user_required" })

/**
 * The caller's tokens, whose failures are what it has to be told.
 *
 * @internal
 */
export const make = (
  { expiresAtMillis, isApp, provider }: Exchange,
  { fail, refuse }: Refuse
): TokenProvider<CallerError> => {
  const guarded = (
    token: Effect.Effect<AccessToken, UserError>,
    scopes: Scopes,
    request: TokenRequest | undefined
  ): Effect.Effect<AccessToken, CallerError> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      now < expiresAtMillis + clockTolerance
        ? Effect.catchAll(token, (error) => refuse(error, { scopes, claims: request?.claims }))
        : fail(expired)
    )
  return {
    forScopes: (scopes, options) => {
      if (isApp) return { getToken: () => fail(noUser) }
      const source = provider.forScopes(scopes, options)
      return { getToken: (request) => guarded(source.getToken(request), scopes, request) }
    }
  }
}
