/**
 * Calls APIs with a token, and with another one when an API demands claims.
 *
 * @since 0.1.0
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { AccessToken } from "../core/AccessToken.js"
import * as ClaimsChallenge from "../core/ClaimsChallenge.js"
import { ClaimsChallengeRequired, ConfigurationError, isTokenError, type TokenError } from "../core/TokenError.js"
import type { TokenSource } from "../core/TokenProvider.js"
import { ClaimsChallengeHandler, type ClaimsChallengeHandlerService, silent } from "./ClaimsChallengeHandler.js"
import { failureOf, refusedResponse, withRequest } from "./callersRequest.js"
import { type Origins, parseOrigins, requireOrigin } from "./origins.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Where the token may go: `https://graph.microsoft.com`, or `https://*.vault.azure.net` for all below a domain. A call
   * elsewhere fails, a redirect is not followed. An inner client made with `HttpClient.followRedirects` does follow, unseen
   * from here, and takes the token along wherever it is led: don't wrap one.
   */
  readonly origins: ReadonlyArray<string>
}

/**
 * What a call with a token can fail of, beside the client's own errors and the source's.
 *
 * @since 0.1.0
 * @category models
 */
export type BearerError = ClaimsChallengeRequired | ConfigurationError

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

/** An answer with a claims challenge; the older form of Identity.Web has the status 403. */
const challengeIn = (response: Response | undefined): string | undefined =>
  response !== undefined && (response.status === 401 || response.status === 403)
    ? ClaimsChallenge.parse(response.headers["www-authenticate"])?.claims
    : undefined

/** What is read of a refused answer at most (bytes): more costs more than a new connection. */
const mostRead = 65_536

/** An unread body would keep its connection; one that is too long or too slow is dropped, and its connection with it. */
const drain = ({ stream }: Response): Effect.Effect<void> =>
  stream.pipe(
    Stream.mapAccum(0, (read, { length }) => [read + length, read + length]),
    Stream.takeUntil((read) => read >= mostRead),
    Stream.runDrain,
    Effect.disconnect,
    Effect.timeout("1 second"),
    Effect.ignore
  )

const isReplayable = ({ body }: Request): boolean =>
  body._tag === "Empty" || body._tag === "Uint8Array" || body._tag === "FormData" || isText(body)

const isText = (body: Request["body"]): boolean => body._tag === "Raw" && typeof body.body === "string"

const isRedirect = ({ headers, status }: Response): boolean =>
  status === 0 || (status >= 300 && status < 400 && headers.location !== undefined)

const redirected = new ConfigurationError({
  parameter: "url",
  expected: "an API that answers itself; this one redirects",
  remedy: "Call the URL that it redirects to, and name its origin: a token follows no redirect."
})

/** `fetch` follows redirects unless it is told otherwise, and would take the token along. */
const withoutRedirects = <R>(context: Context.Context<R>): Context.Context<R> =>
  Context.add(context, FetchHttpClient.RequestInit, {
    ...Option.getOrUndefined(Context.getOption(context, FetchHttpClient.RequestInit)),
    redirect: "manual"
  })

/** The handler of this request; else the one that the client was built with; else the silent one. */
const handlerOf = (built: ClaimsChallengeHandlerService) =>
  Effect.contextWith((context: Context.Context<never>) =>
    Option.getOrElse(Context.getOption(context, ClaimsChallengeHandler), () => built)
  )

