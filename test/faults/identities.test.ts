import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { applies, expected, type Row, rows, run } from "./identities.js"
import { type Source, sources } from "./identitySources.js"
import type { Jitter, Times } from "./matrix.js"
import * as Stage from "./stage.js"

const check = (row: Row, times: Times, source: Source, jitter: Jitter) =>
  Effect.gen(function* () {
    const ending = expected(row, source)[times]
    const sight = yield* run(row, times, source, jitter)
    const what = `${times}, jitter ${jitter}`
    assert.deepStrictEqual([sight.outcome, sight.requests], [ending.outcome, ending.requests[jitter]], what)
    assert.strictEqual(sight.millis, ending.time[jitter], `${what}: time on the clock`)
    const isKept = ending.outcome === "token" && row.keeps !== false
    assert.strictEqual(sight.cached, isKept ? 1 : 0, `${what}: cached tokens`)
    assert.strictEqual(sight.held, times === "always" ? (row.holds ?? 0) : 0, `${what}: held back`)
    assert.deepStrictEqual(sight.next, { outcome: "token", requests: source.serving }, `${what}: the next request`)
    assert.strictEqual(sight.circuit, "closed", `${what}: circuit`)
    assert.deepStrictEqual(sight.origins, ["http://169.254.169.254"], `${what}: no other host is asked`)
    assert.strictEqual(sight.fibers, 0, `${what}: fibers`)
  })

const exemplary = new Set(["App Service", "IMDS"])
const bothTimes: ReadonlyArray<Times> = ["once", "always"]

/** Both ends of the range where one source stands for all that have its schedule. */
const jittersOf = (row: Row, times: Times, source: Source): ReadonlyArray<Jitter> => {
  const [least, most] = expected(row, source)[times].time
  return least < most && exemplary.has(source.name) ? [0, 1] : [1]
}

for (const source of sources)
  it.layer(Stage.layer())(source.name, (it) => {
    for (const row of rows.filter((each) => applies(each, source)))
      it.effect(
        row.name,
        () =>
          Effect.forEach(bothTimes, (times) =>
            Effect.forEach(jittersOf(row, times, source), (jitter) => check(row, times, source, jitter))
          ),
        { concurrent: true }
      )
  })
