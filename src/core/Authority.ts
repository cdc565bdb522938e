/**
 * Where tokens come from: the clouds of Entra ID, External ID, B2C, AD FS, or any other OAuth 2.0 server.
 *
 * @since 0.1.0
 */
import type { clouds } from "./clouds.js"

export {
  type Endpoints,
  type Kind,
  type ResolvedAuthority,
  requireTenant,
  resolve
} from "./resolvedAuthority.js"

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
export type Authority =
  | EntraAuthority
  | ExternalIdAuthority
  | B2CAuthority
  | AdfsAuthority
  | OidcAuthority
  | CustomAuthority

/**
 * Entra ID: a host and a tenant.
 *
 * @since 0.1.0
 * @category models
 */
export interface EntraAuthority {
  readonly _tag: "Entra"
  readonly cloud: Cloud
  /** Instead of the cloud's own, as in `AZURE_AUTHORITY_HOST`. */
  readonly host: string | undefined
  readonly tenantId: string
  readonly instanceDiscovery: boolean
}

/**
 * Entra External ID: customers of one external tenant.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExternalIdAuthority {
  readonly _tag: "ExternalId"
  readonly host: string
  readonly tenantId: string
}

/**
 * Azure AD B2C: one policy of one tenant.
 *
 * @since 0.1.0
 * @category models
 */
export interface B2CAuthority {
  readonly _tag: "B2C"
  readonly tenant: string
  readonly policy: string
  readonly host?: string | undefined
}

/**
 * Active Directory Federation Services, 2019 or newer.
 *
 * @since 0.1.0
 * @category models
 */
export interface AdfsAuthority {
  readonly _tag: "Adfs"
  readonly host: string
}

/**
 * Any OpenID provider, by what it publishes.
 *
 * @since 0.1.0
 * @category models
 */
export interface OidcAuthority {
  readonly _tag: "Oidc"
  readonly issuer: string
  readonly endpointHosts: ReadonlyArray<string>
}

/**
 * Any other OAuth 2.0 server, by what is told of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface CustomAuthority extends Metadata {
  readonly _tag: "Custom"
}

/**
 * What an authority publishes of itself (OpenID Connect Discovery 3, RFC 8414 2).
 *
 * @since 0.1.0
 * @category models
 */
export interface Metadata {
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly authorizationEndpoint?: string | undefined
  /** Where devices without a browser begin (RFC 8628 4). */
  readonly deviceAuthorizationEndpoint?: string | undefined
  readonly endSessionEndpoint?: string | undefined
  readonly jwksUri?: string | undefined
  /** Whether every authorization response names its issuer (RFC 9207 3). */
  readonly isIssuerReturned?: boolean | undefined
}

/**
 * A tenant of Entra ID: its GUID, a verified domain, or `common`, `organizations`, `consumers` where users sign in.
 * `cloud` defaults to `public`; `host`, which wins, names any other, as in `AZURE_AUTHORITY_HOST`.
 *
 * A host that is no known one is looked up at the public cloud before anything is sent to it (instance discovery);
 * `instanceDiscovery: false` trusts it unasked, as closed clouds need.
 *
 * @since 0.1.0
 * @category constructors
 */
export const entra = (options: {
  readonly tenantId: string
  readonly cloud?: Cloud | undefined
  readonly host?: string | undefined
  readonly instanceDiscovery?: boolean | undefined
}): Authority => ({
  _tag: "Entra",
  cloud: options.cloud ?? "public",
  host: options.host,
  tenantId: options.tenantId,
  instanceDiscovery: options.instanceDiscovery ?? true
})

/**
 * An external tenant of Entra External ID, by the name of its `ciamlogin.com` host, or by its GUID and a custom domain.
 *
 * Source: Microsoft Entra External ID, custom URL domains.
 *
 * @since 0.1.0
 * @category constructors
 */
export const externalId = (
  options:
    | { readonly tenant: string }
    /** `host` as a URL, such as `https://login.contoso.com`. */
    | { readonly tenantId: string; readonly host: string }
): Authority =>
  "tenant" in options
    ? {
        _tag: "ExternalId",
        host: `https://${options.tenant}.ciamlogin.com`,
        tenantId: `${options.tenant}.onmicrosoft.com`
      }
    : { _tag: "ExternalId", ...options }

/**
 * A policy (user flow) of an Azure AD B2C tenant: `tenant` is the first label of its domain, `host` its custom domain as a
 * URL, else `https://{tenant}.b2clogin.com`. Accounts and tokens of two policies are kept apart.
 *
 * Source: Azure AD B2C, b2clogin.com overview.
 *
 * @since 0.1.0
 * @category constructors
 */
export const b2c = (options: {
  readonly tenant: string
  readonly policy: string
  readonly host?: string | undefined
}): Authority => ({ _tag: "B2C", ...options })

/**
 * AD FS 2019 or newer, by its host as a URL. Certificates sign for it with `RS256`.
 *
 * Source: AD FS OpenID Connect/OAuth flows and application scenarios.
 *
 * @since 0.1.0
 * @category constructors
 */
export const adfs = (options: { readonly host: string }): Authority => ({ _tag: "Adfs", ...options })

/**
 * Any OpenID provider: its metadata is read from `{issuer}/.well-known/openid-configuration`, and must name this very
 * issuer. Nothing is sent to another host than the issuer's, unless `endpointHosts` lists it (`host` or `host:port`).
 *
 * Source: OpenID Connect Discovery 4.
 *
 * @since 0.1.0
 * @category constructors
 */
export const oidc = (options: {
  readonly issuer: string
  readonly endpointHosts?: ReadonlyArray<string> | undefined
}): Authority => ({ _tag: "Oidc", issuer: options.issuer, endpointHosts: options.endpointHosts ?? [] })

/**
 * Any other OAuth 2.0 server, and closed networks. Its endpoints are pinned here: nothing is discovered, and no secret goes
 * elsewhere.
 *
 * @since 0.1.0
 * @category constructors
 */
export const custom = (options: Metadata): Authority => ({ _tag: "Custom", ...options })
