import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"

/**
 * SHA-256 of a text, as 43 characters of base64url.
 *
 * @internal
 */
export const sha256 = (text: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
    (digest) => Encoding.encodeBase64Url(new Uint8Array(digest))
  )