const bearing = <E, E2, R>(
  client: HttpClient.HttpClient.With<E2, R>,
  source: TokenSource<E>,
  allowed: Either.Either<Origins, ConfigurationError>,
  built: ClaimsChallengeHandlerService
): HttpClient.HttpClient.With<E | E2 | HttpClientError.HttpClientError | BearerError, R> => {
  /** One call with one token; a refusal by status is an answer too. */
  const send = (request: Request, token: AccessToken) =>
    client.execute(HttpClientRequest.bearerToken(request, token.accessToken)).pipe(
      Effect.mapInputContext(withoutRedirects<R>),
      Effect.filterOrFail(
        (response) => !isRedirect(response),
        () => redirected
      ),
      Effect.map((response) => withRequest(response, request)),
      Effect.mapError((error) => failureOf(error, request))
    )

  const challengeOf = <A>(sent: Effect.Effect<Response, A, R>) =>
    Effect.map(Effect.either(sent), (result) => {
      const response = Either.match(result, { onLeft: refusedResponse, onRight: (answer) => answer })
      return { claims: challengeIn(response), response, result }
    })

  const answered = (request: Request, resource: URL, rejected: AccessToken, claims: string) =>
    Effect.gen(function* () {
      const { answer } = yield* handlerOf(built)
      const token = yield* answer({ claims, rejected, source, resource })
      const second = yield* challengeOf(send(request, token))
      if (second.claims === undefined || second.response === undefined) return yield* second.result
      yield* drain(second.response)
      const reason = second.claims === claims ? "repeated" : "another"
      return yield* new ClaimsChallengeRequired({ claims: second.claims, reason })
    })

  const replayed = (request: Request, resource: URL, rejected: AccessToken, response: Response, claims: string) =>
    Effect.zipRight(
      drain(response),
      isReplayable(request)
        ? answered(request, resource, rejected, claims)
        : Effect.fail(new ClaimsChallengeRequired({ claims, reason: "body" }))
    )

  const called = (request: Request, resource: URL) =>
    Effect.flatMap(source.getToken(), (token) =>
      Effect.flatMap(challengeOf(send(request, token)), ({ claims, response, result }) =>
        claims === undefined || response === undefined ? result : replayed(request, resource, token, response, claims)
      )
    )

  const call = (request: Request) =>
    Either.match(
      Either.flatMap(allowed, (origins) => requireOrigin(origins, request.url)),
      { onLeft: (error) => Effect.fail(error), onRight: (resource) => called(request, resource) }
    )

  return HttpClient.makeWith<never, never, E | E2 | HttpClientError.HttpClientError | BearerError, R>(
    Effect.flatMap(call),
    Effect.succeed
  )
}

/**
 * The same client, whose calls carry a token of the source. When the API answers with a claims challenge, the
 * `ClaimsChallengeHandler` of the request answers it, and the call is sent once more with the new token. Responses and errors
 * hold the caller's own request, never the one with the token. An interruption ends the call, not the acquisition that it
 * shares with others.
 *
 * It looks at the request's context alone, and is silent where no handler is there; `make` and `layer` remember the handler
 * that they were built with.
 *
 * Sources: RFC 6750 2.1; Microsoft identity platform, claims challenges.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withBearer =
  <E>(source: TokenSource<E>, { origins }: Options) =>
  <E2, R>(
    client: HttpClient.HttpClient.With<E2, R>
  ): HttpClient.HttpClient.With<E | E2 | HttpClientError.HttpClientError | BearerError, R> =>
    bearing(client, source, parseOrigins(origins), silent)

/**
 * `withBearer`, with the handler of the context in which it is made: challenges are answered by the `ClaimsChallengeHandler`
 * of the request, else by that one, else silently. Wrong origins fail here, not in each call.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E, E2, R>(
  client: HttpClient.HttpClient.With<E2, R>,
  source: TokenSource<E>,
  { origins }: Options
): Effect.Effect<
  HttpClient.HttpClient.With<E | E2 | HttpClientError.HttpClientError | BearerError, R>,
  ConfigurationError
> =>
  Effect.gen(function* () {
    const allowed = yield* parseOrigins(origins)
    return bearing(client, source, Either.right(allowed), yield* handlerOf(silent))
  })

const asRequestError =
  <E>(request: Request) =>
  (error: E) =>
    error instanceof HttpClientError.RequestError || error instanceof HttpClientError.ResponseError
      ? error
      : new HttpClientError.RequestError({
          request,
          reason: "Transport",
          cause: error,
          description: isTokenError(error) ? error.message : "no token could be had"
        })

/**
 * An `HttpClient` for clients that are generated, or written, for any API: its error type is closed, so that the failure of an
 * acquisition travels as the `cause` of a `RequestError`, from which `tokenError` takes it. Challenges are answered by the
 * `ClaimsChallengeHandler` of the request, else by the one beneath this layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E>(
  source: TokenSource<E>,
  options: Options
): Layer.Layer<HttpClient.HttpClient, ConfigurationError, HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.gen(function* () {
      const client = yield* make(yield* HttpClient.HttpClient, source, options)
      return HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
        Effect.flatMap((request) => Effect.mapError(client.execute(request), asRequestError(request))),
        Effect.succeed
      )
    })
  )

/**
 * Why a call through `layer` got no token, if that is why it failed.
 *
 * @since 0.1.0
 * @category getters
 */
export const tokenError = (error: unknown): Option.Option<TokenError> =>
  error instanceof HttpClientError.RequestError && isTokenError(error.cause) ? Option.some(error.cause) : Option.none()
