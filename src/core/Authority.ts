/**
 * Where tokens come from: the clouds of Entra ID, or any other OAuth 2.0 server.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import { cacheNameOf, clouds } from "./clouds.js"
import { isGuid } from "./guid.js"
import { ConfigurationError } from "./TokenError.js"

/**
 * A cloud of Entra ID by name.
 *
 * @since 0.1.0
 * @category models
 */
export type Cloud = keyof typeof clouds

/**
 * An authority as it was named; it is checked when a client is made from it.
 *
 * @since 0.1.0
 * @category models
 */
export type Authority = EntraAuthority | CustomAuthority

/**
 * Entra ID: a host and a tenant.
 *
 * @since 0.1.0
 * @category models
 */
export interface EntraAuthority {
  readonly _tag: "Entra"
  /** `https://login.microsoftonline.com`, or another cloud's. */
  readonly host: string
  readonly tenantId: string
}

/**
 * Any other OAuth 2.0 server, its endpoint pinned.
 *
 * @since 0.1.0
 * @category models
 */
export interface CustomAuthority {
  readonly _tag: "Custom"
  readonly issuer: string
  readonly tokenEndpoint: string
}

/**
 * A tenant of Entra ID: its GUID, a verified domain, or `common`, `organizations`, `consumers` where users sign in.
 * `cloud` defaults to `public`; `host`, which wins, names any other, as in `AZURE_AUTHORITY_HOST`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const entra = (options: {
  readonly tenantId: string
  readonly cloud?: Cloud | undefined
  readonly host?: string | undefined
}): Authority => ({
  _tag: "Entra",
  host: options.host ?? `https://${clouds[options.cloud ?? "public"].host}`,
  tenantId: options.tenantId
})

/**
 * Any other OAuth 2.0 server. Its token endpoint is pinned here: nothing is discovered, and no secret goes elsewhere.
 *
 * @since 0.1.0
 * @category constructors
 */
export const custom = (options: { readonly issuer: string; readonly tokenEndpoint: string }): Authority => ({
  _tag: "Custom",
  ...options
})

/**
 * An authority that was checked, with what is needed to ask it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResolvedAuthority {
  readonly kind: "entra" | "custom"
  readonly tokenEndpoint: string
  /** Whom a client assertion is made for (RFC 7523 3): the token endpoint at Entra, the issuer elsewhere. */
  readonly audience: string
  /** The host with its port, for people. */
  readonly host: string
  /** The same for all hosts of one cloud, so that its aliases share a cache; else the issuer. */
  readonly environment: string
  /** Lower-case; empty where the authority knows no tenants. */
  readonly tenantId: string
}

const refuse = (parameter: string, expected: string, remedy: string) =>
  Either.left(new ConfigurationError({ parameter, expected, remedy }))

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname)

const inFull = "Write it in full, such as https://login.microsoftonline.com for Entra's public cloud."

/** An absolute https URL; plain http only where it can't leave the machine. */
const parseUrl = (parameter: string, text: string): Either.Either<URL, ConfigurationError> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return refuse(parameter, "an absolute https URL", inFull)
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname)))
    return refuse(parameter, "an https URL (http is allowed for loopback only)", inFull)
  if (url.username !== "" || url.password !== "" || url.hash !== "")
    return refuse(parameter, "a URL without user, password and fragment", "Leave them out.")
  return Either.right(url)
}

const multiTenant: ReadonlySet<string> = new Set(["common", "organizations", "consumers"])
/** The tenant of all personal accounts, in which no app is at home. */
const consumers = "9188040d-6c67-4c5b-b112-36a304b66dad"
const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
const domain = new RegExp(`^(?=.{3,253}$)${label}(?:\\.${label})+$`)

const parseTenant = (text: string): Either.Either<string, ConfigurationError> => {
  const tenantId = text.toLowerCase()
  return isGuid(tenantId) || domain.test(tenantId) || multiTenant.has(tenantId)
    ? Either.right(tenantId)
    : refuse(
        "tenantId",
        "a tenant's GUID, one of its verified domains, or common, organizations, consumers",
        "Copy the tenant id from the Entra admin center's overview."
      )
}

const resolveEntra = (
  authority: EntraAuthority,
  tenantId: string
): Either.Either<ResolvedAuthority, ConfigurationError> =>
  Either.gen(function* () {
    const url = yield* parseUrl("authority", authority.host)
    if (url.pathname !== "/" || url.search !== "")
      return yield* refuse("authority", "a host without path and query", "Give the tenant as tenantId.")
    const tenant = yield* parseTenant(tenantId)
    const tokenEndpoint = `${url.origin}/${tenant}/oauth2/v2.0/token`
    return {
      kind: "entra",
      tokenEndpoint,
      audience: tokenEndpoint,
      host: url.host,
      environment: cacheNameOf(url.host),
      tenantId: tenant
    } as const
  })

const resolveCustom = (authority: CustomAuthority): Either.Either<ResolvedAuthority, ConfigurationError> =>
  Either.gen(function* () {
    yield* parseUrl("issuer", authority.issuer)
    const endpoint = yield* parseUrl("tokenEndpoint", authority.tokenEndpoint)
    return {
      kind: "custom",
      tokenEndpoint: endpoint.href,
      audience: authority.issuer,
      host: endpoint.host,
      environment: authority.issuer,
      tenantId: ""
    } as const
  })

/**
 * Checks an authority, for its own tenant or another one of the same host.
 *
 * @since 0.1.0
 * @category parsing
 */
export const resolve = (
  authority: Authority,
  options?: { readonly tenantId?: string | undefined }
): Either.Either<ResolvedAuthority, ConfigurationError> => {
  if (authority._tag === "Entra") return resolveEntra(authority, options?.tenantId ?? authority.tenantId)
  return options?.tenantId === undefined
    ? resolveCustom(authority)
    : refuse("tenantId", "no tenant: this authority has none", "Leave tenantId out.")
}

/**
 * Refuses `common`, `organizations` and `consumers` where an app acts for itself: it exists in one tenant at a time
 * (AADSTS9001023, AADSTS90124).
 *
 * @since 0.1.0
 * @category parsing
 */
export const requireTenant = (authority: ResolvedAuthority): Either.Either<ResolvedAuthority, ConfigurationError> =>
  multiTenant.has(authority.tenantId) || authority.tenantId === consumers
    ? refuse(
        "tenantId",
        `the tenant in which the app acts, not ${authority.tenantId}`,
        "Name it on the authority, or for this call by its tenantId."
      )
    : Either.right(authority)
