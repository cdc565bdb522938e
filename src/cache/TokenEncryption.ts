/**
 * Encryption of the entries that a cache keeps in a store: AES-256-GCM under keys that rotate.
 *
 * A key that lies beside its file is no encryption: keep keys where the store's readers don't come, such as a vault.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Inspectable from "effect/Inspectable"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { CryptoKey } from "jose"
import { ConfigurationError } from "../core/TokenError.js"

/**
 * A key and the name by which entries tell that it wrote them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Key {
  /** 1 to 64 characters of `A-Z a-z 0-9 _ -`. It stands in every entry and in logs; a new key has a new one. */
  readonly id: string
  /** 32 random bytes as base64 or base64url. */
  readonly key: Redacted.Redacted
}

/**
 * The keys of a cache. All of its replicas need the same.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * The first writes, all read. To rotate, put the new key first, and keep the old ones until the longest entry that
   * they wrote has ended: 90 days where there are refresh tokens. Where replicas start one by one, let all of them read
   * the new key before one writes with it.
   */
  readonly keys: Arr.NonEmptyReadonlyArray<Key>
  /**
   * 32 random bytes as base64 or base64url, from which the names of entries are made. It does not rotate: with another
   * one no entry is found, and the cache is as good as empty.
   */
  readonly indexKey: Redacted.Redacted
}

/**
 * Why an entry can't be read: `format`, it is none of this library's; `version`, a newer version wrote it; `size`, it
 * is longer than 1 MiB; `key`, it is not encrypted where it must be, or encrypted under a key that is not there;
 * `tampered`, it is not what was written under its name with its end.
 *
 * @since 0.1.0
 * @category models
 */
export const UnreadableReason = Schema.Literal("format", "version", "size", "key", "tampered")

/**
 * @since 0.1.0
 * @category models
 */
export type UnreadableReason = typeof UnreadableReason.Type

const keyIdPattern = /^[A-Za-z0-9_-]{1,64}$/

const unreadableText: Record<Exclude<UnreadableReason, "key">, string> = {
  format: "is none of this library's. Give the cache a store, or a prefix of its keys, of its own",
  version: "was written by a newer version of this library. Update this program, or give it a store of its own",
  size: "is longer than 1 MiB. Find out who else writes to the store",
  tampered:
    "was changed, moved to another name, or encrypted under another key of the same id. " +
    "Find out who else writes to the store, and give each key an id of its own"
}

const keyText = (keyId: string | undefined): string =>
  keyId === undefined
    ? "is not encrypted, and only encrypted ones are read. Remove the entries from before the encryption"
    : `is encrypted under the key ${keyId}. Add the key that wrote it to the keys that read`

/**
 * An entry of the store that can't be read, which is then as good as none. It tells nothing of it but the key's id.
 *
 * @since 0.1.0
 * @category errors
 */
export class Unreadable extends Schema.TaggedError<Unreadable>("effect-entra/TokenEncryption/Unreadable")(
  "Unreadable",
  {
    reason: UnreadableReason,
    /** The key under which the entry says that it is encrypted. */
    keyId: Schema.optional(Schema.String.pipe(Schema.pattern(keyIdPattern)))
  }
) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `An entry of the token store ${this.reason === "key" ? keyText(this.keyId) : unreadableText[this.reason]}`
  }
}

/**
 * The keys as {@link make} checked them, which no program can read back. Printing it shows their ids alone.
 *
 * @since 0.1.0
 * @category models
 */
export class Encryption extends Inspectable.Class {
  /** @internal */
  readonly writer: { readonly id: string; readonly key: CryptoKey }
  /** @internal */
  readonly readers: ReadonlyMap<string, CryptoKey>
  /** @internal */
  readonly indexKey: CryptoKey

  /** @internal */
  constructor(keys: Pick<Encryption, "writer" | "readers" | "indexKey">) {
    super()
    this.writer = keys.writer
    this.readers = keys.readers
    this.indexKey = keys.indexKey
  }

  toJSON(): unknown {
    return { _id: "TokenEncryption", keys: [...this.readers.keys()] }
  }
}

const keyLength = 32
const makeOne = "Make one with `openssl rand -base64 32`, and keep it as you keep a client secret."

/** Tells the place of what is wrong, never what stands there: who mixed up id and key has put the key in the id. */
const wrong = (parameter: string, expected: string, remedy: string) =>
  Either.left(new ConfigurationError({ parameter, expected, remedy }))

type Bytes = Uint8Array<ArrayBuffer>

