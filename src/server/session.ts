import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { AuthCodeFlow } from "../client/AuthorizationCode.js"

/**
 * A user who has signed in at a browser.
 *
 * @since 0.1.0
 * @category models
 */
export class Session extends Schema.Class<Session>("effect-entra/WebSession/Session")({
  /** Made anew at each sign-in; the user's accounts are kept under it. */
  id: Schema.NonEmptyString,
  homeAccountId: Schema.NonEmptyString,
  /** Epoch milliseconds. */
  signedInAt: Schema.Number,
  /** The challenge that this sign-in answered, as a digest. */
  answered: Schema.optional(Schema.String)
}) {}

/**
 * A sign-in under way. Encoded it holds the PKCE verifier in clear: only its own browser may get at it.
 *
 * @since 0.1.0
 * @category models
 */
export class PendingSignIn extends Schema.Class<PendingSignIn>("effect-entra/WebSession/PendingSignIn")({
  flow: AuthCodeFlow,
  /** A path of this app. */
  returnTo: Schema.String,
  /** The id that its session will have. */
  sessionId: Schema.NonEmptyString,
  /** Whether the user is asked a second time, for the first was not enough. */
  isSecond: Schema.Boolean,
  /** The challenge that it answers, as a digest. */
  answers: Schema.optional(Schema.String)
}) {}

/**
 * How browsers reach the app.
 *
 * @since 0.1.0
 * @category models
 */
export interface Site {
  /** Over https. */
  readonly isSecure: boolean
  /** Responses of the authority are posted from its own site (`form_post`), where most cookies stay behind. */
  readonly isPosted: boolean
}

/**
 * What is kept of a browser can't be read or written. Try again later.
 *
 * @since 0.1.0
 * @category errors
 */
export class WebSessionUnavailable extends Schema.TaggedError<WebSessionUnavailable>(
  "effect-entra/WebSession/WebSessionUnavailable"
)("WebSessionUnavailable", {
  /** For the program's operator; never a secret. */
  reason: Schema.String
}) {
  get isRetryable(): boolean {
    return true
  }
  override get message(): string {
    return `The browser's session is unavailable: ${this.reason}`
  }
}

/**
 * Finds something of the browser that sent the current request.
 *
 * @since 0.1.0
 * @category models
 */
export type Read<A> = Effect.Effect<Option.Option<A>, WebSessionUnavailable, HttpServerRequest.HttpServerRequest>

/**
 * Changes something of the browser that sent the current request, by a cookie on its response perhaps.
 *
 * @since 0.1.0
 * @category models
 */
export type Write = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  WebSessionUnavailable,
  HttpServerRequest.HttpServerRequest
>

/**
 * Where sessions are kept. What is over, or is not this browser's, is as if it were not there.
 *
 * @since 0.1.0
 * @category models
 */
export interface WebSessionService {
  readonly current: (site: Site) => Read<Session>
  /** Keeps a session in the place of the one that was there. */
  readonly open: (response: HttpServerResponse.HttpServerResponse, session: Session, site: Site) => Write
  readonly close: (response: HttpServerResponse.HttpServerResponse, site: Site) => Write
  /** The sign-in under way that has this `state`; others go on beside it. */
  readonly pending: (state: string, site: Site) => Read<PendingSignIn>
  /** Keeps a sign-in for 10 minutes; of too many the oldest go. */
  readonly begin: (response: HttpServerResponse.HttpServerResponse, pending: PendingSignIn, site: Site) => Write
  readonly end: (response: HttpServerResponse.HttpServerResponse, state: string, site: Site) => Write
}

/**
 * @since 0.1.0
 * @category tags
 */
export class WebSession extends Context.Tag("effect-entra/WebSession")<WebSession, WebSessionService>() {}
