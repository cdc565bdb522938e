import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import { sha256 } from "../core/digest.js"

/**
 * 256 bits that nobody can guess, as 43 characters that stand in any URL (RFC 7636 4.1). From the system's own generator:
 * what Effect's `Random` gives can be foretold.
 *
 * @internal
 */
export const unguessable: Effect.Effect<Redacted.Redacted> = Effect.sync(() =>
  Redacted.make(Encoding.encodeBase64Url(crypto.getRandomValues(new Uint8Array(32))))
)

/**
 * `S256` of a code verifier (RFC 7636 4.2).
 *
 * @internal
 */
export const codeChallenge = (verifier: Redacted.Redacted): Effect.Effect<string> => sha256(Redacted.value(verifier))

/**
 * Compares in a time that tells nothing of where two texts differ.
 *
 * @internal
 */
export const isSame = (one: string, other: string): boolean => {
  let difference = one.length ^ other.length
  for (let index = 0; index < one.length; index += 1)
    difference |= one.charCodeAt(index) ^ other.charCodeAt(index % Math.max(1, other.length))
  return difference === 0
}
