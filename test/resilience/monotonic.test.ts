import { assert, describe, it, vi } from "@effect/vitest"
import { Duration, Effect, FastCheck, TestClock } from "effect"
import { monotonicMillis } from "../../src/resilience/monotonic.js"

const isSorted = (times: ReadonlyArray<number>) => times.every((time, index) => time >= (times[index - 1] ?? time))

describe("on the live clock, time", () => {
  it.live("never goes back", () =>
    Effect.gen(function* () {
      assert.isTrue(isSorted(yield* Effect.replicateEffect(monotonicMillis, 10_000)))
    })
  )

  it.live("goes on as it passes", () =>
    Effect.gen(function* () {
      const start = yield* monotonicMillis
      yield* Effect.sleep("20 millis")
      const passed = (yield* monotonicMillis) - start
      assert.isTrue(passed > 15 && passed < 5000, `${passed} ms`)
    })
  )

  it.live("goes on when the machine's clock is set back by a day", () =>
    Effect.gen(function* () {
      const before = yield* monotonicMillis
      const set = vi.spyOn(Date, "now").mockReturnValue(Date.now() - 86_400_000)
      yield* Effect.addFinalizer(() => Effect.sync(() => set.mockRestore()))
      const after = yield* monotonicMillis
      assert.isTrue(after >= before && after < before + 5000)
    }).pipe(Effect.scoped)
  )
})

describe("on a clock for tests, time", () => {
  it.effect("is what the test says", () =>
    Effect.gen(function* () {
      const start = yield* monotonicMillis
      yield* TestClock.adjust("90 seconds")
      assert.strictEqual((yield* monotonicMillis) - start, 90_000)
    })
  )

  const instant = FastCheck.double({ min: 0, max: 1e6, noNaN: true })
  it.effect.prop("may stand anywhere between two milliseconds", [instant, instant], ([start, millis]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(start)
      assert.approximately(yield* monotonicMillis, start, 0.01)
      yield* TestClock.adjust(Duration.millis(millis))
      assert.approximately(yield* monotonicMillis, start + millis, 0.01)
    })
  )
})
