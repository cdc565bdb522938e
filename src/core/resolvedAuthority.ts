import * as Either from "effect/Either"
import type {
  AdfsAuthority,
  Authority,
  B2CAuthority,
  CustomAuthority,
  EntraAuthority,
  ExternalIdAuthority,
  Metadata,
  OidcAuthority
} from "./Authority.js"
import {
  isLoopback,
  multiTenant,
  parseEndpointHost,
  parseHost,
  parsePolicy,
  parseTenant,
  parseTenantName,
  parseUrl,
  refuse
} from "./authorityParts.js"
import { type CloudHosts, cacheNameOf, cloudOf, clouds, namesOf, regionalHostOf } from "./clouds.js"
import { ConfigurationError } from "./TokenError.js"

/**
 * How an authority speaks. External ID speaks as Entra does.
 *
 * @since 0.1.0
 * @category models
 */
export type Kind = "entra" | "b2c" | "adfs" | "custom"

/**
 * @since 0.1.0
 * @category models
 */
export interface Endpoints {
  readonly token: string
  readonly authorization: string
  /** Where devices begin (RFC 8628 3.1); absent where the authority knows none. */
  readonly deviceAuthorization?: string | undefined
  readonly endSession: string
}

/**
 * An authority that was checked, with what is needed to ask it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResolvedAuthority {
  readonly kind: Kind
  /** The host with its port, for people. */
  readonly host: string
  /** The same for all hosts of one cloud, so that its aliases share a cache; a policy's own; else the issuer. */
  readonly environment: string
  /** Lower-case; empty where the authority knows no tenants. */
  readonly tenantId: string
  /** The user flow or custom policy, lower-case, where the authority is one. */
  readonly policy: string | undefined
  /** The issuer that everything must name; absent where it follows from the tenant. */
  readonly issuer: string | undefined
  /** Where it is asked; absent where its metadata tells. */
  readonly endpoints: Endpoints | undefined
  /** What it publishes, where that was supplied; else where to read it. */
  readonly metadata: Metadata | string
  /** Where metadata may lead to. */
  readonly trustedHosts: ReadonlyArray<string>
  /** Who is asked whether the host is one of Entra's, before anything is sent to it. */
  readonly instanceDiscovery: string | undefined
}

type Resolved = Either.Either<ResolvedAuthority, ConfigurationError>

const wellKnown = (base: string): string => `${base}/.well-known/openid-configuration`

const v2 = (base: string): Endpoints => ({
  token: `${base}/oauth2/v2.0/token`,
  authorization: `${base}/oauth2/v2.0/authorize`,
  endSession: `${base}/oauth2/v2.0/logout`
})

const withDevices = (base: string): Endpoints => ({
  ...v2(base),
  deviceAuthorization: `${base}/oauth2/v2.0/devicecode`
})

/** Loopback can't leave the machine: nobody else has to vouch for it. */
const instanceDiscoveryOf = (url: URL, tenant: string): string | undefined => {
  if (cloudOf(url.host) !== undefined || isLoopback(url.hostname)) return undefined
  const endpoint = encodeURIComponent(v2(`${url.origin}/${tenant}`).authorization)
  return `https://${clouds.public.host}/common/discovery/instance?api-version=1.1&authorization_endpoint=${endpoint}`
}

/** Of External ID's own domain each tenant has one name, and no more. */
const requireTenantHost = ({ hostname }: URL): Either.Either<unknown, ConfigurationError> =>
  hostname.endsWith(".ciamlogin.com") ? parseTenantName(hostname.slice(0, -".ciamlogin.com".length)) : Either.void

/** A name from a file or a flag may be any. */
const hostOfCloud = (name: string): Either.Either<string, ConfigurationError> => {
  const cloud = Object.entries<CloudHosts>(clouds).find(([known]) => known === name)?.[1]
  return cloud === undefined
    ? refuse("cloud", `one of ${Object.keys(clouds).join(", ")}`, "Name another one by its host.")
    : Either.right(`https://${cloud.host}`)
}

const hostOf = (authority: EntraAuthority | ExternalIdAuthority): Either.Either<string, ConfigurationError> =>
  authority._tag === "Entra" && authority.host === undefined
    ? hostOfCloud(authority.cloud)
    : Either.right(authority.host ?? "")

/** An external tenant is one. */
const parseTenantOf = ({ _tag }: EntraAuthority | ExternalIdAuthority, tenantId: string) =>
  Either.filterOrLeft(
    parseTenant(tenantId),
    (tenant) => _tag === "Entra" || !multiTenant.has(tenant),
    () =>
      new ConfigurationError({
        parameter: "tenantId",
        expected: `the external tenant, not ${tenantId}`,
        remedy: "Give its GUID or its domain."
      })
  )

const resolveTenant = (authority: EntraAuthority | ExternalIdAuthority, tenantId: string): Resolved =>
  Either.gen(function* () {
    const url = yield* parseHost(yield* hostOf(authority))
    if (authority._tag === "ExternalId") yield* requireTenantHost(url)
    const tenant = yield* parseTenantOf(authority, tenantId)
    const base = `${url.origin}/${tenant}`
    const isLookedUp = authority._tag === "Entra" && authority.instanceDiscovery
    return {
      kind: "entra",
      host: url.host,
      environment: cacheNameOf(url.host),
      tenantId: tenant,
      policy: undefined,
      issuer: undefined,
      endpoints: withDevices(base),
      metadata: wellKnown(`${base}/v2.0`),
      trustedHosts: namesOf(url.host),
      instanceDiscovery: isLookedUp ? instanceDiscoveryOf(url, tenant) : undefined
    } as const
  })

