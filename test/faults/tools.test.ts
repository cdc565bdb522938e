import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { programs, runTool, toolRows } from "./tools.js"

for (const program of programs)
  describe(program[1].name, () => {
    for (const row of toolRows)
      it.scopedLive(`that ${row.name} is told by a reason`, () =>
        Effect.map(runTool(row, program), (reason) => assert.strictEqual(reason, row.reason))
      )
  })
