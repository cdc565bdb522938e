import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"

/** Characters of base64url: 96 bits. */
const length = 16

/**
 * A short name for a text, which doesn't tell it (SHA-256).
 *
 * @internal
 */
export const digestOf = (text: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
    (digest) => Encoding.encodeBase64Url(new Uint8Array(digest)).slice(0, length)
  )
