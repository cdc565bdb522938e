/** The keys with which a client on Azure Arc proves that it may read the files of the machine: each serves once. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import type { Memory } from "./memory.js"

/**
 * A key could not be written where clients look for it; the message says what would help.
 *
 * @since 0.1.0
 * @category errors
 */
export class ArcKeyNotWritten extends Data.TaggedError("ArcKeyNotWritten")<{ readonly message: string }> {}

/**
 * Where the keys of Azure Arc lie: `write` puts one into a file of this name (`....key`) and gives its path, which the
 * challenge names, `remove` is called with that path once the key has served.
 *
 * @since 0.1.0
 * @category models
 */
export interface ArcKeyFiles {
  readonly write: (name: string, key: Redacted.Redacted) => Effect.Effect<string, ArcKeyNotWritten>
  readonly remove: (path: string) => Effect.Effect<void>
}

/** https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication */
export const defaultFolder = "/var/opt/azcmagent/tokens"

/** Paths as on Linux, and no file: the emulator's `arcKeys` says what each would hold. */
export const inMemory: ArcKeyFiles = {
  write: (name) => Effect.succeed(`${defaultFolder}/${name}`),
  remove: () => Effect.void
}

interface Keys {
  readonly arcKeyFiles: ArcKeyFiles
  readonly memory: Memory
}

const randomHex = (bytes: number) =>
  Effect.sync(() => Encoding.encodeHex(crypto.getRandomValues(new Uint8Array(bytes))))

const forget = ({ arcKeyFiles, memory }: Keys, path: string) =>
  Effect.zipRight(
    Effect.sync(() => void memory.arcKeys.delete(path)),
    arcKeyFiles.remove(path)
  )

/** A client that asks and never comes back leaves its key behind. */
const limit = 1000

/** Writes a fresh key; gives the path of its file. */
export const write = (keys: Keys): Effect.Effect<string, ArcKeyNotWritten> =>
  Effect.gen(function* () {
    const { arcKeyFiles, memory } = keys
    const key = Redacted.make(yield* randomHex(32))
    const path = yield* arcKeyFiles.write(`${yield* randomHex(16)}.key`, key)
    memory.arcKeys.set(path, key)
    const [oldest] = memory.arcKeys.keys()
    if (memory.arcKeys.size > limit && oldest !== undefined) yield* forget(keys, oldest)
    return path
  })

/** Whether this is a key that has not served; now it has. */
export const serve = (keys: Keys, presented: string): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const found = [...keys.memory.arcKeys].find(([, key]) => Redacted.value(key) === presented)
    if (found === undefined) return false
    yield* forget(keys, found[0])
    return true
  })
