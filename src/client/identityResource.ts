import * as Either from "effect/Either"
import { isGuid } from "../core/guid.js"
import { type ScopeSet, type Scopes, scopeToken } from "../core/scopes.js"
import { ConfigurationError } from "../core/TokenError.js"

/**
 * The one scope of a managed identity's token, as what its endpoint is asked for.
 *
 * @internal
 */
export interface IdentityResource extends ScopeSet {
  readonly resource: string
}

const refuse = (expected: string, remedy: string) =>
  Either.left(new ConfigurationError({ parameter: "scopes", expected, remedy }))

const nameIt = 'Name the resource, such as "https://vault.azure.net/.default".'

/** One slash alone: the name of a resource may end in one itself, as that of `https://management.azure.com//.default`. */
const suffix = /\/\.default$/i
/** An absolute URI (RFC 3986 4.3) without a query, whose authority is not empty. */
const absolute = /^(?:[a-z][a-z0-9+.-]*:\/\/[^/?#]|urn:[^/?#])[^?#]*$/i

const isResource = (text: string): boolean => isGuid(text) || (absolute.test(text) && URL.canParse(text))

/**
 * The resource that a scope names, for endpoints that know no scopes: what is before `/.default`, or a resource as it is.
 * Whether a URI's last segment is a permission, as in `https://graph.microsoft.com/User.Read`, its text does not tell.
 *
 * @internal
 */
export const identityResource = (scopes: Scopes): Either.Either<IdentityResource, ConfigurationError> => {
  const list = typeof scopes === "string" ? [scopes] : scopes
  const [scope, ...others] = new Map(list.map((each) => [each.toLowerCase(), each])).values()
  if (scope === undefined) return refuse("one scope", nameIt)
  if (others.length > 0) return refuse("exactly one scope", "Ask for the tokens of each resource in a call of its own.")
  if (!scopeToken.test(scope)) return refuse("a scope without spaces, quotes or backslashes", nameIt)
  const resource = scope.replace(suffix, "")
  return isResource(resource)
    ? Either.right({ resource, scopes: [scope], key: resource.toLowerCase() })
    : refuse(
        'a resource (an absolute URI without query and fragment, or a GUID), with "/.default" or without it',
        nameIt
      )
}
