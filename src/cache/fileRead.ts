import type { PlatformError } from "@effect/platform/Error"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { decode, endOf, type FileEntry, largestHeader, largestValue } from "./fileEntry.js"
import { type FileFailure, failureOf, isNotFound, patiently, shellWord } from "./fileFailure.js"
import { type FileFolder, isLink, isOpenToOthers } from "./fileFolder.js"

const refused = (remedy: string): Effect.Effect<never, FileFailure> => Effect.fail({ reason: "refused", remedy })

const noneIfGone =
  (path: string) =>
  <A>(effect: Effect.Effect<Option.Option<A>, PlatformError>): Effect.Effect<Option.Option<A>, FileFailure> =>
    effect.pipe(
      Effect.catchIf(isNotFound, () => Effect.succeedNone),
      Effect.mapError(failureOf(path))
    )

/**
 * The size of a file in bytes, none if there is none. What others may read or write is refused, and what is no file.
 *
 * @internal
 */
export const checkFile = (folder: FileFolder, file: string): Effect.Effect<Option.Option<bigint>, FileFailure> =>
  Effect.gen(function* () {
    const path = folder.pathOf(file)
    if (yield* isLink(folder.fs, path))
      return yield* refused(`${path} is a symbolic link, where a file is expected: remove it.`)
    const found = yield* noneIfGone(path)(Effect.asSome(folder.fs.stat(path)))
    if (Option.isNone(found)) return Option.none()
    const { mode, size, type } = found.value
    if (type !== "File") return yield* refused(`${path} is no file, where one is expected: remove it.`)
    if (folder.keepsModes && isOpenToOthers(mode))
      return yield* refused(`Others may use ${path}. Run: chmod 600 ${shellWord(path)}`)
    return Option.some(size)
  })

/**
 * What a file holds, whether or not it has ended; none if it isn't there, is cut off, or is none of ours. A larger one
 * than was ever written is not read.
 *
 * @internal
 */
export const readFile = (folder: FileFolder, file: string): Effect.Effect<Option.Option<FileEntry>, FileFailure> => {
  const path = folder.pathOf(file)
  return Effect.flatMap(checkFile(folder, file), (size) =>
    Option.exists(size, (bytes) => bytes <= largestHeader + largestValue)
      ? noneIfGone(path)(Effect.map(patiently(folder.fs.readFile(path)), decode))
      : Effect.succeedNone
  )
}

/**
 * When the entry in a file ends, in epoch milliseconds, without reading it whole.
 *
 * @internal
 */
export const readEnd = (folder: FileFolder, file: string): Effect.Effect<Option.Option<number>, FileFailure> => {
  const path = folder.pathOf(file)
  const head = Effect.scoped(
    Effect.flatMap(folder.fs.open(path, { flag: "r" }), (handle) => handle.readAlloc(largestHeader))
  )
  return Effect.flatMap(
    checkFile(folder, file),
    Option.match({
      onNone: () => Effect.succeedNone,
      onSome: () => noneIfGone(path)(Effect.map(head, Option.flatMap(endOf)))
    })
  )
}

/**
 * Whether a time in epoch milliseconds has come.
 *
 * @internal
 */
export const hasEnded = (end: number): Effect.Effect<boolean> =>
  Effect.map(Clock.currentTimeMillis, (now) => end <= now)
