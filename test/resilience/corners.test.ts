import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Exit, Fiber, Random, Scope, TestClock } from "effect"
import { AuthorityUnavailable, RequestRejected, Throttled } from "../../src/core/TokenError.js"
import * as CircuitBreaker from "../../src/resilience/circuitBreaker.js"
import * as RetryPolicy from "../../src/resilience/RetryPolicy.js"
import * as Refusals from "../../src/resilience/refusals.js"
import { parseHttpDate } from "../../src/resilience/retryAfter.js"
import * as SingleFlight from "../../src/resilience/singleFlight.js"

describe("a flight", () => {
  it.effect("is not started when the scope was closed while it passed the gate", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const flights = yield* Scope.extend(SingleFlight.make<number, string>("closed"), scope)
      let runs = 0
      const caller = yield* flights
        .join({
          key: "k",
          consumes: false,
          pass: Effect.repeatN(Effect.yieldNow(), 5),
          run: Effect.sync(() => ++runs)
        })
        .pipe(Effect.fork)
      yield* Effect.yieldNow()
      yield* Effect.yieldNow()
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* Fiber.await(caller), Exit.fail("closed"))
      assert.strictEqual(runs, 0)
    })
  )
})

describe("near the deadline", () => {
  const policy = Either.getOrThrow(RetryPolicy.make({ deadline: "20 seconds" }))

  it.effect("a wait that the server asked for is either waited or told with its end, whatever the jitter", () =>
    Effect.gen(function* () {
      for (let seed = 0; seed < 40; seed++) {
        const failure = new AuthorityUnavailable({ status: 503, retryAfter: Duration.seconds(19), errorCodes: [] })
        let attempts = 0
        const fiber = yield* RetryPolicy.retry(policy, {
          attempt: () => (++attempts === 1 ? failure : Effect.succeed("token")),
          mayResend: () => true,
          spend: Effect.succeed(true)
        }).pipe(Effect.either, Effect.withRandom(Random.make(seed)), Effect.fork)
        yield* TestClock.adjust("30 seconds")
        const result = yield* Fiber.join(fiber)
        assert(Either.isLeft(result))
        assert(result.left instanceof Throttled && result.left.until !== undefined)
      }
    })
  )

  it.effect("no attempt is begun that has no time left to succeed", () =>
    Effect.gen(function* () {
      const timeouts: Array<number> = []
      const short = Either.getOrThrow(RetryPolicy.make({ deadline: "1 second", backoff: "990 millis" }))
      for (let seed = 0; seed < 40; seed++) {
        const fiber = yield* RetryPolicy.retry(short, {
          attempt: (timeout) => {
            timeouts.push(Duration.toMillis(timeout))
            return new AuthorityUnavailable({ status: 500, errorCodes: [] })
          },
          mayResend: () => true,
          spend: Effect.succeed(true)
        }).pipe(Effect.either, Effect.withRandom(Random.make(seed)), Effect.fork)
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(fiber)
      }
      assert.isAtLeast(Math.min(...timeouts), 100)
    })
  )
})

describe("an open circuit", () => {
  it.effect("is not moved by what was sent before it opened", () =>
    Effect.gen(function* () {
      const settings = Either.getOrThrow(CircuitBreaker.parse({ outcomes: 1, keys: 1 }))
      const breakers = CircuitBreaker.make(settings, () => {})
      yield* breakers.record("host", { key: "a", result: "down" })
      yield* TestClock.adjust("9 seconds")
      yield* breakers.record("host", { key: "b", result: "down" })
      assert.strictEqual(yield* breakers.admit("host"), 21_000)
      yield* breakers.record("host", { key: "c", result: "answered" })
      assert.deepStrictEqual(yield* breakers.states, { host: "open" })
    })
  )
})

describe("missing consent", () => {
  it.effect("is never held back, not even an app's", () =>
    Effect.gen(function* () {
      const gate = Either.getOrThrow(Refusals.parse())
      const refusals = Refusals.make<RequestRejected>(gate)
      const asker = { request: "r", principal: "p", scope: "s" }
      const failure = new RequestRejected({
        error: "invalid_grant",
        suberror: "consent_required",
        status: 400,
        errorCodes: []
      })
      for (let time = 0; time < 5; time++) {
        yield* refusals.gaveUp(asker, failure)
        yield* refusals.pass(asker)
      }
    })
  )
})

describe("an HTTP-date", () => {
  it("may name a leap second", () => {
    const now = Date.UTC(2017, 0, 1)
    assert.strictEqual(parseHttpDate("Sat, 31 Dec 2016 23:59:60 GMT", now), Date.UTC(2016, 11, 31, 23, 59, 59))
  })
})
