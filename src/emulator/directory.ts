/** Who exists: tenants, their applications and their APIs. */
import * as DateTime from "effect/DateTime"
import * as Redacted from "effect/Redacted"
import type * as Jose from "jose"

/**
 * Every tenant that the emulator knows.
 *
 * @since 0.1.0
 * @category models
 */
export interface Directory {
  readonly tenants: ReadonlyArray<Tenant>
}

/**
 * One tenant: its GUID, its verified domains, the service principals of its applications, and its APIs.
 *
 * @since 0.1.0
 * @category models
 */
export interface Tenant {
  readonly id: string
  readonly domains: ReadonlyArray<string>
  readonly apps: ReadonlyArray<App>
  readonly apis: ReadonlyArray<Api>
}

/**
 * A confidential application: `objectId` is its service principal's, `roles` are the application permissions that it was
 * granted, by the identifier URI of the API. Secrets, certificates and federated credentials each serve to prove it.
 *
 * @since 0.1.0
 * @category models
 */
export interface App {
  readonly clientId: string
  readonly objectId: string
  readonly displayName: string
  readonly secrets: ReadonlyArray<Secret>
  readonly certificates?: ReadonlyArray<Certificate> | undefined
  readonly federatedCredentials?: ReadonlyArray<FederatedCredential> | undefined
  readonly roles?: Readonly<Record<string, ReadonlyArray<string>>> | undefined
}

/**
 * A client secret, valid for ever unless `expiresAt` is given.
 *
 * @since 0.1.0
 * @category models
 */
export interface Secret {
  readonly value: Redacted.Redacted
  readonly expiresAt?: DateTime.Utc | undefined
}

/**
 * A certificate whose private key signs client assertions, in PEM, RSA of 2048 bits or more; its own dates are not looked
 * at, and of several in one text the first is taken.
 *
 * @since 0.1.0
 * @category models
 */
export interface Certificate {
  readonly certificate: string
}

/**
 * Whose tokens serve as client assertions: `issuer`, `subject` and `audience` (`api://AzureADTokenExchange` unless given)
 * as in the token, and the issuer's RSA key, registered here where Entra reads it from the issuer's JWKS.
 *
 * @since 0.1.0
 * @category models
 */
export interface FederatedCredential {
  readonly issuer: string
  readonly subject: string
  readonly audience?: string | undefined
  readonly publicKey: Jose.JWK
}

/** https://learn.microsoft.com/graph/api/resources/federatedidentitycredential */
export const defaultAudience = "api://AzureADTokenExchange"

/**
 * A resource: tokens for `{identifierUri}/.default` or `{appId}/.default` carry `appId` as their audience.
 *
 * @since 0.1.0
 * @category models
 */
export interface Api {
  readonly identifierUri: string
  readonly appId: string
}

const apiAppId = "11112222-bbbb-3333-cccc-4444dddd5555"
const otherApiAppId = "22223333-cccc-4444-dddd-5555eeee6666"
const graph: Api = { identifierUri: "https://graph.microsoft.com", appId: "00000003-0000-0000-c000-000000000000" }

/**
 * The names of the default directory, so that a program can be written against it: the GUIDs are those that Microsoft's
 * documents use for examples, the secret holds characters that a form must encode.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaults = {
  tenantId: "aaaabbbb-0000-cccc-1111-dddd2222eeee",
  domain: "contoso.onmicrosoft.com",
  clientId: "00001111-aaaa-2222-bbbb-3333cccc4444",
  objectId: "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb",
  clientSecret: Redacted.make("emulator~secret+not/real="),
  expiredSecret: Redacted.make("emulator~expired+not/real="),
  apiAppId,
  apiIdentifierUri: `api://${apiAppId}`,
  apiScope: `api://${apiAppId}/.default`,
  apiPath: `/api/${apiAppId}`,
  role: "Tasks.Read.All",
  otherApiAppId,
  otherApiScope: `api://${otherApiAppId}/.default`,
  graphScope: `${graph.identifierUri}/.default`,
  otherTenantId: "bbbbcccc-1111-dddd-2222-eeee3333ffff",
  otherDomain: "fabrikam.onmicrosoft.com"
} as const

const apis: ReadonlyArray<Api> = [
  { identifierUri: defaults.apiIdentifierUri, appId: apiAppId },
  { identifierUri: `api://${otherApiAppId}`, appId: otherApiAppId },
  graph
]

const app = (objectId: string): App => ({
  clientId: defaults.clientId,
  objectId,
  displayName: "Emulated daemon",
  secrets: [
    { value: defaults.clientSecret },
    // So long ago that it is over under TestClock too, which starts in 1970.
    { value: defaults.expiredSecret, expiresAt: DateTime.unsafeMake("1900-01-01T00:00:00Z") }
  ],
  roles: { [defaults.apiIdentifierUri]: [defaults.role], [graph.identifierUri]: ["User.Read.All"] }
})

/**
 * The directory of an emulator that is given none, to build another one upon: one application in two tenants that share
 * three APIs, with secrets but no certificate.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultDirectory: Directory = {
  tenants: [
    { id: defaults.tenantId, domains: [defaults.domain], apps: [app(defaults.objectId)], apis },
    {
      id: defaults.otherTenantId,
      domains: [defaults.otherDomain],
      apps: [app("bbbbbbbb-1111-2222-3333-cccccccccccc")],
      apis
    }
  ]
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

export const findTenant = (directory: Directory, name: string): Tenant | undefined =>
  directory.tenants.find((tenant) => same(tenant.id, name) || tenant.domains.some((domain) => same(domain, name)))

export const findApp = (tenant: Tenant, clientId: string): App | undefined =>
  tenant.apps.find((app) => same(app.clientId, clientId))

/** A resource is named by its identifier URI or by its application id. */
export const findApi = (tenant: Tenant, resource: string): Api | undefined =>
  tenant.apis.find((api) => same(api.identifierUri, resource) || same(api.appId, resource))
