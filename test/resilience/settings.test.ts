import { assert, describe, it } from "@effect/vitest"
import { Duration, Either, FastCheck } from "effect"
import * as Settings from "../../src/resilience/settings.js"
import { refusedParameter } from "./failures.js"

describe("a duration", () => {
  it.each([
    ["milliseconds", 1500, 1500],
    ["a text", "2 minutes", 120_000],
    ["a Duration", Duration.seconds(3), 3000],
    ["a part of a millisecond", 0.5, 0.5]
  ] as const)("may be %s", (_, input, millis) => {
    assert.deepStrictEqual(Either.map(Settings.duration("it", input), Duration.toMillis), Either.right(millis))
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Duration.infinity, Duration.zero])(
    "is refused by its name when it is %s",
    (input) => {
      assert.strictEqual(refusedParameter(Settings.duration("it", input)), "it")
    }
  )

  it.each(["soon", "", "0 seconds", "-1 seconds", "5", {}, null])("is refused when it is %j", (input) => {
    assert.strictEqual(refusedParameter(Settings.duration("it", JSON.parse(JSON.stringify(input)))), "it")
  })
})

describe("a count", () => {
  it.each([1, 4, Number.MAX_SAFE_INTEGER])("may be %d", (count) => {
    assert.deepStrictEqual(Settings.count("it", count), Either.right(count))
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53])(
    "is refused by its name when it is %d",
    (count) => {
      assert.strictEqual(refusedParameter(Settings.count("it", count)), "it")
    }
  )
})

describe("a share", () => {
  it.each([Number.MIN_VALUE, 0.5, 1])("may be %d", (share) => {
    assert.deepStrictEqual(Settings.share("it", share), Either.right(share))
  })

  it.each([0, -0.5, 1.01, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "is refused by its name when it is %d",
    (share) => {
      assert.strictEqual(refusedParameter(Settings.share("it", share)), "it")
    }
  )
})

it.prop("whatever number is given, what is taken is above zero and finite", [FastCheck.double()], ([number]) => {
  for (const setting of [Settings.count("it", number), Settings.share("it", number)])
    if (Either.isRight(setting)) assert.isTrue(setting.right > 0 && Number.isFinite(setting.right))
  const duration = Settings.duration("it", number)
  if (Either.isRight(duration)) assert.isTrue(Duration.isFinite(duration.right) && !Duration.isZero(duration.right))
})
