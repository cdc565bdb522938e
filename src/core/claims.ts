import * as Either from "effect/Either"
import { ConfigurationError } from "./TokenError.js"

/** Longer than any policy writes them, deeper than any request for them is. */
const longest = 8192
const deepest = 16

type JsonObject = Readonly<Record<string, unknown>>

const isObject = (json: unknown): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json)

const isDeeperThan = (json: unknown, levels: number): boolean =>
  typeof json === "object" &&
  json !== null &&
  (levels === 0 || Object.values(json).some((member) => isDeeperThan(member, levels - 1)))

const refused = (expected: string) =>
  Either.left(
    new ConfigurationError({
      parameter: "claims",
      expected: `a claims request: ${expected} (OpenID Connect Core 5.5)`,
      remedy: "Pass the decoded claims of the challenge, not its base64."
    })
  )

/**
 * Reads a claims request.
 *
 * @internal
 */
export const parseClaims = (text: string): Either.Either<JsonObject, ConfigurationError> => {
  if (text.length > longest) return refused(`at most ${longest} characters`)
  const json = Either.getOrUndefined(Either.try((): unknown => JSON.parse(text)))
  if (!isObject(json)) return refused("a JSON object")
  return isDeeperThan(json, deepest) ? refused(`at most ${deepest} levels`) : Either.right(json)
}

const isCapabilities = (path: ReadonlyArray<string>): boolean => path.slice(-2).join(".") === "xms_cc.values"

const merged = (base: unknown, over: unknown, path: ReadonlyArray<string>): unknown => {
  // "In the default manner" (OpenID Connect Core 5.5.1): it asks for nothing that an object doesn't ask for too.
  if (over === null && isObject(base)) return base
  if (isObject(base) && isObject(over)) {
    const result: Record<string, unknown> = Object.create(null)
    for (const [name, value] of Object.entries(base)) result[name] = value
    for (const [name, value] of Object.entries(over))
      result[name] = name in result ? merged(result[name], value, [...path, name]) : value
    return result
  }
  return Array.isArray(base) && Array.isArray(over) && isCapabilities(path) ? [...new Set([...base, ...over])] : over
}

/**
 * Merges claims requests, as JSON: the later ones win, except that the client's capabilities (`xms_cc`) are united. One that
 * stands alone stays as it was written; one that can't be read counts for nothing.
 *
 * @internal
 */
export const mergeClaims = (...requests: ReadonlyArray<string | undefined>): string | undefined => {
  const present = requests.filter((request) => request !== undefined)
  if (present.length < 2) return present[0]
  const objects = present.flatMap((request) =>
    Either.match(parseClaims(request), { onLeft: () => [], onRight: (json) => [json] })
  )
  return JSON.stringify(objects.reduce<unknown>((base, over) => merged(base, over, []), {}))
}

/**
 * What a client says that it can do, such as `cp1`: it answers claims challenges.
 *
 * Source: Microsoft identity platform, claims challenges and client capabilities.
 *
 * @internal
 */
export const capabilityClaims = (capabilities: ReadonlyArray<string>): string | undefined =>
  capabilities.length === 0 ? undefined : JSON.stringify({ access_token: { xms_cc: { values: capabilities } } })
