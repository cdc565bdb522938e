import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Redacted } from "effect"
import { type Lifetime, lifetimeOf, renewalAfter, renewalOf } from "../../src/cache/lifetime.js"
import * as AccessToken from "../../src/core/AccessToken.js"

const now = Date.UTC(2025, 0, 1)
const hour = 3600
const ms = (seconds: number) => seconds * 1000

/** A token that lives so long, and the advice to renew it after so much of that. */
const known = (life: number, refreshIn?: number) => {
  const token = AccessToken.make({
    accessToken: Redacted.make("token"),
    expiresAtMillis: now + ms(life),
    refreshAtMillis: refreshIn === undefined ? undefined : now + ms(refreshIn)
  })
  const lifetime = lifetimeOf(token, now)
  assert(lifetime !== undefined)
  return { token, lifetime }
}

/** When a renewal is due: seconds after the token came. */
const due = (life: number, refreshIn: number | undefined, random: number) => {
  const { lifetime, token } = known(life, refreshIn)
  return (renewalOf(token, lifetime, random) - now) / 1000
}

describe("a token is renewed", () => {
  const table: ReadonlyArray<
    readonly [what: string, life: number, refreshIn: number | undefined, earliest: number, latest: number]
  > = [
    ["when the server advises it, or a tenth of what is left later", 24 * hour, 12 * hour, 12 * hour, 12 * hour + 300],
    ["of an hour, advised after half of it", hour, hour / 2, 1800, 1950],
    ["where nothing is advised, at the half of a day", 24 * hour, undefined, 12 * hour, 12 * hour + 300],
    ["where nothing is advised, at the half of three hours", 3 * hour, undefined, 5400, 5400 + 300],
    ["where nothing is advised, of two hours when its margin begins", 2 * hour, undefined, 6900, 6900],
    ["where nothing is advised, of an hour when its margin begins", hour, undefined, 3300, 3300],
    ["where nothing is advised, of a minute when its margin begins", 60, undefined, 48, 48],
    ["when its margin begins, though a later time is advised", hour, 3500, 3300, 3300],
    ["when its margin begins, though a time after its end is advised", hour, 2 * hour, 3300, 3300],
    ["shortly before its margin begins, if it is so advised", hour, 3290, 3290, 3291],
    ["at once, if it is so advised, or a tenth of its time later", 600, 0, 0, 48]
  ]
  it.each(table)("%s", (_, life, refreshIn, earliest, latest) => {
    assert.approximately(due(life, refreshIn, 0), earliest, 1e-3)
    assert.approximately(due(life, refreshIn, 1), latest, 1e-3)
    assert.approximately(due(life, refreshIn, 0.5), (earliest + latest) / 2, 1e-3)
  })

  const random = FastCheck.double({ min: 0, max: 1, noNaN: true })
  const seconds = FastCheck.integer({ min: 11, max: 365 * 86_400 })
  it.prop(
    "never before it is advised, and never after its margin has begun",
    [seconds, FastCheck.option(seconds, { nil: undefined }), random],
    ([life, refreshIn, drawn]) => {
      const { lifetime, token } = known(life, refreshIn)
      const at = renewalOf(token, lifetime, drawn)
      assert.isAtMost(at, lifetime.freshUntil)
      if (refreshIn !== undefined) assert.isAtLeast(at, Math.min(now + ms(refreshIn), lifetime.freshUntil))
    }
  )
})

describe("a renewal that failed is repeated", () => {
  const { lifetime } = known(24 * hour)
  const pauseAfter = (failures: number, at: number, of: Lifetime = lifetime) => renewalAfter(failures, of, at) - at

  it.each([
    [1, 10],
    [2, 20],
    [3, 40],
    [4, 80],
    [5, 160],
    [6, 300],
    [7, 300],
    [5000, 300]
  ])("after %d times in %d s", (failures, seconds) => {
    assert.strictEqual(pauseAfter(failures, now), ms(seconds))
  })

  it("in half of the time that is left, where that is shorter", () => {
    assert.strictEqual(pauseAfter(6, lifetime.servesUntil - 100_000), 50_000)
    assert.strictEqual(pauseAfter(1, lifetime.servesUntil - 8000), 4000)
  })

  it("at once, where no time is left", () => {
    assert.strictEqual(pauseAfter(3, lifetime.servesUntil), 0)
    assert.strictEqual(pauseAfter(3, lifetime.servesUntil + 1000), 0)
  })

  it.prop(
    "never after the token has ended, and never earlier than before",
    [FastCheck.integer({ min: 1, max: 100 }), FastCheck.integer({ min: 0, max: 86_390 })],
    ([failures, age]) => {
      const at = now + ms(age)
      assert.isAtMost(renewalAfter(failures, lifetime, at), Math.max(at, lifetime.servesUntil))
      assert.isAtLeast(pauseAfter(failures + 1, at), pauseAfter(failures, at))
    }
  )
})
