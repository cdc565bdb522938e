import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, TestClock } from "effect"
import { change, keep, removal, replace } from "../../src/cache/fileClaim.js"
import { openFolder } from "../../src/cache/fileFolder.js"
import { namesIn, newFolder, unfinishedIn } from "./fileFolders.js"

const file = "file"
const text = (content: string) => replace(new TextEncoder().encode(content))

const opened = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* openFolder(yield* newFolder)
  const read = fs.readFileString(folder.pathOf(file))
  /** Makes another's claim, which was touched so many milliseconds ago. */
  const claimedBy = (digit: string, age = 0) =>
    Effect.gen(function* () {
      const path = folder.pathOf(`${file}.${digit.repeat(32)}.new`)
      yield* fs.writeFileString(path, "")
      const touched = new Date(Date.now() - age)
      yield* fs.utimes(path, touched, touched)
      return path
    })
  return { claimedBy, folder, fs, read, unfinished: unfinishedIn(folder.path) }
})

const settle = Effect.repeatN(
  Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 2))),
  20
)

describe("a claim to a file", () => {
  it.scoped("replaces the file, keeps it or removes it, and is gone", () =>
    Effect.gen(function* () {
      const { folder, read } = yield* opened
      yield* change(folder, file, Effect.succeed(text("one")))
      yield* change(folder, file, Effect.succeed(keep))
      assert.strictEqual(yield* read, "one")
      assert.deepStrictEqual(yield* namesIn(folder.path), [file])
      yield* change(folder, file, Effect.succeed(removal))
      assert.deepStrictEqual(yield* namesIn(folder.path), [])
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("waits for another's as long as it is told, and then fails with a timeout", () =>
    Effect.gen(function* () {
      const { claimedBy, folder, fs, read, unfinished } = yield* opened
      const other = yield* claimedBy("8")
      const soon = Duration.millis(200)
      const [waited, failed] = yield* Effect.timed(Effect.flip(change(folder, file, Effect.succeed(keep), soon)))
      assert.deepStrictEqual(failed, { reason: "timeout" })
      assert.isAtLeast(Duration.toMillis(waited), 200)
      assert.lengthOf(yield* unfinished, 1)
      const waiting = yield* Effect.fork(change(folder, file, Effect.succeed(text("mine"))))
      yield* Effect.sleep(soon)
      yield* fs.remove(other)
      yield* Fiber.join(waiting)
      assert.strictEqual(yield* read, "mine")
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("clears away another's that was left, from before a clock was put back too", () =>
    Effect.gen(function* () {
      const { claimedBy, folder, read } = yield* opened
      yield* claimedBy("0", 11_000)
      yield* claimedBy("1", -3_600_000)
      yield* claimedBy("2", 86_400_000)
      yield* change(folder, file, Effect.succeed(text("one")), Duration.zero)
      assert.strictEqual(yield* read, "one")
      assert.deepStrictEqual(yield* namesIn(folder.path), [file])
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("leaves those to other files alone", () =>
    Effect.gen(function* () {
      const { claimedBy, folder } = yield* opened
      yield* claimedBy("0")
      yield* change(folder, "other", Effect.succeed(text("one")), Duration.zero)
      assert.lengthOf(yield* namesIn(folder.path), 2)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("whose holder was taken for dead changes nothing, and decides again by what is there then", () =>
    Effect.gen(function* () {
      const { folder, fs, read, unfinished } = yield* opened
      yield* change(folder, file, Effect.succeed(text("0")))
      let decisions = 0
      const addOne = Effect.map(Effect.orDie(read), (found) => text(String(Number(found) + 1)))
      const suspended = Effect.gen(function* () {
        decisions += 1
        const next = yield* addOne
        if (decisions > 1) return next
        const past = new Date(Date.now() - 20_000)
        for (const claim of yield* unfinished) yield* fs.utimes(folder.pathOf(claim), past, past)
        yield* change(folder, file, addOne)
        return next
      }).pipe(Effect.orDie, Effect.provideService(FileSystem.FileSystem, fs))
      yield* change(folder, file, suspended)
      assert.strictEqual(yield* read, "2")
      assert.strictEqual(decisions, 2)
      assert.deepStrictEqual(yield* unfinished, [])
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("whose holder was taken for dead removes nothing", () =>
    Effect.gen(function* () {
      const { folder, fs, read, unfinished } = yield* opened
      yield* change(folder, file, Effect.succeed(text("ended")))
      const suspended = Effect.gen(function* () {
        if ((yield* read) !== "ended") return keep
        for (const claim of yield* unfinished) yield* fs.remove(folder.pathOf(claim))
        yield* change(folder, file, Effect.succeed(text("fresh")))
        return removal
      }).pipe(Effect.orDie, Effect.provideService(FileSystem.FileSystem, fs))
      yield* change(folder, file, suspended)
      assert.strictEqual(yield* read, "fresh")
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("is touched while its holder works, so that nobody takes it for dead", () =>
    Effect.gen(function* () {
      const { folder, fs, unfinished } = yield* opened
      const gate = yield* Deferred.make<void>()
      const begun = yield* Deferred.make<void>()
      const working = Deferred.succeed(begun, undefined).pipe(
        Effect.zipRight(Deferred.await(gate)),
        Effect.as(text("slow"))
      )
      const holder = yield* Effect.fork(change(folder, file, working))
      yield* Deferred.await(begun)
      for (let second = 0; second < 30; second += 1) {
        yield* TestClock.adjust(Duration.seconds(1))
        yield* settle
        assert.deepStrictEqual(yield* Effect.flip(change(folder, file, Effect.succeed(keep), Duration.zero)), {
          reason: "timeout"
        })
      }
      assert.lengthOf(yield* unfinished, 1)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(holder)
      assert.strictEqual(yield* fs.readFileString(folder.pathOf(file)), "slow")
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("is withdrawn by who is interrupted while waiting, before and after making it", () =>
    Effect.gen(function* () {
      const { claimedBy, folder, fs, unfinished } = yield* opened
      const other = yield* claimedBy("f")
      const before = yield* Effect.fork(change(folder, file, Effect.succeed(text("no"))))
      yield* Effect.sleep(Duration.millis(100))
      yield* Fiber.interrupt(before)
      assert.lengthOf(yield* unfinished, 1)
      yield* fs.remove(other)

      const made = yield* Deferred.make<void>()
      const late = {
        ...folder,
        fs: {
          ...fs,
          writeFile: (path: string, data: Uint8Array, options?: FileSystem.WriteFileOptions) =>
            fs
              .writeFile(path, data, options)
              .pipe(Effect.zipRight(claimedBy("f")), Effect.zipRight(Deferred.succeed(made, undefined)), Effect.asVoid)
        }
      }
      const after = yield* Effect.fork(change(late, file, Effect.succeed(text("no"))))
      yield* Deferred.await(made)
      yield* Effect.sleep(Duration.millis(50))
      assert.lengthOf(yield* unfinished, 2)
      yield* Fiber.interrupt(after)
      assert.deepStrictEqual(yield* unfinished, [`${file}.${"f".repeat(32)}.new`])
      assert.isFalse(yield* fs.exists(folder.pathOf(file)))
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("that has begun its work ends it although it is interrupted", () =>
    Effect.gen(function* () {
      const { folder, read, unfinished } = yield* opened
      const begun = yield* Deferred.make<void>()
      const slow = Deferred.succeed(begun, undefined).pipe(
        Effect.zipRight(Effect.sleep(Duration.millis(50))),
        Effect.as(text("done"))
      )
      const fiber = yield* Effect.fork(change(folder, file, slow))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* read, "done")
      assert.deepStrictEqual(yield* unfinished, [])
    }).pipe(Effect.provide(NodeContext.layer))
  )
})
