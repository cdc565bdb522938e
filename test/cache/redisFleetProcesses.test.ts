import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schema } from "effect"
import * as Fault from "../../src/emulator/Fault.js"
import * as Redis from "../support/redis.js"
import { authority, eventually, type Kind, width } from "./redisFleet.js"
import { compiledProgram, start } from "./redisFleetProcesses.js"

const decodeStorm = Schema.decodeUnknown(
  Schema.Struct({ tokens: Schema.Number, asked: Schema.Number, lines: Schema.Array(Schema.String) })
)
const decodeOne = Schema.decodeUnknown(Schema.Struct({ took: Schema.Number, source: Schema.String }))

const fleet = (count: number, settings: { readonly client: string; readonly kind: Kind; readonly lease: string }) =>
  Effect.gen(function* () {
    const [program, redis, entra] = yield* Effect.all([compiledProgram, Redis.start(), authority()])
    const processes = yield* Effect.all(
      Array.from({ length: count }, () =>
        start(program, {
          AUTHORITY: entra.origin,
          REDIS: redis.url,
          CLIENT: settings.client,
          KIND: settings.kind,
          LEASE: settings.lease,
          // So long that a busy machine does not play an outage.
          TIMEOUT: "10"
        })
      ),
      { concurrency: "unbounded" }
    )
    return { entra, processes, redis }
  })

const fibers = 100

const cold: ReadonlyArray<{ readonly client: string; readonly kind: Kind }> = [
  { client: "ioredis", kind: "scopes" },
  { client: "node-redis", kind: "tenants" }
]

describe("processes that share a Redis", () => {
  it.scopedLive.each(cold)(
    "ask once for each of 50 $kind, however many fibers of theirs want all of them at once, through $client",
    ({ client, kind }) =>
      Effect.gen(function* () {
        const { entra, processes } = yield* fleet(4, { client, kind, lease: "15" })
        const at = Date.now() + 500
        const answers = yield* Effect.forEach(
          processes,
          ({ tell }) => Effect.flatMap(tell("storm", `${fibers}@${at}`), decodeStorm),
          { concurrency: "unbounded" }
        )
        const each = { tokens: fibers * width, asked: fibers * width, lines: [] }
        assert.deepStrictEqual(answers, [each, each, each, each])
        assert.strictEqual(yield* entra.count, width)
      }),
    60_000
  )

  it.scopedLive(
    "wait no longer than a lease for one that is killed while it asks, and one of them asks again",
    () =>
      Effect.gen(function* () {
        const { entra, processes } = yield* fleet(3, { client: "ioredis", kind: "scopes", lease: "2" })
        const [victim, ...others] = processes
        yield* entra.emulator.script([Fault.delay("1 minute")])
        const doomed = yield* Effect.fork(Effect.exit(victim?.tell("one") ?? Effect.dieMessage("no victim")))
        yield* eventually(entra.count, (count) => count === 1)
        const waiting = yield* Effect.fork(
          Effect.forEach(others, ({ tell }) => Effect.flatMap(tell("one"), decodeOne), { concurrency: "unbounded" })
        )
        yield* Effect.sleep("500 millis")
        assert.strictEqual(yield* entra.count, 1, "the others wait for the one that asks")
        yield* victim?.kill ?? Effect.void
        assert.isTrue(Exit.isFailure(yield* Fiber.join(doomed)))
        const answers = yield* Fiber.join(waiting)
        for (const { took } of answers) assert.isBelow(took, 4500)
        assert.deepStrictEqual(answers.map(({ source }) => source).sort(), ["cache", "identity_provider"])
        assert.strictEqual(yield* entra.count, 2)
      }),
    60_000
  )
})
