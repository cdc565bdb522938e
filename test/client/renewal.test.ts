import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Equal, Metric, Random, Redacted, TestClock } from "effect"
import * as Readiness from "../../src/client/Readiness.js"
import { renewals, tokensServed } from "../../src/core/TokenMetrics.js"
import * as Fault from "../../src/emulator/Fault.js"
import { apiSource, elapsed, eventually, getToken, layer, script, tokenRequests } from "../support/emulated.js"

const requests = Effect.map(tokenRequests, ({ length }) => length)

const down = (times: number) => Array.from({ length: times }, () => Fault.html(502))

/** Lets what runs in the background come to its end. */
const settle = TestClock.adjust("1 second")

describe("after refresh_in", () => {
  const withRefreshIn = layer({}, { tokenLifetime: "1 hour", refreshIn: "30 minutes" })

  it.effect("the token in hand is served at once, and one renewal is under way behind it", () =>
    Effect.gen(function* () {
      const old = yield* getToken()
      yield* TestClock.adjust("33 minutes")
      yield* script(Fault.delay("5 seconds"))
      const tokens = yield* Effect.all(
        Array.from({ length: 100 }, () => getToken()),
        { concurrency: "unbounded" }
      )
      for (const token of tokens) {
        assert.strictEqual(token.source, "cache")
        assert.strictEqual(Redacted.value(token.accessToken), Redacted.value(old.accessToken))
      }
      yield* TestClock.adjust("5 seconds")
      yield* eventually(getToken(), ({ accessToken }) => !Equal.equals(accessToken, old.accessToken))
      assert.strictEqual(yield* requests, 2)
    }).pipe(Effect.provide(withRefreshIn))
  )

  it.effect("the moment of a renewal is drawn once for a token, never before refresh_in", () =>
    Effect.gen(function* () {
      yield* getToken()
      yield* TestClock.adjust("30 minutes")
      yield* getToken()
      yield* settle
      assert.strictEqual(yield* requests, 1)
      yield* TestClock.adjust("150 seconds")
      yield* getToken()
      yield* eventually(requests, (count) => count === 2)
    }).pipe(Effect.withRandom(Random.make("a seed")), Effect.provide(withRefreshIn))
  )

  it.effect("a renewal that fails is tried again a while later, and nobody notices", () =>
    Effect.gen(function* () {
      yield* getToken()
      yield* TestClock.adjust("33 minutes")
      yield* script(...down(4))
      assert.strictEqual((yield* getToken()).source, "cache")
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* requests, 5)
      for (let second = 0; second < 5; second++) {
        assert.strictEqual((yield* getToken()).source, "cache")
        yield* settle
      }
      assert.strictEqual(yield* requests, 5 + 1)
      const counted = yield* Metric.value(Metric.tagged(renewals, "result", "AuthorityUnavailable"))
      assert.isAtLeast(counted.count, 1)
    }).pipe(Effect.provide(withRefreshIn))
  )
})

describe("without refresh_in", () => {
  it.effect("a token of more than two hours is renewed after half of its life", () =>
    Effect.gen(function* () {
      yield* getToken()
      yield* TestClock.adjust("11 hours")
      yield* getToken()
      yield* settle
      assert.strictEqual(yield* requests, 1)
      yield* TestClock.adjust("70 minutes")
      assert.strictEqual((yield* getToken()).source, "cache")
      yield* eventually(requests, (count) => count === 2)
    }).pipe(Effect.provide(layer({}, { tokenLifetime: "24 hours" })))
  )
})

describe("in the last minutes of a token, while the service is down", () => {
  it.effect("only now and then somebody waits for a new one, and for a second at most", () =>
    Effect.gen(function* () {
      yield* getToken()
      yield* TestClock.adjust("3300 seconds")
      yield* script(...down(1000))
      const first = yield* elapsed(getToken(), "1 second")
      assert.strictEqual(first.source, "cache_stale")
      const before = yield* requests
      const then = yield* DateTime.now
      const next = yield* getToken()
      assert.strictEqual(next.source, "cache_stale")
      assert.deepStrictEqual(yield* DateTime.now, then)
      assert.strictEqual(yield* requests, before)
      const counted = yield* Metric.value(Metric.tagged(tokensServed, "source", "cache_stale"))
      assert.isAtLeast(counted.count, 2)
    }).pipe(Effect.provide(layer()))
  )
})

describe("keepFresh", () => {
  it.effect("has a token before anyone asks, and renews it before it ends", () =>
    Effect.gen(function* () {
      const api = yield* apiSource
      const readiness = yield* Readiness.keepFresh({ api })
      assert.isFalse(yield* readiness.isReady)
      yield* eventually(readiness.isReady, (isReady) => isReady)
      for (let hour = 0; hour < 5; hour++) {
        yield* TestClock.adjust("1 hour")
        yield* eventually(readiness.runway, ({ api }) => Duration.greaterThan(api, "4 minutes"))
      }
      assert.strictEqual((yield* api.getToken()).source, "cache")
    }).pipe(Effect.scoped, Effect.provide(layer()))
  )

  it.effect("tells how much life is left while the service is down", () =>
    Effect.gen(function* () {
      const readiness = yield* Readiness.keepFresh({ api: yield* apiSource })
      yield* eventually(readiness.isReady, (isReady) => isReady)
      yield* script(...down(100_000))
      yield* TestClock.adjust("50 minutes")
      const { api } = yield* readiness.runway
      assert.strictEqual(Math.round(Duration.toMinutes(api)), 10)
      yield* TestClock.adjust("11 minutes")
      assert.deepStrictEqual(yield* readiness.runway, { api: Duration.zero })
      assert.isFalse(yield* readiness.isReady)
    }).pipe(Effect.scoped, Effect.provide(layer()))
  )
})
