import { stat, utimes } from "node:fs/promises"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Duration, Effect, Option } from "effect"
import * as FileStore from "../../src/cache/fileStore.js"
import { namesIn, newFolder, unfinishedIn } from "./fileFolders.js"
import { compile, removeCompiled, type Started, start } from "./fileProcesses.js"
import { numbered, numberOf } from "./fileValues.js"

beforeAll(() => Effect.runPromise(compile))
afterAll(() => Effect.runPromise(removeCompiled))

const ttl = Duration.hours(1)

/** Makes unfinished files look as if they had been left two minutes ago. */
const age = (directory: string) =>
  Effect.flatMap(unfinishedIn(directory), (left) =>
    Effect.promise(async () => {
      for (const name of left) {
        const path = join(directory, name)
        const past = new Date((await stat(path)).mtimeMs - 120_000)
        await utimes(path, past, past)
      }
    })
  )

const lastOf = (child: Started) => Number(child.lines().at(-1) ?? 0)

describe("a store in files, and processes that are killed", () => {
  it.scopedLive(
    "keeps each entry whole, and as new as the last write that was told, through 200 kills",
    () =>
      Effect.gen(function* () {
        const directory = yield* newFolder
        const store = yield* FileStore.make({ directory })
        const cycle = (lane: number, turn: number) =>
          Effect.scoped(
            Effect.gen(function* () {
              const key = `${lane}:${turn}`
              const child = yield* start("fileProgram", "write", directory, key, "1", "1000000")
              yield* child.told(1 + (turn % 4))
              yield* Effect.sleep(Duration.millis((turn * 7) % 11))
              yield* child.kill
              assert.strictEqual(yield* child.ended, "killed")
              const found = Option.match(yield* store.get(key), { onNone: () => 0, onSome: numberOf })
              assert.isAtLeast(found, lastOf(child))
              assert.isAtMost(found, lastOf(child) + 1)
            })
          )
        const lanes = [0, 1, 2, 3]
        const turns = Array.from({ length: 50 }, (_, index) => index)
        yield* Effect.forEach(lanes, (lane) => Effect.forEach(turns, (turn) => cycle(lane, turn)), {
          concurrency: "unbounded"
        })
        assert.isAbove((yield* unfinishedIn(directory)).length, 0, "some were killed in the middle")
        assert.isAtMost((yield* unfinishedIn(directory)).length, 200)
        yield* age(directory)
        const rounds = Math.ceil((yield* namesIn(directory)).length / 16) + 1
        for (let round = 0; round < rounds; round += 1) yield* store.set("after", numbered(round), ttl)
        assert.deepStrictEqual(yield* unfinishedIn(directory), [])
        assert.lengthOf(yield* namesIn(directory), 201)
      }).pipe(Effect.provide(NodeContext.layer)),
    180_000
  )

  const counting: ReadonlyArray<readonly [string, string]> = [
    ["processes", "count"],
    ["processes that take each other for dead half of the time", "hasty"]
  ]
  it.scopedLive.each(counting)("counts each increment of four %s", ([, task]) =>
    Effect.gen(function* () {
      const directory = yield* newFolder
      const children = yield* Effect.replicateEffect(start("fileProgram", task, directory, "counter", "1", "50"), 4)
      for (const child of children) assert.strictEqual(yield* child.ended, 0)
      const store = yield* FileStore.make({ directory })
      assert.deepStrictEqual(yield* store.get("counter"), Option.some("200"))
      assert.deepStrictEqual(yield* unfinishedIn(directory), [])
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive(
    "goes on counting when one of them is killed",
    () =>
      Effect.gen(function* () {
        const directory = yield* newFolder
        const killed = yield* start("fileProgram", "count", directory, "counter", "1", "1000000")
        const others = yield* Effect.replicateEffect(start("fileProgram", "count", directory, "counter", "1", "50"), 3)
        yield* Effect.all(
          [killed, ...others].map((each) => each.told(5)),
          { concurrency: "unbounded" }
        )
        yield* killed.kill
        yield* killed.ended
        for (const other of others) assert.strictEqual(yield* other.ended, 0)
        const store = yield* FileStore.make({ directory })
        const counted = Number(Option.getOrThrow(yield* store.get("counter")))
        const finished = lastOf(killed)
        assert.isAbove(finished, 0)
        assert.include([150 + finished, 151 + finished], counted)
      }).pipe(Effect.provide(NodeContext.layer)),
    60_000
  )

  it.scopedLive(
    "waits no longer for a claim that was left than it takes to tell that nobody is there",
    () =>
      Effect.gen(function* () {
        const directory = yield* newFolder
        const store = yield* FileStore.make({ directory })
        const killedInMiddle = Effect.gen(function* () {
          const child = yield* start("fileProgram", "write", directory, "key", "1", "1000000")
          yield* child.told(3)
          yield* Effect.sleep(Duration.millis(Math.random() * 20))
          yield* child.kill
          yield* child.ended
          return (yield* unfinishedIn(directory)).length > 0
        })
        yield* Effect.repeat(Effect.scoped(killedInMiddle), { until: (left) => left })
        const [waited] = yield* Effect.timed(store.set("key", numbered(0), ttl))
        assert.isAbove(Duration.toMillis(waited), 7000)
        assert.isBelow(Duration.toMillis(waited), 14_000)
        assert.deepStrictEqual(Option.map(yield* store.get("key"), numberOf), Option.some(0))
        assert.deepStrictEqual(yield* unfinishedIn(directory), [])
      }).pipe(Effect.provide(NodeContext.layer)),
    60_000
  )
})
