import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { change, keep, removal } from "./fileClaim.js"
import { codeOf, type FileFailure, failureOf, isAlreadyThere, patiently } from "./fileFailure.js"
import { type FileFolder, uniquePart } from "./fileFolder.js"
import { type Operation, StoreError } from "./TokenStore.js"

/*
 * The lock of MSAL Node's extensions (`CrossPlatformLock` of @azure/msal-node-extensions 5.6): whoever makes
 * `<cache>.lockfile` where there is none holds it and removes it in the end; others try every 100 ms. MSAL writes its
 * process id there, which nobody reads; here it is a word of one's own, by which one knows one's lock again.
 *
 * MSAL gives up after 50 s and never clears away the lock of a process that was killed, which fails everybody from
 * then on. So one that is older than a minute is cleared away here. MSAL holds it while it reads or writes the file,
 * which takes milliseconds: who has had it for a minute is gone, or suspended. Of those who would clear it away one
 * does at a time, by a claim of `fileClaim`, so that none removes what another has made since. What remains is a
 * holder that was suspended for a minute: if it goes on and writes after all, or gives the lock up to another in the
 * microseconds between the last look and the removal, one's changes to the file may be lost to the other's. A minute's
 * sleep at that very point costs a sign-in at worst.
 */

const stale = 60_000
const interval = Duration.millis(100)

/** How long to wait for others unless told otherwise. */
const defaultPatience = Duration.seconds(10)

interface Options {
  /** The file that MSAL caches in; the lock is beside it. */
  readonly path: string
  /** What a failure says was to be done. */
  readonly operation: Operation
  /** Ten seconds unless told. */
  readonly patience?: Duration.Duration | undefined
}

/** A lock file, and the word by which one knows one's own. */
interface Lock {
  readonly fs: FileSystem.FileSystem
  readonly path: string
  readonly name: string
  /** Where it is. */
  readonly folder: FileFolder
  readonly word: string
}

/** Windows answers `EPERM` while a removed file is still open somewhere. */
const isTaken = (error: PlatformError): boolean => isAlreadyThere(error) || codeOf(error) === "EPERM"

const create = ({ fs, path, word }: Lock): Effect.Effect<boolean, FileFailure> =>
  Effect.scoped(
    Effect.flatMap(fs.open(path, { flag: "wx+", mode: 0o600 }), (file) =>
      Effect.onError(file.writeAll(new TextEncoder().encode(word)), () => Effect.ignore(fs.remove(path)))
    )
  ).pipe(
    Effect.as(true),
    Effect.catchIf(isTaken, () => Effect.succeed(false)),
    Effect.mapError(failureOf(path))
  )

const isStale = ({ fs, path }: Lock): Effect.Effect<boolean> =>
  Effect.zipWith(fs.stat(path), Clock.currentTimeMillis, ({ mtime }, now) =>
    Option.exists(mtime, (time) => now - time.getTime() >= stale)
  ).pipe(Effect.orElseSucceed(() => false))

/** Waits for another who is at it no longer than until the next try. */
const clear = (lock: Lock): Effect.Effect<void> =>
  Effect.ignore(
    change(
      lock.folder,
      lock.name,
      Effect.map(isStale(lock), (is) => (is ? removal : keep)),
      interval
    )
  )

const take = (lock: Lock): Effect.Effect<boolean, FileFailure> =>
  Effect.gen(function* () {
    if (yield* create(lock)) return true
    if (!(yield* isStale(lock))) return false
    yield* clear(lock)
    return yield* create(lock)
  })

const lockOf = (file: string): Effect.Effect<Lock, never, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    const path = paths.resolve(`${file}.lockfile`)
    const above = paths.dirname(path)
    const pathOf = (name: string) => paths.join(above, name)
    const folder = { fs, path: above, pathOf, keepsModes: false, ahead: 0 }
    return { fs, path, name: paths.basename(path), folder, word: yield* uniquePart }
  })

/** Leaves alone what others took over. */
const release = ({ fs, path, word }: Lock): Effect.Effect<void> =>
  fs.readFileString(path).pipe(
    Effect.flatMap((found) => (found === word ? patiently(fs.remove(path)) : Effect.void)),
    Effect.ignore
  )

/**
 * Runs an effect while it holds the lock by which MSAL keeps others from a cache file. The effect should take
 * milliseconds: nobody waits for it longer than a minute. It fails with `timeout` if others hold the lock for longer
 * than it waits; waiting and the effect can be interrupted, and leave no lock behind.
 *
 * @internal
 */
export const withMsalLock =
  ({ operation, path, patience = defaultPatience }: Options) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | StoreError, R | FileSystem.FileSystem | Path.Path> =>
    Effect.gen(function* () {
      const lock = yield* lockOf(path)
      const failed = (failure: FileFailure) => new StoreError({ operation, ...failure })
      const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(patience)
      const taken = Effect.mapError(take(lock), failed)
      return yield* Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          while (!(yield* taken)) {
            if ((yield* Clock.currentTimeMillis) >= deadline) return yield* failed({ reason: "timeout" })
            yield* restore(Effect.sleep(interval))
          }
          return yield* Effect.ensuring(restore(effect), release(lock))
        })
      )
    })
