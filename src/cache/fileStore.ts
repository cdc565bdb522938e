import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ConfigurationError } from "../core/TokenError.js"
import { change, keep, type Next, replace } from "./fileClaim.js"
import { encode, fileName, largestValue } from "./fileEntry.js"
import type { FileFailure } from "./fileFailure.js"
import { type FileFolder, isLink, openFolder } from "./fileFolder.js"
import { checkFile, hasEnded, readFile } from "./fileRead.js"
import { makeSweep, removeEnded } from "./fileSweep.js"
import { type Operation, StoreError, type TokenStore } from "./TokenStore.js"

const tooLarge: FileFailure = { reason: "refused", remedy: "Keep values of at most 1 MiB." }

const isSame = Option.getEquivalence<string>((one, other) => one === other)

/** What is to be written, its end counted from when it is written. */
const contentOf = (value: string, ttl: Duration.Duration): Effect.Effect<Next, FileFailure> => {
  if (new TextEncoder().encode(value).length > largestValue) return Effect.fail(tooLarge)
  return Effect.map(Clock.currentTimeMillis, (now) =>
    replace(encode({ end: Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(now + Duration.toMillis(ttl))), value }))
  )
}

/** What becomes of an entry that is to be gone: see `fileClaim` for why its file is not just removed. */
const forgotten: Next = replace(encode({ end: 0, value: "" }))

/** What is of use in a file; what has ended is left to `whenEnded`. */
const valueIn = (
  folder: FileFolder,
  file: string,
  whenEnded: Effect.Effect<void> = Effect.void
): Effect.Effect<Option.Option<string>, FileFailure> =>
  Effect.gen(function* () {
    const entry = yield* readFile(folder, file)
    if (Option.isNone(entry)) return Option.none()
    if (!(yield* hasEnded(entry.value.end))) return Option.some(entry.value.value)
    yield* whenEnded
    return Option.none()
  })

const isThere = (folder: FileFolder, file: string): Effect.Effect<boolean> => {
  const path = folder.pathOf(file)
  return Effect.zipWith(
    Effect.orElseSucceed(folder.fs.exists(path), () => true),
    isLink(folder.fs, path),
    (exists, link) => exists || link
  )
}

/** Asks nothing of what is there: a file that others may read is one to be rid of. */
const remove = (folder: FileFolder, file: string): Effect.Effect<void, FileFailure> =>
  change(folder, file, Effect.succeed(forgotten)).pipe(
    Effect.zipRight(removeEnded(folder, file)),
    Effect.whenEffect(isThere(folder, file)),
    Effect.asVoid
  )

/** Finds a key's file, and tells what fails there as the operation's failure. */
const inFile = <A>(
  operation: Operation,
  key: string,
  use: (file: string) => Effect.Effect<A, FileFailure>
): Effect.Effect<A, StoreError> =>
  Effect.mapError(Effect.flatMap(fileName(key), use), (failure) => new StoreError({ operation, ...failure }))

/**
 * A store in a folder, with a file for each key, for programs that run side by side under one user.
 *
 * The folder is made if it is not there, with mode 0700, and files with 0600; those that others may use, and symbolic
 * links, are refused. On Windows, and on file systems that keep no modes, modes are not checked: what keeps others out
 * there is that the folder lies below the user's own.
 *
 * A process that is killed leaves each entry as it was or as it was to be. If it was writing, others who write the
 * same key wait for at most ten seconds. Content is written through to the disk, names are not: after a loss of power
 * the entry from before may be back.
 *
 * @internal
 */
export const make = (options: {
  readonly directory: string
}): Effect.Effect<TokenStore, ConfigurationError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const folder = yield* openFolder(options.directory)
    const sweep = yield* makeSweep(folder)
    const write = (file: string, decide: Effect.Effect<Next, FileFailure>) =>
      change(folder, file, decide).pipe(
        Effect.map((next) => next._tag === "Replace"),
        Effect.tap((written) => (written ? sweep : Effect.void))
      )
    return {
      get: (key) => inFile("get", key, (file) => valueIn(folder, file, removeEnded(folder, file))),
      remove: (key) => inFile("remove", key, (file) => remove(folder, file)),
      set: (key, value, ttl) =>
        inFile("set", key, (file) => write(file, Effect.zipRight(checkFile(folder, file), contentOf(value, ttl)))),
      compareAndSet: (key, expected, next, ttl) => {
        const nextIn = (file: string) =>
          Effect.flatMap(valueIn(folder, file), (found) =>
            isSame(found, expected) ? contentOf(next, ttl) : Effect.succeed(keep)
          )
        return inFile("compareAndSet", key, (file) => write(file, nextIn(file)))
      }
    }
  })
