import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, DateTime, Deferred, Duration, Effect, Either, Fiber, Metric, Random, TestClock } from "effect"
import { CredentialUnavailable, type Failure, type TokenError } from "../../src/core/TokenError.js"
import { circuitStates } from "../../src/core/TokenMetrics.js"
import * as RetryPolicy from "../../src/resilience/RetryPolicy.js"
import * as Resilience from "../../src/resilience/resilience.js"
import { interaction, invalidClient, rejected, throttled, transport, unavailable } from "./failures.js"

const callOf = (principal: string, more: Partial<Resilience.Call> = {}): Resilience.Call => ({
  principal,
  request: `${principal} graph`,
  scope: "contoso",
  host: "login.example",
  mayResend: () => true,
  ...more
})
const [ann, bob] = [callOf("ann"), callOf("bob")]

/** One attempt for a call, unless told otherwise, so that what one test tells is not mixed with retries. */
const make = (options: RetryPolicy.Options = { attempts: 1 }) =>
  Effect.gen(function* () {
    const shared = yield* Resilience.make(yield* RetryPolicy.make(options))
    const resilience = { ...shared.forFailures<TokenError>(), health: shared.health }
    /** Runs it with attempts that end so, the last one for ever, through all its waits; tells how many there were. */
    const ask = (call: Resilience.Call, ...ends: Arr.NonEmptyReadonlyArray<TokenError | "token">) =>
      Effect.gen(function* () {
        let attempts = 0
        const attempt = Effect.suspend(() => {
          const end = ends[attempts++] ?? Arr.lastNonEmpty(ends)
          return end === "token" ? Effect.succeed<string>(end) : Effect.fail(end)
        })
        const fiber = yield* resilience.run(call, () => attempt).pipe(Effect.either, Effect.fork)
        yield* Effect.yieldNow()
        while (fiber.unsafePoll() === null) yield* TestClock.adjust("1 second")
        return { attempts, result: yield* Fiber.join(fiber) }
      }).pipe(Effect.withRandom(Random.make("seed")))
    /** Opens the circuit, without a retry. */
    const bringDown = Effect.forEach(Arr.range(1, 10), (index) =>
      resilience
        .run(callOf(`stranger ${index}`, { mayResend: () => false }), () => Effect.fail(unavailable(502)))
        .pipe(Effect.either)
    )
    const isOpen = (call: Resilience.Call) => Effect.map(Effect.either(resilience.pass(call)), Either.isRight)
    return { ...resilience, ask, bringDown, isOpen }
  })

const stateOf = (resilience: Pick<Resilience.Shared, "health">) =>
  Effect.map(resilience.health, ({ circuits }) => circuits["login.example"])

describe("an exchange", () => {
  it.effect("that succeeds is one attempt, and its host is well", () =>
    Effect.gen(function* () {
      const { ask, health } = yield* make({})
      assert.deepStrictEqual(yield* health, { circuits: {}, retries: 10 })
      assert.deepStrictEqual(yield* ask(ann, "token"), { attempts: 1, result: Either.right("token") })
      assert.deepStrictEqual(yield* health, { circuits: { "login.example": "closed" }, retries: 10 })
    })
  )

  it.effect("that fails is sent again by the policy", () =>
    Effect.gen(function* () {
      const { ask } = yield* make({})
      const { attempts, result } = yield* ask(ann, unavailable(500), transport("reset"), "token")
      assert.deepStrictEqual([attempts, result], [3, Either.right("token")])
    })
  )

  it.effect("is sent again only where it may be", () =>
    Effect.gen(function* () {
      const { ask } = yield* make({})
      const mayResend = (failure: Failure) => failure === unresolved
      const unresolved = transport("unresolved")
      const { attempts, result } = yield* ask(callOf("ann", { mayResend }), unresolved, unavailable(500), "token")
      assert.deepStrictEqual([attempts, result], [2, Either.left(unavailable(500))])
    })
  )

  it.effect("may take as long as the policy says", () =>
    Effect.gen(function* () {
      const { run } = yield* make({ attemptTimeout: "3 seconds" })
      assert.deepStrictEqual(yield* run(ann, (timeout) => Effect.succeed(timeout)), Duration.seconds(3))
    })
  )
})

