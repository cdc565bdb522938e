/**
 * A web app's sign-in: routes for sign-in, callback and sign-out, and a middleware that knows who is there.
 *
 * @since 0.1.0
 */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { AuthCodeUrlRequest, Prompt } from "../client/AuthorizationCode.js"
import { ConfidentialClient } from "../client/ConfidentialClient.js"
import { IdTokenVerifier } from "../client/idToken.js"
import type { Account } from "../core/Account.js"
import {
  ClaimsChallengeRequired,
  type ConfigurationError,
  InteractionRequired,
  InvalidGrant,
  type UserError
} from "../core/TokenError.js"
import type { Scopes, TokenProvider } from "../core/TokenProvider.js"
import * as BearerHttpClient from "../http/BearerHttpClient.js"
import * as Callback from "./callback.js"
import { parseReturnTo, requestUrl } from "./returnTo.js"
import { WebSession, type WebSessionUnavailable } from "./session.js"
import * as Settings from "./settings.js"
import { type Answer, begin, type Parts, tell } from "./signingIn.js"
import * as SigningOut from "./signingOut.js"
import * as Visitor from "./visitor.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** As registered; the callback is at its path. Only on localhost it may be http. */
  readonly redirectUri: string
  /** Of the API that the first token is for; tokens for others are got later, by the account. */
  readonly scopes: Scopes
  /**
   * How the code comes back. `query`, the default, needs no cookie that other sites send along, and its code is kept out of
   * this server's logs and traces; `form_post` keeps it out of those of proxies too, and needs https.
   */
  readonly responseMode?: AuthCodeUrlRequest["responseMode"]
  /** How the user is asked. `none` shows nothing, and asks once more, in full, where that is not enough. */
  readonly prompt?: Prompt | undefined
  /** The users' domain, to skip the choice of account. */
  readonly domainHint?: string | undefined
  /** Where the authority sends the browser after a sign-out, as registered. */
  readonly postLogoutRedirectUri?: string | undefined
  /** `/auth/sign-in` unless given; goes back to the path in its parameter `returnTo`. */
  readonly signInPath?: string | undefined
  /** `/auth/sign-out` unless given: takes a POST of this app's own pages. */
  readonly signOutPath?: string | undefined
  /** Whether a link signs out too. Other sites' links don't, where the browser tells whose they are. */
  readonly isSignOutByLink?: boolean | undefined
}

/**
 * What only the user can mend, by signing in once more.
 *
 * @since 0.1.0
 * @category models
 */
export type Challenge = InteractionRequired | InvalidGrant | ClaimsChallengeRequired

/**
 * @since 0.1.0
 * @category models
 */
export interface ChallengeOptions {
  /** A path of this app; where the user is unless given, or `/` for what was posted. */
  readonly returnTo?: string | undefined
  /** What the sign-in asks for; unless given the scopes that {@link SignedIn}'s `tokens` failed for, else the app's. */
  readonly scopes?: Scopes | undefined
}

/**
 * A user who has signed in, as a handler sees them.
 *
 * @since 0.1.0
 * @category models
 */
export interface SignedIn {
  readonly account: Account
  /** The user's tokens, for any API. */
  readonly tokens: TokenProvider<UserError>
  /** What the user's accounts are kept under. */
  readonly session: string
  /**
   * Has the user sign in as a challenge demands (Conditional Access, consent), and come back. Who has just done so and is
   * challenged again gets 403; a script gets 401, for it can't go anywhere.
   */
  readonly challenge: (challenge: Challenge, options?: ChallengeOptions) => Answer
}

/**
 * The user who sent the current request.
 *
 * @since 0.1.0
 * @category tags
 */
export class SignedInUser extends Context.Tag("effect-entra/WebSignIn/SignedInUser")<SignedInUser, SignedIn>() {}

/**
 * The answers that {@link routes} and {@link required} give, for other routers.
 *
 * @since 0.1.0
 * @category models
 */
export interface WebSignInService {
  readonly signIn: Answer
  readonly callback: Answer
  readonly signOut: Answer
  /** Who sent the current request, if anybody has signed in there. */
  readonly user: Effect.Effect<
    Option.Option<SignedIn>,
    ConfigurationError | WebSessionUnavailable,
    HttpServerRequest.HttpServerRequest
  >
  /**
   * What nobody gets: who asks for a page is sent to sign in, everything else is answered 401. Whose sign-in was less than a
   * minute ago, and led to no account, gets a page that says so: to sign in again would lead here again.
   */
  readonly unauthenticated: Answer
  /** What a request gets whose user can't be looked up. */
  readonly unavailable: (failure: ConfigurationError | WebSessionUnavailable) => Answer
  /** The paths and methods of the routes. */
  readonly paths: Pick<Settings.Settings, "callbackPath" | "signInPath" | "signOutMethods" | "signOutPath"> & {
    readonly callbackMethod: "GET" | "POST"
  }
}

