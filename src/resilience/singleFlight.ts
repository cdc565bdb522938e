import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"

/** One exchange at a time for each key, however many fibers ask. */
export interface SingleFlight<A, E> {
  /**
   * Waits for the flight of this key, starting it where none is under way. Interrupting the caller ends the caller's wait
   * and nothing else.
   */
  readonly join: (key: string, flight: Effect.Effect<A, E>) => Effect.Effect<A, E>
}

/**
 * A flight runs in the scope and the context in which this is made, so that no caller's fiber refs, spans or interruption
 * reach it. It ends by its result or by the close of that scope, which its waiters are told as `closed`.
 *
 * Its map is written in the same step in which it is read: nothing can come between.
 *
 * @internal
 */
export const make = <A, E>(closed: E): Effect.Effect<SingleFlight<A, E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const runFork = Runtime.runFork(yield* Effect.runtime<never>())
    const flights = new Map<string, Fiber.RuntimeFiber<A, E>>()
    let isClosed = false

    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        isClosed = true
        return Fiber.interruptAll([...flights.values()])
      })
    )

    const start = (key: string, flight: Effect.Effect<A, E>): Fiber.RuntimeFiber<A, E> => {
      // Its failure is told to its waiters, not to the log as nobody's.
      const fiber = runFork(Effect.withUnhandledErrorLogLevel(flight, Option.none()))
      flights.set(key, fiber)
      fiber.addObserver(() => flights.delete(key))
      return fiber
    }

    const wait = (fiber: Fiber.RuntimeFiber<A, E>): Effect.Effect<A, E> =>
      Effect.flatMap(Fiber.await(fiber), (exit) => (Exit.isInterrupted(exit) ? Effect.fail(closed) : exit))

    return {
      join: (key, flight) =>
        Effect.suspend(() => (isClosed ? Effect.fail(closed) : wait(flights.get(key) ?? start(key, flight))))
    }
  })
