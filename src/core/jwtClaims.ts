import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Larger than any token that an API takes in a header. */
const longest = 64 * 1024

type Claims = Readonly<Record<string, unknown>>

/** As parsed: a copy would take a claim of the name `__proto__` for its prototype. */
const Claims = Schema.parseJson(
  Schema.declare((json): json is Claims => typeof json === "object" && json !== null && !Array.isArray(json))
)
const decodeClaims = Schema.decodeUnknownOption(Claims)

/**
 * What a JWT says of itself, its signature not looked at; absent where it is no JWT, or encrypted.
 *
 * @internal
 */
export const jwtClaims = (jwt: string): Claims | undefined => {
  const parts = jwt.length > longest ? [] : jwt.split(".")
  const [, payload] = parts
  return parts.length !== 3 || payload === undefined
    ? undefined
    : Option.getOrUndefined(Option.flatMap(Either.getRight(Encoding.decodeBase64UrlString(payload)), decodeClaims))
}
