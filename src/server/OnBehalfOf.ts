/**
 * Serves callers, and acts on their behalf: checks the access token that comes with each request, provides `Caller`, and
 * answers what only the caller's own client can mend with a challenge that it understands.
 *
 * @since 0.1.0
 */
import * as HttpApiMiddleware from "@effect/platform/HttpApiMiddleware"
import * as HttpApiSecurity from "@effect/platform/HttpApiSecurity"
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { ConfidentialClient } from "../client/ConfidentialClient.js"
import { headersOf, withHeaders } from "./answerHeaders.js"
import { Caller, type CallerService } from "./Caller.js"
import { CallerError, isCallerError } from "./callerFailures.js"
import * as Callers from "./callers.js"
import type { TokenValidator } from "./validator.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Who is told of the claims that the authority demands: `everyone` unless given, or only the `capable` ones, whose token shows
   * that their client answers challenges (`xms_cc` with `cp1`); the others get 403. The claim is there only if the API's
   * registration asks for it as an optional claim.
   */
  readonly challenged?: "everyone" | "capable" | undefined
}

/**
 * For endpoints of an `HttpApi`: `.middleware(OnBehalfOf)` declares `CallerError` as one of their failures, and provides
 * `Caller` to their handlers. A 401 has `WWW-Authenticate`, a 503 `Retry-After`, whenever it comes of the caller's token or of
 * what `Caller` hands out.
 *
 * @since 0.1.0
 * @category tags
 */
export class OnBehalfOf extends HttpApiMiddleware.Tag<OnBehalfOf>()("effect-entra/OnBehalfOf", {
  failure: CallerError,
  provides: Caller,
  security: { bearer: HttpApiSecurity.bearer }
}) {}

/**
 * What stands behind {@link OnBehalfOf}, for a middleware tag of one's own (a second API with another validator).
 *
 * The token is read here and not by `HttpApiSecurity`, which takes whatever scheme comes. A middleware never sees how a handler
 * fails, so that what it hands out notes the failures, for the headers of the answer.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options?: Options
): Effect.Effect<
  Effect.Effect<CallerService, CallerError, HttpServerRequest.HttpServerRequest>,
  never,
  ConfidentialClient | TokenValidator
> =>
  Effect.map(Callers.make(options), ({ authorizationUri, identify }) =>
    Effect.gen(function* () {
      let last: CallerError | undefined
      const { headers } = yield* HttpServerRequest.HttpServerRequest
      yield* HttpApp.appendPreResponseHandler((_, response) =>
        Effect.succeed(
          last === undefined || statusOf(last) !== response.status
            ? response
            : withHeaders(response, headersOf(last, authorizationUri))
        )
      )
      return yield* identify(headers, (error) => {
        last = error
      })
    })
  )

/**
 * The middleware for a program's layers.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<OnBehalfOf, never, ConfidentialClient | TokenValidator> =>
  Layer.effect(
    OnBehalfOf,
    Effect.map(make(options), (caller) => OnBehalfOf.of({ bearer: () => caller }))
  )

const statuses = { Unauthorized: 401, Forbidden: 403, Unavailable: 503 } as const

const statusOf = ({ _tag }: CallerError): number => statuses[_tag]

const encode = Schema.encodeSync(CallerError)

const served = <E, R>({ authorizationUri, identify }: Callers.Callers, app: HttpApp.Default<E, R>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
    Effect.provideServiceEffect(
      app,
      Caller,
      identify(headers, () => {})
    )
  ).pipe(
    Effect.catchIf(isCallerError, (error) =>
      Effect.succeed(
        HttpServerResponse.unsafeJson(encode(error), {
          status: statusOf(error),
          headers: headersOf(error, authorizationUri)
        })
      )
    )
  )

/**
 * For routes of an `HttpLayerRouter`: provides `Caller`, and answers for handlers that fail with a `CallerError`. Bind it to a
 * constant; its `layer` goes beneath the routes.
 *
 * @since 0.1.0
 * @category middleware
 */
export const router = (options?: Options) =>
  HttpLayerRouter.middleware<{ provides: Caller; handles: CallerError }>()(
    Effect.map(Callers.make(options), (callers) => (handler) => served(callers, handler))
  )

/**
 * For any `HttpApp`: provides `Caller`, and answers where it fails with a `CallerError`.
 *
 * @since 0.1.0
 * @category middleware
 */
export const httpApp =
  (options?: Options) =>
  <E, R>(
    app: HttpApp.Default<E, R>
  ): HttpApp.Default<Exclude<E, CallerError>, Exclude<R, Caller> | ConfidentialClient | TokenValidator> =>
    Effect.flatMap(Callers.make(options), (callers) => served(callers, app))