describe("the gate comes first", () => {
  it.effect("and tells of throttling where the circuit is open, too", () =>
    Effect.gen(function* () {
      const { ask, bringDown, pass } = yield* make()
      yield* ask(ann, throttled("1 minute"))
      yield* bringDown
      assert.strictEqual((yield* Effect.flip(pass(ann)))._tag, "Throttled")
      yield* pass(bob)
    })
  )

  it.effect("and is closed while a flight waits as the server told it, which itself does not queue behind it", () =>
    Effect.gen(function* () {
      const { isOpen, run } = yield* make({})
      let attempts = 0
      const attempt = Effect.suspend(() =>
        ++attempts === 1 ? Effect.fail(throttled("10 seconds")) : Effect.succeed("token")
      )
      const fiber = yield* Effect.fork(run(ann, () => attempt))
      yield* Effect.yieldNow()
      assert.deepStrictEqual([yield* isOpen(ann), yield* isOpen(bob)], [false, true])
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "token")
      assert.isTrue(yield* isOpen(ann), "a success opens it")
    })
  )

  it.effect("and is closed 5 s by a 429 without a time, once the flight has given up", () =>
    Effect.gen(function* () {
      const { ask, isOpen } = yield* make({})
      assert.strictEqual((yield* ask(ann, throttled())).attempts, 4)
      assert.isFalse(yield* isOpen(ann))
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(yield* isOpen(ann))
    })
  )

  it.effect("and is closed by a time that is longer than anybody waits", () =>
    Effect.gen(function* () {
      const { ask, pass } = yield* make({})
      const { attempts, result } = yield* ask(ann, unavailable(503, "1 hour"))
      assert.strictEqual(attempts, 1)
      assert.strictEqual(Either.getOrThrow(Either.flip(result))._tag, "Throttled")
      const error = yield* Effect.flip(pass(bob))
      assert(error._tag === "Throttled")
      assert.deepStrictEqual([error.source, error.retryAfter], ["local", Duration.hours(1)])
    })
  )

  it.effect("and holds back a request that was refused three times, until it is forgiven", () =>
    Effect.gen(function* () {
      const { ask, forgive, isOpen, pass } = yield* make({})
      for (let times = 1; times <= 3; times++) {
        assert.isTrue(yield* isOpen(ann))
        assert.strictEqual((yield* ask(ann, invalidClient)).attempts, 1)
      }
      const error = yield* Effect.flip(pass(ann))
      assert(error._tag === "InvalidClient")
      assert.strictEqual(error.source, "local")
      yield* forgive(ann)
      assert.isTrue(yield* isOpen(ann))
    })
  )
})

describe("an open circuit", () => {
  it.effect("fails at once, before any attempt, and is not tried again", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2025, 0, 1))
      const { ask, bringDown, health } = yield* make({ attempts: 4 })
      yield* bringDown
      yield* TestClock.adjust("10 seconds")
      const before = yield* health
      const { attempts, result } = yield* ask(ann, "token")
      assert.strictEqual(attempts, 0)
      const error = Either.getOrThrow(Either.flip(result))
      assert(error._tag === "AuthorityUnavailable")
      assert.deepStrictEqual([error.source, error.status, error.errorCodes], ["local", undefined, []])
      assert.deepStrictEqual(error.until, DateTime.unsafeMake(Date.UTC(2025, 0, 1, 0, 0, 30)))
      assert.strictEqual(yield* DateTime.now.pipe(Effect.map(DateTime.toEpochMillis)), Date.UTC(2025, 0, 1, 0, 0, 10))
      assert.deepStrictEqual(yield* health, before, "it costs no retry")
    })
  )

  it.effect("is no refusal: it closes the gate for nobody", () =>
    Effect.gen(function* () {
      const { ask, bringDown, isOpen } = yield* make()
      yield* bringDown
      for (let times = 0; times < 5; times++) yield* ask(ann, "token")
      assert.deepStrictEqual([yield* isOpen(ann), yield* isOpen(bob)], [true, true])
    })
  )

  it.effect("ends a flight that was waiting to try again", () =>
    Effect.gen(function* () {
      const { bringDown, run } = yield* make({ attempts: 4 })
      let attempts = 0
      const attempt = Effect.suspend(() => {
        attempts += 1
        return Effect.fail(throttled("10 seconds"))
      })
      const fiber = yield* Effect.fork(Effect.flip(run(ann, () => attempt)))
      yield* Effect.yieldNow()
      yield* bringDown
      yield* TestClock.adjust("11 seconds")
      const error = yield* Fiber.join(fiber)
      assert.deepStrictEqual([attempts, error._tag], [1, "AuthorityUnavailable"])
    })
  )

  it.effect("lets one through after its pause, and all when that one succeeds", () =>
    Effect.gen(function* () {
      const resilience = yield* make()
      const { ask, bringDown, run } = resilience
      yield* bringDown
      yield* TestClock.adjust("30 seconds")
      const gate = yield* Deferred.make<string>()
      const probe = yield* Effect.fork(run(ann, () => Deferred.await(gate)))
      yield* Effect.yieldNow()
      assert.strictEqual(yield* stateOf(resilience), "half-open")
      assert.strictEqual((yield* ask(bob, "token")).attempts, 0)
      yield* Deferred.succeed(gate, "token")
      yield* Fiber.join(probe)
      assert.strictEqual(yield* stateOf(resilience), "closed")
      assert.strictEqual((yield* ask(bob, "token")).attempts, 1)
    })
  )

  it.effect.each([
    ["is interrupted", Effect.never],
    ["has a bug", Effect.die("bug")],
    ["meets a certificate that nobody trusts", Effect.fail(transport("certificate"))]
  ] as const)("lets the next one through when that one %s", ([_, attempt]) =>
    Effect.gen(function* () {
      const { ask, bringDown, run } = yield* make()
      yield* bringDown
      yield* TestClock.adjust("30 seconds")
      const probe = yield* Effect.fork(run(ann, () => attempt))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(probe)
      assert.strictEqual((yield* ask(bob, "token")).attempts, 1)
    })
  )

  it.effect("is one host's", () =>
    Effect.gen(function* () {
      const { ask, bringDown, health } = yield* make()
      yield* bringDown
      assert.strictEqual((yield* ask(callOf("ann", { host: "other.example" }), "token")).attempts, 1)
      assert.deepStrictEqual((yield* health).circuits, { "login.example": "open", "other.example": "closed" })
    })
  )

  it.effect("is told by a gauge", () =>
    Effect.gen(function* () {
      const { ask, bringDown } = yield* make()
      const gauge = Metric.value(Metric.tagged(circuitStates, "server.address", "login.example"))
      yield* bringDown
      assert.strictEqual((yield* gauge).value, 2)
      yield* TestClock.adjust("30 seconds")
      yield* ask(ann, "token")
      assert.strictEqual((yield* gauge).value, 0)
    })
  )
})

