import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Schema from "effect/Schema"
import type { CryptoKey } from "jose"
import { sha256 } from "../core/digest.js"
import { joinKey } from "./cacheKey.js"
import { type Encryption, Unreadable } from "./TokenEncryption.js"

/**
 * What was sealed.
 *
 * @internal
 */
export interface Opened {
  readonly value: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

/**
 * How values and their names look at rest.
 *
 * @internal
 */
export interface Cipher {
  /** What stands for a key: 43 characters of base64url. With an index key it tells nothing of it. */
  readonly name: (key: string) => Effect.Effect<string>
  /** One line of text, for a value that ends (epoch milliseconds, whole). */
  readonly seal: (key: string, value: string, expiresAt: number) => Effect.Effect<string>
  /** Takes any text, and gives back only what was sealed. */
  readonly open: (key: string, text: string) => Effect.Effect<Opened, Unreadable>
}

/** Characters (1 MiB): the longest text that is looked at. */
const longest = 1_048_576

const version = "1"

/** `entra1.plain.<end>.<JSON of key and value>`, `entra1.sealed.<key id>.<end>.<base64url>`: the head alone, whatever follows. */
const headPattern = /^entra1\.(?:plain|sealed\.([A-Za-z0-9_-]{1,64}))\.(\d{1,15})\./
const versionPattern = /^entra([1-9]\d{0,5})\./

interface Envelope {
  /** Absent where the content is not encrypted. */
  readonly keyId: string | undefined
  /** As it is written: a part of what is authenticated. */
  readonly end: string
  readonly content: string
}

const unreadable = (reason: Unreadable["reason"], keyId?: string): Either.Either<never, Unreadable> =>
  Either.left(new Unreadable({ reason, keyId }))

const parse = (text: string): Either.Either<Envelope, Unreadable> => {
  if (text.length > longest) return unreadable("size")
  const [head, keyId, end] = headPattern.exec(text) ?? []
  if (head !== undefined && end !== undefined) return Either.right({ keyId, end, content: text.slice(head.length) })
  const written = versionPattern.exec(text)?.[1] ?? version
  return unreadable(written === version ? "format" : "version")
}

const endOf = (expiresAt: number): string => String(Math.floor(expiresAt))

/** The key and the value. What was cut off is found out, and what belongs elsewhere, as by a connection that mixes its answers up. */
const decodePlain = Schema.decodeEither(Schema.parseJson(Schema.Tuple(Schema.String, Schema.String)))

/**
 * No encryption, for stores that encrypt for themselves: whoever reads the store reads the tokens.
 *
 * @internal
 */
export const plain: Cipher = {
  name: sha256,
  seal: (key, value, expiresAt) =>
    Effect.sync(() => `entra${version}.plain.${endOf(expiresAt)}.${JSON.stringify([key, value])}`),
  open: (key, text) =>
    Effect.gen(function* () {
      const { content, end, keyId } = yield* parse(text)
      if (keyId !== undefined) return yield* unreadable("key", keyId)
      const [of, value] = yield* Either.mapLeft(decodePlain(content), () => new Unreadable({ reason: "format" }))
      if (of !== key) return yield* unreadable("tampered")
      return { value, expiresAt: Number(end) }
    })
}

type Bytes = Uint8Array<ArrayBuffer>

const encoder = new TextEncoder()
/** A byte order mark is a part of the value. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** Bytes. */
const saltLength = 16
const ivLength = 12
const tagLength = 16
const headLength = saltLength + ivLength

const purpose = encoder.encode("effect-entra/TokenEncryption/value")

/** AES-GCM is as strong as its IVs are rare: with a key for each value they don't add up. */
const derive = (key: CryptoKey, salt: Bytes, usage: "encrypt" | "decrypt"): Promise<CryptoKey> =>
  crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt, info: purpose },
    key,
    { name: "AES-GCM", length: 256 },
    false,
    [usage]
  )

/** What can't be changed: a value belongs to one entry, and has one end. */
const parametersOf = (iv: Bytes, keyId: string, key: string, end: string) => ({
  name: "AES-GCM",
  iv,
  additionalData: encoder.encode(joinKey(version, keyId, key, end))
})

const encrypt = async ({ id, key: from }: Encryption["writer"], key: string, value: string, end: string) => {
  const bytes = crypto.getRandomValues(new Uint8Array(headLength))
  const derived = await derive(from, bytes.subarray(0, saltLength), "encrypt")
  const parameters = parametersOf(bytes.subarray(saltLength), id, key, end)
  const encrypted = new Uint8Array(await crypto.subtle.encrypt(parameters, derived, encoder.encode(value)))
  const whole = new Uint8Array(headLength + encrypted.length)
  whole.set(bytes)
  whole.set(encrypted, headLength)
  return `entra${version}.sealed.${id}.${end}.${Encoding.encodeBase64Url(whole)}`
}

const decrypt = async (from: CryptoKey, keyId: string, key: string, end: string, bytes: Bytes): Promise<Opened> => {
  const derived = await derive(from, bytes.subarray(0, saltLength), "decrypt")
  const parameters = parametersOf(bytes.subarray(saltLength, headLength), keyId, key, end)
  const decrypted = await crypto.subtle.decrypt(parameters, derived, bytes.subarray(headLength))
  return { value: decoder.decode(decrypted), expiresAt: Number(end) }
}

const bytesOf = (content: string): Either.Either<Bytes, Unreadable> =>
  Either.match(Encoding.decodeBase64Url(content), {
    onLeft: () => unreadable("format"),
    onRight: (bytes) =>
      bytes.length < headLength + tagLength ? unreadable("format") : Either.right(new Uint8Array(bytes))
  })

const sign = async (key: CryptoKey, text: string) =>
  Encoding.encodeBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text))))

/**
 * AES-256-GCM, each value under a key of its own (HKDF, RFC 5869), and names by HMAC-SHA-256.
 *
 * @internal
 */
export const encrypted = ({ indexKey, readers, writer }: Encryption): Cipher => ({
  name: (key) => Effect.promise(() => sign(indexKey, key)),
  seal: (key, value, expiresAt) => Effect.promise(() => encrypt(writer, key, value, endOf(expiresAt))),
  open: (key, text) =>
    Effect.gen(function* () {
      const { content, end, keyId } = yield* parse(text)
      const from = keyId === undefined ? undefined : readers.get(keyId)
      if (keyId === undefined || from === undefined) return yield* unreadable("key", keyId)
      const bytes = yield* bytesOf(content)
      return yield* Effect.tryPromise({
        try: () => decrypt(from, keyId, key, end, bytes),
        catch: () => new Unreadable({ reason: "tampered", keyId })
      })
    })
})
