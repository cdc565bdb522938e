import * as Effect from "effect/Effect"

/**
 * Milliseconds that only move forward: what is measured in them holds when the machine's clock is set.
 *
 * @internal
 */
export const monotonicMillis: Effect.Effect<number> = Effect.clockWith((clock) =>
  Effect.sync(() => Number(clock.unsafeCurrentTimeNanos() / 1_000n) / 1_000)
)
