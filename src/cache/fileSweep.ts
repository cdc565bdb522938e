import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import { change, isClaim, keep, removal } from "./fileClaim.js"
import { isFileName } from "./fileEntry.js"
import type { FileFailure } from "./fileFailure.js"
import { type FileFolder, isOlder, removeFile, uniquePart } from "./fileFolder.js"
import { hasEnded, readEnd } from "./fileRead.js"

/** How many names one sweep looks at. */
const most = 16

/** An unfinished file that nobody has touched for so long is left from a process that is gone, in milliseconds. */
const leftover = 60_000

const isOver = (folder: FileFolder, file: string): Effect.Effect<boolean, FileFailure> =>
  Effect.flatMap(readEnd(folder, file), Option.match({ onNone: () => Effect.succeed(false), onSome: hasEnded }))

/**
 * Removes a file if its entry has ended; leaves it for later if anybody is about to change it.
 *
 * @internal
 */
export const removeEnded = (folder: FileFolder, file: string): Effect.Effect<void> =>
  Effect.ignore(
    change(
      folder,
      file,
      Effect.map(isOver(folder, file), (over) => (over ? removal : keep)),
      Duration.zero
    )
  )

const look = (folder: FileFolder, name: string): Effect.Effect<void> => {
  if (isFileName(name)) return Effect.ignore(Effect.whenEffect(removeEnded(folder, name), isOver(folder, name)))
  if (isClaim(name)) return Effect.ignore(Effect.whenEffect(removeFile(folder, name), isOlder(folder, name, leftover)))
  return Effect.void
}

/** The names that follow one, and from the first again after the last. */
const after = (name: string, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const sorted = [...names].sort()
  const start = sorted.findIndex((each) => each > name)
  return start < 0 ? sorted : [...sorted.slice(start), ...sorted.slice(0, start)]
}

/**
 * Makes what looks at a few of a folder's names each time, and removes entries that have ended and what processes left
 * that were killed. It begins anywhere and moves on from there, so that programs which write but once get everywhere
 * too. What it can't remove is none of its caller's failures; files of others are left alone.
 *
 * @internal
 */
export const makeSweep = (folder: FileFolder): Effect.Effect<Effect.Effect<void>> =>
  Effect.map(Effect.flatMap(uniquePart, Ref.make), (last) =>
    Effect.gen(function* () {
      const names = yield* folder.fs.readDirectory(folder.path)
      const next = after(yield* Ref.get(last), names).slice(0, most)
      yield* Ref.update(last, (name) => next.at(-1) ?? name)
      yield* Effect.forEach(next, (name) => look(folder, name), { discard: true })
    }).pipe(Effect.ignore)
  )
