import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import { storeFailures } from "../core/TokenMetrics.js"
import { monotonicMillis } from "../resilience/monotonic.js"
import * as Seldom from "./seldom.js"
import { contended, type Operation, StoreError } from "./TokenStore.js"

/** Asks a store, and does not depend on it. */
export interface StoreHealth {
  /** What it answers in time; none where it doesn't, or hasn't lately. */
  readonly ask: <A>(
    operation: Operation,
    question: Effect.Effect<A, StoreError>,
    patience?: Duration.Duration
  ) => Effect.Effect<Option.Option<A>>
}

const parts = 5

/** How long a store is left alone that has failed, each time twice as long. */
const firstPause = 1000
const longestPause = 30_000

/**
 * A store that fails or hangs costs its callers one bounded wait, and then none until it is tried again, by one of them.
 *
 * @internal
 */
export const make = (timeout: Duration.Duration): StoreHealth => {
  /** How often it has been tried again since it failed; absent while it is well. */
  let tries: number | undefined
  let tryAgainAt = Number.NEGATIVE_INFINITY
  let isWarned = false
  const seldom = Seldom.make()
  const warn = (error: StoreError) =>
    Effect.suspend(() => {
      isWarned = true
      return Effect.logWarning(`The token cache goes on in memory, and tries its store again: ${error.message}`)
    })

  const failed = (error: StoreError) =>
    Effect.flatMap(monotonicMillis, (now) => {
      Metric.tagged(Metric.tagged(storeFailures, "operation", error.operation), "reason", error.reason).unsafeUpdate(
        1,
        []
      )
      if (!error.isRetryable) return seldom(warn(error))
      if (tries !== undefined || error.code === contended) return Effect.void
      tries = 0
      tryAgainAt = now + firstPause
      return seldom(warn(error))
    })

  const answered = Effect.suspend(() => {
    if (tries === undefined) return Effect.void
    tries = undefined
    if (!isWarned) return Effect.void
    isWarned = false
    return Effect.logInfo("The token store answers again")
  })

  /**
   * In parts, each begun when the one before is over: a program that was busy sees its timers before the answers that have
   * arrived meanwhile, and most questions take several of these.
   */
  const inTime = <A>(operation: Operation, question: Effect.Effect<A, StoreError>, patience: Duration.Duration) =>
    Effect.raceFirst(
      Effect.disconnect(question),
      Effect.repeatN(Effect.sleep(Duration.times(patience, 1 / parts)), parts - 1).pipe(
        Effect.zipRight(new StoreError({ operation, reason: "timeout" }))
      )
    )

  /** Whoever comes first after the pause tries; the others go on without. */
  const pass = Effect.map(monotonicMillis, (now) => {
    if (tries === undefined) return true
    if (now < tryAgainAt) return false
    tries += 1
    tryAgainAt = now + Math.min(longestPause, firstPause * 2 ** tries)
    return true
  })

  return {
    ask: (operation, question, patience = timeout) =>
      Effect.flatMap(pass, (isAsked) =>
        isAsked
          ? inTime(operation, question, patience).pipe(
              Effect.catchAllDefect(() => new StoreError({ operation, reason: "failed", code: "defect" })),
              Effect.tapBoth({ onFailure: failed, onSuccess: () => answered }),
              Effect.option,
              Effect.annotateLogs("package", "effect-entra")
            )
          : Effect.succeed(Option.none())
      )
  }
}
