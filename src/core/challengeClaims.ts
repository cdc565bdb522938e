import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import { parseClaims } from "./claims.js"

/** Bytes, decoded; {@link parseClaims} counts characters, of which there are no more. */
const longest = 8192

/** RFC 8259 8.1: JSON is UTF-8 without byte order mark. What isn't could not be handed on as it came. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Both alphabets of RFC 4648, padding or none. */
const bytesOf = (base64: string): Uint8Array | undefined => {
  const bare = base64
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/={1,2}$/, "")
  return Math.floor((bare.length * 3) / 4) > longest ? undefined : Either.getOrUndefined(Encoding.decodeBase64Url(bare))
}

const textOf = (base64: string): string | undefined => {
  const bytes = bytesOf(base64)
  return bytes === undefined ? undefined : Either.getOrUndefined(Either.try(() => utf8.decode(bytes)))
}

/**
 * Reads the `claims` of a challenge: base64, base64url or JSON as it is. The JSON stays as it was written. Absent where it is
 * no object, has more than 8 kB or more than 16 levels.
 *
 * @internal
 */
export const readChallengeClaims = (member: string): string | undefined => {
  const text = member.trimStart().startsWith("{") ? member : textOf(member)
  return text !== undefined && Either.isRight(parseClaims(text)) ? text : undefined
}

/**
 * Writes them (claims challenge format: base64, standard alphabet, padded). Absent where they would not be read back.
 *
 * @internal
 */
export const writeChallengeClaims = (claims: string): string | undefined => {
  const member = claims.length > longest ? "" : Encoding.encodeBase64(claims)
  return readChallengeClaims(member) === claims ? member : undefined
}
