import { assert, describe, it } from "@effect/vitest"
import { Clock, DateTime, Duration, Effect, Either, FastCheck, Redacted, TestClock } from "effect"
import * as TokenError from "../../src/core/TokenError.js"
import { run } from "./retried.js"

const unavailable = (wait?: Duration.DurationInput) =>
  new TokenError.AuthorityUnavailable({
    status: 503,
    retryAfter: wait === undefined ? undefined : Duration.decode(wait),
    errorCodes: ["AADSTS90033"],
    error: "temporarily_unavailable",
    description: Redacted.make("Try again.")
  })

const throttled = (wait: Duration.DurationInput) =>
  new TokenError.Throttled({
    source: "server",
    status: 429,
    retryAfter: Duration.decode(wait),
    until: DateTime.unsafeMake(Duration.toMillis(wait)),
    errorCodes: []
  })

const invalidClient = new TokenError.InvalidClient({ error: "invalid_client", status: 401, errorCodes: [] })

const forever = (failure: TokenError.TokenError) => Array.from({ length: 1000 }, () => failure)
/** To the microsecond: sums of fractions are not exact. */
const rounded = (millis: number) => Math.round(millis * 1000) / 1000
const gaps = (starts: ReadonlyArray<number>) =>
  starts.slice(1).map((start, index) => rounded(start - (starts[index] ?? 0)))
const seeds = Array.from({ length: 25 }, (_, index) => `seed ${index}`)

describe("what is sent again", () => {
  it.effect("nothing, when the first attempt succeeds", () =>
    Effect.gen(function* () {
      const { end, result, starts } = yield* run([])
      assert.deepStrictEqual({ end, result, starts }, { end: 0, result: Either.right("token"), starts: [0] })
    })
  )

  it.effect("a failed attempt, until one succeeds", () =>
    Effect.gen(function* () {
      const { result, starts } = yield* run([unavailable(), unavailable()])
      assert.deepStrictEqual(result, Either.right("token"))
      assert.lengthOf(starts, 3)
    })
  )

  it.effect("nothing that waiting does not mend", () =>
    Effect.gen(function* () {
      const { end, result, starts } = yield* run([invalidClient])
      assert.deepStrictEqual({ end, result, starts }, { end: 0, result: Either.left(invalidClient), starts: [0] })
    })
  )

  it.effect("nothing, once a failure came that waiting does not mend", () =>
    Effect.gen(function* () {
      const { result, starts } = yield* run([unavailable(), invalidClient])
      assert.deepStrictEqual(result, Either.left(invalidClient))
      assert.lengthOf(starts, 2)
    })
  )

  it.effect.each([1, 2, 4, 7])("a request at most %d times, the first included", (attempts) =>
    Effect.gen(function* () {
      const failure = unavailable()
      const { result, starts } = yield* run(forever(failure), { attempts })
      assert.lengthOf(starts, attempts)
      assert.deepStrictEqual(result, Either.left(failure), "the failure that remains is the last attempt's own")
    })
  )
})

describe("backoff", () => {
  const ceilings = [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000]

  it.effect("doubles from 0.5 s to 8 s, with full jitter below", () =>
    Effect.gen(function* () {
      const timelines = yield* Effect.forEach(seeds, (seed) =>
        run(forever(unavailable()), { seed, attempts: 9, deadline: "1 hour" })
      )
      const waits = timelines.map(({ starts }) => gaps(starts))
      ceilings.forEach((ceiling, index) => {
        const drawn = waits.map((timeline) => timeline[index] ?? Number.NaN)
        assert.isTrue(drawn.every((wait) => wait >= 0 && wait <= ceiling))
        assert.isTrue(Math.max(...drawn) > ceiling * 0.6, "the jitter uses the upper half")
        assert.isTrue(Math.min(...drawn) < ceiling * 0.4, "and the lower half")
      })
    })
  )

  it.effect("is repeated by a seed", () =>
    Effect.gen(function* () {
      const once = yield* run(forever(unavailable()), { seed: "one" })
      const again = yield* run(forever(unavailable()), { seed: "one" })
      assert.deepStrictEqual(gaps(again.starts), gaps(once.starts))
      assert.notDeepEqual(gaps((yield* run(forever(unavailable()), { seed: "two" })).starts), gaps(once.starts))
    })
  )
})

