import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

const read = (clock: Clock.Clock): number => {
  try {
    return Number(clock.unsafeCurrentTimeNanos() / 1_000n) / 1_000
  } catch {
    // TestClock has no nanoseconds between two milliseconds.
    return clock.unsafeCurrentTimeMillis()
  }
}

/**
 * Milliseconds that only move forward: what is measured in them holds when the machine's clock is set.
 *
 * @internal
 */
export const monotonicMillis: Effect.Effect<number> = Effect.clockWith((clock) => Effect.sync(() => read(clock)))
