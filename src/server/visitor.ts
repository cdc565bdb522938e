import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Account } from "../core/Account.js"
import type { UserError } from "../core/TokenError.js"
import type { Scopes, TokenProvider } from "../core/TokenProvider.js"
import { isNavigation } from "./browserRequest.js"
import { digestOf } from "./digest.js"
import { notEnough } from "./failurePage.js"
import { bare, redirect, show } from "./page.js"
import { parseReturnTo, requestUrl } from "./returnTo.js"
import type { Session } from "./session.js"
import { type Answer, begin, type Parts, signInLink } from "./signingIn.js"
import type { Challenge, SignedIn, WebSignInService } from "./WebSignIn.js"

/** A challenge that comes back so soon after the sign-in that answered it would come back for ever (milliseconds). */
const soon = 60_000

const claimsOf = (challenge: Challenge): string | undefined => ("claims" in challenge ? challenge.claims : undefined)

/** What tokens were asked for when their user was found to be not enough, during one request. */
type Wanted = WeakMap<UserError, Scopes>

const noting = (tokens: TokenProvider<UserError>, wanted: Wanted): TokenProvider<UserError> => ({
  forScopes: (scopes, options) => {
    const source = tokens.forScopes(scopes, options)
    // What lacks in another tenant is asked for there, which a sign-in of this app's own can't do.
    if (options?.tenantId !== undefined) return source
    const note = (failure: UserError) => Effect.sync(() => void wanted.set(failure, scopes))
    return { getToken: (request) => Effect.tapError(source.getToken(request), note) }
  }
})

const scopesOf = (challenge: Challenge, wanted: Wanted): Scopes | undefined =>
  challenge._tag === "ClaimsChallengeRequired" ? undefined : wanted.get(challenge)

/**
 * Who is at the browser, and what becomes of those who are nobody yet, or not enough.
 *
 * @internal
 */
export const make = (parts: Parts): Pick<WebSignInService, "unauthenticated" | "user"> => {
  const { client, sessions, settings } = parts

  const here = ({ method, originalUrl }: HttpServerRequest.HttpServerRequest): string => {
    const { pathname, search } = requestUrl(originalUrl)
    return method === "GET" ? parseReturnTo(`${pathname}${search}`, settings.ownPaths) : "/"
  }

  const challenged =
    ({ answered, signedInAt }: Session, { username }: Account, wanted: Wanted): SignedIn["challenge"] =>
    (challenge, options) =>
      Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        if (!isNavigation(request)) return bare(401)
        const returnTo = parseReturnTo(options?.returnTo ?? here(request), settings.ownPaths)
        const claims = claimsOf(challenge)
        const scopes = options?.scopes ?? scopesOf(challenge, wanted)
        const answers = yield* digestOf(JSON.stringify([challenge._tag, claims, scopes]))
        const isRepeated = answers === answered && (yield* Clock.currentTimeMillis) < signedInAt + soon
        return isRepeated
          ? show({ ...notEnough, link: signInLink(settings, returnTo) })
          : yield* begin(parts, { returnTo, claims, scopes, loginHint: username, answers })
      })

  const unauthenticated: Answer = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
    request.method === "GET" && isNavigation(request) ? redirect(signInLink(settings, here(request)).path) : bare(401)
  )

  return {
    unauthenticated,
    user: Effect.gen(function* () {
      const session = Option.getOrUndefined(yield* sessions.current(settings.site))
      if (session === undefined) return Option.none()
      const accounts = yield* client.getAccounts({ session: session.id })
      const account = accounts.find(({ homeAccountId }) => homeAccountId === session.homeAccountId)
      if (account === undefined) return Option.none()
      const wanted: Wanted = new WeakMap()
      return Option.some({
        account,
        tokens: noting(client.account(account.homeAccountId, { session: session.id }), wanted),
        session: session.id,
        challenge: challenged(session, account, wanted)
      })
    })
  }
}
