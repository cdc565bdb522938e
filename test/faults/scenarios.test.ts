import { assert, it } from "@effect/vitest"
import { Clock, Duration, Effect, Either, Exit, Fiber } from "effect"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Readiness from "../../src/client/Readiness.js"
import type { AccessToken } from "../../src/core/AccessToken.js"
import type { TokenSource } from "../../src/core/TokenProvider.js"
import * as Fault from "../../src/emulator/Fault.js"
import { defaults, options } from "../support/emulated.js"
import * as Stage from "./stage.js"
import { always, crowd, first, hour, minute, never, second, story, together } from "./story.js"
import { clientCredentials } from "./subjects.js"
import { noConnection } from "./wire.js"

const lifeLeft = (token: AccessToken, now: number): number => (token.expiresAtMillis ?? now) - now

interface Watch {
  readonly served: number
  readonly failed: number
  readonly slowest: number
  readonly shortestLife: number
}

/** Asks at a steady pace for this long, each time waiting for the answer. */
const watch = (source: TokenSource<unknown>, every: number, time: number): Effect.Effect<Watch> =>
  Effect.gen(function* () {
    const end = (yield* Clock.currentTimeMillis) + time
    let [served, failed, slowest, shortestLife] = [0, 0, 0, Number.POSITIVE_INFINITY]
    for (let asked = yield* Clock.currentTimeMillis; asked < end; asked = yield* Clock.currentTimeMillis) {
      const result = yield* Effect.either(source.getToken())
      const now = yield* Clock.currentTimeMillis
      slowest = Math.max(slowest, now - asked)
      if (Either.isLeft(result)) failed += 1
      else {
        served += 1
        shortestLife = Math.min(shortestLife, lifeLeft(result.right, now))
      }
      yield* Effect.sleep(every)
    }
    return { served, failed, slowest, shortestLife }
  })

it.layer(Stage.layer())("a crowd", (it) => {
  it.effect(
    "1 000 callers through a 429 storm: one flight, all released together, with a token",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const { source } = yield* cast(clientCredentials.make)
        wire.plan(first(2, Fault.throttled("2")))
        const results = yield* drive(crowd(1000, source))
        assert.isTrue(results.every(([result]) => Either.isRight(result)))
        assert.strictEqual(new Set(results.map(([, at]) => at)).size, 1, "released at the same moment")
        assert.strictEqual(wire.sent.length, 3)
      })
    ),
    together
  )

  it.effect(
    "a storm that does not end: 1 and 3 retries, all told at the same moment, and then nobody asks",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const { source } = yield* cast(clientCredentials.make)
        wire.plan(always(Fault.throttled("2")))
        const results = yield* drive(crowd(1000, source))
        assert.isTrue(results.every(([result]) => Either.isLeft(result) && result.left._tag === "Throttled"))
        assert.strictEqual(new Set(results.map(([, at]) => at)).size, 1)
        assert.strictEqual(wire.sent.length, 4)
        const later = yield* drive(crowd(1000, source))
        assert.isTrue(later.every(([result]) => Either.isLeft(result) && result.left._tag === "Throttled"))
        assert.strictEqual(wire.sent.length, 4, "the gate is closed")
        yield* Effect.sleep(2 * second).pipe(drive)
        wire.plan(never)
        assert.isTrue((yield* drive(crowd(1000, source))).every(([result]) => Either.isRight(result)))
        assert.strictEqual(wire.sent.length, 5)
      })
    ),
    together
  )

  it.effect(
    "half of those who wait give up: the others get the token of the one exchange",
    story(({ cast, census, drive, pass, wire }) =>
      Effect.gen(function* () {
        const { source } = yield* cast(clientCredentials.make)
        wire.plan(first(1, Fault.delay("5 seconds")))
        const callers = yield* Effect.replicateEffect(Effect.fork(source.getToken()), 1000)
        yield* pass(1 * second)
        const [leaving, staying] = [callers.slice(0, 500), callers.slice(500)]
        yield* Fiber.interruptAll(leaving)
        const exits = yield* drive(Effect.forEach(staying, Fiber.await))
        assert.isTrue(exits.every(Exit.isSuccess))
        const left = yield* Effect.forEach(leaving, Fiber.await)
        assert.isTrue(left.every(Exit.isInterrupted))
        assert.strictEqual(wire.sent.length, 1)
        assert.strictEqual(census.living.size, 0)
      })
    ),
    together
  )

  it.effect(
    "all who wait give up: the exchange ends, and its token is there for the next",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const { source } = yield* cast(clientCredentials.make)
        wire.plan(first(1, Fault.delay("5 seconds")))
        const callers = yield* Effect.replicateEffect(Effect.fork(source.getToken()), 100)
        yield* pass(1 * second)
        yield* Fiber.interruptAll(callers)
        yield* pass(5 * second)
        assert.strictEqual((yield* drive(source.getToken())).source, "cache")
        assert.strictEqual(wire.sent.length, 1)
      })
    ),
    together
  )
})

