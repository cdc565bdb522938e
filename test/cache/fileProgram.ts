import { writeSync } from "node:fs"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { withMsalLock } from "../../src/cache/fileLock.js"
import * as FileStore from "../../src/cache/fileStore.js"
import type { TokenStore } from "../../src/cache/TokenStore.js"
import { numbered } from "./fileValues.js"
import { addOne } from "./fileWork.js"

/**
 * Works on a folder until it is done or killed, and tells of each step: `write|count|hasty|msal <folder> <key> <from>
 * <to>`. Who is hasty counts too, and takes half of the claims that it sees for dead ones'.
 */
const [task = "", directory = "", key = "", from = "1", to = "0"] = process.argv.slice(2)

const ttl = Duration.hours(1)
const tell = (number: number) => Effect.sync(() => writeSync(1, `${number}\n`))

const increment = (store: TokenStore): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    const found = yield* store.get(key)
    const next = String(Number(Option.getOrElse(found, () => "0")) + 1)
    const { compareAndSet } = store
    if (compareAndSet === undefined || !(yield* compareAndSet(key, found, next, ttl))) yield* increment(store)
  })

const hasty = Layer.effect(
  FileSystem.FileSystem,
  Effect.map(FileSystem.FileSystem, (fs) => ({
    ...fs,
    stat: (path: string) =>
      Effect.map(fs.stat(path), (info) =>
        path.includes(".token.") && Math.random() < 0.5 ? { ...info, mtime: Option.some(new Date(0)) } : info
      )
  }))
).pipe(Layer.provide(NodeFileSystem.layer))

const steps: Record<string, (store: TokenStore, number: number) => Effect.Effect<void, unknown>> = {
  write: (store, number) => store.set(key, numbered(number), ttl),
  count: increment,
  hasty: increment,
  msal: () =>
    withMsalLock({ path: key, operation: "set" })(addOne(key)).pipe(
      Effect.provide([NodeFileSystem.layer, NodePath.layer])
    )
}

const program = Effect.gen(function* () {
  const store = yield* FileStore.make({ directory })
  const step = steps[task]
  if (step === undefined) return yield* Effect.fail(`no task ${task}`)
  for (let number = Number(from); number <= Number(to); number += 1) {
    yield* step(store, number)
    yield* tell(number)
  }
})

Effect.runPromise(Effect.provide(program, [task === "hasty" ? hasty : NodeFileSystem.layer, NodePath.layer])).catch(
  (error: unknown) => {
    writeSync(2, String(error))
    process.exitCode = 1
  }
)
