import { assert, describe, it } from "@effect/vitest"
import { Duration, Either } from "effect"
import * as RetryPolicy from "../../src/resilience/RetryPolicy.js"
import { refusedParameter } from "./failures.js"

describe("a policy", () => {
  it("has the defaults that its documentation tells", () => {
    assert.deepStrictEqual(
      RetryPolicy.make(),
      Either.right({
        attempts: 4,
        longestWait: Duration.seconds(30),
        attemptTimeout: Duration.seconds(10),
        deadline: Duration.seconds(60),
        backoff: Duration.millis(500),
        longestBackoff: Duration.seconds(8),
        budget: { tokens: 10, firstAttempts: 10, refill: Duration.seconds(30) },
        gate: {
          bareThrottle: Duration.seconds(5),
          principals: 3,
          window: Duration.seconds(60),
          repeats: 3,
          repeatWindow: Duration.seconds(10),
          longestRepeat: Duration.seconds(30)
        },
        breaker: {
          window: Duration.seconds(30),
          outcomes: 10,
          share: 0.5,
          keys: 3,
          pause: Duration.seconds(30)
        }
      })
    )
  })

  it("takes durations in every form", () => {
    const policy = Either.getOrThrow(RetryPolicy.make({ longestWait: "2 minutes", deadline: 90_000 }))
    assert.deepStrictEqual(policy.longestWait, Duration.minutes(2))
    assert.deepStrictEqual(policy.deadline, Duration.seconds(90))
  })

  const refused = (options: RetryPolicy.Options, name: string) => {
    assert.strictEqual(refusedParameter(RetryPolicy.make(options)), name)
  }

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "refuses %d attempts by name",
    (attempts) => {
      refused({ attempts }, "attempts")
    }
  )

  const durations = ["longestWait", "attemptTimeout", "deadline", "backoff", "longestBackoff"] as const
  const wrong = [
    ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    ...[Duration.infinity, "0 seconds" as const]
  ]
  const options = durations.flatMap((name) => wrong.map((value) => [name, value] as const))
  it.each(options)("refuses %s of %s by name", (name, value) => {
    refused({ [name]: value }, name)
  })

  const nested = {
    budget: ["tokens", "firstAttempts", "refill"],
    gate: ["bareThrottle", "principals", "window", "repeats", "repeatWindow", "longestRepeat"],
    breaker: ["window", "outcomes", "share", "keys", "pause"]
  }
  const numbers = Object.entries(nested).flatMap(([part, names]) => names.map((name) => [part, name] as const))
  it.each(numbers)("refuses %s.%s by both names", (part, name) => {
    for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      refused({ [part]: { [name]: value } }, `${part}.${name}`)
  })

  it("knows every number that it can be made of by these names", () => {
    const policy = Either.getOrThrow(RetryPolicy.make())
    for (const [part, names] of Object.entries(nested))
      assert.sameMembers(Object.keys(Reflect.get(policy, part)), names, part)
    assert.sameMembers(Object.keys(policy), ["attempts", ...durations, ...Object.keys(nested)])
  })

  it("takes a part of the nested numbers, and leaves the others as they are", () => {
    const policy = Either.getOrThrow(RetryPolicy.make({ budget: { tokens: 3 }, breaker: { share: 1 } }))
    const standard = Either.getOrThrow(RetryPolicy.make())
    assert.deepStrictEqual(policy, {
      ...standard,
      budget: { ...standard.budget, tokens: 3 },
      breaker: { ...standard.breaker, share: 1 }
    })
  })

  it("refuses what is no duration at all", () => {
    refused(JSON.parse('{"deadline":"soon"}'), "deadline")
  })
})
