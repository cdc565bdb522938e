import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, TestClock } from "effect"
import { InvalidClient, type TokenError } from "../../src/core/TokenError.js"
import * as Refusals from "../../src/resilience/refusals.js"
import { interaction, invalidClient, invalidGrant, rejected } from "./failures.js"

const ann: Refusals.Asker = { principal: "ann", scope: "contoso", request: "ann graph" }

const make = (options?: Refusals.GateOptions) =>
  Effect.gen(function* () {
    const refusals = Refusals.make<TokenError>(yield* Refusals.parse(options))
    const isOpen = (who = ann) => Effect.map(Effect.either(refusals.pass(who)), Either.isRight)
    const refuse = (times: number, failure: TokenError = invalidClient) =>
      Effect.replicateEffect(
        Effect.zipRight(refusals.attemptFailed(ann, failure), refusals.gaveUp(ann, failure)),
        times
      )
    return { ...refusals, isOpen, refuse }
  })

describe("the same refusal again", () => {
  it.effect("passes twice; from the third on the request is held back, 1 s at first, 30 s at most", () =>
    Effect.gen(function* () {
      const { isOpen, refuse } = yield* make()
      for (const seconds of [0, 0, 1, 2, 4, 8, 16, 30, 30, 30]) {
        yield* refuse(1)
        assert.strictEqual(yield* isOpen(), seconds === 0)
        yield* TestClock.adjust(Math.max(0, seconds * 1000 - 1))
        assert.strictEqual(yield* isOpen(), seconds === 0, `after ${seconds} s less 1 ms`)
        yield* TestClock.adjust("1 millis")
        assert.isTrue(yield* isOpen(), `after ${seconds} s`)
      }
    })
  )

  it.effect.each([
    invalidClient,
    rejected("invalid_scope"),
    invalidGrant("bad_token"),
    interaction("message_only"),
    interaction("none")
  ])("is held back and told from memory, as it was: %s", (failure) =>
    Effect.gen(function* () {
      const { pass, refuse } = yield* make()
      yield* refuse(3, failure)
      const told = yield* Effect.flip(pass(ann))
      assert("source" in told && "source" in failure)
      assert.deepStrictEqual([told.source, failure.source], ["local", "server"])
      assert.strictEqual(Object.getPrototypeOf(told), Object.getPrototypeOf(failure))
      assert.include(told.message, "from memory: nothing was sent")
      assert.deepStrictEqual({ ...told, source: "server" }, { ...failure })
    })
  )

  it.effect("is caught by its tag, and is one of its schema", () =>
    Effect.gen(function* () {
      const { pass, refuse } = yield* make()
      yield* refuse(3)
      const status = yield* pass(ann).pipe(
        Effect.as(0),
        Effect.catchTag("InvalidClient", (error) => Effect.succeed(error instanceof InvalidClient ? error.status : 1))
      )
      assert.strictEqual(status, 401)
    })
  )

  it.effect("holds back no other request, not even one of the same principal", () =>
    Effect.gen(function* () {
      const { isOpen, refuse } = yield* make()
      yield* refuse(5)
      assert.isFalse(yield* isOpen())
      assert.isTrue(yield* isOpen({ ...ann, request: "ann vault" }))
    })
  )

  it.effect("counts as one again when it comes more than 10 s after the request could be sent", () =>
    Effect.gen(function* () {
      const { isOpen, refuse } = yield* make()
      yield* refuse(2)
      yield* TestClock.adjust("10 seconds")
      yield* refuse(2)
      assert.isTrue(yield* isOpen())
      yield* TestClock.adjust("9999 millis")
      yield* refuse(1)
      assert.isFalse(yield* isOpen())
    })
  )

  it.effect.each([
    ["another error", rejected("invalid_scope")],
    ["the same error of another suberror", rejected("invalid_client", "bad_token")],
    ["the same words under another tag", rejected("invalid_client")]
  ] as const)("begins anew after %s", ([_, other]) =>
    Effect.gen(function* () {
      const { isOpen, refuse } = yield* make()
      yield* refuse(2)
      yield* refuse(1, other)
      yield* refuse(2)
      assert.isTrue(yield* isOpen())
      yield* refuse(1)
      assert.isFalse(yield* isOpen())
    })
  )

  it.effect("begins anew after a success", () =>
    Effect.gen(function* () {
      const { isOpen, refuse, succeeded } = yield* make()
      yield* refuse(2)
      yield* succeeded(ann)
      yield* refuse(2)
      assert.isTrue(yield* isOpen())
    })
  )

  it.effect("is forgiven when it is asked to be, and begins anew", () =>
    Effect.gen(function* () {
      const { forgive, isOpen, refuse } = yield* make()
      yield* refuse(6)
      assert.isFalse(yield* isOpen())
      yield* forgive(ann)
      assert.isTrue(yield* isOpen())
      yield* refuse(2)
      assert.isTrue(yield* isOpen())
    })
  )

  it.effect("is counted as the policy says", () =>
    Effect.gen(function* () {
      const { isOpen, refuse } = yield* make({ repeats: 1, longestRepeat: "1500 millis" })
      yield* refuse(1)
      assert.isFalse(yield* isOpen())
      yield* TestClock.adjust("1 second")
      yield* refuse(1)
      yield* TestClock.adjust("1499 millis")
      assert.isFalse(yield* isOpen())
      yield* TestClock.adjust("1 millis")
      assert.isTrue(yield* isOpen())
    })
  )

  it.effect("stays held back at the most, however often it came", () =>
    Effect.gen(function* () {
      const { isOpen, refuse } = yield* make()
      yield* refuse(5000)
      yield* TestClock.adjust("29999 millis")
      assert.isFalse(yield* isOpen())
      yield* TestClock.adjust("1 millis")
      assert.isTrue(yield* isOpen())
    })
  )
})
