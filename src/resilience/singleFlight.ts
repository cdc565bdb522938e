import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import type * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import { inOwnFiber } from "./ownFiber.js"

/** One exchange, however many wait for it. */
export interface Flight<A, E> {
  readonly key: string
  /** Asked before the flight is started; who joins one that is under way is not asked. */
  readonly pass: Effect.Effect<void, E>
  readonly run: Effect.Effect<A, E>
  /** What it asks with is used up by asking: a close waits for its answer. */
  readonly consumes: boolean
}

/** One exchange at a time for each key, however many fibers ask. */
export interface SingleFlight<A, E> {
  /**
   * Waits for the flight of this key, starting it where none is under way. Interrupting the caller ends the caller's wait
   * and nothing else.
   */
  readonly join: (flight: Flight<A, E>) => Effect.Effect<A, E>
  /** Starts it where none is under way, and does not wait. */
  readonly launch: (flight: Flight<A, E>) => Effect.Effect<void, E>
}

interface UnderWay<A, E> {
  readonly fiber: Fiber.RuntimeFiber<A, E>
  readonly consumes: boolean
}

const wasInterrupted = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)

/** How long a close waits for what was paid for. */
const grace = "5 seconds"

const fibersOf = <A, E>(flights: ReadonlyArray<UnderWay<A, E>>): ReadonlyArray<Fiber.RuntimeFiber<A, E>> =>
  flights.map(({ fiber }) => fiber)

const lastCall = (flights: ReadonlyArray<Fiber.Fiber<unknown, unknown>>): Effect.Effect<void> =>
  Fiber.awaitAll(flights).pipe(Effect.timeoutOption(grace), inOwnFiber, Effect.zipRight(Fiber.interruptAll(flights)))

/**
 * A flight runs in the scope and the context in which this is made, so that no caller's fiber refs, spans or interruption
 * reach it. It ends by its result or by the close of that scope, which its waiters are told as `closed`.
 *
 * Its map is written in the same step in which it is read, so nothing can come between the two.
 *
 * @internal
 */
export const make = <A, E>(closed: E): Effect.Effect<SingleFlight<A, E>, never, Scope.Scope> =>
  Effect.gen(function* () {
    // A flight's failure is told to its waiters, not to the log as nobody's.
    const quiet = Runtime.setFiberRef(FiberRef.unhandledErrorLogLevel, Option.none<LogLevel.LogLevel>())
    const runFork = Runtime.runFork(quiet(yield* Effect.runtime<never>()))
    const flights = new Map<string, UnderWay<A, E>>()
    let isClosed = false

    const close = Effect.suspend(() => {
      isClosed = true
      const [lasting, consuming] = Arr.partition(flights.values(), ({ consumes }) => consumes)
      return Effect.zipRight(Fiber.interruptAll(fibersOf(lasting)), lastCall(fibersOf(consuming)))
    })
    yield* Effect.addFinalizer(() => close)

    const start = ({ consumes, key, run }: Flight<A, E>): UnderWay<A, E> => {
      const fiber = runFork(run, { immediate: false })
      const underWay = { fiber, consumes }
      flights.set(key, underWay)
      fiber.addObserver(() => flights.delete(key))
      return underWay
    }

    const wait = ({ fiber }: UnderWay<A, E>): Effect.Effect<A, E> =>
      Effect.flatMap(Fiber.await(fiber), (exit) => (isClosed && wasInterrupted(exit) ? Effect.fail(closed) : exit))

    const find = (flight: Flight<A, E>): Effect.Effect<UnderWay<A, E>, E> =>
      Effect.suspend(() => {
        if (isClosed) return Effect.fail(closed)
        const underWay = flights.get(flight.key)
        if (underWay !== undefined) return Effect.succeed(underWay)
        return Effect.flatMap(flight.pass, () =>
          isClosed ? Effect.fail(closed) : Effect.succeed(flights.get(flight.key) ?? start(flight))
        )
      })

    return {
      join: (flight) => Effect.flatMap(find(flight), wait),
      launch: (flight) => Effect.asVoid(find(flight))
    }
  })
