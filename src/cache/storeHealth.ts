import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import { storeFailures } from "../core/TokenMetrics.js"
import { monotonicMillis } from "../resilience/monotonic.js"
import * as Seldom from "./seldom.js"
import { StoreError } from "./TokenStore.js"

/** Asks a store, and does not depend on it. */
export interface StoreHealth {
  /** What it answers in time; none where it doesn't, or hasn't lately. */
  readonly ask: <A>(
    operation: StoreError["operation"],
    question: Effect.Effect<A, StoreError>
  ) => Effect.Effect<Option.Option<A>>
  /** Whether it would be asked now. */
  readonly isAsked: Effect.Effect<boolean>
}

/** How long a store is left alone that has failed, each time twice as long. */
const firstPause = 1000
const longestPause = 30_000

/**
 * A store that fails or hangs costs its callers one bounded wait, and then none until it is tried again, by one of them.
 *
 * @internal
 */
export const make = (timeout: Duration.Duration): StoreHealth => {
  let failures = 0
  let askAgainAt = Number.NEGATIVE_INFINITY
  const seldom = Seldom.make()

  const pause = () => Math.min(longestPause, firstPause * 2 ** Math.max(0, failures - 1))

  const failed = (error: StoreError) =>
    Effect.flatMap(monotonicMillis, (now) => {
      failures += 1
      askAgainAt = now + pause()
      Metric.tagged(Metric.tagged(storeFailures, "operation", error.operation), "reason", error.reason).unsafeUpdate(
        1,
        []
      )
      return seldom(Effect.logWarning(`${error.message}. The token cache goes on in memory, and tries it again`))
    })

  const answered = Effect.suspend(() => {
    if (failures === 0) return Effect.void
    failures = 0
    return Effect.logInfo("The token store answers again")
  })

  /** Whoever comes first after the pause tries, the others wait for what comes of it no longer than before. */
  const pass = Effect.map(monotonicMillis, (now) => {
    if (failures === 0) return true
    if (now < askAgainAt) return false
    askAgainAt = now + pause()
    return true
  })

  return {
    isAsked: Effect.map(monotonicMillis, (now) => failures === 0 || now >= askAgainAt),
    ask: (operation, question) =>
      Effect.flatMap(pass, (isAsked) =>
        isAsked
          ? question.pipe(
              Effect.timeoutFail({
                duration: timeout,
                onTimeout: () => new StoreError({ operation, reason: "timeout" })
              }),
              Effect.tapBoth({ onFailure: failed, onSuccess: () => answered }),
              Effect.option,
              Effect.annotateLogs("package", "effect-entra")
            )
          : Effect.succeed(Option.none())
      )
  }
}
