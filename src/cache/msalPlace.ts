import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { type FileFailure, failureOf, patiently } from "./fileFailure.js"
import { type FileFolder, touchNew, uniquePart } from "./fileFolder.js"
import { withMsalLock } from "./fileLock.js"
import { checkFile } from "./fileRead.js"
import { type Document, parse, print } from "./msalDocument.js"
import { type Operation, StoreError, type TokenStore } from "./TokenStore.js"

/** Where a document is that MSAL reads and writes, too. */
export interface MsalPlace {
  readonly read: Effect.Effect<Document, StoreError>
  /** Makes another document of what is there, in one step with reading it; nothing is written where it stays the same one. */
  readonly update: <A>(change: (document: Document) => readonly [A, Document]) => Effect.Effect<A, StoreError>
}

/** What can't be read is somebody's all the same: it is left alone, and not written over. */
const documentIn = (operation: Operation, text: string): Either.Either<Document, StoreError> =>
  Either.mapLeft(
    parse(text),
    ({ reason }) =>
      new StoreError({
        operation,
        reason: "refused",
        code: `malformed_${reason}`,
        remedy: "It is none of MSAL's cache documents: name another place, or move it away."
      })
  )

const mostTries = 5

/** A key that nobody uses for so long is of no use: refresh tokens of Entra end after it. */
const life = Duration.days(90)

/**
 * A document in one entry of a store, as MSAL's cache plugins keep it.
 *
 * @internal
 */
export const storePlace = (store: TokenStore, key: string): MsalPlace => {
  const { compareAndSet } = store
  const write = (raw: Option.Option<string>, next: string): Effect.Effect<boolean, StoreError> =>
    compareAndSet === undefined ? Effect.as(store.set(key, next, life), true) : compareAndSet(key, raw, next, life)
  const textIn = (raw: Option.Option<string>) => Option.getOrElse(raw, () => "")

  const update = <A>(
    change: (document: Document) => readonly [A, Document],
    triesLeft = mostTries
  ): Effect.Effect<A, StoreError> =>
    Effect.gen(function* () {
      const raw = yield* store.get(key)
      const document = yield* documentIn("set", textIn(raw))
      const [result, next] = change(document)
      if (next === document || (yield* write(raw, print(next)))) return result
      if (triesLeft <= 1) return yield* new StoreError({ operation: "set", reason: "failed", code: "contended" })
      return yield* update(change, triesLeft - 1)
    })

  return {
    read: Effect.flatMap(store.get(key), (raw) => documentIn("get", textIn(raw))),
    update: (change) => update(change)
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

/**
 * A document in a file. Others are kept from it as MSAL's extensions do, by `<path>.lockfile`; it is replaced in one step.
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

    const load = (operation: Operation): Effect.Effect<Document, StoreError> =>
      Effect.gen(function* () {
        const size = yield* Effect.mapError(checkFile(folder, paths.basename(path)), failed(operation))
        const text = Option.isNone(size)
          ? ""
          : yield* Effect.mapError(patiently(fs.readFileString(path)), (error) =>
              failed(operation)(failureOf(path)(error))
            )
        return yield* documentIn(operation, text)
      })

    const save = (document: Document): Effect.Effect<void, StoreError> =>
      Effect.gen(function* () {
        const draft = folder.pathOf(`${paths.basename(path)}.${yield* uniquePart}.new`)
        yield* touchNew(fs, draft).pipe(
          Effect.zipRight(fs.writeFileString(draft, print(document), { mode: 0o600 })),
          Effect.zipRight(patiently(fs.rename(draft, path))),
          Effect.onError(() => Effect.ignore(fs.remove(draft, { force: true })))
        )
      }).pipe(Effect.mapError((error) => failed("set")(failureOf(path)(error))))

    return {
      read: locked("get", load("get")),
      update: (change) =>
        locked(
          "set",
          Effect.gen(function* () {
            const document = yield* load("set")
            const [result, next] = change(document)
            if (next !== document) yield* save(next)
            return result
          })
        )
    }
  })
