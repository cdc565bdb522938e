import * as Either from "effect/Either"
import { isLoopback, parseUrl, refuse } from "../core/authorityParts.js"
import type { ConfigurationError } from "../core/TokenError.js"

/** Where a token may be sent. */
export type Origins = (url: URL) => boolean

const wildcard = /^https:\/\/\*\.([a-z0-9.-]+(?::\d+)?)\/?$/i

const named = (origin: string): Either.Either<Origins, ConfigurationError> => {
  const parent = wildcard.exec(origin)?.[1]?.toLowerCase()
  if (parent !== undefined) return Either.right((url) => url.protocol === "https:" && url.host.endsWith(`.${parent}`))
  return Either.flatMap(parseUrl("origins", origin), (allowed) =>
    allowed.pathname === "/" && allowed.search === "" && !allowed.host.includes("*")
      ? Either.right((url: URL) => url.origin === allowed.origin)
      : refuse("origins", "an origin without path and query", "Write it as https://graph.microsoft.com.")
  )
}

/**
 * The origins of an API: `https://graph.microsoft.com`, or all below a domain as `https://*.vault.azure.net`; https only,
 * except on loopback.
 *
 * @internal
 */
export const parseOrigins = (origins: ReadonlyArray<string>): Either.Either<Origins, ConfigurationError> =>
  origins.length === 0
    ? refuse("origins", "the origins of the API", "Name where the token may go, such as https://graph.microsoft.com.")
    : Either.map(Either.all(origins.map(named)), (allowed) => (url) => allowed.some((matches) => matches(url)))

const base = "A wrapper sees what the client inside it is given: set the base URL outside, or call absolute URLs."

/**
 * The URL of a call that may have the token.
 *
 * @internal
 */
export const requireOrigin = (origins: Origins, text: string): Either.Either<URL, ConfigurationError> => {
  const url = Either.getOrUndefined(Either.try(() => new URL(text)))
  if (url === undefined) return refuse("url", "an absolute URL", base)
  if (url.protocol !== "https:" && !isLoopback(url.hostname))
    return refuse("url", "an https URL", "Tokens go nowhere else.")
  return origins(url)
    ? Either.right(url)
    : refuse(
        "url",
        `a URL of one of the named origins, not of ${url.host}`,
        "Add its origin if the API is really there."
      )
}
