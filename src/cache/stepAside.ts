import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

const longest = 5

/**
 * Waits a moment, up to 32 ms: who has lost to another does not try again in step with who has lost, too.
 *
 * @internal
 */
export const stepAside = (tries: number): Effect.Effect<void> =>
  Effect.flatMap(Random.next, (random) => Effect.sleep(Duration.millis(random * 2 ** Math.min(tries, longest))))