const bytesOf = (parameter: string, key: Redacted.Redacted): Either.Either<Bytes, ConfigurationError> => {
  const base64Url = Redacted.value(key).trim().replaceAll("+", "-").replaceAll("/", "_")
  return Either.match(Encoding.decodeBase64Url(base64Url), {
    onLeft: () => wrong(parameter, `${keyLength} bytes as base64, found something else`, makeOne),
    onRight: (bytes) =>
      bytes.length === keyLength
        ? Either.right(new Uint8Array(bytes))
        : wrong(parameter, `${keyLength} bytes as base64, found ${bytes.length} bytes`, makeOne)
  })
}

interface RawKey {
  readonly id: string
  readonly bytes: Bytes
}

const rawKey = ({ id, key }: Key, index: number): Either.Either<RawKey, ConfigurationError> =>
  keyIdPattern.test(id)
    ? Either.map(bytesOf(`keys[${index}].key`, key), (bytes) => ({ id, bytes }))
    : wrong(`keys[${index}].id`, "1 to 64 characters of A-Z a-z 0-9 _ -", "Name the key by the month it was made in.")

const rawKeys = (keys: ReadonlyArray<Key>): Either.Either<Arr.NonEmptyReadonlyArray<RawKey>, ConfigurationError> => {
  if (!Arr.isNonEmptyReadonlyArray(keys)) return wrong("keys", "at least one key", makeOne)
  const repeated = keys.findIndex(({ id }, index) => keys.findIndex((key) => key.id === id) < index)
  return repeated === -1
    ? Either.all(Arr.map(keys, rawKey))
    : wrong(`keys[${repeated}].id`, "an id that no key before it has", "Give each new key a new id.")
}

const isSameKey = (one: Bytes, other: Bytes): boolean => one.every((byte, index) => byte === other[index])

const importKey = (bytes: Bytes): Promise<CryptoKey> =>
  crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveKey"])

const importIndexKey = (bytes: Bytes): Promise<CryptoKey> =>
  crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"])

/**
 * Checks the keys, and takes them in so that they can be used but not read.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<Encryption, ConfigurationError> =>
  Effect.gen(function* () {
    const keys = yield* rawKeys(options.keys)
    const indexBytes = yield* bytesOf("indexKey", options.indexKey)
    if (keys.some(({ bytes }) => isSameKey(bytes, indexBytes)))
      return yield* wrong("indexKey", "a key of its own, found one of the keys that write or read", makeOne)
    const imported = ({ bytes, id }: RawKey) =>
      Effect.map(
        Effect.promise(() => importKey(bytes)),
        (key) => ({ id, key })
      )
    const [first, ...others] = keys
    const writer = yield* imported(first)
    const readers = [writer, ...(yield* Effect.forEach(others, imported))]
    return new Encryption({
      writer,
      readers: new Map(readers.map(({ id, key }) => [id, key])),
      indexKey: yield* Effect.promise(() => importIndexKey(indexBytes))
    })
  })

/** `id:key`; neither holds a colon. */
const keyOf = (text: string): Key => {
  const [id = "", ...key] = text.split(":")
  return { id: id.trim(), key: Redacted.make(key.join(":")) }
}

const invalid = ({ message }: ConfigurationError) => ConfigError.InvalidData([], message)

const keysOf = (text: Redacted.Redacted): Either.Either<Options["keys"], ConfigError.ConfigError> => {
  const [first = "", ...others] = Redacted.value(text).split(",")
  const entries = Arr.make(first, ...others)
  if (!entries.every((entry) => entry.includes(":")))
    return Either.left(ConfigError.InvalidData([], "Expected id:key, the next ones after a comma"))
  const keys = Arr.map(entries, keyOf)
  return Either.mapBoth(rawKeys(keys), { onLeft: invalid, onRight: () => keys })
}

const indexKeyOf = (key: Redacted.Redacted): Either.Either<Redacted.Redacted, ConfigError.ConfigError> =>
  Either.mapBoth(bytesOf("indexKey", key), { onLeft: invalid, onRight: () => key })

/**
 * The keys from `TOKEN_CACHE_KEYS` (`id:key`, the next ones after a comma; the first writes, all read) and
 * `TOKEN_CACHE_INDEX_KEY`. All names that are missing are reported at once; what is malformed is not shown.
 *
 * @since 0.1.0
 * @category config
 */
export const config = (prefix = "TOKEN_CACHE"): Config.Config<Options> =>
  Config.all({
    // Named from outside: what `mapOrFail` refuses would have no name otherwise.
    keys: Config.nested(Config.mapOrFail(Config.redacted(), keysOf), `${prefix}_KEYS`),
    indexKey: Config.nested(Config.mapOrFail(Config.redacted(), indexKeyOf), `${prefix}_INDEX_KEY`)
  })
