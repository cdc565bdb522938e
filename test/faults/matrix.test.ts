import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { expected, expectedNext, heldBack, isRetired, type Jitter, type Row, rows, run, type Times } from "./matrix.js"
import * as Stage from "./stage.js"
import { clientCredentials, type Subject, subjects } from "./subjects.js"

const retryBudget = 10

const check = (row: Row, times: Times, subject: Subject, jitter: Jitter) =>
  Effect.gen(function* () {
    const ending = expected(row, times, subject)
    const sight = yield* run(row, times, subject, jitter)
    const what = `${times}, jitter ${jitter}`
    assert.deepStrictEqual([sight.outcome, sight.requests], [ending.outcome, ending.requests], what)
    assert.strictEqual(sight.millis, ending.time[jitter], `${what}: time on the clock`)
    assert.strictEqual(sight.cached, ending.outcome === "token" ? 1 : 0, `${what}: cached tokens`)
    assert.strictEqual(sight.held, heldBack(row, ending.outcome, subject), `${what}: held back`)
    const next = { outcome: expectedNext(row, ending.outcome, subject), requests: isRetired(row, subject) ? 0 : 1 }
    assert.deepStrictEqual(sight.next, next, `${what}: the next request`)
    assert.strictEqual(sight.circuit, "closed", `${what}: circuit`)
    assert.strictEqual(sight.offeredTwice, 0, `${what}: nothing that serves once is offered twice`)
    assert.strictEqual(sight.origins.length, 1, `${what}: no other host is asked`)
    assert.strictEqual(sight.fibers, 0, `${what}: fibers`)
    const paid = row.paid === 0 ? 0 : ending.requests - 1
    if (sight.millis < 10_000) assert.strictEqual(sight.retriesLeft, retryBudget - paid, `${what}: retries left`)
  })

/** Both ends of the range for one grant; the schedule is the same for all. */
const jittersOf = (row: Row, times: Times, subject: Subject): ReadonlyArray<Jitter> => {
  const [least, most] = expected(row, times, subject).time
  return subject === clientCredentials && least < most ? [0, 1] : [1]
}

/** What is not sent again ends in the same way, however healthy the server would be the next time: once told is enough. */
const timesOf = (row: Row, subject: Subject): ReadonlyArray<Times> =>
  subject !== clientCredentials && row.always.requests === 1 ? ["once"] : ["once", "always"]

for (const subject of subjects)
  it.layer(Stage.layer())(subject.name, (it) => {
    for (const row of rows.filter(({ entraOnly }) => subject.isEntra || entraOnly !== true))
      it.effect(
        row.name,
        () =>
          Effect.forEach(timesOf(row, subject), (times) =>
            Effect.forEach(jittersOf(row, times, subject), (jitter) => check(row, times, subject, jitter))
          ),
        { concurrent: true }
      )
  })
