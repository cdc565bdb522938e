import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, HashSet, Logger, LogLevel, Option, Scope, TestClock } from "effect"
import * as SingleFlight from "../../src/resilience/singleFlight.js"

const settle = Effect.repeatN(Effect.yieldNow(), 50)
const make = SingleFlight.make<string, string>("closed")

const flightOf = (
  run: Effect.Effect<string, string>,
  more: Partial<SingleFlight.Flight<string, string>> = {}
): SingleFlight.Flight<string, string> => ({ key: "key", pass: Effect.void, consumes: false, run, ...more })

/** A flight that lasts until it is let go, and tells how often it was begun and whether it was interrupted. */
const makeFlight = Effect.gen(function* () {
  const gate = yield* Deferred.make<string, string>()
  const seen = { runs: 0, interruptions: 0 }
  const run = Effect.suspend(() => {
    seen.runs += 1
    return Effect.onInterrupt(Deferred.await(gate), () => Effect.sync(() => seen.interruptions++))
  })
  return { gate, run, seen }
})

/** Flights in a scope that is closed on demand. */
const closable = Effect.gen(function* () {
  const scope = yield* Scope.make()
  const flights = yield* Scope.extend(make, scope)
  return { ...flights, close: Scope.close(scope, Exit.void) }
})

describe("a flight begins once", () => {
  it.scoped("even if it is joined while it begins", () =>
    Effect.gen(function* () {
      const { join } = yield* make
      const { gate, run, seen } = yield* makeFlight
      let isFirst = true
      const inner: Array<Fiber.RuntimeFiber<string, string>> = []
      const flight: SingleFlight.Flight<string, string> = flightOf(
        Effect.suspend(() => {
          if (isFirst) {
            isFirst = false
            inner.push(Effect.runFork(join(flight)))
          }
          return run
        })
      )
      const outer = yield* Effect.fork(join(flight))
      yield* settle
      yield* Deferred.succeed(gate, "token")
      for (const fiber of [outer, ...inner]) assert.strictEqual(yield* Fiber.join(fiber), "token")
      assert.lengthOf(inner, 1)
      assert.strictEqual(seen.runs, 1)
    })
  )

  it.scoped("even if another begins it while the way is asked for", () =>
    Effect.gen(function* () {
      const { join } = yield* make
      const { gate, run, seen } = yield* makeFlight
      const pass = Effect.repeatN(Effect.yieldNow(), 5)
      const callers = yield* Effect.replicateEffect(Effect.fork(join(flightOf(run, { pass }))), 20)
      yield* settle
      yield* Deferred.succeed(gate, "token")
      for (const caller of callers) assert.strictEqual(yield* Fiber.join(caller), "token")
      assert.strictEqual(seen.runs, 1)
    })
  )
})

describe("the way to a flight", () => {
  it.scoped("is asked for before it begins, and when it is closed nothing begins", () =>
    Effect.gen(function* () {
      const { join, launch } = yield* make
      const flight = flightOf(Effect.die("a flight that was not let pass"), { pass: Effect.fail("held back") })
      assert.deepStrictEqual(yield* Effect.exit(join(flight)), Exit.fail("held back"))
      assert.deepStrictEqual(yield* Effect.exit(launch(flight)), Exit.fail("held back"))
    })
  )

  it.scoped("is not asked for by those who join", () =>
    Effect.gen(function* () {
      const { join } = yield* make
      const { gate, run } = yield* makeFlight
      let asked = 0
      const pass = Effect.suspend(() => (++asked === 1 ? Effect.void : Effect.fail("held back")))
      const callers = yield* Effect.replicateEffect(Effect.fork(join(flightOf(run, { pass }))), 5)
      yield* settle
      yield* Deferred.succeed(gate, "token")
      for (const caller of callers) assert.strictEqual(yield* Fiber.join(caller), "token")
      assert.strictEqual(asked, 1)
    })
  )
})

