import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { InvalidAuthorizationResponse, type SignInError } from "../core/TokenError.js"
import type { AuthenticationResult } from "./AuthorizationCode.js"
import { flowLifetime } from "./authorizationResponse.js"
import { Browser } from "./Browser.js"
import type { IdTokenVerifier } from "./idToken.js"
import { type Ending, LoopbackServer, type Redirection } from "./LoopbackServer.js"
import type { InteractiveRequest } from "./PublicClient.js"
import { unguessable } from "./random.js"
import type { SignIn } from "./signIn.js"

const late = new InvalidAuthorizationResponse({ reason: "timeout" })

/** What the person is told: what went wrong, never what a server said. */
const endingOf = (exit: Exit.Exit<unknown, SignInError>): Ending => {
  if (Exit.isSuccess(exit)) return { _tag: "SignedIn" }
  const failure = Option.getOrUndefined(Cause.failureOption(exit.cause))
  return failure?._tag === "AuthorizationDeclined"
    ? { _tag: "Failed", title: "Not signed in", message: "The sign-in was declined." }
    : { _tag: "Failed", title: "Not signed in", message: failure?.message ?? "The program has stopped waiting." }
}

/**
 * Signs a person in by the browser of this machine: the authorization code flow with PKCE over a server on loopback
 * (RFC 8252 7.3).
 *
 * @internal
 */
export const make =
  (signIn: SignIn, timeout: Duration.Duration) =>
  ({
    browserTimeout = timeout,
    correlationId,
    port,
    ...request
  }: InteractiveRequest): Effect.Effect<
    AuthenticationResult,
    SignInError,
    Browser | IdTokenVerifier | LoopbackServer
  > =>
    Effect.gen(function* () {
      const browser = yield* Browser
      const server = yield* LoopbackServer
      const state = yield* unguessable
      const redirection = yield* server.listen({ state: Redacted.value(state), port })
      const { flow, url } = yield* signIn.begin({ ...request, redirectUri: redirection.redirectUri }, state)
      const response = yield* Effect.zipRight(browser.open(url), redirection.response).pipe(
        Effect.timeoutFail({ duration: Duration.min(browserTimeout, flowLifetime), onTimeout: () => late })
      )
      return yield* concluded(redirection, signIn.redeem({ flow, response, correlationId }))
    }).pipe(Effect.scoped)

const concluded = <A, R>(
  { conclude }: Redirection,
  effect: Effect.Effect<A, SignInError, R>
): Effect.Effect<A, SignInError, R> => Effect.onExit(effect, (exit) => conclude(endingOf(exit)))
