import { assert, describe, it } from "@effect/vitest"
import { Chunk, DateTime, Duration, Effect, Metric, Redacted, Stream, TestClock } from "effect"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import { circuitStates } from "../../src/core/TokenMetrics.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as Fault from "../../src/emulator/Fault.js"
import { defaults, elapsed, getToken, layer, options, script, tokenRequests } from "../support/emulated.js"

const requests = Effect.map(tokenRequests, ({ length }) => length)

describe("a client that was told to wait", () => {
  it.effect("longer than it may, does not ask before that, and tells everyone when", () =>
    Effect.gen(function* () {
      yield* script(Fault.throttled("120"))
      const first = yield* Effect.flip(getToken())
      assert(first._tag === "Throttled")
      assert.deepStrictEqual([first.source, first.until], ["server", DateTime.unsafeMake(120_000)])
      yield* TestClock.adjust("20 seconds")
      const second = yield* Effect.flip(getToken())
      assert(second._tag === "Throttled")
      assert.deepStrictEqual([second.source, second.until], ["local", DateTime.unsafeMake(120_000)])
      assert.deepStrictEqual(second.retryAfter, Duration.seconds(100))
      assert.strictEqual(yield* requests, 1)
      yield* TestClock.adjust("100 seconds")
      yield* getToken()
    }).pipe(Effect.provide(layer()))
  )

  it.effect("by a service that speaks of itself (503), does not ask it for any of its resources", () =>
    Effect.gen(function* () {
      const { app } = yield* ConfidentialClient.ConfidentialClient
      yield* script(Fault.unavailable("60"))
      yield* Effect.flip(getToken())
      const other = yield* Effect.flip(app.forScopes(defaults.otherApiScope).getToken())
      assert.strictEqual(other._tag, "Throttled")
      assert.strictEqual(yield* requests, 1)
      const elsewhere = app.forScopes(defaults.apiScope, { tenantId: defaults.otherTenantId })
      assert.strictEqual((yield* elsewhere.getToken()).source, "identity_provider")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("keeps serving the token that it holds", () =>
    Effect.gen(function* () {
      yield* getToken()
      yield* TestClock.adjust("3400 seconds")
      yield* script(Fault.throttled("150"))
      assert.strictEqual((yield* elapsed(getToken(), "1 second")).source, "cache_stale")
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* getToken()).source, "cache_stale")
      assert.strictEqual(yield* requests, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("releases all who wait together when the time has come", () =>
    Effect.gen(function* () {
      yield* script(Fault.throttled("7"))
      const all = Effect.all(
        Array.from({ length: 1000 }, () => getToken()),
        { concurrency: "unbounded" }
      )
      assert.strictEqual((yield* elapsed(all, "8 seconds")).length, 1000)
      assert.strictEqual(yield* requests, 2)
    }).pipe(Effect.provide(layer()))
  )
})

describe("a refusal that repeats itself", () => {
  it.effect("is told from memory from the third time on, until it may have changed", () =>
    Effect.gen(function* () {
      const { app } = yield* ConfidentialClient.make({
        ...options,
        credential: ClientCredential.secret(Redacted.make("wrong"))
      })
      const refused = Effect.flip(app.forScopes(defaults.apiScope).getToken())
      const sources = yield* Stream.runCollect(
        Stream.mapEffect(Stream.range(1, 5), () =>
          Effect.map(refused, (error) => (error._tag === "InvalidClient" ? error.source : error._tag))
        )
      )
      assert.deepStrictEqual(Chunk.toReadonlyArray(sources), ["server", "server", "server", "local", "local"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Effect.map(refused, (error) => "source" in error && error.source), "server")
      const forced = yield* Effect.flip(app.forScopes(defaults.apiScope).getToken({ forceRefresh: true }))
      assert.strictEqual("source" in forced && forced.source, "server")
      assert.strictEqual(yield* requests, 5)
    }).pipe(Effect.scoped, Effect.provide(layer()))
  )
})

describe("a host that is down", () => {
  it.effect("is not asked for a while, which shows in the client's health and as a metric", () =>
    Effect.gen(function* () {
      const { app, health } = yield* ConfidentialClient.ConfidentialClient
      yield* script(...Array.from({ length: 100 }, () => Fault.html(502)))
      const scopes = [defaults.apiScope, defaults.otherApiScope, defaults.graphScope]
      const fail = Effect.forEach(scopes, (scope) => Effect.flip(app.forScopes(scope).getToken()), {
        concurrency: "unbounded"
      })
      yield* elapsed(fail, "30 seconds")
      const before = yield* requests
      const host = "login.microsoftonline.com"
      assert.deepStrictEqual((yield* health).circuits, { [host]: "open" })
      assert.strictEqual((yield* Metric.value(Metric.tagged(circuitStates, "server.address", host))).value, 2)

      const [error] = yield* fail
      assert(error?._tag === "AuthorityUnavailable")
      assert.strictEqual(error.source, "local")
      assert.isDefined(error.until)
      assert.strictEqual(yield* requests, before)
    }).pipe(Effect.provide(layer()))
  )
})

describe("the retries of a client", () => {
  it.effect("have a budget, which comes back with time", () =>
    Effect.gen(function* () {
      const { app, health } = yield* ConfidentialClient.ConfidentialClient
      const ask = (scope: string) => Effect.exit(elapsed(app.forScopes(scope).getToken(), "20 seconds"))
      assert.strictEqual((yield* health).retries, 10)
      yield* script(...Array.from({ length: 4 }, () => Fault.respond({ status: 500 })))
      yield* ask(defaults.apiScope)
      assert.strictEqual((yield* health).retries, 7)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* health).retries, 10)
    }).pipe(Effect.provide(layer()))
  )
})