describe("what a failure tells of its host", () => {
  const table: ReadonlyArray<readonly [failure: TokenError, state: "open" | "closed" | undefined]> = [
    [transport("timeout"), "open"],
    [transport("reset"), "open"],
    [transport("cutOff"), "open"],
    [transport("opaque"), "open"],
    [transport("refused"), "open"],
    [transport("unresolved"), "open"],
    [transport("handshake"), "open"],
    [unavailable(502), "open"],
    [unavailable(503), "open"],
    [unavailable(504), "open"],
    [unavailable(500), "closed"],
    [unavailable(408), "closed"],
    [throttled(), "closed"],
    [invalidClient, "closed"],
    [rejected("invalid_scope"), "closed"],
    [interaction("none"), "closed"],
    [transport("certificate"), undefined],
    [new CredentialUnavailable({ credential: "certificate file", reason: "it is missing" }), undefined]
  ]
  it.effect.each(table)("%s", ([failure, state]) =>
    Effect.gen(function* () {
      const resilience = yield* make()
      for (let index = 0; index < 30; index++) yield* resilience.ask(callOf(`${index}`), failure)
      assert.strictEqual(yield* stateOf(resilience), state)
    })
  )

  it.effect("counts for one request only once: a single key does not open the circuit, however often it fails", () =>
    Effect.gen(function* () {
      const resilience = yield* make()
      for (let times = 0; times < 30; times++) yield* resilience.ask(ann, unavailable(502))
      assert.strictEqual(yield* stateOf(resilience), "closed")
      for (let times = 0; times < 10; times++) yield* resilience.ask(ann, transport("refused"))
      assert.strictEqual(yield* stateOf(resilience), "closed", "not all of them were failed connections")
    })
  )
})

describe("the budget", () => {
  const budget = { tokens: 4, firstAttempts: 1000, refill: "1 hour" } as const

  it.effect("ends the retries of all when it is used up, first attempts go on", () =>
    Effect.gen(function* () {
      const { ask, health } = yield* make({ attempts: 4, budget })
      const attempts: Array<number> = []
      for (const call of [ann, bob, callOf("carol")]) attempts.push((yield* ask(call, unavailable(500))).attempts)
      assert.deepStrictEqual(attempts, [4, 2, 1])
      assert.strictEqual((yield* health).retries, 0)
    })
  )

  it.effect("does not end a wait that the server asked for", () =>
    Effect.gen(function* () {
      const { ask, health } = yield* make({ attempts: 4, budget: { ...budget, tokens: 1 } })
      yield* ask(bob, unavailable(500))
      assert.strictEqual((yield* health).retries, 0)
      const { attempts, result } = yield* ask(ann, unavailable(500, "1 second"), unavailable(500, "1 second"), "token")
      assert.deepStrictEqual([attempts, result], [3, Either.right("token")])
    })
  )

  it.effect("comes back", () =>
    Effect.gen(function* () {
      const { ask, health } = yield* make({ attempts: 4, budget })
      yield* ask(ann, unavailable(500))
      yield* ask(ann, unavailable(500))
      assert.strictEqual((yield* health).retries, 0)
      yield* TestClock.adjust("2 hours")
      assert.strictEqual((yield* health).retries, 2)
      assert.strictEqual((yield* ask(ann, unavailable(500))).attempts, 3)
    })
  )
})
