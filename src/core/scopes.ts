import * as Either from "effect/Either"
import { ConfigurationError } from "./TokenError.js"

/**
 * Scopes as a set: order and repetition mean nothing (RFC 6749 3.3).
 *
 * @since 0.1.0
 * @category models
 */
export type Scopes = string | ReadonlyArray<string>

/** Scopes that were checked, without repetition, and the text that stands for the set. */
export interface ScopeSet {
  readonly scopes: ReadonlyArray<string>
  readonly key: string
}

const refuse = (expected: string, remedy: string) =>
  Either.left(new ConfigurationError({ parameter: "scopes", expected, remedy }))

/**
 * RFC 6749 3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
 *
 * @internal
 */
export const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/
const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/
const defaultScope = /^(.*[^/])\/+\.default$/

/** How many different values a pattern's first group (or whole match) has; `User.Read` and `openid` have none. */
const countOf = (pattern: RegExp, scopes: ReadonlyArray<string>): number =>
  new Set(scopes.map((scope) => pattern.exec(scope)?.at(-1)).filter((match) => match !== undefined)).size

/** As far as their text tells: only `/.default` shows where a resource's name ends, the others at least have an origin. */
const namesTwoResources = (scopes: ReadonlyArray<string>): boolean =>
  countOf(defaultScope, scopes) > 1 || countOf(origin, scopes) > 1

/**
 * Checks scopes before anything is sent. Entra compares them without case and takes one resource a request (AADSTS700022);
 * other authorities compare them exactly.
 *
 * @internal
 */
export const parseScopes = (
  scopes: Scopes,
  options: { readonly isEntra: boolean }
): Either.Either<ScopeSet, ConfigurationError> => {
  const list = typeof scopes === "string" ? [scopes] : scopes
  if (list.length === 0) return refuse("at least one scope", 'Name the resource, such as ["api://my-api/.default"].')
  if (!list.every((scope) => scopeToken.test(scope)))
    return refuse("each scope without spaces, quotes or backslashes", "Pass several scopes as an array.")
  const byKey = new Map(list.map((scope) => [options.isEntra ? scope.toLowerCase() : scope, scope]))
  const keys = [...byKey.keys()].sort()
  if (options.isEntra && namesTwoResources(keys))
    return refuse("the scopes of one resource", "Ask for the tokens of each resource in a call of its own.")
  return Either.right({ scopes: [...byKey.values()], key: keys.join(" ") })
}
