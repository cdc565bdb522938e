import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"

/** Who holds a key, and how many wait for it. */
interface Held {
  readonly semaphore: Effect.Semaphore
  users: number
}

/** Runs an effect when its turn has come. */
export type KeyedLock = <A, E, R>(key: string, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * One effect at a time for each key; a key that nobody asks for takes no room.
 *
 * @internal
 */
export const make = (): KeyedLock => {
  const held = new Map<string, Held>()
  const enter = (key: string) =>
    Effect.sync(() => {
      const present = held.get(key) ?? { semaphore: Effect.unsafeMakeSemaphore(1), users: 0 }
      present.users += 1
      held.set(key, present)
      return present
    })
  const leave = (key: string, present: Held) =>
    Effect.sync(() => {
      present.users -= 1
      if (present.users === 0) held.delete(key)
    })
  return (key, effect) =>
    Effect.acquireUseRelease(
      enter(key),
      ({ semaphore }) => semaphore.withPermits(1)(effect),
      (present) => leave(key, present)
    )
}

/**
 * The same, but whose turn has not come after so long fails instead; what has begun by then is not cut short.
 *
 * @internal
 */
export const within =
  <E2>(lock: KeyedLock, patience: Duration.Duration, tooLate: E2) =>
  <A, E, R>(key: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | E2, R> =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      let state: "waiting" | "begun" | "given up" = "waiting"
      const turn = Effect.suspend((): Effect.Effect<A, E | E2, R> => {
        if (state === "given up") return Effect.fail(tooLate)
        state = "begun"
        return Effect.zipRight(Deferred.succeed(begun, undefined), effect)
      })
      const giveUp = Effect.sync(() => {
        if (state === "waiting") state = "given up"
        return state === "given up"
      })
      const fiber = yield* Effect.fork(lock(key, turn))
      const inTime = yield* Effect.timeoutOption(Deferred.await(begun), patience)
      if (Option.isSome(inTime) || !(yield* giveUp)) return yield* Fiber.join(fiber)
      yield* Fiber.interruptFork(fiber)
      return yield* Effect.fail(tooLate)
    })
