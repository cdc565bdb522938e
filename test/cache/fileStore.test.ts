import { inspect } from "node:util"
import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, TestClock } from "effect"
import { fileName, largestValue } from "../../src/cache/fileEntry.js"
import * as FileStore from "../../src/cache/fileStore.js"
import { namesIn, newFolder, unfinishedIn } from "./fileFolders.js"

const minute = Duration.minutes(1)
const hour = Duration.hours(1)

const stored = Effect.gen(function* () {
  const directory = yield* newFolder
  const fs = yield* FileSystem.FileSystem
  const store = yield* FileStore.make({ directory })
  const { compareAndSet } = store
  if (compareAndSet === undefined) return yield* Effect.dieMessage("It compares.")
  const pathOf = (key: string) => Effect.map(fileName(key), (name) => `${directory}/${name}`)
  return { directory, fs, pathOf, store: { ...store, compareAndSet } }
})

const modeOf = (fs: FileSystem.FileSystem, path: string) => Effect.map(fs.stat(path), ({ mode }) => mode & 0o777)

describe("a store in files", () => {
  it.scoped("gives what was set, to other instances too, until it is removed", () =>
    Effect.gen(function* () {
      const { directory, store } = yield* stored
      assert.isTrue(Option.isNone(yield* store.get("key")))
      yield* store.set("key", "one", minute)
      yield* store.set("Key", "other", minute)
      yield* store.set("key", "ä\u{1f600}\ntwo", minute)
      const second = yield* FileStore.make({ directory })
      assert.deepStrictEqual(yield* second.get("key"), Option.some("ä\u{1f600}\ntwo"))
      yield* second.remove("key")
      yield* second.remove("key")
      assert.isTrue(Option.isNone(yield* store.get("key")))
      assert.deepStrictEqual(yield* store.get("Key"), Option.some("other"))
      assert.deepStrictEqual(yield* namesIn(directory), [yield* fileName("Key")])
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("makes folders and files that are their owner's alone", () =>
    Effect.gen(function* () {
      const { directory, fs, pathOf, store } = yield* stored
      yield* store.set("key", "value", minute)
      assert.strictEqual(yield* modeOf(fs, directory), 0o700)
      assert.strictEqual(yield* modeOf(fs, `${directory}/..`), 0o700)
      assert.strictEqual(yield* modeOf(fs, yield* pathOf("key")), 0o600)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("gives an entry until its end, and then removes its file", () =>
    Effect.gen(function* () {
      const { directory, store } = yield* stored
      yield* store.set("key", "value", minute)
      yield* store.set("forever", "value", Duration.infinity)
      yield* TestClock.adjust(Duration.millis(59_999))
      assert.deepStrictEqual(yield* store.get("key"), Option.some("value"))
      yield* TestClock.adjust(Duration.millis(1))
      assert.isTrue(Option.isNone(yield* store.get("key")))
      assert.deepStrictEqual(yield* store.get("forever"), Option.some("value"))
      assert.deepStrictEqual(yield* namesIn(directory), [yield* fileName("forever")])
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("replaces what is expected, and nothing else", () =>
    Effect.gen(function* () {
      const { store } = yield* stored
      assert.isFalse(yield* store.compareAndSet("key", Option.some("one"), "two", minute))
      assert.isTrue(yield* store.compareAndSet("key", Option.none(), "one", minute))
      assert.isFalse(yield* store.compareAndSet("key", Option.none(), "two", minute))
      assert.deepStrictEqual(yield* store.get("key"), Option.some("one"))
      assert.isTrue(yield* store.compareAndSet("key", Option.some("one"), "two", hour))
      yield* TestClock.adjust(minute)
      assert.deepStrictEqual(yield* store.get("key"), Option.some("two"))
      yield* TestClock.adjust(hour)
      assert.isTrue(yield* store.compareAndSet("key", Option.none(), "three", minute))
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("lets one of many fibers win, and counts each of their increments", () =>
    Effect.gen(function* () {
      const { directory, store } = yield* stored
      const ids = Array.from({ length: 20 }, (_, index) => String(index))
      const won = yield* Effect.forEach(ids, (id) => store.compareAndSet("lease", Option.none(), id, minute), {
        concurrency: "unbounded"
      })
      assert.lengthOf(
        won.filter((each) => each),
        1
      )
      const increment: Effect.Effect<void, unknown> = Effect.gen(function* () {
        const found = yield* store.get("count")
        const next = String(Number(Option.getOrElse(found, () => "0")) + 1)
        if (!(yield* store.compareAndSet("count", found, next, minute))) yield* increment
      })
      yield* Effect.all(Effect.replicate(increment, 20), { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* store.get("count"), Option.some("20"))
      assert.deepStrictEqual(yield* unfinishedIn(directory), [])
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("sweeps a few entries that ended and files that were left with each write, and no others", () =>
    Effect.gen(function* () {
      const { directory, fs, store } = yield* stored
      for (let index = 0; index < 40; index += 1) yield* store.set(`key-${index}`, "value", minute)
      const left = `${directory}/${yield* fileName("key-0")}.${"0".repeat(32)}.new`
      yield* fs.writeFileString(left, "half")
      yield* fs.writeFileString(`${directory}/mine.new`, "a person's")
      yield* TestClock.adjust(Duration.seconds(59))
      yield* store.set("lasting", "value", hour)
      assert.lengthOf(yield* namesIn(directory), 43)
      yield* TestClock.adjust(minute)
      yield* store.set("lasting", "value", hour)
      assert.isAtLeast((yield* namesIn(directory)).length, 43 - 16)
      for (let round = 0; round < 3; round += 1) yield* store.set("lasting", "value", hour)
      assert.sameMembers([...(yield* namesIn(directory))], ["mine.new", yield* fileName("lasting")])
    }).pipe(Effect.provide(NodeContext.layer))
  )

  const contents: ReadonlyArray<readonly [string, (whole: Uint8Array) => Uint8Array]> = [
    ["cut off", (whole) => whole.slice(0, -1)],
    ["empty", () => new Uint8Array()],
    ["garbage", () => new TextEncoder().encode("hunter2\n{}")],
    ["of 10 MiB", (whole) => new Uint8Array(10 * 1024 * 1024).fill(120).map((each, at) => whole[at] ?? each)]
  ]
  it.scoped.each(contents)("takes a file that is %s for nothing, and replaces it", ([, damage]) =>
    Effect.gen(function* () {
      const { fs, pathOf, store } = yield* stored
      yield* store.set("key", "value", minute)
      const path = yield* pathOf("key")
      yield* fs.writeFile(path, damage(yield* fs.readFile(path)))
      assert.isTrue(Option.isNone(yield* store.get("key")))
      assert.isFalse(yield* store.compareAndSet("key", Option.some("value"), "two", minute))
      assert.isTrue(yield* store.compareAndSet("key", Option.none(), "two", minute))
      assert.deepStrictEqual(yield* store.get("key"), Option.some("two"))
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("keeps a value of a mebibyte, and refuses a larger one without telling it", () =>
    Effect.gen(function* () {
      const { store } = yield* stored
      const largest = "hunter2 ".repeat(largestValue / 8)
      yield* store.set("key", largest, Duration.infinity)
      assert.deepStrictEqual(yield* store.get("key"), Option.some(largest))
      const error = yield* Effect.flip(store.set("key", `${largest}!`, minute))
      assert.deepInclude(error, { operation: "set", reason: "refused" })
      assert.notInclude(inspect(error), "hunter2")
    }).pipe(Effect.provide(NodeContext.layer))
  )

  const operations = (store: Effect.Effect.Success<typeof stored>["store"]) => [
    store.get("key"),
    store.set("key", "value", minute),
    store.compareAndSet("key", Option.none(), "value", minute)
  ]

  it.scoped("refuses a file that others may use, with the command that mends it, but removes it when told", () =>
    Effect.gen(function* () {
      const { fs, pathOf, store } = yield* stored
      yield* store.set("key", "hunter2", minute)
      const path = yield* pathOf("key")
      for (const mode of [0o604, 0o620, 0o611]) {
        yield* fs.chmod(path, mode)
        for (const operation of operations(store)) {
          const error = yield* Effect.flip(operation)
          assert.strictEqual(error.reason, "refused")
          assert.isFalse(error.isRetryable)
          assert.include(error.message, `Run: chmod 600 ${path}`)
          assert.notInclude(inspect(error), "hunter2")
        }
      }
      yield* fs.chmod(path, 0o600)
      assert.deepStrictEqual(yield* store.get("key"), Option.some("hunter2"))
      yield* fs.chmod(path, 0o666)
      yield* store.remove("key")
      assert.isFalse(yield* fs.exists(path))
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("refuses a symbolic link in the place of a file, and removes it, not what it points to", () =>
    Effect.gen(function* () {
      const { fs, pathOf, store } = yield* stored
      yield* store.set("target", "hunter2", minute)
      const [target, path] = yield* Effect.all([pathOf("target"), pathOf("key")])
      for (const to of [target, "/nowhere"]) {
        yield* fs.symlink(to, path)
        for (const operation of operations(store)) {
          const error = yield* Effect.flip(operation)
          assert.strictEqual(error.reason, "refused")
          assert.include(error.message, `${path} is a symbolic link`)
        }
        yield* store.remove("key")
        assert.isTrue(Option.isNone(yield* store.get("key")))
      }
      assert.deepStrictEqual(yield* store.get("target"), Option.some("hunter2"))
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("refuses a folder in the place of a file", () =>
    Effect.gen(function* () {
      const { fs, pathOf, store } = yield* stored
      yield* fs.makeDirectory(yield* pathOf("key"))
      for (const operation of operations(store))
        assert.deepInclude(yield* Effect.flip(operation), { reason: "refused" })
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("tells what failed by its code when its folder is taken away", () =>
    Effect.gen(function* () {
      const { directory, fs, store } = yield* stored
      yield* fs.remove(directory, { recursive: true })
      assert.isTrue(Option.isNone(yield* store.get("key")))
      yield* store.remove("key")
      const error = yield* Effect.flip(store.set("key", "hunter2", minute))
      assert.deepInclude(error, { operation: "set", reason: "failed", code: "ENOENT" })
      assert.notInclude(inspect(error), "hunter2")
    }).pipe(Effect.provide(NodeContext.layer))
  )
})
