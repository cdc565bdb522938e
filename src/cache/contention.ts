import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { contended, type Operation, StoreError } from "./TokenStore.js"

const longest = 5

/** Waits a moment, up to 32 ms: who has lost to another does not try again in step with who has lost, too. */
const stepAside = (tries: number): Effect.Effect<void> =>
  Effect.flatMap(Random.next, (random) => Effect.sleep(Duration.millis(random * 2 ** Math.min(tries, longest))))

/**
 * Tries until an attempt tells what came of it; none means that another was faster.
 *
 * @internal
 */
export const untilSettled = <A>(
  operation: Operation,
  mostTries: number,
  attempt: Effect.Effect<Option.Option<A>, StoreError>
): Effect.Effect<A, StoreError> => {
  const tried = (tries: number): Effect.Effect<A, StoreError> =>
    Effect.flatMap(attempt, (result) => {
      if (Option.isSome(result)) return Effect.succeed(result.value)
      return tries < mostTries
        ? Effect.zipRight(stepAside(tries), tried(tries + 1))
        : new StoreError({ operation, reason: "failed", code: contended })
    })
  return tried(1)
}