describe("launching a flight", () => {
  it.scoped("begins it and does not wait for it; those who come later join", () =>
    Effect.gen(function* () {
      const { join, launch } = yield* make
      const { gate, run, seen } = yield* makeFlight
      yield* launch(flightOf(run))
      yield* launch(flightOf(run))
      const caller = yield* Effect.fork(join(flightOf(Effect.die("a second flight"))))
      yield* settle
      assert.strictEqual(seen.runs, 1)
      yield* Deferred.succeed(gate, "token")
      assert.strictEqual(yield* Fiber.join(caller), "token")
    })
  )

  it.scoped("is not undone by the end of the one who launched it", () =>
    Effect.gen(function* () {
      const { launch } = yield* make
      const { gate, run, seen } = yield* makeFlight
      yield* Effect.fork(launch(flightOf(run))).pipe(Effect.flatMap(Fiber.interrupt), Effect.scoped)
      yield* settle
      yield* Deferred.succeed(gate, "token")
      assert.strictEqual(seen.interruptions, 0)
    })
  )

  it.effect.each([
    ["a failure", Effect.fail("refused")],
    ["a failure after a while", Effect.delay(Effect.fail("refused"), "1 second")],
    ["a bug", Effect.die("bug")]
  ] as const)("that nobody waits for logs nothing of %s", ([_, run]) =>
    Effect.gen(function* () {
      const lines: Array<unknown> = []
      const logger = Logger.make(({ message }) => lines.push(message))
      yield* Effect.gen(function* () {
        const { launch } = yield* make
        yield* launch(flightOf(run))
        yield* TestClock.adjust("2 seconds")
        yield* settle
      }).pipe(
        Effect.scoped,
        Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
        Logger.withMinimumLogLevel(LogLevel.All)
      )
      assert.deepStrictEqual(lines, [])
    })
  )

  it.effect("tells that the scope is closed", () =>
    Effect.gen(function* () {
      const { close, launch } = yield* closable
      yield* close
      assert.deepStrictEqual(yield* Effect.exit(launch(flightOf(Effect.die("after the close")))), Exit.fail("closed"))
    })
  )
})

