import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, FiberRef, HashMap, Option, Random, Scope } from "effect"
import * as SingleFlight from "../../src/resilience/singleFlight.js"

/** A flight that lasts until it is let go, and tells how often it was begun. */
const makeFlight = Effect.gen(function* () {
  const gate = yield* Deferred.make<string, string>()
  let runs = 0
  const flight = Effect.suspend(() => {
    runs += 1
    return Deferred.await(gate)
  })
  return { flight, gate, runs: () => runs }
})

/** Joins without a gate before the flight, which consumes nothing. */
const flights = Effect.map(SingleFlight.make<string, string>("closed"), ({ join }) => ({
  join: (key: string, run: Effect.Effect<string, string>) => join({ key, run, pass: Effect.void, consumes: false })
}))
const settle = Effect.repeatN(Effect.yieldNow(), 50)
const token = Exit.succeed("token")

const forkJoins = (count: number, join: Effect.Effect<string, string>) =>
  Effect.tap(Effect.replicateEffect(Effect.fork(join), count), settle)

describe("one flight at a time for a key", () => {
  it.scoped("10 000 callers, one run, the same result", () =>
    Effect.gen(function* () {
      const { join } = yield* flights
      const { flight, gate, runs } = yield* makeFlight
      const callers = yield* forkJoins(10_000, join("key", flight))
      yield* Deferred.succeed(gate, "token")
      const exits = yield* Effect.forEach(callers, Fiber.await)
      assert.strictEqual(runs(), 1)
      assert.isTrue(exits.every((exit) => Exit.isSuccess(exit) && exit.value === "token"))
    })
  )

  it.scoped("10 000 callers are told the same failure", () =>
    Effect.gen(function* () {
      const { join } = yield* flights
      const { flight, gate, runs } = yield* makeFlight
      const callers = yield* forkJoins(10_000, join("key", flight))
      yield* Deferred.fail(gate, "refused")
      const exits = yield* Effect.forEach(callers, Fiber.await)
      assert.strictEqual(runs(), 1)
      assert.isTrue(exits.every((exit) => Exit.isFailure(exit) && Cause.contains(exit.cause, Cause.fail("refused"))))
    })
  )

  it.scoped("a defect is every caller's, too", () =>
    Effect.gen(function* () {
      const { join } = yield* flights
      const callers = yield* forkJoins(3, join("key", Effect.andThen(Effect.yieldNow(), Effect.die("bug"))))
      for (const exit of yield* Effect.forEach(callers, Fiber.await)) assert.deepStrictEqual(exit, Exit.die("bug"))
    })
  )

  it.scoped("those of different keys run in parallel", () =>
    Effect.gen(function* () {
      const { join } = yield* flights
      const one = yield* makeFlight
      const two = yield* makeFlight
      const first = yield* Effect.fork(join("one", one.flight))
      const second = yield* Effect.fork(join("two", two.flight))
      yield* Deferred.succeed(two.gate, "token two")
      assert.strictEqual(yield* Fiber.join(second), "token two")
      yield* Deferred.succeed(one.gate, "token one")
      assert.strictEqual(yield* Fiber.join(first), "token one")
    })
  )

  it.scoped("nothing is remembered of a flight that has ended, neither a result nor a failure", () =>
    Effect.gen(function* () {
      const { join } = yield* flights
      let runs = 0
      const flight = Effect.suspend(() => (++runs % 2 === 0 ? Effect.succeed(`token ${runs}`) : Effect.fail(`${runs}`)))
      const exits = yield* Effect.replicateEffect(Effect.exit(join("key", flight)), 4)
      assert.deepStrictEqual(exits, [Exit.fail("1"), Exit.succeed("token 2"), Exit.fail("3"), Exit.succeed("token 4")])
    })
  )

  it.scoped("nor of a flight that took time", () =>
    Effect.gen(function* () {
      const { join } = yield* flights
      let runs = 0
      const flight = Effect.andThen(Effect.yieldNow(), Effect.fail("refused")).pipe(
        Effect.tapError(() => Effect.sync(() => runs++))
      )
      yield* Effect.replicateEffect(Effect.exit(join("key", flight)), 3)
      assert.strictEqual(runs, 3)
    })
  )
})

