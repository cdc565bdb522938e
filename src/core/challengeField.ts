import * as Either from "effect/Either"
import { parseUrl } from "./authorityParts.js"
import type { FormatOptions } from "./ClaimsChallenge.js"
import { writeChallengeClaims } from "./challengeClaims.js"
import { isPlain } from "./challengeParameters.js"
import type { Scopes } from "./scopes.js"

/** Nothing is escaped: what would have to be is left out, for not every reader knows escapes. */
const written = (name: string, value: string | undefined): ReadonlyArray<string> =>
  value !== undefined && isPlain(value) ? [`${name}="${value}"`] : []

const hrefOf = (uri: string | undefined): string | undefined =>
  uri === undefined ? undefined : Either.getOrUndefined(parseUrl("authorizationUri", uri))?.href

const scopeOf = (scope: Scopes = []): string | undefined => {
  const plain = (typeof scope === "string" ? [scope] : scope).filter(isPlain)
  const tokens = plain.flatMap((text) => text.split(" ")).filter((token) => token !== "")
  return tokens.length === 0 ? undefined : tokens.join(" ")
}

const claimsOf = (claims: string | undefined): ReadonlyArray<string> => {
  const base64 = claims === undefined ? undefined : writeChallengeClaims(claims)
  return base64 === undefined ? [] : [`claims="${base64}"`]
}

/**
 * Writes a `WWW-Authenticate` value of one Bearer challenge. Total: a value that is not of its grammar is left out. The scheme
 * never stands alone (RFC 6750 3).
 *
 * @internal
 */
export const writeBearer = (field: FormatOptions): string => {
  const isClaims = field.claims !== undefined
  const parameters = [
    ...written("realm", field.realm ?? (isClaims ? "" : undefined)),
    ...written("authorization_uri", hrefOf(field.authorizationUri)),
    ...written("error", isClaims ? "insufficient_claims" : field.error),
    ...written("scope", scopeOf(field.scope)),
    ...claimsOf(field.claims)
  ]
  return `Bearer ${parameters.length === 0 ? 'realm=""' : parameters.join(", ")}`
}