describe("closing the scope", () => {
  it.effect("ends at once what consumes nothing", () =>
    Effect.gen(function* () {
      const { close, join } = yield* closable
      const { run, seen } = yield* makeFlight
      const caller = yield* Effect.fork(join(flightOf(run)))
      yield* settle
      yield* close
      assert.strictEqual(seen.interruptions, 1)
      assert.deepStrictEqual(yield* Fiber.await(caller), Exit.fail("closed"))
    })
  )

  it.effect("waits for what was paid for: its callers get it, and the close ends with it", () =>
    Effect.gen(function* () {
      const { close, join } = yield* closable
      const { gate, run, seen } = yield* makeFlight
      const caller = yield* Effect.fork(join(flightOf(run, { consumes: true })))
      yield* settle
      const closing = yield* Effect.fork(close)
      yield* TestClock.adjust("4999 millis")
      assert.isNull(closing.unsafePoll())
      assert.deepStrictEqual(yield* Effect.exit(join(flightOf(run))), Exit.fail("closed"), "nobody joins any more")
      yield* Deferred.succeed(gate, "token")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(yield* Fiber.await(caller), Exit.succeed("token"))
      assert.strictEqual(seen.interruptions, 0)
    })
  )

  it.effect("waits for it 5 s, and not longer", () =>
    Effect.gen(function* () {
      const { close, join } = yield* closable
      const { run, seen } = yield* makeFlight
      const caller = yield* Effect.fork(join(flightOf(run, { consumes: true })))
      yield* settle
      const closing = yield* Effect.fork(close)
      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(seen.interruptions, 0)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
      assert.strictEqual(seen.interruptions, 1)
      assert.deepStrictEqual(yield* Fiber.await(caller), Exit.fail("closed"))
    })
  )

  it.effect("ends the others at once, while it waits", () =>
    Effect.gen(function* () {
      const { close, join } = yield* closable
      const paid = yield* makeFlight
      const free = yield* makeFlight
      const callers = yield* Effect.forEach(
        [
          { key: "paid", run: paid.run, consumes: true },
          { key: "free", run: free.run, consumes: false }
        ],
        ({ run, ...more }) => Effect.fork(join(flightOf(run, more)))
      )
      yield* settle
      const closing = yield* Effect.fork(close)
      yield* settle
      assert.deepStrictEqual([paid.seen.interruptions, free.seen.interruptions], [0, 1])
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(closing)
      assert.strictEqual(paid.seen.interruptions, 1)
      for (const caller of callers) assert.deepStrictEqual(yield* Fiber.await(caller), Exit.fail("closed"))
    })
  )

  it.effect("by an interruption of its owner waits alike for what was paid for", () =>
    Effect.gen(function* () {
      const { gate, run, seen } = yield* makeFlight
      const callers: Array<Fiber.RuntimeFiber<string, string>> = []
      const owner = yield* Effect.fork(
        Effect.scoped(
          Effect.gen(function* () {
            const { join } = yield* make
            callers.push(Effect.runFork(join(flightOf(run, { consumes: true }))))
            return yield* Effect.never
          })
        )
      )
      yield* settle
      const closing = yield* Effect.fork(Fiber.interrupt(owner))
      yield* TestClock.adjust("3 seconds")
      assert.isNull(closing.unsafePoll(), "the close waits")
      assert.strictEqual(seen.interruptions, 0)
      yield* Deferred.succeed(gate, "token")
      yield* Fiber.join(closing)
      for (const caller of callers) assert.deepStrictEqual(yield* Fiber.await(caller), Exit.succeed("token"))
    })
  )

  it.effect("by an interruption of its owner leaves nothing under way", () =>
    Effect.gen(function* () {
      const { run, seen } = yield* makeFlight
      const owner = yield* Effect.fork(
        Effect.scoped(
          Effect.gen(function* () {
            const { launch } = yield* make
            yield* launch(flightOf(run, { consumes: true }))
            return yield* Effect.never
          })
        )
      )
      yield* settle
      const closing = yield* Effect.fork(Fiber.interrupt(owner))
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(closing)
      assert.strictEqual(seen.interruptions, 1)
    })
  )

  it.effect("with nothing under way takes no time", () =>
    Effect.gen(function* () {
      const { close } = yield* closable
      yield* close
    })
  )

  it.effect("does not hide how a flight really ended", () =>
    Effect.gen(function* () {
      const { close, join } = yield* closable
      const gate = yield* Deferred.make<void>()
      const self = Effect.map(Effect.fiberId, (id) => Cause.parallel(Cause.fail("refused"), Cause.interrupt(id)))
      const run = Effect.uninterruptible(Effect.zipRight(Deferred.await(gate), Effect.flatMap(self, Effect.failCause)))
      const caller = yield* Effect.fork(join(flightOf(run)))
      yield* settle
      const closing = yield* Effect.fork(close)
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(closing)
      const exit = yield* Fiber.await(caller)
      assert(Exit.isFailure(exit))
      assert.deepStrictEqual(Cause.failureOption(exit.cause), Option.some("refused"))
    })
  )

  it.effect("does not hide a bug in how a flight was cleaned up", () =>
    Effect.gen(function* () {
      const { close, join } = yield* closable
      const run = Effect.onInterrupt(Effect.never, () => Effect.die("bug"))
      const caller = yield* Effect.fork(join(flightOf(run)))
      yield* settle
      yield* close
      const exit = yield* Fiber.await(caller)
      assert(Exit.isFailure(exit))
      assert.deepStrictEqual([...Cause.defects(exit.cause)], ["bug"])
      assert.strictEqual(HashSet.size(Cause.interruptors(exit.cause)), 1)
    })
  )
})
