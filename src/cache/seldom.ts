import * as Effect from "effect/Effect"
import { monotonicMillis } from "../resilience/monotonic.js"

const quiet = 60_000

/**
 * Runs an effect at most once a minute: what goes on going wrong is worth a line, not a flood.
 *
 * @internal
 */
export const make = (): ((effect: Effect.Effect<void>) => Effect.Effect<void>) => {
  let again = Number.NEGATIVE_INFINITY
  return (effect) =>
    Effect.flatMap(monotonicMillis, (now) => {
      if (now < again) return Effect.void
      again = now + quiet
      return effect
    })
}
