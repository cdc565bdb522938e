import * as Either from "effect/Either"
import { isGuid } from "./guid.js"
import { ConfigurationError } from "./TokenError.js"

type Parsed<A> = Either.Either<A, ConfigurationError>

/** @internal */
export const refuse = (parameter: string, expected: string, remedy: string): Parsed<never> =>
  Either.left(new ConfigurationError({ parameter, expected, remedy }))

/** @internal */
export const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname)

const inFull = "Write it in full, such as https://login.microsoftonline.com for Entra's public cloud."

/**
 * An absolute https URL; plain http only where it can't leave the machine.
 *
 * @internal
 */
export const parseUrl = (parameter: string, text: string): Parsed<URL> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return refuse(parameter, "an absolute https URL", inFull)
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname)))
    return refuse(parameter, "an https URL (http is allowed for loopback only)", inFull)
  if (url.username !== "" || url.password !== "" || url.href.includes("#"))
    return refuse(parameter, "a URL without user, password and fragment", "Leave them out.")
  return Either.right(url)
}

/** @internal */
export const parseHost = (text: string, remedy = "Give the tenant as tenantId."): Parsed<URL> =>
  Either.flatMap(parseUrl("authority", text), (url) =>
    url.pathname === "/" && url.search === ""
      ? Either.right(url)
      : refuse("authority", "a host without path and query", remedy)
  )

/**
 * A host as a URL shows it: lower-case, its port only where it is not https's.
 *
 * @internal
 */
export const parseEndpointHost = (text: string): Parsed<string> => {
  const url = URL.canParse(`https://${text}`) ? new URL(`https://${text}`) : undefined
  return url !== undefined && url.href === `https://${url.host}/` && /^[^/?#@\\\s]+$/.test(text)
    ? Either.right(url.host)
    : refuse("endpointHosts", "hosts alone, as in id.example or id.example:8443", "Leave out protocol and path.")
}

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
const domain = new RegExp(`^(?=.{3,253}$)${label}(?:\\.${label})+$`)
const name = new RegExp(`^${label}$`)

/**
 * Where users of more than one tenant sign in.
 *
 * @internal
 */
export const multiTenant: ReadonlySet<string> = new Set(["common", "organizations", "consumers"])

/** @internal */
export const parseTenant = (text: string): Parsed<string> => {
  const tenantId = text.toLowerCase()
  return isGuid(tenantId) || domain.test(tenantId) || multiTenant.has(tenantId)
    ? Either.right(tenantId)
    : refuse(
        "tenantId",
        "a tenant's GUID, one of its verified domains, or common, organizations, consumers",
        "Copy the tenant id from the Entra admin center's overview."
      )
}

/**
 * The name under which a tenant has hosts of its own: `contoso` of `contoso.b2clogin.com`.
 *
 * @internal
 */
export const parseTenantName = (text: string): Parsed<string> => {
  const tenant = text.toLowerCase()
  return name.test(tenant)
    ? Either.right(tenant)
    : refuse("tenant", "the first label of the tenant's domain", 'Write "contoso" for contoso.onmicrosoft.com.')
}

/**
 * A user flow or custom policy of B2C, which doesn't distinguish case.
 *
 * @internal
 */
export const parsePolicy = (text: string | undefined): Parsed<string> =>
  text !== undefined && /^[\w-]{1,128}$/.test(text)
    ? Either.right(text.toLowerCase())
    : refuse("policy", "the name of a user flow or custom policy", "Name it as in the portal, such as B2C_1_signin.")
