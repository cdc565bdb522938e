import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Prompt } from "../client/AuthorizationCode.js"
import type { ConfidentialClientService } from "../client/ConfidentialClient.js"
import { unguessable } from "../client/random.js"
import type { Scopes } from "../core/TokenProvider.js"
import { showFailure, type WebFailure } from "./failurePage.js"
import { redirect } from "./page.js"
import { PendingSignIn, type WebSessionService } from "./session.js"
import type { Settings } from "./settings.js"

/** What every part of a sign-in works with. */
export interface Parts {
  readonly client: ConfidentialClientService
  readonly sessions: WebSessionService
  readonly settings: Settings
}

/** What a browser gets. */
export type Answer = Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest>

/** How one sign-in differs from others. */
export interface Wish {
  readonly returnTo: string
  readonly prompt?: Prompt | undefined
  readonly claims?: string | undefined
  readonly scopes?: Scopes | undefined
  readonly loginHint?: string | undefined
  readonly isSecond?: boolean | undefined
  readonly answers?: string | undefined
}

/** Nobody can guess it, so nobody can bring it along. */
const makeSessionId = Effect.map(unguessable, Redacted.value)

/** The way to try again. */
export const signInLink = ({ signInPath }: Settings, returnTo = "/") => ({
  path: returnTo === "/" ? signInPath : `${signInPath}?${new URLSearchParams({ returnTo })}`,
  text: "Sign in"
})

/**
 * Tells a person, and whoever runs the app, what went wrong.
 *
 * @internal
 */
export const tell =
  (settings: Settings, returnTo?: string) =>
  (failure: WebFailure): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
    Effect.as(
      Effect.annotateLogs(Effect.logWarning(`A sign-in failed: ${failure.message}`), "package", "effect-entra"),
      showFailure(failure, signInLink(settings, returnTo))
    )

/**
 * Sends the browser to the authority, and keeps what it needs to come back.
 *
 * @internal
 */
export const begin = ({ client, sessions, settings }: Parts, wish: Wish): Answer =>
  Effect.gen(function* () {
    const { url, flow } = yield* client.getAuthCodeUrl({
      redirectUri: settings.redirectUri,
      scopes: wish.scopes ?? settings.scopes,
      responseMode: settings.responseMode,
      domainHint: wish.loginHint === undefined ? settings.domainHint : undefined,
      prompt: wish.prompt,
      claims: wish.claims,
      loginHint: wish.loginHint
    })
    const pending = new PendingSignIn({
      flow,
      returnTo: wish.returnTo,
      sessionId: yield* makeSessionId,
      isSecond: wish.isSecond ?? false,
      answers: wish.answers
    })
    return yield* sessions.begin(redirect(url), pending, settings.site)
  }).pipe(Effect.catchAll(tell(settings, wish.returnTo)))
