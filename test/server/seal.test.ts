import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as Seal from "../../src/server/seal.js"

const [first, second] = [
  Redacted.make("the first secret of more than 32 bytes, here"),
  Redacted.make("the second secret of more than 32 bytes, here")
] as const

const content = { text: "the content itself" }

describe("a seal", () => {
  it.effect("opens what it closed until its time, in whichever order the keys are", () =>
    Effect.gen(function* () {
      const before = yield* Seal.make([first], "purpose")
      const after = yield* Seal.make([second, first], "purpose")
      const sealed = yield* before.close(content, 60_000)
      assert.notInclude(sealed, "content")
      yield* TestClock.adjust("59 seconds")
      assert.include(Option.getOrUndefined(yield* after.open(sealed)), content)
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* after.open(sealed)))
    })
  )

  it.effect("opens nothing of another purpose or key", () =>
    Effect.gen(function* () {
      const sealed = yield* Effect.flatMap(Seal.make([first], "purpose"), (seal) => seal.close(content, 60_000))
      for (const [key, purpose] of [
        [first, "other"],
        [second, "purpose"]
      ] as const) {
        const seal = yield* Seal.make([key], purpose)
        assert.isTrue(Option.isNone(yield* seal.open(sealed)))
      }
    })
  )

  it.effect.prop("opens nothing that it did not close", [FastCheck.string({ unit: "binary" })], ([text]) =>
    Effect.gen(function* () {
      const seal = yield* Seal.make([first], "purpose")
      assert.isTrue(Option.isNone(yield* seal.open(text)))
      assert.isTrue(Option.isNone(yield* seal.open(`eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..${text}`)))
    })
  )
})
