import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Metric from "effect/Metric"
import { exchanges } from "../core/TokenMetrics.js"
import type { Outcome } from "./classify.js"

/** What an exchange shows of itself. */
export interface Shown {
  readonly method: "GET" | "POST"
  readonly host: string
  readonly grant: string
  readonly correlationId: string
  /** What a success is called. */
  readonly brings: string
}

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
 * One exchange, told to logs, metrics and the tracer.
 *
 * @internal
 */
export const observed = <A, E extends { readonly _tag: string }, E2>(
  { brings, correlationId, grant, host, method }: Shown,
  send: Effect.Effect<Outcome, E2>,
  meaning: (outcome: Outcome, now: number) => Either.Either<A, E>
): Effect.Effect<A, E | E2> =>
  Effect.gen(function* () {
    yield* Effect.logDebug("asking")
    const outcome = yield* send
    yield* Effect.annotateCurrentSpan(statusOf(outcome))
    const result = meaning(outcome, yield* Clock.currentTimeMillis)
    yield* answered(Either.match(result, { onLeft: (failure) => failure._tag, onRight: () => brings }), outcome)
    return yield* result
  }).pipe(
    Effect.withSpan("effect-entra.exchange", {
      kind: "client",
      captureStackTrace: false,
      attributes: {
        "http.request.method": method,
        "server.address": host,
        "entra.grant": grant,
        "entra.correlation_id": correlationId
      }
    })
  )
