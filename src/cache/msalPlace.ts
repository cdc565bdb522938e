import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import { untilSettled } from "./contention.js"
import { type FileFailure, failureOf, patiently } from "./fileFailure.js"
import { type FileFolder, touchNew, uniquePart } from "./fileFolder.js"
import { withMsalLock } from "./fileLock.js"
import { checkFile } from "./fileRead.js"
import { type Document, empty, longest, type Malformed, parse, print } from "./msalDocument.js"
import { type Operation, StoreError, type TokenStore } from "./TokenStore.js"

/** Where a document is that MSAL reads and writes, too. */
export interface MsalPlace {
  readonly read: Effect.Effect<Document, StoreError>
  /** Makes another document of what is there, in one step with reading it; nothing is written where it stays the same one. */
  readonly update: <A>(change: (document: Document) => readonly [A, Document]) => Effect.Effect<A, StoreError>
}

/** What can't be read is somebody's all the same: it is left alone, and not written over. */
const refused =
  (operation: Operation) =>
  ({ reason }: Malformed): StoreError =>
    new StoreError({
      operation,
      reason: "refused",
      code: `malformed_${reason}`,
      remedy: "It is none of MSAL's cache documents: name another place, or move it away."
    })

const documentIn = (operation: Operation, text: string): Either.Either<Document, StoreError> =>
  Either.mapLeft(parse(text), refused(operation))

/** All clients of all processes share the one entry. */
const mostTries = 20

/** A key that nobody uses for so long is of no use: refresh tokens of Entra end after it. */
const life = Duration.days(90)

/**
 * A document in one entry of a store, as MSAL's cache plugins keep it.
 *
 * @internal
 */
export const storePlace = (store: TokenStore, key: string): MsalPlace => {
  const compareAndSet = store.compareAndSet?.bind(store)
  const write = (raw: Option.Option<string>, next: string): Effect.Effect<boolean, StoreError> =>
    compareAndSet === undefined ? Effect.as(store.set(key, next, life), true) : compareAndSet(key, raw, next, life)
  const textIn = (raw: Option.Option<string>) => Option.getOrElse(raw, () => "")

  const update = <A>(change: (document: Document) => readonly [A, Document]): Effect.Effect<A, StoreError> =>
    untilSettled(
      "set",
      mostTries,
      Effect.gen(function* () {
        const raw = yield* store.get(key)
        const document = yield* documentIn("set", textIn(raw))
        const [result, next] = change(document)
        return next === document || (yield* write(raw, print(next))) ? Option.some(result) : Option.none()
      })
    )

  return {
    read: Effect.flatMap(store.get(key), (raw) => documentIn("get", textIn(raw))),
    update
  }
}

/** Others may not read the file; who may enter its folder is MSAL's affair. */
const folderOf = (fs: FileSystem.FileSystem, paths: Path.Path, path: string): FileFolder => ({
  fs,
  path: paths.dirname(path),
  pathOf: (name) => paths.join(paths.dirname(path), name),
  keepsModes: paths.sep === "/",
  ahead: 0
})

/** How often a file is looked at again that somebody seems to be writing, and how much later. */
const mostLooks = 4
const glance = Duration.millis(20)

/** How often a change is made anew that was made without the lock. */
const mostRepeats = 5

/**
 * A document in a file. Others are kept from it as MSAL's extensions do, by `<path>.lockfile`; it is replaced in one step.
 *
 * These (5.6) remove the lock of whoever holds it each time that they have read, and write in place: so the lock is looked at
 * again before what was read is replaced, and a file that is empty or cut off is read again. What is left is a look too early
 * by microseconds; and who of them has waited for the lock writes what it had read before.
 *
 * @internal
 */
export const filePlace = (location: string): Effect.Effect<MsalPlace, never, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const paths = yield* Path.Path
    const path = paths.resolve(location)
    const folder = folderOf(fs, paths, path)
    const failed = (operation: Operation) => (failure: FileFailure) => new StoreError({ operation, ...failure })

    const locked = <A>(operation: Operation, effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
      Effect.provideService(
        Effect.provideService(withMsalLock({ path, operation })(effect), FileSystem.FileSystem, fs),
        Path.Path,
        paths
      )

    /** A file that is written in place is empty first, and cut off then. */
    const load = (operation: Operation, looks = 1): Effect.Effect<Document, StoreError> =>
      Effect.gen(function* () {
        const size = yield* Effect.mapError(checkFile(folder, paths.basename(path)), failed(operation))
        if (Option.isNone(size)) return empty
        if (size.value > longest) return yield* refused(operation)({ reason: "size" })
        const text = yield* Effect.mapError(patiently(fs.readFileString(path)), (error) =>
          failed(operation)(failureOf(path)(error))
        )
        const found = parse(text)
        const isUnfinished = Either.match(found, {
          onLeft: ({ reason }) => reason === "json",
          onRight: () => text === ""
        })
        if (isUnfinished && looks < mostLooks) return yield* Effect.delay(load(operation, looks + 1), glance)
        return yield* Either.mapLeft(found, refused(operation))
      })

    const lockWord = Effect.option(fs.readFileString(`${path}.lockfile`))

    /** Tells whether it was replaced: not without the lock. */
    const save = (document: Document, isHeld: Effect.Effect<boolean>): Effect.Effect<boolean, StoreError> =>
      Effect.gen(function* () {
        const draft = folder.pathOf(`${paths.basename(path)}.${yield* uniquePart}.new`)
        const removed = Effect.ignore(fs.remove(draft, { force: true }))
        return yield* touchNew(fs, draft).pipe(
          Effect.zipRight(fs.writeFileString(draft, print(document), { mode: 0o600 })),
          Effect.zipRight(
            Effect.if(isHeld, {
              onTrue: () => Effect.as(patiently(fs.rename(draft, path)), true),
              onFalse: () => Effect.as(removed, false)
            })
          ),
          Effect.onError(() => removed)
        )
      }).pipe(Effect.mapError((error) => failed("set")(failureOf(path)(error))))

    const update = <A>(
      change: (document: Document) => readonly [A, Document],
      repeats = 0
    ): Effect.Effect<A, StoreError> =>
      Effect.gen(function* () {
        const word = yield* lockWord
        const document = yield* load("set")
        const [result, next] = change(document)
        const isHeld = Effect.map(
          lockWord,
          (now) => repeats >= mostRepeats || (Option.isSome(now) && Equal.equals(now, word))
        )
        return next === document || (yield* save(next, isHeld)) ? Option.some(result) : Option.none()
      }).pipe(
        (once) => locked("set", once),
        Effect.flatMap(
          Option.match({ onNone: () => update(change, repeats + 1), onSome: (result) => Effect.succeed(result) })
        )
      )

    return { read: locked("get", load("get")), update: (change) => update(change) }
  })
