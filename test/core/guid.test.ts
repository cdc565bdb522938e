import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck, Random } from "effect"
import { isGuid, makeGuid } from "../../src/core/guid.js"

describe("isGuid", () => {
  it.prop("takes a GUID in any case", [FastCheck.uuid(), FastCheck.boolean()], ([guid, upper]) => {
    assert.isTrue(isGuid(upper ? guid.toUpperCase() : guid))
  })

  it.each([
    "",
    "common",
    "11111111222233334444555555555555",
    "{11111111-2222-3333-4444-555555555555}",
    "11111111-2222-3333-4444-55555555555",
    "11111111-2222-3333-4444-5555555555555",
    "g1111111-2222-3333-4444-555555555555",
    "11111111-2222-3333-4444-555555555555\n"
  ])("refuses %j", (text) => {
    assert.isFalse(isGuid(text))
  })
})

describe("makeGuid", () => {
  const version4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

  it.effect("makes UUIDs of version 4, all different", () =>
    Effect.gen(function* () {
      const guids = yield* Effect.replicateEffect(makeGuid, 2000)
      for (const guid of guids) assert.match(guid, version4)
      assert.strictEqual(new Set(guids).size, guids.length)
      assert.strictEqual(new Set(guids.map((guid) => guid[19])).size, 4)
    })
  )

  it.effect("draws from Effect's randomness, so that a seed repeats it", () =>
    Effect.gen(function* () {
      const seeded = makeGuid.pipe(Effect.withRandom(Random.make("seed")))
      assert.strictEqual(yield* seeded, yield* makeGuid.pipe(Effect.withRandom(Random.make("seed"))))
    })
  )
})
