import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { AuthenticationResult } from "../client/AuthorizationCode.js"
import { IdTokenVerifier, type IdTokenVerifierService } from "../client/idToken.js"
import { InteractionRequired, type SignInError } from "../core/TokenError.js"
import { unknownSignIn } from "./failurePage.js"
import { redirect, show } from "./page.js"
import { requestUrl } from "./returnTo.js"
import { type PendingSignIn, Session } from "./session.js"
import type { Settings } from "./settings.js"
import { type Answer, begin, type Parts, signInLink, tell } from "./signingIn.js"

/** A code takes 1 or 2 kB; more than this is no authority's form (bytes). */
const largestForm = 65_536

/** The parameters that the authority sent the browser back with, by the one way that was asked for. */
const parametersOf = (
  { site }: Settings,
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<URLSearchParams> =>
  site.isPosted
    ? request.text.pipe(
        HttpServerRequest.withMaxBodySize(Option.some(largestForm)),
        Effect.map((text) => new URLSearchParams(text)),
        Effect.orElseSucceed(() => new URLSearchParams())
      )
    : Effect.succeed(requestUrl(request.originalUrl).searchParams)

/** The code stands in the URL, which servers log and trace. */
const unseen = <E, R>(answer: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>, { redirectUri }: Settings) =>
  Effect.zipRight(
    Effect.annotateCurrentSpan({ "url.full": redirectUri, "url.query": "<redacted>" }),
    HttpMiddleware.withLoggerDisabled(answer)
  )

/**
 * Takes back who comes from the authority. What no sign-in of this browser asked for changes nothing.
 *
 * @internal
 */
export const make = (parts: Parts, verifier: IdTokenVerifierService): Answer => {
  const { client, sessions, settings } = parts
  const { site } = settings

  /** The session that was there is over, with what it leads to: whoever holds a copy of its cookie has nothing. */
  const leave = Effect.flatMap(
    sessions.current(site),
    Option.match({
      onNone: () => Effect.void,
      onSome: ({ homeAccountId, id }) => client.removeAccount({ account: { homeAccountId }, session: id })
    })
  )

  const welcome = ({ answers, returnTo, sessionId }: PendingSignIn, { account }: AuthenticationResult) =>
    Effect.gen(function* () {
      yield* leave
      const session = new Session({
        id: sessionId,
        homeAccountId: account.homeAccountId,
        signedInAt: yield* Clock.currentTimeMillis,
        answered: answers
      })
      return yield* sessions.open(redirect(returnTo), session, site)
    })

  const refuse = ({ answers, flow, isSecond, returnTo }: PendingSignIn, failure: SignInError) =>
    failure instanceof InteractionRequired && !isSecond
      ? begin(parts, { returnTo, claims: failure.claims ?? flow.claims, scopes: flow.scopes, isSecond: true, answers })
      : tell(settings, returnTo)(failure)

  const finish = (pending: PendingSignIn, response: URLSearchParams) =>
    Effect.gen(function* () {
      const { flow, sessionId } = pending
      const result = yield* Effect.either(client.acquireTokenByCode({ flow, response, session: sessionId }))
      const answer = yield* Either.match(result, {
        onLeft: (failure) => refuse(pending, failure),
        onRight: (authenticated) => welcome(pending, authenticated)
      })
      return yield* sessions.end(answer, Redacted.value(flow.state), site)
    })

  return Effect.gen(function* () {
    const parameters = yield* parametersOf(settings, yield* HttpServerRequest.HttpServerRequest)
    const [state = "", ...more] = parameters.getAll("state")
    const pending = more.length === 0 ? yield* sessions.pending(state, site) : Option.none()
    return Option.isNone(pending)
      ? show({ ...unknownSignIn, link: signInLink(settings) })
      : yield* finish(pending.value, parameters)
  }).pipe(Effect.catchAll(tell(settings)), Effect.provideService(IdTokenVerifier, verifier), (answer) =>
    unseen(answer, settings)
  )
}
