import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as TokenCache from "../cache/TokenCache.js"
import * as TokenCacheFile from "../cache/TokenCacheFile.js"
import { variables } from "../client/environment.js"
import { ConfigurationError } from "../core/TokenError.js"

type Files = FileSystem.FileSystem | Path.Path

const unusable = (file: string) => (error: { readonly message: string }) =>
  new ConfigurationError({
    parameter: "EFFECT_ENTRA_HOME",
    expected: `a place where ${file} can be kept: ${error.message}`,
    remedy: "Name a folder of your own."
  })

/** The folders in which people's programs keep what is theirs (XDG Base Directory); a relative one counts as none. */
const folders = Effect.gen(function* () {
  const path = yield* Path.Path
  const found = yield* variables([
    "EFFECT_ENTRA_HOME",
    "XDG_DATA_HOME",
    "XDG_CONFIG_HOME",
    "LOCALAPPDATA",
    "APPDATA",
    "HOME"
  ])
  const absolute = (text: string | undefined) => (text !== undefined && path.isAbsolute(text) ? text : undefined)
  const own = absolute(found.EFFECT_ENTRA_HOME)
  if (own !== undefined) return { data: own, config: own }
  const home = absolute(found.HOME)
  const at = (...parts: ReadonlyArray<string>) => (home === undefined ? undefined : path.join(home, ...parts))
  const data = absolute(found.XDG_DATA_HOME) ?? absolute(found.LOCALAPPDATA) ?? at(".local", "share")
  const config = absolute(found.XDG_CONFIG_HOME) ?? absolute(found.APPDATA) ?? at(".config")
  if (data === undefined || config === undefined)
    return yield* unusable("tokens")({ message: "no home folder is known (HOME)" })
  return { data: path.join(data, "effect-entra"), config: path.join(config, "effect-entra") }
})

const forOwner = 0o600

/** Written whole or not at all; who comes second finds what the first has written. */
const writeOnce = (file: string, content: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const draft = `${file}.${crypto.randomUUID()}`
    yield* fs.writeFileString(draft, content, { mode: forOwner })
    // Not every file system knows links; there the last one wins.
    const placed = Effect.catchAll(fs.link(draft, file), () =>
      Effect.flatMap(fs.exists(file), (isThere) => (isThere ? Effect.void : fs.rename(draft, file)))
    )
    yield* Effect.ensuring(placed, Effect.ignore(fs.remove(draft)))
  })

const keyLength = 43

const random = Effect.sync(() => Encoding.encodeBase64Url(crypto.getRandomValues(new Uint8Array(32))))

/**
 * The key is made once, and kept apart from what it encrypts: a copy of the cache alone tells nothing. Who reads all files of
 * this person reads the key too.
 */
const encryption = (folder: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const file = path.join(folder, "token-cache.key")
    yield* fs.makeDirectory(folder, { recursive: true })
    if (!(yield* fs.exists(file))) yield* writeOnce(file, `${yield* random}${yield* random}`)
    const keys = (yield* fs.readFileString(file)).trim()
    return {
      keys: [{ id: "1", key: Redacted.make(keys.slice(0, keyLength)) }] as const,
      indexKey: Redacted.make(keys.slice(keyLength))
    }
  }).pipe(Effect.catchTags({ SystemError: unusable("a key"), BadArgument: unusable("a key") }))

/** Where the tokens of people are kept between two runs: encrypted, locked between processes. */
export const layerCache: Layer.Layer<TokenCache.TokenCache, ConfigurationError, Files> = Layer.unwrapEffect(
  Effect.gen(function* () {
    const path = yield* Path.Path
    const { config, data } = yield* folders
    return TokenCacheFile.layer({
      directory: path.join(data, "tokens"),
      encryption: yield* encryption(config)
    })
  })
)

const Remembered = Schema.parseJson(
  Schema.Struct({
    clientId: Schema.String,
    tenantId: Schema.optional(Schema.String),
    authorityHost: Schema.optional(Schema.String)
  })
)

/** The client that somebody signed in to last. */
export type Remembered = typeof Remembered.Type

const rememberedIn = Effect.gen(function* () {
  const path = yield* Path.Path
  return path.join((yield* folders).config, "client.json")
})

export const remember = (client: Remembered): Effect.Effect<void, ConfigurationError, Files> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const file = yield* rememberedIn
    const draft = `${file}.${crypto.randomUUID()}`
    yield* fs.writeFileString(draft, yield* Schema.encode(Remembered)(client), { mode: forOwner })
    yield* fs.rename(draft, file)
  }).pipe(Effect.mapError(unusable("the client")))

/** None where nobody has signed in, or nobody can read who did. */
export const remembered: Effect.Effect<Option.Option<Remembered>, never, Files> = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  return yield* Schema.decode(Remembered)(yield* fs.readFileString(yield* rememberedIn))
}).pipe(Effect.option)