describe("interrupting a caller", () => {
  it.scoped("the first of them harms nobody", () =>
    Effect.gen(function* () {
      const { join } = yield* flights
      const { flight, gate, runs } = yield* makeFlight
      const first = yield* Effect.fork(join("key", flight))
      yield* settle
      const others = yield* forkJoins(3, join("key", flight))
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(first)))
      yield* Deferred.succeed(gate, "token")
      for (const exit of yield* Effect.forEach(others, Fiber.await)) assert.deepStrictEqual(exit, token)
      assert.strictEqual(runs(), 1)
    })
  )

  it.scoped("any of them harms nobody, and does not wait for the flight", () =>
    Effect.gen(function* () {
      const { join } = yield* flights
      const { flight, gate, runs } = yield* makeFlight
      const callers = yield* forkJoins(9, join("key", flight))
      const [even, odd] = [callers.filter((_, index) => index % 2 === 0), callers.filter((_, index) => index % 2 === 1)]
      yield* Fiber.interruptAll(odd)
      yield* Deferred.succeed(gate, "token")
      for (const exit of yield* Effect.forEach(even, Fiber.await)) assert.deepStrictEqual(exit, token)
      assert.strictEqual(runs(), 1)
    })
  )

  it.scoped("all of them leaves the flight under way, for those who come later", () =>
    Effect.gen(function* () {
      const { join } = yield* flights
      const { flight, gate, runs } = yield* makeFlight
      yield* Fiber.interruptAll(yield* forkJoins(3, join("key", flight)))
      const later = yield* Effect.fork(join("key", Effect.die("a second flight")))
      yield* settle
      yield* Deferred.succeed(gate, "token")
      assert.deepStrictEqual(yield* Fiber.await(later), token)
      assert.strictEqual(runs(), 1)
    })
  )

  it.scoped("all of them leaves the flight to end by itself, and then a new one begins", () =>
    Effect.gen(function* () {
      const { join } = yield* flights
      const { flight, gate, runs } = yield* makeFlight
      yield* Fiber.interruptAll(yield* forkJoins(3, join("key", flight)))
      yield* Deferred.succeed(gate, "token")
      yield* settle
      assert.strictEqual(yield* join("key", flight), "token")
      assert.strictEqual(runs(), 2)
    })
  )

  it.effect.each(["one", "two", "three", "four", "five"])(
    "at random, five times a thousand of them (seed %s)",
    (seed) =>
      Effect.gen(function* () {
        const { join } = yield* flights
        const keys = ["a", "b", "c"] as const
        const underWay = new Map<string, number>()
        let most = 0
        const flight = (key: string) =>
          Effect.acquireUseRelease(
            Effect.sync(() => {
              underWay.set(key, (underWay.get(key) ?? 0) + 1)
              most = Math.max(most, underWay.get(key) ?? 0)
            }),
            () => Effect.flatMap(Random.nextIntBetween(0, 5), (times) => Effect.repeatN(Effect.yieldNow(), times)),
            () => Effect.sync(() => underWay.set(key, (underWay.get(key) ?? 0) - 1))
          ).pipe(Effect.as(key))
        const caller = Effect.gen(function* () {
          const key = keys[yield* Random.nextIntBetween(0, keys.length)] ?? "a"
          const fiber = yield* Effect.fork(join(key, flight(key)))
          const isVictim = (yield* Random.next) < 1 / 3
          yield* Effect.repeatN(Effect.yieldNow(), yield* Random.nextIntBetween(0, 4))
          const exit = yield* isVictim ? Fiber.interrupt(fiber) : Fiber.await(fiber)
          return { exit, isVictim, key }
        })
        const ends = yield* Effect.all(
          Array.from({ length: 1000 }, () => caller),
          { concurrency: "unbounded" }
        )
        for (const { exit, isVictim, key } of ends)
          assert.isTrue(Exit.isSuccess(exit) ? exit.value === key : isVictim && Exit.isInterrupted(exit))
        assert.isTrue(ends.some(({ exit }) => Exit.isInterrupted(exit)))
        assert.strictEqual(most, 1)
        yield* settle
        assert.isTrue([...underWay.values()].every((count) => count === 0))
      }).pipe(Effect.scoped, Effect.withRandom(Random.make(seed)))
  )
})

describe("closing the scope", () => {
  it.effect("ends the flights, and tells those who wait", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { join } = yield* Scope.extend(flights, scope)
      const interrupted = yield* Deferred.make<void>()
      const flight = Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
      const callers = yield* forkJoins(5, join("key", flight))
      const other = yield* forkJoins(1, join("other", Effect.never))
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(yield* Deferred.isDone(interrupted))
      for (const exit of yield* Effect.forEach([...callers, ...other], Fiber.await))
        assert.deepStrictEqual(exit, Exit.fail("closed"))
    })
  )

  it.effect("tells those who come later, and begins nothing", () =>
    Effect.gen(function* () {
      const { join } = yield* Effect.scoped(flights)
      const exit = yield* Effect.exit(join("key", Effect.die("a flight after the close")))
      assert.deepStrictEqual(exit, Exit.fail("closed"))
    })
  )

  it.effect("of the first caller is nothing to the flight", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { join } = yield* flights
        const { flight, gate } = yield* makeFlight
        const first = yield* Effect.fork(Effect.scoped(join("key", flight)))
        yield* settle
        yield* Fiber.interrupt(first)
        const second = yield* Effect.fork(join("key", flight))
        yield* Deferred.succeed(gate, "token")
        assert.strictEqual(yield* Fiber.join(second), "token")
      })
    )
  )
})

describe("a flight runs in the context of its maker", () => {
  const custom = FiberRef.unsafeMake("default")

  const seen = Effect.gen(function* () {
    const annotations = yield* FiberRef.get(FiberRef.currentLogAnnotations)
    const span = yield* Effect.option(Effect.currentSpan)
    return JSON.stringify({
      annotations: [...HashMap.keys(annotations)],
      span: Option.getOrNull(Option.map(span, ({ name }) => name)),
      custom: yield* FiberRef.get(custom)
    })
  })

  const asCaller = <A, E>(effect: Effect.Effect<A, E>) =>
    effect.pipe(Effect.annotateLogs("caller", "one"), Effect.withSpan("caller"), Effect.locally(custom, "the caller's"))

  it.scoped("and sees none of the caller's log annotations, spans and fiber refs", () =>
    Effect.gen(function* () {
      const { join } = yield* flights
      const inherited = yield* asCaller(join("key", seen))
      assert.deepStrictEqual(JSON.parse(inherited), { annotations: [], span: null, custom: "default" })
    })
  )

  it.scoped("but sees those of its maker", () =>
    Effect.gen(function* () {
      const { join } = yield* flights.pipe(Effect.annotateLogs("maker", "two"), Effect.locally(custom, "the maker's"))
      const inherited = yield* asCaller(join("key", seen))
      assert.deepStrictEqual(JSON.parse(inherited), { annotations: ["maker"], span: null, custom: "the maker's" })
    })
  )

  it.scoped("and changes none of the caller's", () =>
    Effect.gen(function* () {
      const { join } = yield* flights
      yield* join("key", Effect.as(FiberRef.set(custom, "the flight's"), "token"))
      assert.strictEqual(yield* FiberRef.get(custom), "default")
    })
  )
})
