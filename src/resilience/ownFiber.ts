import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

/**
 * Runs an effect to its end in a fiber of its own, where it may be cut short by its own time limit: for finalizers, which can't
 * be interrupted, and whose fiber may have been interrupted before.
 *
 * @internal
 */
export const inOwnFiber = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Exit.Exit<A, E>, never, R> =>
  effect.pipe(Effect.interruptible, Effect.forkDaemon, Effect.flatMap(Fiber.await))
