import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Either, TestClock } from "effect"
import type { AuthorityUnavailable, Throttled, TokenError } from "../../src/core/TokenError.js"
import * as Refusals from "../../src/resilience/refusals.js"
import { interaction, refusedParameter, throttled, transport, unavailable } from "./failures.js"

const make = (options?: Refusals.GateOptions) => Effect.map(Refusals.parse(options), Refusals.make<TokenError>)

const asker = (principal: string, { request = "graph", scope = "contoso" } = {}): Refusals.Asker => ({
  principal,
  scope,
  request: `${principal} ${request}`
})
const [ann, bob, carol, dave] = [asker("ann"), asker("bob"), asker("carol"), asker("dave")]
const stranger = asker("ann of another tenant", { scope: "fabrikam" })

const isOpen = (refusals: Refusals.Refusals<TokenError>, who: Refusals.Asker) =>
  Effect.map(Effect.either(refusals.pass(who)), Either.isRight)

/** Who is let through now. */
const open = (refusals: Refusals.Refusals<TokenError>, ...who: ReadonlyArray<Refusals.Asker>) =>
  Effect.map(
    Effect.filter(who, (one) => isOpen(refusals, one)),
    (those) => those.map(({ principal }) => principal)
  )

/** An attempt that ended so, and the last one. */
const fail = (refusals: Refusals.Refusals<TokenError>, who: Refusals.Asker, failure: TokenError) =>
  Effect.zipRight(refusals.attemptFailed(who, failure), refusals.gaveUp(who, failure))

describe("the gate", () => {
  it("has the defaults that its documentation tells", () => {
    assert.deepStrictEqual(
      Refusals.parse(),
      Either.right({
        bareThrottle: Duration.seconds(5),
        principals: 3,
        window: Duration.seconds(60),
        repeats: 3,
        repeatWindow: Duration.seconds(10),
        longestRepeat: Duration.seconds(30)
      })
    )
  })

  const names = ["bareThrottle", "principals", "window", "repeats", "repeatWindow", "longestRepeat"] as const
  const wrong = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  it.each(names.flatMap((name) => wrong.map((value) => [name, value] as const)))(
    "is refused by name for %s of %d",
    (name, value) => {
      assert.strictEqual(refusedParameter(Refusals.parse({ [name]: value })), `gate.${name}`)
    }
  )

  it.effect("is open for everyone at first", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* open(yield* make(), ann, bob), ["ann", "bob"])
    })
  )
})

describe("Retry-After", () => {
  const principalsOwn: ReadonlyArray<readonly [what: string, failure: Throttled | AuthorityUnavailable]> = [
    ["429", throttled("20 seconds")],
    ["500", unavailable(500, "20 seconds")],
    ["502", unavailable(502, "20 seconds")],
    ["504", unavailable(504, "20 seconds")]
  ]
  it.effect.each(principalsOwn)(
    "with %s closes the way for its principal until then, for all its requests",
    ([_, failure]) =>
      Effect.gen(function* () {
        const refusals = yield* make()
        yield* refusals.attemptFailed(ann, failure)
        const another = asker("ann", { request: "vault" })
        assert.deepStrictEqual(yield* open(refusals, ann, another, bob, stranger), [bob.principal, stranger.principal])
        yield* TestClock.adjust("19999 millis")
        assert.isFalse(yield* isOpen(refusals, ann))
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* open(refusals, ann, another), ["ann", "ann"])
      })
  )

  it.effect("with 503 closes the way for all of the client's principals, for the service speaks of itself", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      yield* refusals.attemptFailed(ann, unavailable(503, "20 seconds"))
      assert.deepStrictEqual(yield* open(refusals, ann, bob, carol, stranger), [stranger.principal])
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(yield* open(refusals, ann, bob, carol), ["ann", "bob", "carol"])
    })
  )

  it.effect.each(["ends with the attempt", "ends with the flight"] as const)("counts alike where it %s", (when) =>
    Effect.gen(function* () {
      const refusals = yield* make()
      const failure = throttled("20 seconds")
      yield* when === "ends with the attempt" ? refusals.attemptFailed(ann, failure) : fail(refusals, ann, failure)
      yield* TestClock.adjust("19 seconds")
      assert.deepStrictEqual(yield* open(refusals, ann, bob), ["bob"])
    })
  )

  it.effect("that is shorter does not shorten the one before, a longer one lengthens it", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      yield* refusals.attemptFailed(ann, throttled("20 seconds"))
      yield* refusals.attemptFailed(ann, throttled("1 second"))
      yield* TestClock.adjust("19 seconds")
      assert.isFalse(yield* isOpen(refusals, ann))
      yield* refusals.attemptFailed(ann, throttled("20 seconds"))
      yield* TestClock.adjust("19 seconds")
      assert.isFalse(yield* isOpen(refusals, ann))
    })
  )

  it.effect("is told as Throttled from memory, with what is left of it", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2025, 0, 1))
      const refusals = yield* make()
      yield* refusals.attemptFailed(ann, throttled("20 seconds"))
      for (const left of [20, 13, 6]) {
        const error = yield* Effect.flip(refusals.pass(ann))
        assert(error._tag === "Throttled")
        assert.strictEqual(error.source, "local")
        assert.deepStrictEqual(error.retryAfter, Duration.seconds(left))
        assert.deepStrictEqual(error.until, DateTime.unsafeMake(Date.UTC(2025, 0, 1, 0, 0, 20)))
        assert.deepStrictEqual([error.status, error.error], [429, "too_many"])
        yield* TestClock.adjust("7 seconds")
      }
      assert.isTrue(yield* isOpen(refusals, ann))
    })
  )

  it.effect("of 503 is told as Throttled from memory, too", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      yield* refusals.attemptFailed(ann, unavailable(503, "20 seconds"))
      const error = yield* Effect.flip(refusals.pass(bob))
      assert(error._tag === "Throttled")
      assert.deepStrictEqual([error.source, error.status], ["local", 503])
    })
  )

  it.effect("that is told from memory is not written again, so that nobody closes the way by asking", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      yield* refusals.attemptFailed(ann, throttled("20 seconds"))
      yield* TestClock.adjust("10 seconds")
      const error = yield* Effect.flip(refusals.pass(ann))
      for (const who of [ann, bob, carol]) yield* fail(refusals, who, error)
      assert.deepStrictEqual(yield* open(refusals, ann, bob, carol, dave), ["bob", "carol", "dave"])
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* open(refusals, ann, bob, carol, dave), ["ann", "bob", "carol", "dave"])
    })
  )
})