const longLived = Stage.layer({ tokenLifetime: "60 minutes", refreshIn: "30 minutes" })

it.layer(longLived)("an outage", (it) => {
  it.effect(
    "of 10 minutes in the middle of a token's life: nobody notices",
    story(({ cast, census, drive, pass, wire }) =>
      Effect.gen(function* () {
        const { source } = yield* cast(clientCredentials.make)
        yield* drive(source.getToken())
        yield* pass(28 * minute)
        wire.plan(always(Fault.html(502)))
        const during = yield* drive(watch(source, 10 * second, 10 * minute))
        assert.deepInclude(during, { failed: 0, slowest: 0 })
        // Renewals at 30:00, and 10, 20, 40, 80, 160 s after each failure, four requests each.
        assert.isAtMost(wire.sent.length - 1, 24)
        wire.plan(never)
        const after = yield* drive(watch(source, 10 * second, 10 * minute))
        assert.deepInclude(after, { failed: 0, slowest: 0 })
        assert.isAbove(lifeLeft(yield* source.getToken(), yield* Clock.currentTimeMillis), 45 * minute, "renewed")
        assert.strictEqual(census.living.size, 0)
      })
    ),
    together
  )

  it.effect(
    "across a token's end: it is served until 10 s before, nobody who holds it waits longer than 1 s",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const { source } = yield* cast(clientCredentials.make)
        yield* drive(source.getToken())
        wire.plan(always(Fault.hang))
        yield* pass(50 * minute)
        const before = yield* drive(watch(source, 5 * second, 9 * minute + 45 * second))
        assert.strictEqual(before.failed, 0)
        assert.isAtMost(before.slowest, second)
        assert.isAbove(before.shortestLife, 10 * second)
        yield* pass(5 * second)
        const gone = yield* drive(Effect.either(source.getToken()))
        assert.isTrue(Either.isLeft(gone), "its last 10 s are never served")
        wire.plan(never)
        yield* pass(minute)
        assert.strictEqual((yield* drive(source.getToken())).source, "identity_provider")
      })
    ),
    together
  )

  it.effect(
    "is not seen by those who keep their tokens fresh",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const { source } = yield* cast(clientCredentials.make)
        const { isReady, runway } = yield* Readiness.keepFresh({ api: source }, { every: "30 seconds" })
        yield* pass(second)
        assert.isTrue(yield* isReady)
        yield* pass(25 * minute)
        wire.plan(always(noConnection("ECONNREFUSED")))
        for (let passed = 0; passed < 20; passed++) {
          yield* pass(minute)
          assert.isTrue(yield* isReady)
        }
        assert.isAbove(Duration.toMillis((yield* runway).api), 10 * minute)
        wire.plan(never)
        yield* pass(6 * minute)
        assert.isAbove(Duration.toMillis((yield* runway).api), 50 * minute, "renewed by itself")
        assert.strictEqual((yield* drive(source.getToken())).source, "cache")
      })
    ),
    together
  )

  it.effect(
    "with many keys opens the circuit: nothing is sent while it is open, then one exchange tries",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const { app, health } = yield* cast(ConfidentialClient.make(options))
        const scopes = [defaults.apiScope, defaults.otherApiScope, defaults.graphScope]
        const ask = Effect.forEach(scopes, (scope) => Effect.either(app.forScopes(scope).getToken()), {
          concurrency: "unbounded"
        })
        const host = "login.microsoftonline.com"
        wire.plan(always(Fault.html(502)))
        yield* drive(ask)
        assert.strictEqual((yield* health).circuits[host], "open")
        const sent = wire.sent.length
        assert.isAtMost(sent, 12)
        const local = yield* drive(ask)
        assert.isTrue(local.every((result) => Either.isLeft(result) && result.left._tag === "AuthorityUnavailable"))
        assert.strictEqual(wire.sent.length, sent, "nothing is sent")
        yield* pass(30 * second)
        yield* drive(ask)
        assert.strictEqual(wire.sent.length, sent + 1, "one tries for all")
        assert.strictEqual((yield* health).circuits[host], "open")
        wire.plan(never)
        yield* pass(30 * second)
        yield* drive(app.forScopes(defaults.apiScope).getToken())
        assert.strictEqual((yield* health).circuits[host], "closed")
        assert.isTrue((yield* drive(ask)).every(Either.isRight))
      })
    ),
    together
  )

  it.effect(
    "empties the retry budget, and an hour fills it: an hourly job retries as on the first day",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const { app, health } = yield* cast(ConfidentialClient.make(options))
        const job = (scope: string) => drive(Effect.either(app.forScopes(scope).getToken({ forceRefresh: true })))
        wire.plan(always(Fault.respond({ status: 500 })))
        while ((yield* health).retries > 0) yield* job(defaults.apiScope)
        const spent = wire.sent.length
        yield* job(defaults.graphScope)
        assert.strictEqual(wire.sent.length, spent + 1, "nothing is left to retry with")
        yield* pass(hour)
        assert.strictEqual((yield* health).retries, 10)
        wire.plan(first(3, Fault.respond({ status: 500 })))
        assert.isTrue(Either.isRight(yield* job(defaults.apiScope)))
        assert.strictEqual(wire.sent.length, spent + 5)
      })
    ),
    together
  )
})

