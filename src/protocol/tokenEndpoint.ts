import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Metric from "effect/Metric"
import type { ResolvedAuthority } from "../core/Authority.js"
import { sku } from "../core/sku.js"
import { exchanges } from "../core/TokenMetrics.js"
import { type CommonFailure, classify, type Outcome } from "./classify.js"
import type { Grant } from "./grants.js"
import type { Form, Transport } from "./transport.js"
import type { TokenResponse } from "./wire.js"

/** One request to a token endpoint. */
export interface TokenExchange<out E> {
  readonly authority: Pick<ResolvedAuthority, "kind" | "host">
  /** Where the authority takes it. */
  readonly tokenEndpoint: string
  readonly grant: Grant<E>
  readonly form: Form
  readonly correlationId: string
  readonly timeout: Duration.Duration
  /** Whose request it is, as Entra's backup service wants to know it (`X-AnchorMailbox`). */
  readonly anchor?: string | undefined
}

/** Entra's own headers; other servers are not sent what they did not ask for. */
const headersOf = ({ anchor, authority, correlationId }: TokenExchange<unknown>): Readonly<Record<string, string>> => ({
  accept: "application/json",
  ...(authority.kind === "entra" && {
    "client-request-id": correlationId,
    "return-client-request-id": "true",
    "x-client-sku": sku.name,
    "x-client-ver": sku.version,
    // Without it Entra answers loops in older shapes (MSAL.NET, ThrottleCommon).
    "x-ms-lib-capability": "retry-after, h429",
    ...(anchor !== undefined && { "x-anchormailbox": anchor })
  })
})

const statusOf = (outcome: Outcome): Readonly<Record<string, number>> =>
  outcome._tag === "NoAnswer" ? {} : { "http.response.status_code": outcome.status }

const counted = (result: string) => Metric.increment(Metric.tagged(exchanges, "result", result))

const answered = (result: string, outcome: Outcome) =>
  Effect.zipRight(
    counted(result),
    Effect.annotateLogs(Effect.logDebug("answered"), {
      "entra.result": result,
      ...statusOf(outcome)
    })
  )

/**
 * Sends one request and tells what its answer means.
 *
 * @internal
 */
export const exchange = <E extends { readonly _tag: string }>(
  transport: Transport,
  request: TokenExchange<E>
): Effect.Effect<TokenResponse, CommonFailure | E> =>
  Effect.gen(function* () {
    const { authority, grant } = request
    yield* Effect.logDebug("asking")
    const outcome = yield* transport.post({
      url: request.tokenEndpoint,
      host: authority.host,
      headers: headersOf(request),
      form: request.form,
      timeout: request.timeout
    })
    yield* Effect.annotateCurrentSpan(statusOf(outcome))
    const now = yield* Clock.currentTimeMillis
    const result = classify(outcome, { grant, authority: authority.kind, now })
    yield* answered(Either.match(result, { onLeft: (failure) => failure._tag, onRight: () => "token" }), outcome)
    return yield* result
  }).pipe(
    Effect.withSpan("effect-entra.exchange", {
      kind: "client",
      captureStackTrace: false,
      attributes: {
        "http.request.method": "POST",
        "server.address": request.authority.host,
        "entra.grant": request.grant.name,
        "entra.correlation_id": request.correlationId
      }
    })
  )
