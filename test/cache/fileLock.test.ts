import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber } from "effect"
import { withMsalLock } from "../../src/cache/fileLock.js"
import { compile, removeCompiled, start } from "./fileProcesses.js"

beforeAll(() => Effect.runPromise(compile))
afterAll(() => Effect.runPromise(removeCompiled))

const shared = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped()
  const path = `${directory}/msal.cache.json`
  const lock = `${path}.lockfile`
  /** Makes the lock as MSAL does, so many milliseconds ago. */
  const lockedBefore = (age: number) =>
    Effect.gen(function* () {
      yield* fs.writeFileString(lock, "4711", { flag: "wx+" })
      const made = new Date(Date.now() - age)
      yield* fs.utimes(lock, made, made)
    })
  const within = withMsalLock({ path, operation: "set", patience: Duration.millis(300) })
  return { directory, fs, lock, lockedBefore, names: fs.readDirectory(directory), path, within }
})

describe("the lock of MSAL's cache files", () => {
  it.scopedLive("is a file beside the cache, as long as the effect runs, however that ends", () =>
    Effect.gen(function* () {
      const { fs, lock, names, within } = yield* shared
      const look = Effect.orDie(fs.exists(lock))
      assert.isTrue(yield* within(look))
      assert.isFalse(yield* look)
      assert.deepStrictEqual(yield* Effect.exit(within(Effect.fail("no"))), Exit.fail("no"))
      const stuck = yield* Effect.fork(within(Effect.never))
      yield* Effect.sleep(Duration.millis(50))
      assert.isTrue(yield* look)
      yield* Fiber.interrupt(stuck)
      assert.deepStrictEqual(yield* names, [])
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("is waited for politely, and not for ever", () =>
    Effect.gen(function* () {
      const { fs, lock, lockedBefore, within } = yield* shared
      yield* lockedBefore(50_000)
      const [waited, error] = yield* Effect.timed(Effect.flip(within(Effect.die("inside"))))
      assert.deepInclude(error, { _tag: "StoreError", operation: "set", reason: "timeout" })
      assert.isAtLeast(Duration.toMillis(waited), 300)
      assert.strictEqual(yield* fs.readFileString(lock), "4711")
      const waiting = yield* Effect.fork(within(Effect.succeed("inside")))
      yield* Effect.sleep(Duration.millis(50))
      yield* fs.remove(lock)
      assert.strictEqual(yield* Fiber.join(waiting), "inside")
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("is left alone by who is interrupted while waiting", () =>
    Effect.gen(function* () {
      const { fs, lock, lockedBefore, names, within } = yield* shared
      yield* lockedBefore(0)
      const waiting = yield* Effect.fork(within(Effect.die("inside")))
      yield* Effect.sleep(Duration.millis(50))
      yield* Fiber.interrupt(waiting)
      assert.lengthOf(yield* names, 1)
      assert.strictEqual(yield* fs.readFileString(lock), "4711")
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("is taken over from who was killed, by one at a time", () =>
    Effect.gen(function* () {
      const { fs, lockedBefore, names, path } = yield* shared
      for (let round = 0; round < 20; round += 1) {
        yield* lockedBefore(61_000)
        let inside = 0
        const alone = Effect.acquireUseRelease(
          Effect.sync(() => {
            inside += 1
          }),
          () =>
            Effect.zipRight(
              Effect.sleep(Duration.millis(1)),
              Effect.sync(() => assert.strictEqual(inside, 1))
            ),
          () =>
            Effect.sync(() => {
              inside -= 1
            })
        )
        const one = withMsalLock({ path, operation: "set" })(alone)
        yield* Effect.all([one, one, one], { concurrency: "unbounded" })
        assert.deepStrictEqual(yield* names, [])
      }
      assert.isFalse(yield* fs.exists(path))
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("is not cleared away by who is too late to see that another has made a fresh one", () =>
    Effect.gen(function* () {
      const { fs, lock, lockedBefore, names, path } = yield* shared
      yield* lockedBefore(61_000)
      let looks = 0
      const late: FileSystem.FileSystem = {
        ...fs,
        stat: (file) =>
          Effect.tap(fs.stat(file), () => {
            if (file !== lock || looks > 0) return Effect.void
            looks += 1
            return Effect.zipRight(fs.remove(lock), fs.writeFileString(lock, "another's", { flag: "wx" }))
          })
      }
      const error = yield* Effect.die("inside").pipe(
        withMsalLock({ path, operation: "get", patience: Duration.zero }),
        Effect.provideService(FileSystem.FileSystem, late),
        Effect.flip
      )
      assert.deepInclude(error, { reason: "timeout", operation: "get" })
      assert.strictEqual(looks, 1)
      assert.strictEqual(yield* fs.readFileString(lock), "another's")
      assert.lengthOf(yield* names, 1)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("is not removed by who lost it meanwhile", () =>
    Effect.gen(function* () {
      const { fs, lock, within } = yield* shared
      yield* within(Effect.orDie(fs.writeFileString(lock, "another's")))
      assert.strictEqual(yield* fs.readFileString(lock), "another's")
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("tells by its code that it can't be made", () =>
    Effect.gen(function* () {
      const { directory } = yield* shared
      const error = yield* Effect.flip(
        withMsalLock({ path: `${directory}/absent/cache`, operation: "get" })(Effect.void)
      )
      assert.deepInclude(error, { operation: "get", reason: "failed", code: "ENOENT" })
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive(
    "keeps processes that hold it as MSAL does and ours from each other's changes",
    () =>
      Effect.gen(function* () {
        const { fs, directory, names, path } = yield* shared
        yield* fs.writeFileString(path, "0")
        const ours = Effect.replicate(start("fileProgram", "msal", `${directory}/store`, path, "1", "30"), 2)
        const theirs = Effect.replicate(start("fileMsalProgram", path, "30"), 2)
        for (const child of yield* Effect.all([...ours, ...theirs])) assert.strictEqual(yield* child.ended, 0)
        assert.strictEqual(yield* fs.readFileString(path), "120")
        assert.sameMembers([...(yield* names)], ["msal.cache.json", "store"])
      }).pipe(Effect.provide(NodeContext.layer)),
    60_000
  )
})