describe("Retry-After", () => {
  const asked = FastCheck.integer({ min: 0, max: 20_000 })
  const sequence = FastCheck.array(FastCheck.option(asked, { nil: undefined }), { minLength: 1, maxLength: 3 })

  it.effect.prop(
    "is never shortened, and lengthened by a tenth at most unless the backoff is longer",
    [sequence, FastCheck.string()],
    ([waits, seed]) =>
      Effect.gen(function* () {
        const { starts } = yield* run(
          waits.map((wait) => unavailable(wait)),
          { seed, deadline: "1 hour" }
        )
        assert.lengthOf(starts, waits.length + 1)
        gaps(starts).forEach((gap, index) => {
          const wait = waits[index] ?? 0
          assert.isAtLeast(gap, wait)
          assert.isAtMost(gap, Math.max(wait * 1.1, 500 * 2 ** index) + 1)
        })
      })
  )

  it.effect("spreads those who were told the same time", () =>
    Effect.gen(function* () {
      const timelines = yield* Effect.forEach(seeds, (seed) => run([unavailable("20 seconds")], { seed }))
      const waits = timelines.map(({ starts }) => gaps(starts)[0] ?? 0)
      assert.isTrue(waits.every((wait) => wait >= 20_000 && wait <= 22_000))
      assert.isAbove(Math.max(...waits) - Math.min(...waits), 1000)
    })
  )

  it.effect("of a throttled client is waited for, too", () =>
    Effect.gen(function* () {
      const { result, starts } = yield* run([throttled("10 seconds")])
      assert.deepStrictEqual(result, Either.right("token"))
      assert.isTrue((starts[1] ?? 0) >= 10_000 && (starts[1] ?? 0) <= 11_000)
    })
  )

  it.effect("of the longest wait is waited for", () =>
    Effect.gen(function* () {
      const { result } = yield* run([unavailable("30 seconds")])
      assert.deepStrictEqual(result, Either.right("token"))
    })
  )

  it.effect("longer than the longest wait is the caller's, who is told at once when to come back", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2025, 0, 1))
      const { end, result, starts } = yield* run([unavailable("31 seconds")])
      assert.lengthOf(starts, 1)
      assert.strictEqual(end, Date.UTC(2025, 0, 1))
      const error = Either.getOrThrow(Either.flip(result))
      assert(error._tag === "Throttled")
      assert.strictEqual(error.source, "server")
      assert.strictEqual(error.until?.epochMillis, Date.UTC(2025, 0, 1, 0, 0, 31))
      assert.deepStrictEqual(error.retryAfter, Duration.seconds(31))
      assert.strictEqual(error.status, 503)
      assert.strictEqual(error.error, "temporarily_unavailable")
      assert.deepStrictEqual(error.errorCodes, ["AADSTS90033"])
      assert.deepStrictEqual(error.description, Redacted.make("Try again."))
    })
  )

  it.effect("longer than the longest wait ends a later attempt, too", () =>
    Effect.gen(function* () {
      const { result, starts } = yield* run([unavailable(), unavailable("1 hour")])
      assert.lengthOf(starts, 2)
      assert.strictEqual(Either.getOrThrow(Either.flip(result))._tag, "Throttled")
    })
  )

  it.effect("of a throttled client that is longer is told as the server said it", () =>
    Effect.gen(function* () {
      const failure = throttled("31 seconds")
      const { end, result } = yield* run([failure])
      assert.strictEqual(end, 0)
      assert.deepStrictEqual(result, Either.left(failure))
    })
  )

  it.effect("may be longer where the policy says so", () =>
    Effect.gen(function* () {
      const { result, starts } = yield* run([unavailable("5 minutes")], {
        longestWait: "5 minutes",
        deadline: "1 hour"
      })
      assert.deepStrictEqual(result, Either.right("token"))
      assert.isAtLeast(starts[1] ?? 0, 300_000)
    })
  )
})

describe("time runs out", () => {
  it.effect("an attempt may take its own timeout, or what is left of the deadline", () =>
    Effect.gen(function* () {
      const { end, starts, timeouts } = yield* run(forever(unavailable()), { attempts: 100, takes: "1 hour" })
      starts.forEach((start, index) => {
        assert.strictEqual(rounded(timeouts[index] ?? 0), rounded(Math.min(10_000, 60_000 - start)))
      })
      assert.strictEqual(timeouts[0], 10_000)
      assert.isBelow(timeouts.at(-1) ?? 0, 10_000)
      assert.isAtMost(end, 60_000)
    })
  )

  it.effect("a deadline shorter than an attempt's timeout shortens the first attempt", () =>
    Effect.gen(function* () {
      const { end, timeouts } = yield* run([unavailable()], { deadline: "3 seconds", takes: "1 hour" })
      assert.deepStrictEqual(timeouts, [3000])
      assert.strictEqual(end, 3000)
    })
  )

  it.effect("a wait that would end after the deadline is not begun", () =>
    Effect.gen(function* () {
      const { end, result, starts } = yield* run([unavailable("20 seconds")], { deadline: "20 seconds" })
      assert.lengthOf(starts, 1)
      assert.strictEqual(end, 0)
      assert.isTrue(Either.isLeft(result))
    })
  )

  it.effect("no attempt begins after the deadline, whatever the jitter", () =>
    Effect.forEach(seeds, (seed) =>
      Effect.gen(function* () {
        const begin = yield* Clock.currentTimeMillis
        const { end, starts } = yield* run(forever(unavailable()), { seed, attempts: 1000, deadline: "10 seconds" })
        assert.isAbove(starts.length, 2)
        assert.isTrue(starts.every((start) => start < begin + 10_000))
        assert.isAtMost(end, begin + 10_000)
      })
    )
  )

  it.effect("the next run has a deadline of its own", () =>
    Effect.gen(function* () {
      const first = yield* run(forever(unavailable()), { takes: "8 seconds" })
      const second = yield* run(forever(unavailable()), { takes: "8 seconds" })
      assert.deepStrictEqual(gaps(second.starts), gaps(first.starts))
    })
  )
})