const resolveB2C = (authority: B2CAuthority): Resolved =>
  Either.gen(function* () {
    const tenant = yield* parseTenantName(authority.tenant)
    const policy = yield* parsePolicy(authority.policy)
    const url = yield* parseHost(authority.host ?? `https://${tenant}.b2clogin.com`)
    const base = `${url.origin}/${tenant}.onmicrosoft.com/${policy}`
    return {
      kind: "b2c",
      host: url.host,
      environment: `${url.host}/${tenant}.onmicrosoft.com/${policy}`,
      tenantId: `${tenant}.onmicrosoft.com`,
      policy,
      issuer: undefined,
      endpoints: v2(base),
      metadata: wellKnown(`${base}/v2.0`),
      trustedHosts: [url.host],
      instanceDiscovery: undefined
    } as const
  })

const resolveAdfs = (authority: AdfsAuthority): Resolved =>
  Either.map(parseHost(authority.host, "Leave out /adfs: it is added."), ({ host, origin }) => {
    const issuer = `${origin}/adfs`
    return {
      kind: "adfs",
      host,
      environment: issuer,
      tenantId: "",
      policy: undefined,
      issuer,
      endpoints: {
        token: `${issuer}/oauth2/token`,
        authorization: `${issuer}/oauth2/authorize`,
        deviceAuthorization: `${issuer}/oauth2/devicecode`,
        endSession: `${issuer}/oauth2/logout`
      },
      metadata: wellKnown(issuer),
      trustedHosts: [host],
      instanceDiscovery: undefined
    } as const
  })

const resolveOidc = ({ endpointHosts, issuer }: OidcAuthority): Resolved =>
  Either.gen(function* () {
    const { host } = yield* parseUrl("issuer", issuer)
    if (issuer.includes("?"))
      return yield* refuse(
        "issuer",
        "an issuer without query",
        "Copy it from the provider's metadata (OpenID Connect Discovery 3)."
      )
    return {
      kind: "custom",
      host,
      environment: issuer,
      tenantId: "",
      policy: undefined,
      issuer,
      endpoints: undefined,
      metadata: wellKnown(issuer.replace(/\/$/, "")),
      trustedHosts: [host, ...(yield* Either.all(endpointHosts.map(parseEndpointHost)))],
      instanceDiscovery: undefined
    } as const
  })

const endpointNames = [
  "tokenEndpoint",
  "authorizationEndpoint",
  "deviceAuthorizationEndpoint",
  "endSessionEndpoint",
  "jwksUri"
] as const

const resolveCustom = (authority: CustomAuthority): Resolved =>
  Either.gen(function* () {
    yield* parseUrl("issuer", authority.issuer)
    for (const name of endpointNames) {
      const endpoint = authority[name]
      if (endpoint !== undefined) yield* parseUrl(name, endpoint)
    }
    const { host } = new URL(authority.tokenEndpoint)
    return {
      kind: "custom",
      host,
      environment: authority.issuer,
      tenantId: "",
      policy: undefined,
      issuer: authority.issuer,
      endpoints: undefined,
      metadata: authority,
      trustedHosts: [],
      instanceDiscovery: undefined
    } as const
  })

const resolveOwn = (authority: Authority): Resolved => {
  switch (authority._tag) {
    case "Entra":
    case "ExternalId":
      return resolveTenant(authority, authority.tenantId)
    case "B2C":
      return resolveB2C(authority)
    case "Adfs":
      return resolveAdfs(authority)
    case "Oidc":
      return resolveOidc(authority)
    case "Custom":
      return resolveCustom(authority)
  }
}

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
  if (options?.tenantId === undefined) return resolveOwn(authority)
  return authority._tag === "Entra"
    ? resolveTenant(authority, options.tenantId)
    : refuse("tenantId", "no tenant: this authority has none to choose from", "Leave tenantId out.")
}

/**
 * Whether users of more than one tenant sign in there (`common`, `organizations`, `consumers`).
 *
 * @internal
 */
export const isMultiTenant = ({ tenantId }: ResolvedAuthority): boolean => multiTenant.has(tenantId)

/** The tenant of all personal accounts, in which no app is at home. */
const consumers = "9188040d-6c67-4c5b-b112-36a304b66dad"

/**
 * Refuses `common`, `organizations` and `consumers` where an app acts for itself: it exists in one tenant at a time
 * (AADSTS9001023, AADSTS90124).
 *
 * @since 0.1.0
 * @category parsing
 */
export const requireTenant = (authority: ResolvedAuthority): Either.Either<ResolvedAuthority, ConfigurationError> =>
  isMultiTenant(authority) || authority.tenantId === consumers
    ? refuse(
        "tenantId",
        `the tenant in which the app acts, not ${authority.tenantId}`,
        "Name it on the authority, or for this call by its tenantId."
      )
    : Either.right(authority)

/**
 * The same authority in a region of its cloud, for an app's own tokens.
 *
 * @internal
 */
export const inRegion = (authority: ResolvedAuthority, region: string): ResolvedAuthority | undefined => {
  const host = authority.kind === "entra" ? regionalHostOf(authority.host, region) : undefined
  return host === undefined ? undefined : { ...authority, host, endpoints: v2(`https://${host}/${authority.tenantId}`) }
}
