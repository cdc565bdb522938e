import { inspect } from "node:util"
import { FileSystem } from "@effect/platform"
import { SystemError } from "@effect/platform/Error"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Option } from "effect"
import * as FileStore from "../../src/cache/fileStore.js"
import { namesIn, newFolder } from "./fileFolders.js"

const refusal = (directory: string) =>
  Effect.tap(Effect.flip(FileStore.make({ directory })), (error) => {
    assert.strictEqual(error._tag, "ConfigurationError")
    assert.strictEqual(error.parameter, "directory")
  })

describe("a folder for secrets", () => {
  it.scoped("is refused if others may use it, with the command that mends it", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* newFolder
      for (const path of [directory, `${directory}/it's mine`]) {
        yield* FileStore.make({ directory: path })
        for (const mode of [0o701, 0o740, 0o777]) {
          yield* fs.chmod(path, mode)
          const word = path === directory ? path : `'${directory}/it'\\''s mine'`
          assert.include((yield* refusal(path)).message, `Run: chmod 700 ${word}`)
        }
        yield* fs.chmod(path, 0o700)
        yield* FileStore.make({ directory: path })
        assert.deepStrictEqual(yield* namesIn(path), [])
      }
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("is refused if it is a symbolic link, whatever follows its name", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = yield* newFolder
      yield* FileStore.make({ directory })
      for (const [target, link] of [
        [directory, `${directory}-link`],
        ["/nowhere", `${directory}-dangling`]
      ] as const) {
        yield* fs.symlink(target, link)
        for (const path of [link, `${link}/`, `${link}/.`])
          assert.include((yield* refusal(path)).message, `${link} is a symbolic link`)
      }
      yield* FileStore.make({ directory: `${directory}-link/below` })
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scoped("is refused if it can't be made or written, by the system's code", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const file = yield* fs.makeTempFileScoped()
      const places: ReadonlyArray<readonly [string, RegExp]> = [
        [file, /is none \(EEXIST\)/],
        [`${file}/below`, /is none \(ENOTDIR\)/],
        ["/proc/tokens", /is none \(ENOENT\)/],
        ["/proc/self", /symbolic link|is none/],
        [`/tmp/nul\u0000`, /is none \(BadArgument|is none \(ERR/],
        ["", /the path of a folder/],
        [" ", /the path of a folder/]
      ]
      for (const [path, told] of places) assert.match((yield* refusal(path)).message, told)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  const changed = (changes: (fs: FileSystem.FileSystem) => Partial<FileSystem.FileSystem>) =>
    Layer.effect(
      FileSystem.FileSystem,
      Effect.map(FileSystem.FileSystem, (fs) => ({ ...fs, ...changes(fs) }))
    ).pipe(Layer.provideMerge(NodeContext.layer))

  it.scoped("is taken as it is where modes mean nothing", () =>
    Effect.gen(function* () {
      const directory = yield* newFolder
      const store = yield* FileStore.make({ directory })
      yield* store.set("key", "value", Duration.minutes(1))
      assert.deepStrictEqual(yield* store.get("key"), Option.some("value"))
    }).pipe(
      Effect.provide(
        changed((fs) => ({ stat: (path) => Effect.map(fs.stat(path), (info) => ({ ...info, mode: 0o666 })) }))
      )
    )
  )

  const failing = (code: string) =>
    Effect.fail(
      new SystemError({
        reason: "Unknown",
        module: "FileSystem",
        method: "open",
        description: "hunter2",
        cause: Object.assign(new Error("hunter2"), { code })
      })
    )

  it.scoped("tells what to do when it may not be written any more, and when the disk is full", () =>
    Effect.gen(function* () {
      const cases = [
        { code: "EROFS", reason: "refused", remedy: "Let this user write to" },
        { code: "EACCES", reason: "refused", remedy: "Let this user write to" },
        { code: "ENOSPC", reason: "failed", remedy: "Free some space for" },
        { code: "EIO", reason: "failed", remedy: undefined }
      ] as const
      for (const { code, reason, remedy } of cases) {
        const store = yield* FileStore.make({ directory: yield* newFolder }).pipe(
          Effect.provide(changed(() => ({ open: () => failing(code) })))
        )
        const error = yield* Effect.flip(store.set("key", "hunter2", Duration.minutes(1)))
        assert.deepInclude(error, { operation: "set", reason, code })
        assert.include(error.message, remedy ?? code)
        assert.notInclude(inspect(error), "hunter2")
      }
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("is written although a reader keeps a file from being replaced for a moment, as on Windows", () =>
    Effect.gen(function* () {
      let refusals = 3
      const held = changed((fs) => ({
        rename: (from, to) =>
          Effect.suspend(() => {
            refusals -= 1
            return refusals >= 0 ? failing("EPERM") : fs.rename(from, to)
          })
      }))
      const store = yield* Effect.provide(FileStore.make({ directory: yield* newFolder }), held)
      yield* store.set("key", "value", Duration.minutes(1))
      assert.deepStrictEqual(yield* store.get("key"), Option.some("value"))
      assert.strictEqual(refusals, -1)
    }).pipe(Effect.provide(NodeContext.layer))
  )
})
