import * as Effect from "effect/Effect"
import { sha256 } from "../core/digest.js"

/** Characters of base64url: 96 bits. */
const length = 16

/**
 * A short name for a text, which doesn't tell it (SHA-256).
 *
 * @internal
 */
export const digestOf = (text: string): Effect.Effect<string> =>
  Effect.map(sha256(text), (digest) => digest.slice(0, length))
