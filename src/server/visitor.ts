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
import { bare, type Page, redirect, show } from "./page.js"
import { parseReturnTo, requestUrl } from "./returnTo.js"
import type { Session } from "./session.js"
import { type Answer, begin, type Parts, signInLink, tell } from "./signingIn.js"
import type { Challenge, SignedIn, WebSignInService } from "./WebSignIn.js"

/** What comes back so soon after the sign-in that was to mend it would come back for ever (milliseconds). */
const soon = 60_000

/** Where a browser is sent from one replica to another, which knows nothing of its user, or the cache is not kept. */
const lost: Page = {
  status: 503,
  title: "You can't go on here",
  text: "You have just signed in, and this app has lost it already. Try again; if that does not help, tell whoever runs it."
}

const tellLost = Effect.annotateLogs(
  Effect.logWarning("The account of who has just signed in is missing: do all replicas share one token cache?"),
  "package",
  "effect-entra"
)

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

  /** Whether the browser's sign-in was a moment ago; none has led to a user here. */
  const hasJustSignedIn = Effect.gen(function* () {
    const session = Option.getOrUndefined(yield* sessions.current(settings.site))
    return session !== undefined && (yield* Clock.currentTimeMillis) < session.signedInAt + soon
  })

  const unauthenticated: Answer = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (request.method !== "GET" || !isNavigation(request)) return bare(401)
    const link = signInLink(settings, here(request))
    if (!(yield* hasJustSignedIn)) return redirect(link.path)
    yield* tellLost
    return show({ ...lost, link })
  }).pipe(Effect.catchAll(tell(settings)))

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
