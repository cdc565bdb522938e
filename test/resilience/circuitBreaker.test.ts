import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, TestClock } from "effect"
import * as CircuitBreaker from "../../src/resilience/circuitBreaker.js"
import { refusedParameter } from "./failures.js"

type Result = CircuitBreaker.HostOutcome["result"]

const host = "login.example"

const make = (options?: CircuitBreaker.CircuitBreakerOptions) =>
  Effect.gen(function* () {
    const changes: Array<string> = []
    const settings = yield* CircuitBreaker.parse(options)
    const breakers = CircuitBreaker.make(settings, (at, state) => changes.push(`${at} ${state}`))
    /** So many outcomes, of as many keys in turn. */
    const tell = (result: Result, times: number, keys = 3, at = host) =>
      Effect.forEach(
        Array.from({ length: times }, (_, index) => `key ${index % keys}`),
        (key) => breakers.record(at, { key, result }),
        { discard: true }
      )
    const isOpen = Effect.map(breakers.states, (states) => states[host] === "open")
    return { ...breakers, changes, isOpen, tell }
  })

/** As `make`, and open since now. */
const opened = Effect.tap(make(), ({ isOpen, tell }) =>
  Effect.gen(function* () {
    yield* tell("down", 10)
    assert.isTrue(yield* isOpen)
  })
)

describe("a circuit opens", () => {
  const table: ReadonlyArray<
    readonly [what: string, outcomes: ReadonlyArray<readonly [Result, number, number]>, isOpen: boolean]
  > = [
    ["at ten outcomes, all down, of three keys", [["down", 10, 3]], true],
    ["not at nine", [["down", 9, 3]], false],
    [
      "at half of them",
      [
        ["answered", 5, 5],
        ["down", 5, 3]
      ],
      true
    ],
    [
      "not at less than half",
      [
        ["answered", 6, 5],
        ["down", 5, 3]
      ],
      false
    ],
    ["not for two keys, however many outcomes", [["down", 500, 2]], false],
    ["not for one", [["down", 500, 1]], false],
    [
      "not for the keys of those that were answered",
      [
        ["answered", 5, 5],
        ["down", 20, 2]
      ],
      false
    ],
    ["for one key that makes no connection", [["unconnected", 10, 1]], true],
    [
      "not for one key that makes none, one time out of ten having been another failure",
      [
        ["unconnected", 9, 1],
        ["down", 1, 1]
      ],
      false
    ],
    [
      "for three keys, of which one makes no connection",
      [
        ["unconnected", 8, 1],
        ["down", 3, 3]
      ],
      true
    ],
    ["never by answers", [["answered", 500, 50]], false],
    ["not by nothing", [], false]
  ]
  it.effect.each(table)("%s", ([_, outcomes, expected]) =>
    Effect.gen(function* () {
      const { changes, isOpen, tell } = yield* make()
      for (const [result, times, keys] of outcomes) yield* tell(result, times, keys)
      assert.strictEqual(yield* isOpen, expected)
      assert.deepStrictEqual(changes, expected ? ["login.example open"] : [])
    })
  )

  it.effect("by what was within the last 30 s only", () =>
    Effect.gen(function* () {
      const { isOpen, tell } = yield* make()
      yield* tell("down", 9)
      yield* TestClock.adjust("30 seconds")
      yield* tell("down", 9)
      assert.isFalse(yield* isOpen)
      yield* TestClock.adjust("29999 millis")
      yield* tell("down", 1)
      assert.isTrue(yield* isOpen)
    })
  )

  it.effect("though it was well until a while ago", () =>
    Effect.gen(function* () {
      const { isOpen, tell } = yield* make()
      yield* tell("answered", 400)
      yield* TestClock.adjust("30 seconds")
      yield* tell("down", 10)
      assert.isTrue(yield* isOpen)
    })
  )

  it.effect("after more outcomes than are remembered", () =>
    Effect.gen(function* () {
      const { isOpen, tell } = yield* make()
      yield* tell("answered", 5000)
      yield* tell("down", 499)
      assert.isFalse(yield* isOpen)
      yield* tell("down", 2)
      assert.isTrue(yield* isOpen)
    })
  )

  it.effect("for its own host", () =>
    Effect.gen(function* () {
      const { admit, states, tell } = yield* make()
      yield* tell("answered", 1, 1, "other.example")
      yield* tell("down", 10)
      assert.deepStrictEqual(yield* states, { "login.example": "open", "other.example": "closed" })
      assert.strictEqual(yield* admit("other.example"), 0)
      assert.strictEqual(yield* admit("unheard.example"), 0)
    })
  )

  it.effect("as its numbers say", () =>
    Effect.gen(function* () {
      const { admit, isOpen, tell } = yield* make({
        outcomes: 2,
        share: 1,
        keys: 1,
        window: "1 second",
        pause: "7 seconds"
      })
      yield* tell("answered", 1)
      yield* tell("down", 2)
      assert.isFalse(yield* isOpen)
      yield* TestClock.adjust("1 second")
      yield* tell("down", 2, 1)
      assert.strictEqual(yield* admit(host), 7000)
    })
  )
})