/** The wall clock is set by hand; the monotonic one goes on. */
const settableClock = Effect.map(Effect.clock, (clock) => {
  let ahead = 0
  const settable: Clock.Clock = {
    [Clock.ClockTypeId]: Clock.ClockTypeId,
    unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + ahead,
    unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
    currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + ahead),
    currentTimeNanos: clock.currentTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }
  const set = (millis: number) => {
    ahead += millis
  }
  return { settable, set }
})

it.layer(Stage.layer())("a clock that is set", (it) => {
  it.effect(
    "back: a token of the future is not trusted, one new request is made",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const { set, settable } = yield* settableClock
        const { source } = yield* Effect.withClock(cast(clientCredentials.make), settable)
        const ask = drive(Effect.withClock(source.getToken(), settable))
        yield* pass(3 * hour)
        yield* ask
        set(-2 * hour)
        assert.strictEqual((yield* ask).source, "identity_provider")
        assert.strictEqual((yield* ask).source, "cache")
        assert.strictEqual(wire.sent.length, 2)
      })
    ),
    together
  )

  it.effect(
    "back or forth: a gate opens after the time that was asked for, no sooner and no later",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const { set, settable } = yield* settableClock
        const { source } = yield* Effect.withClock(cast(clientCredentials.make), settable)
        const ask = drive(Effect.withClock(Effect.either(source.getToken()), settable))
        wire.plan(first(1, Fault.throttled("120")))
        yield* ask
        set(-hour)
        yield* pass(60 * second)
        assert.isTrue(Either.isLeft(yield* ask))
        set(2 * hour)
        yield* pass(59 * second)
        assert.isTrue(Either.isLeft(yield* ask))
        assert.strictEqual(wire.sent.length, 1)
        yield* pass(1 * second)
        assert.isTrue(Either.isRight(yield* ask))
      })
    ),
    together
  )

  it.effect(
    "forth: a token that is over by the new time is not served",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const { set, settable } = yield* settableClock
        const { source } = yield* Effect.withClock(cast(clientCredentials.make), settable)
        const ask = drive(Effect.withClock(source.getToken(), settable))
        yield* ask
        set(2 * hour)
        assert.strictEqual((yield* ask).source, "identity_provider")
        assert.strictEqual(wire.sent.length, 2)
      })
    ),
    together
  )
})

it.layer(Stage.layer({ tokenLifetime: "5 minutes" }))("a 5-minute token", (it) => {
  it.effect(
    "is renewed every 4 minutes, by one request, and nobody waits or fails",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const { source } = yield* cast(clientCredentials.make)
        const seen = yield* drive(watch(source, 30 * second, hour))
        assert.deepInclude(seen, { failed: 0, slowest: 0 })
        assert.isAtLeast(seen.shortestLife, minute)
        assert.strictEqual(wire.sent.length, 15)
      })
    ),
    together
  )

  it.effect(
    "lives through an outage of 45 s in its margin",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const { source } = yield* cast(clientCredentials.make)
        yield* drive(source.getToken())
        yield* pass(4 * minute)
        wire.plan(always(Fault.html(502)))
        const during = yield* drive(watch(source, second, 45 * second))
        assert.strictEqual(during.failed, 0)
        assert.isAtMost(during.slowest, second)
        assert.isAtMost(wire.sent.length, 1 + 4 * 4)
        wire.plan(never)
        yield* pass(20 * second)
        assert.strictEqual((yield* drive(source.getToken())).source, "identity_provider")
      })
    ),
    together
  )
})

it.layer(Stage.layer())("a program that asks in a loop", (it) => {
  it.effect(
    "and is refused each time does not ask the authority each time",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const { source } = yield* cast(clientCredentials.make)
        wire.plan(always(Fault.respond({ status: 400, body: { error: "invalid_scope" } })))
        const seen = yield* drive(watch(source, 500, minute))
        assert.strictEqual(seen.served, 0)
        // At once three times, and then after 1, 2, 4, 8, 16, 30 s.
        assert.isAtMost(wire.sent.length, 9)
      })
    ),
    together
  )
})
