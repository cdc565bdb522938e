import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { monotonicMillis } from "./monotonic.js"
import * as Settings from "./settings.js"

/** How many retries a client has for all that it does. */
export interface RetryBudget {
  /** Retries that may be made at once. */
  readonly tokens: number
  /** One comes back for each so many first attempts, */
  readonly firstAttempts: number
  /** and one each time this has passed. */
  readonly refill: Duration.Duration
}

export interface RetryBudgetOptions {
  readonly tokens?: number | undefined
  readonly firstAttempts?: number | undefined
  readonly refill?: Duration.DurationInput | undefined
}

/** @internal */
export const parse = (options: RetryBudgetOptions = {}): Settings.Setting<RetryBudget> =>
  Either.all({
    tokens: Settings.count("budget.tokens", options.tokens ?? 10),
    firstAttempts: Settings.count("budget.firstAttempts", options.firstAttempts ?? 10),
    refill: Settings.duration("budget.refill", options.refill ?? "30 seconds")
  })

/** Ten tenths are one, which a sum of floating-point numbers misses by a little. */
const rounding = 1e-6

/** @internal */
export interface Purse {
  /** Tells of a first attempt. */
  readonly earn: Effect.Effect<void>
  /** Takes one retry; `false` when there is none left. */
  readonly spend: Effect.Effect<boolean>
  /** How many retries there are. */
  readonly left: Effect.Effect<number>
}

/**
 * An outage must not become a storm: what every flight would be allowed by itself, all together are not.
 *
 * @internal
 */
export const make = (budget: RetryBudget): Effect.Effect<Purse> =>
  Effect.map(monotonicMillis, (start) => {
    let tokens = budget.tokens
    let refilledAt = start
    const add = (more: number) => {
      tokens = Math.min(budget.tokens, tokens + more)
    }
    const refilled = Effect.map(monotonicMillis, (now) => {
      add((now - refilledAt) / Duration.toMillis(budget.refill))
      refilledAt = now
      return Math.floor(tokens + rounding)
    })
    return {
      earn: Effect.sync(() => add(1 / budget.firstAttempts)),
      spend: Effect.map(refilled, (whole) => {
        if (whole < 1) return false
        tokens -= 1
        return true
      }),
      left: refilled
    }
  })
