import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { troubled } from "./server.js"
import { soak } from "./soak.js"

it.live("three seconds of random faults and interruptions leave nothing behind", () =>
  Effect.gen(function* () {
    const seed = String(Date.now())
    for (const { holds, what } of yield* soak({ seconds: 3, seed, server: troubled(seed) }))
      assert.isTrue(holds, `${what} (seed ${seed})`)
  })
)
