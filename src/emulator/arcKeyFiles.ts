/** The keys of Azure Arc as real files, which are gone with the scope; the folder stays. */
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type ArcKeyFiles, ArcKeyNotWritten } from "./arcKeys.js"

/** As on a real machine, unless the umask takes more: for the owner and a group, nobody else. */
const mode = 0o640

const quoted = (path: string) => `'${path.replaceAll("'", "'\\''")}'`

const notWritten = (folder: string) => (error: PlatformError) =>
  new ArcKeyNotWritten({
    message:
      `The key for Azure Arc could not be written (${error._tag === "SystemError" ? error.reason : error._tag}). ` +
      `This makes its folder: sudo install -d -o "$(id -un)" ${quoted(folder)}`
  })

/** The folder is made when the first key is written, since who never asks for one may not be allowed to make it. */
export const make = (folder: string): Effect.Effect<ArcKeyFiles, never, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const written = new Set<string>()
    const remove = (path: string) =>
      Effect.zipRight(
        Effect.sync(() => void written.delete(path)),
        Effect.ignore(fs.remove(path, { force: true }))
      )
    yield* Effect.addFinalizer(() => Effect.forEach([...written], remove, { discard: true }))
    return {
      write: (name, key) =>
        Effect.gen(function* () {
          const path = `${folder}/${name}`
          yield* fs.makeDirectory(folder, { recursive: true })
          written.add(path)
          yield* fs.writeFileString(path, Redacted.value(key), { flag: "wx", mode })
          return path
        }).pipe(Effect.mapError(notWritten(folder)), Effect.uninterruptible),
      remove
    }
  })
