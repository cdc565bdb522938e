import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"

const digest = (text: string): Effect.Effect<Uint8Array> =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
    (bytes) => new Uint8Array(bytes)
  )

/**
 * SHA-256 of a text, as 43 characters of base64url.
 *
 * @internal
 */
export const sha256 = (text: string): Effect.Effect<string> => Effect.map(digest(text), Encoding.encodeBase64Url)

/**
 * The same, as 64 hexadecimal digits.
 *
 * @internal
 */
export const sha256Hex = (text: string): Effect.Effect<string> => Effect.map(digest(text), Encoding.encodeHex)