/**
 * @since 0.1.0
 * @category tags
 */
export class WebSignIn extends Context.Tag("effect-entra/WebSignIn")<WebSignIn, WebSignInService>() {}

const signIn = (parts: Parts): Answer =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ originalUrl }) => {
    const { ownPaths, prompt } = parts.settings
    const asked = requestUrl(originalUrl).searchParams.get("returnTo") ?? undefined
    return begin(parts, { returnTo: parseReturnTo(asked, ownPaths), prompt })
  })

/**
 * Makes a sign-in. Nothing is sent until somebody signs in.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<WebSignInService, ConfigurationError, ConfidentialClient | IdTokenVerifier | WebSession> =>
  Effect.gen(function* () {
    const settings = yield* Settings.parse(options)
    const parts: Parts = { client: yield* ConfidentialClient, sessions: yield* WebSession, settings }
    const { callbackPath, signInPath, signOutMethods, signOutPath, site } = settings
    return {
      signIn: signIn(parts),
      callback: Callback.make(parts, yield* IdTokenVerifier),
      signOut: SigningOut.make(parts),
      ...Visitor.make(parts),
      unavailable: tell(settings),
      paths: { callbackPath, callbackMethod: site.isPosted ? "POST" : "GET", signInPath, signOutMethods, signOutPath }
    }
  })

/**
 * A sign-in for a program's layers: bind it to a constant, and provide it to {@link routes} and {@link required} at once.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<WebSignIn, ConfigurationError, ConfidentialClient | IdTokenVerifier | WebSession> =>
  Layer.effect(WebSignIn, make(options))

/**
 * The routes of sign-in, callback and sign-out. All their answers are `no-store`, and redirects are 303.
 *
 * @since 0.1.0
 * @category layers
 */
export const routes: Layer.Layer<never, never, HttpLayerRouter.HttpRouter | WebSignIn> = HttpLayerRouter.use((router) =>
  Effect.gen(function* () {
    const { callback, paths, signIn, signOut } = yield* WebSignIn
    yield* router.add("GET", paths.signInPath, signIn)
    yield* router.add(paths.callbackMethod, paths.callbackPath, callback)
    for (const method of paths.signOutMethods) yield* router.add(method, paths.signOutPath, signOut)
  })
)

const isChallenge = (error: unknown): error is Challenge =>
  error instanceof InteractionRequired || error instanceof InvalidGrant || error instanceof ClaimsChallengeRequired

/** A challenge by itself, or as the cause that a generated client's failure has. */
const challengeIn = (error: unknown): Option.Option<Challenge> =>
  Option.filter(
    Option.orElse(BearerHttpClient.tokenError(error), () => Option.some(error)),
    isChallenge
  )

/** Pages of one user are no other's, nor the next one's at this browser, unless their handler says otherwise. */
const personal = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
  "cache-control" in response.headers ? response : HttpServerResponse.setHeader(response, "cache-control", "no-store")

/**
 * A middleware for routes that only users get who have signed in: provides {@link SignedInUser}. Handlers may fail with a
 * {@link Challenge}, or with the `RequestError` in which one travels through `BearerHttpClient.layer`: the user is asked to
 * sign in as it demands, and comes back. Whose account the token cache no longer has signs in anew; who has only just done so
 * is told that the app has lost it.
 *
 * @since 0.1.0
 * @category middleware
 */
export const required = HttpLayerRouter.middleware<{ provides: SignedInUser; handles: Challenge }>()(
  Effect.map(
    WebSignIn,
    ({ unauthenticated, unavailable, user }) =>
      (handler) =>
        Effect.matchEffect(user, {
          onFailure: unavailable,
          onSuccess: (found) =>
            Option.isNone(found)
              ? unauthenticated
              : handler.pipe(
                  Effect.provideService(SignedInUser, found.value),
                  Effect.catchSome((error) =>
                    Option.map(challengeIn(error), (challenge) => found.value.challenge(challenge))
                  ),
                  Effect.map(personal)
                )
        })
  )
)

/**
 * Has the user of the current request sign in as a challenge demands: {@link SignedIn}'s `challenge`, for handlers that
 * would rather answer than fail.
 *
 * @since 0.1.0
 * @category combinators
 */
export const challenge = (
  challenge: Challenge,
  options?: ChallengeOptions
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, SignedInUser | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(SignedInUser, (user) => user.challenge(challenge, options))