describe("429 to many", () => {
  it.effect("two principals are two principals", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      for (const who of [ann, bob, ann, bob]) yield* refusals.attemptFailed(who, throttled("20 seconds"))
      assert.deepStrictEqual(yield* open(refusals, ann, bob, carol, dave), ["carol", "dave"])
    })
  )

  it.effect("three of them within the window mean all, and no other tenant", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      for (const who of [ann, bob, carol]) {
        assert.isTrue(yield* isOpen(refusals, dave))
        yield* refusals.attemptFailed(who, throttled("90 seconds"))
        yield* TestClock.adjust("29 seconds")
      }
      assert.deepStrictEqual(yield* open(refusals, dave, stranger), [stranger.principal])
      yield* TestClock.adjust("61 seconds")
      assert.isTrue(yield* isOpen(refusals, dave))
    })
  )

  it.effect("three of them over more than the window are three principals", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      for (const who of [ann, bob, carol]) {
        yield* refusals.attemptFailed(who, throttled("90 seconds"))
        yield* TestClock.adjust("30 seconds")
      }
      assert.deepStrictEqual(yield* open(refusals, bob, carol, dave), ["dave"])
    })
  )

  it.effect("three of them without a time, given up, mean all for 5 s", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      for (const who of [ann, bob, carol]) yield* fail(refusals, who, throttled())
      assert.isFalse(yield* isOpen(refusals, dave))
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(yield* isOpen(refusals, dave))
    })
  )

  it.effect("three that were told something else mean nobody but themselves", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      for (const who of [ann, bob, carol]) yield* refusals.attemptFailed(who, unavailable(500, "20 seconds"))
      assert.deepStrictEqual(yield* open(refusals, ann, bob, carol, dave), ["dave"])
    })
  )
})

describe("a failure without a time", () => {
  it.effect("429 closes the way for its principal for 5 s, once it is given up", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      yield* refusals.attemptFailed(ann, throttled())
      assert.isTrue(yield* isOpen(refusals, ann), "while the flight still tries")
      yield* refusals.gaveUp(ann, throttled())
      assert.deepStrictEqual(yield* open(refusals, ann, bob), ["bob"])
      yield* TestClock.adjust("4999 millis")
      assert.isFalse(yield* isOpen(refusals, ann))
      yield* TestClock.adjust("1 millis")
      assert.isTrue(yield* isOpen(refusals, ann))
    })
  )

  it.effect.each([
    unavailable(408),
    unavailable(500),
    unavailable(502),
    unavailable(503),
    unavailable(504),
    transport("timeout"),
    transport("refused")
  ])("of any other kind closes nothing: %s", (failure) =>
    Effect.gen(function* () {
      const refusals = yield* make()
      for (const who of [ann, ann, ann, ann, bob, carol, dave]) yield* fail(refusals, who, failure)
      assert.deepStrictEqual(yield* open(refusals, ann, bob, carol, dave), ["ann", "bob", "carol", "dave"])
    })
  )
})

describe("a success", () => {
  it.effect("opens the way for its principal, and for no other", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      for (const who of [ann, bob]) yield* refusals.attemptFailed(who, throttled("20 seconds"))
      yield* refusals.succeeded(ann)
      assert.deepStrictEqual(yield* open(refusals, ann, bob), ["ann"])
    })
  )

  it.effect("opens the way for all, where the same request had closed it for all", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      yield* refusals.attemptFailed(ann, unavailable(503, "20 seconds"))
      yield* refusals.succeeded(ann)
      assert.deepStrictEqual(yield* open(refusals, ann, bob, carol), ["ann", "bob", "carol"])
    })
  )

  it.effect("of a request that was under way when another was put off opens nothing for all", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      yield* refusals.attemptFailed(ann, unavailable(503, "20 seconds"))
      yield* refusals.succeeded(bob)
      assert.deepStrictEqual(yield* open(refusals, ann, bob, carol), [])
    })
  )
})

describe("without end", () => {
  it.effect("nothing is remembered: the refusals of strangers push out the oldest", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      const strangers = Array.from({ length: 20_000 }, (_, index) => asker(`${index}`, { scope: `tenant ${index}` }))
      const [first = ann, last = ann] = [strangers[0], strangers.at(-1)]
      yield* refusals.attemptFailed(first, throttled("1 hour"))
      assert.isFalse(yield* isOpen(refusals, first))
      yield* Effect.forEach(strangers.slice(1), (who) => refusals.attemptFailed(who, throttled("1 hour")))
      assert.isTrue(yield* isOpen(refusals, first))
      assert.isFalse(yield* isOpen(refusals, last))
    })
  )

  it.effect("nobody is held back by an interaction that only consent would mend", () =>
    Effect.gen(function* () {
      const refusals = yield* make()
      for (let times = 0; times < 20; times++) yield* fail(refusals, ann, interaction("consent_required"))
      assert.isTrue(yield* isOpen(refusals, ann))
    })
  )
})
