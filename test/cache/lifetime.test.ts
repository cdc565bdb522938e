import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Redacted } from "effect"
import { type Lifetime, lifetimeOf, serves } from "../../src/cache/lifetime.js"
import * as AccessToken from "../../src/core/AccessToken.js"

const now = Date.UTC(2025, 0, 1)
const year = 365 * 86_400_000

const lifetime = (seconds: number | undefined) =>
  lifetimeOf(
    AccessToken.make({
      accessToken: Redacted.make("token"),
      expiresAtMillis: seconds === undefined ? undefined : now + seconds * 1000
    }),
    now
  )

const isFresh = (entry: Lifetime, at: number) => serves(entry, at) && at < entry.freshUntil

const known = (seconds: number) => {
  const found = lifetime(seconds)
  assert(found !== undefined)
  return found
}

describe("the margin before the end of a token", () => {
  const table: ReadonlyArray<readonly [of: string, life: number, fresh: number, served: number]> = [
    ["300 s of an hour", 3600, 3300, 3590],
    ["300 s of a day", 86_400, 86_100, 86_390],
    ["300 s of 25 minutes, where both rules agree", 1500, 1200, 1490],
    ["a fifth of 10 minutes", 600, 480, 590],
    ["a fifth of a minute", 60, 48, 50],
    ["10 s of 50 s, where a fifth is just that", 50, 40, 40],
    ["10 s of 30 s, where a fifth would be less than is ever served", 30, 20, 20]
  ]
  it.each(table)("is %s", (_, life, fresh, served) => {
    const entry = known(life)
    assert.deepStrictEqual(entry, {
      cachedAt: now,
      freshUntil: now + fresh * 1000,
      servesUntil: now + served * 1000
    })
    for (const [at, isIt, itServes] of [
      [0, true, true],
      [fresh * 1000 - 1, true, true],
      [fresh * 1000, false, served > fresh],
      [served * 1000 - 1, served === fresh, true],
      [served * 1000, false, false],
      [life * 1000, false, false]
    ] as const) {
      assert.strictEqual(isFresh(entry, now + at), isIt, `fresh after ${at} ms`)
      assert.strictEqual(serves(entry, now + at), itServes, `serves after ${at} ms`)
    }
  })

  it.each([10, 5, 0, -60])("leaves nothing to serve of a token that lives %d s, which so has no lifetime", (life) => {
    assert.isUndefined(lifetime(life))
  })

  it.prop(
    "never serves the last 10 s, and nothing is fresh that does not serve",
    [FastCheck.integer({ min: 11, max: 31_536_000 }), FastCheck.integer({ min: 0, max: 31_536_000 })],
    ([life, age]) => {
      const [fresh, served] = [isFresh(known(life), now + age * 1000), serves(known(life), now + age * 1000)]
      assert.strictEqual(served, age < life - 10)
      if (fresh) assert.isTrue(served)
    }
  )
})

describe("a token has no lifetime", () => {
  it("when the server told no end", () => {
    assert.isUndefined(lifetime(undefined))
  })

  it("when its end lies more than a year ahead", () => {
    assert.isDefined(lifetime(year / 1000))
    assert.isUndefined(lifetime(year / 1000 + 1))
    assert.isUndefined(lifetime(Number.POSITIVE_INFINITY))
  })
})

describe("a clock that was set back", () => {
  it("makes an entry of the future count as expired", () => {
    const entry = known(3600)
    assert.isFalse(isFresh(entry, now - 1))
    assert.isFalse(serves(entry, now - 1))
    assert.isTrue(isFresh(entry, now))
  })
})
