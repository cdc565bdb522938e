import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import { ConfigurationError } from "../core/TokenError.js"
import { codeOf, isNotFound, shellWord } from "./fileFailure.js"

/**
 * A folder that only its owner may enter.
 *
 * @internal
 */
export interface FileFolder {
  readonly fs: FileSystem.FileSystem
  /** Absolute. */
  readonly path: string
  readonly pathOf: (name: string) => string
  /** Whether it keeps the modes of what is in it. Windows does not, nor do FAT and some mounts. */
  readonly keepsModes: boolean
  /** By how much its file times are ahead of `Clock`, in milliseconds: another machine may set them. */
  readonly ahead: number
}

/**
 * Whether others than the owner may read, write or enter.
 *
 * @internal
 */
export const isOpenToOthers = (mode: number): boolean => (mode & 0o077) !== 0

/**
 * Whether a symbolic link stands at the path itself; links on the way to it are followed, as everywhere.
 *
 * The platform can neither look at a link without following it (`lstat`) nor open a path unless it is one
 * (`O_NOFOLLOW`), so a link that is put there between this look and the use is followed. Inside the folder only its
 * owner and root can do that, who need no trick to read it. For the folder itself, whoever may write in its parent
 * can: a home folder is safe, one below a folder that everybody may write in is not. Files are made with `wx`, which
 * never follows a link, and replaced by `rename`, which replaces the link and not what it points to.
 *
 * @internal
 */
export const isLink = (fs: FileSystem.FileSystem, path: string): Effect.Effect<boolean> =>
  Effect.isSuccess(fs.readLink(path))

/**
 * A part of a file's name that nobody else comes upon or foresees.
 *
 * @internal
 */
export const uniquePart: Effect.Effect<string> = Effect.sync(() =>
  Encoding.encodeHex(crypto.getRandomValues(new Uint8Array(16)))
)

/**
 * Makes an empty file that only its owner may read, where there is none.
 *
 * @internal
 */
export const touchNew = (fs: FileSystem.FileSystem, path: string): Effect.Effect<void, PlatformError> =>
  fs.writeFile(path, new Uint8Array(), { flag: "wx", mode: 0o600 })

const refused = (expected: string, remedy: string) =>
  new ConfigurationError({ parameter: "directory", expected, remedy })

const unusable = (directory: string) => (error: PlatformError) =>
  refused(
    `a folder that this process may make and write: ${directory} is none (${codeOf(error)})`,
    "Give the path of one, or let this user write there."
  )

/**
 * Makes a folder with those above it that are missing, all for their owner alone. Node's own way of doing so never
 * ends where nothing can be made although the folder above is there, as in /proc.
 */
const makeFolder = (fs: FileSystem.FileSystem, paths: Path.Path, path: string): Effect.Effect<void, PlatformError> => {
  const made = fs.makeDirectory(path, { mode: 0o700 })
  const above = paths.dirname(path)
  return made.pipe(
    Effect.catchIf(
      (error) => isNotFound(error) && above !== path,
      () => Effect.zipRight(makeFolder(fs, paths, above), made)
    ),
    Effect.catchAll((error) =>
      Effect.filterOrFail(
        Effect.orElseFail(fs.stat(path), () => error),
        ({ type }) => type === "Directory",
        () => error
      )
    )
  )
}

/** What a new file in the folder looks like. A process that ends here leaves what is swept like any unfinished file. */
const probe = (fs: FileSystem.FileSystem, file: string) =>
  Effect.acquireUseRelease(
    touchNew(fs, file),
    () => Effect.zip(fs.stat(file), Clock.currentTimeMillis),
    () => Effect.ignore(fs.remove(file, { force: true }))
  )

/**
 * Makes the folder unless it is there, and looks whether it is one to keep secrets in. Modes are checked only if a
 * file that is made there for the owner alone is said to be the owner's alone: elsewhere, as on Windows, they mean
 * nothing, and who may read is up to the folder that it lies in.
 *
 * @internal
 */
export const openFolder = (
  directory: string
): Effect.Effect<FileFolder, ConfigurationError, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    if (directory.trim() === "") return yield* refused("the path of a folder", "Name a folder of its own.")
    const path = paths.resolve(directory)
    if (yield* isLink(fs, path))
      return yield* refused(
        `a folder: ${path} is a symbolic link`,
        "Give the path of the folder itself, or remove the link."
      )
    const pathOf = (name: string) => paths.join(path, name)
    const [folder, [file, now]] = yield* makeFolder(fs, paths, path).pipe(
      Effect.zipRight(
        Effect.zip(
          fs.stat(path),
          Effect.flatMap(uniquePart, (unique) => probe(fs, pathOf(`${unique}.new`)))
        )
      ),
      Effect.mapError(unusable(path))
    )
    const keepsModes = !isOpenToOthers(file.mode)
    if (keepsModes && isOpenToOthers(folder.mode))
      return yield* refused(
        `a folder that is its owner's alone: others may use ${path}`,
        `Run: chmod 700 ${shellWord(path)}`
      )
    const ahead = Option.match(file.mtime, { onNone: () => 0, onSome: (mtime) => mtime.getTime() - now })
    return { fs, path, pathOf, keepsModes, ahead }
  })

/**
 * Whether nobody has touched a file for so many milliseconds. One from as far in the future is left from before a
 * clock was put back.
 *
 * @internal
 */
export const isOlder = (folder: FileFolder, name: string, age: number): Effect.Effect<boolean, PlatformError> =>
  Effect.zipWith(folder.fs.stat(folder.pathOf(name)), Clock.currentTimeMillis, ({ mtime }, now) =>
    Option.exists(mtime, (time) => Math.abs(now + folder.ahead - time.getTime()) >= age)
  )

/** @internal */
export const removeFile = (folder: FileFolder, name: string): Effect.Effect<void, PlatformError> =>
  folder.fs.remove(folder.pathOf(name), { force: true })

/**
 * Makes a file as old as one that is written now; fails if it is gone.
 *
 * @internal
 */
export const touch = (folder: FileFolder, name: string): Effect.Effect<void, PlatformError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const time = new Date(now + folder.ahead)
    return folder.fs.utimes(folder.pathOf(name), time, time)
  })
