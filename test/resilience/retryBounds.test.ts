import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, TestClock } from "effect"
import { invalidClient, throttled, transport, unavailable } from "./failures.js"
import { run } from "./retried.js"

const forever = <A>(failure: A) => Array.from({ length: 100 }, () => failure)
const waiting = (lines: ReadonlyArray<unknown>) => lines.filter((line) => line === "waiting").length

describe("a time to come back", () => {
  it.effect("beyond the deadline is the caller's, who is told at once", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2025, 0, 1))
      const { end, lines, result, starts } = yield* run([unavailable(503, "20 seconds")], { deadline: "15 seconds" })
      const error = Either.getOrThrow(Either.flip(result))
      assert(error._tag === "Throttled")
      assert.deepStrictEqual([error.source, error.status], ["server", 503])
      assert.deepStrictEqual(error.retryAfter, Duration.seconds(20))
      assert.strictEqual(error.until?.epochMillis, Date.UTC(2025, 0, 1, 0, 0, 20))
      assert.deepStrictEqual([end, starts.length], [Date.UTC(2025, 0, 1), 1])
      assert.strictEqual(waiting(lines), 0)
    })
  )

  it.effect("beyond what is left of the deadline, too", () =>
    Effect.gen(function* () {
      const failures = [unavailable(500, "10 seconds"), unavailable(500, "10 seconds")]
      const { end, result, starts } = yield* run(failures, { deadline: "15 seconds" })
      const error = Either.getOrThrow(Either.flip(result))
      assert(error._tag === "Throttled")
      assert.lengthOf(starts, 2)
      assert.strictEqual(error.until?.epochMillis, end + 10_000)
    })
  )

  it.effect("within the deadline is the authority's own failure when no attempt is left", () =>
    Effect.gen(function* () {
      const failure = unavailable(503, "1 second")
      const { result, starts } = yield* run(forever(failure), { attempts: 2 })
      assert.deepStrictEqual(result, Either.left(failure))
      assert.lengthOf(starts, 2)
    })
  )

  it.effect.each([501, 505])("with %d is none: what no waiting mends is not called throttling", (status) =>
    Effect.gen(function* () {
      for (const wait of ["1 second", "1 hour"] as const) {
        const failure = unavailable(status, wait)
        const { result, starts } = yield* run([failure])
        assert.deepStrictEqual(result, Either.left(failure))
        assert.lengthOf(starts, 1)
      }
    })
  )
})

describe("a wait is told", () => {
  it.effect("as often as something is waited for", () =>
    Effect.gen(function* () {
      const { lines, starts } = yield* run(forever(unavailable(500)))
      assert.deepStrictEqual([waiting(lines), starts.length], [3, 4])
    })
  )

  it.effect.each([
    ["the first attempt succeeds", [], {}],
    ["nothing helps", [invalidClient], {}],
    ["it would be too long", [throttled("31 seconds")], {}],
    ["it would end after the deadline", [throttled("5 seconds")], { deadline: "4 seconds" }],
    ["no attempt is left", [unavailable(500)], { attempts: 1 }],
    ["no retry is left", [unavailable(500)], { purse: 0 }],
    ["nothing may be sent again", [unavailable(500)], { mayResend: () => false }]
  ] as const)("and not when %s", ([_, failures, options]) =>
    Effect.gen(function* () {
      const { lines } = yield* run(failures, options)
      assert.strictEqual(waiting(lines), 0)
    })
  )
})

describe("what is sent again", () => {
  it.effect("is what the exchange lets be sent again after this failure", () =>
    Effect.gen(function* () {
      const { result, starts } = yield* run([transport("refused"), transport("timeout")], {
        mayResend: (failure) => failure._tag === "TransportError" && failure.phase === "notSent"
      })
      assert.lengthOf(starts, 2)
      assert.deepStrictEqual(
        Either.mapLeft(result, ({ message }) => message),
        Either.left(transport("timeout").message)
      )
    })
  )

  it.effect("is nothing that can't be mended, even if it may be", () =>
    Effect.gen(function* () {
      for (const failure of [invalidClient, transport("certificate"), unavailable(501)])
        assert.lengthOf((yield* run([failure])).starts, 1)
    })
  )
})

describe("the budget", () => {
  it.effect("is asked for each retry, and ends them when it has none", () =>
    Effect.gen(function* () {
      const failure = unavailable(500)
      const { result, spent, starts } = yield* run(forever(failure), { purse: 2, attempts: 10 })
      assert.deepStrictEqual([starts.length, spent], [3, 3])
      assert.deepStrictEqual(result, Either.left(failure))
    })
  )

  it.effect("pays for no wait that the server asked for", () =>
    Effect.gen(function* () {
      const { result, spent, starts } = yield* run([unavailable(503, "1 second"), throttled("1 second")], { purse: 0 })
      assert.deepStrictEqual([result, starts.length, spent], [Either.right("token"), 3, 0])
    })
  )

  it.effect.each([
    ["the first attempt succeeds", [], {}, 0],
    ["nothing helps", [invalidClient], {}, 0],
    ["nothing may be sent again", [unavailable(500)], { mayResend: () => false }, 0],
    ["no time is left", [unavailable(500)], { deadline: "1 millis", takes: "1 millis" }, 0],
    ["no attempt is left", forever(unavailable(500)), { attempts: 2 }, 1]
  ] as const)("is not asked when %s", ([_, failures, options, expected]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* run(failures, options)).spent, expected)
    })
  )
})