describe("an open circuit", () => {
  it.effect("lets nothing through for 30 s, and tells how much of it is left", () =>
    Effect.gen(function* () {
      const { admit } = yield* opened
      assert.strictEqual(yield* admit(host), 30_000)
      yield* TestClock.adjust("29999 millis")
      assert.deepStrictEqual([yield* admit(host), yield* admit(host)], [1, 1])
    })
  )

  it.effect("then is half-open, and lets one through", () =>
    Effect.gen(function* () {
      const { admit, changes, states } = yield* opened
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual([yield* admit(host), yield* admit(host), yield* admit(host)], [0, 30_000, 30_000])
      assert.deepStrictEqual(yield* states, { [host]: "half-open" })
      assert.deepStrictEqual(changes, ["login.example open", "login.example half-open"])
    })
  )

  it.effect("closes when that one is answered, and has forgotten what was before", () =>
    Effect.gen(function* () {
      const { admit, changes, isOpen, states, tell } = yield* opened
      yield* TestClock.adjust("30 seconds")
      yield* admit(host)
      yield* tell("answered", 1)
      assert.deepStrictEqual(yield* states, { [host]: "closed" })
      assert.deepStrictEqual(yield* Effect.replicateEffect(admit(host), 5), [0, 0, 0, 0, 0])
      yield* tell("down", 9)
      assert.isFalse(yield* isOpen)
      assert.deepStrictEqual(changes, ["login.example open", "login.example half-open", "login.example closed"])
    })
  )

  it.effect("has forgotten what was before, even if that is within the window", () =>
    Effect.gen(function* () {
      const { admit, isOpen, tell } = yield* make({ pause: "1 second" })
      yield* tell("down", 10)
      yield* TestClock.adjust("1 second")
      yield* admit(host)
      yield* tell("answered", 1)
      yield* tell("down", 9)
      assert.isFalse(yield* isOpen)
      yield* tell("down", 1)
      assert.isTrue(yield* isOpen)
    })
  )

  it.effect.each(["down", "unconnected"] as const)("opens again when that one is %s, for another 30 s", (result) =>
    Effect.gen(function* () {
      const { admit, changes, tell } = yield* opened
      yield* TestClock.adjust("30 seconds")
      yield* admit(host)
      yield* TestClock.adjust("5 seconds")
      yield* tell(result, 1)
      assert.strictEqual(yield* admit(host), 30_000)
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* admit(host), 0)
      const states = changes.map((change) => change.split(" ")[1])
      assert.deepStrictEqual(states, ["open", "half-open", "open", "half-open"])
    })
  )

  it.effect("lets the next one try when that one tells nothing of the host", () =>
    Effect.gen(function* () {
      const { admit, changes, release } = yield* opened
      yield* TestClock.adjust("30 seconds")
      yield* admit(host)
      yield* release(host)
      assert.deepStrictEqual([yield* admit(host), yield* admit(host)], [0, 30_000])
      assert.deepStrictEqual(changes, ["login.example open", "login.example half-open"])
    })
  )

  it.effect("lets the next one try when that one is never heard of again", () =>
    Effect.gen(function* () {
      const { admit } = yield* opened
      yield* TestClock.adjust("30 seconds")
      yield* admit(host)
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual([yield* admit(host), yield* admit(host)], [0, 30_000])
    })
  )

  it.effect("is not opened by one who was let through before and tells nothing", () =>
    Effect.gen(function* () {
      const { admit, release } = yield* opened
      yield* release(host)
      yield* release("unheard.example")
      assert.strictEqual(yield* admit(host), 30_000)
    })
  )

  it.effect("tells of each change once, however many outcomes say the same", () =>
    Effect.gen(function* () {
      const { changes, tell } = yield* opened
      yield* tell("down", 50)
      assert.deepStrictEqual(changes, ["login.example open"])
      yield* tell("answered", 50)
      assert.deepStrictEqual(changes, ["login.example open"])
    })
  )
})

it.effect("hosts are forgotten beyond a thousand, the first of them first", () =>
  Effect.gen(function* () {
    const { states, tell } = yield* make()
    for (let index = 0; index < 1500; index++) yield* tell("answered", 1, 1, `host ${index}`)
    const hosts = Object.keys(yield* states)
    assert.deepStrictEqual([hosts.length, hosts[0], hosts.at(-1)], [1000, "host 500", "host 1499"])
  })
)

describe("the numbers of a breaker", () => {
  it("have the defaults that their documentation tells", () => {
    const [window, pause] = [Duration.seconds(30), Duration.seconds(30)]
    assert.deepStrictEqual(CircuitBreaker.parse(), Either.right({ window, outcomes: 10, share: 0.5, keys: 3, pause }))
  })

  const names = ["window", "outcomes", "share", "keys", "pause"] as const
  const wrong = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  it.each(names.flatMap((name) => wrong.map((value) => [name, value] as const)))(
    "are refused by name for %s of %d",
    (name, value) => {
      assert.strictEqual(refusedParameter(CircuitBreaker.parse({ [name]: value })), `breaker.${name}`)
    }
  )
})
