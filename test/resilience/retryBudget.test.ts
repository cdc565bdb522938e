import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, TestClock } from "effect"
import * as RetryBudget from "../../src/resilience/retryBudget.js"
import { refusedParameter } from "./failures.js"

const purse = (options?: RetryBudget.RetryBudgetOptions) => Effect.flatMap(RetryBudget.parse(options), RetryBudget.make)

/** Takes what is there, and tells how much it was. */
const empty = (from: RetryBudget.Purse) =>
  Effect.iterate(0, {
    while: (taken) => taken < 1000,
    body: (taken) => Effect.map(from.spend, (spent) => (spent ? taken + 1 : 1000 + taken))
  }).pipe(Effect.map((taken) => taken - 1000))

const times = (count: number, effect: Effect.Effect<unknown>) => Effect.replicateEffect(effect, count)

describe("a retry budget", () => {
  it("has the defaults that its documentation tells", () => {
    assert.deepStrictEqual(
      RetryBudget.parse(),
      Either.right({ tokens: 10, firstAttempts: 10, refill: Duration.seconds(30) })
    )
  })

  it.effect("begins with ten retries, and then has none", () =>
    Effect.gen(function* () {
      const from = yield* purse()
      assert.strictEqual(yield* from.left, 10)
      assert.strictEqual(yield* empty(from), 10)
      assert.deepStrictEqual([yield* from.left, yield* from.spend], [0, false])
    })
  )

  it.effect("gets one back for each ten first attempts", () =>
    Effect.gen(function* () {
      const from = yield* purse()
      yield* empty(from)
      for (let round = 0; round < 50; round++) {
        yield* times(9, from.earn)
        assert.isFalse(yield* from.spend, `nine first attempts, round ${round}`)
        yield* from.earn
        assert.deepStrictEqual([yield* from.spend, yield* from.spend], [true, false], `the tenth, round ${round}`)
      }
    })
  )

  it.effect("gets one back every 30 seconds", () =>
    Effect.gen(function* () {
      const from = yield* purse()
      yield* empty(from)
      yield* TestClock.adjust("29999 millis")
      assert.strictEqual(yield* from.left, 0)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* from.left, 1)
      yield* TestClock.adjust("90 seconds")
      assert.strictEqual(yield* empty(from), 4)
    })
  )

  it.effect("loses nothing of the time to one who looks often", () =>
    Effect.gen(function* () {
      const from = yield* purse()
      yield* empty(from)
      yield* times(120, Effect.zipRight(TestClock.adjust("1 second"), from.left))
      assert.strictEqual(yield* empty(from), 4)
    })
  )

  it.effect("never holds more than at the beginning", () =>
    Effect.gen(function* () {
      const from = yield* purse()
      yield* times(1000, from.earn)
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* empty(from), 10)
    })
  )

  it.effect("keeps nothing of the time in which it was full", () =>
    Effect.gen(function* () {
      const from = yield* purse()
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* empty(from), 10)
      assert.isFalse(yield* from.spend)
    })
  )

  it.effect("follows its numbers", () =>
    Effect.gen(function* () {
      const from = yield* purse({ tokens: 2, firstAttempts: 1, refill: "1 minute" })
      assert.strictEqual(yield* empty(from), 2)
      yield* from.earn
      assert.strictEqual(yield* empty(from), 1)
      yield* TestClock.adjust("59 seconds")
      assert.isFalse(yield* from.spend)
      yield* TestClock.adjust("1 second")
      assert.isTrue(yield* from.spend)
    })
  )

  it.effect("is each client's own", () =>
    Effect.gen(function* () {
      const [one, two] = yield* Effect.all([purse(), purse()])
      yield* empty(one)
      assert.deepStrictEqual([yield* one.left, yield* two.left], [0, 10])
    })
  )

  const wrong = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const options = (["tokens", "firstAttempts", "refill"] as const).flatMap((name) =>
    wrong.map((value) => [name, value] as const)
  )
  it.each(options)("is refused by name for %s of %d", (name, value) => {
    assert.strictEqual(refusedParameter(RetryBudget.parse({ [name]: value })), `budget.${name}`)
  })
})
