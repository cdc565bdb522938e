/** Who exists: tenants with their applications, APIs and people. */
import type * as DateTime from "effect/DateTime"
import type * as Redacted from "effect/Redacted"
import type * as Jose from "jose"
import type { Json } from "./Fault.js"

/**
 * Every tenant that the emulator knows, the AD FS farm that answers below `/adfs`, and the machine in Azure whose managed
 * identities the endpoints of its host give tokens for.
 *
 * @since 0.1.0
 * @category models
 */
export interface Directory {
  readonly tenants: ReadonlyArray<Tenant>
  readonly adfs?: Farm | undefined
  readonly machine?: Machine | undefined
}

/**
 * A machine, site or cluster with managed identities: the one that the system assigned to it, if it did, and those that
 * users did. `location` is its region in the instance metadata (`westus2` unless given).
 *
 * @since 0.1.0
 * @category models
 */
export interface Machine {
  readonly location?: string | undefined
  readonly systemAssigned?: ManagedIdentity | undefined
  readonly userAssigned?: ReadonlyArray<ManagedIdentity> | undefined
}

/**
 * A managed identity: the tenant (by its GUID) whose service principal it is, its three names, of which `resourceId` is the
 * Azure Resource Manager id, and in `roles` the application permissions that it was granted, by the identifier URI of the
 * API.
 *
 * @since 0.1.0
 * @category models
 */
export interface ManagedIdentity {
  readonly tenantId: string
  readonly clientId: string
  readonly objectId: string
  readonly resourceId: string
  readonly roles?: Readonly<Record<string, ReadonlyArray<string>>> | undefined
}

/**
 * What an AD FS farm knows: it has no tenants.
 *
 * @since 0.1.0
 * @category models
 */
export interface Farm {
  readonly apps: ReadonlyArray<App>
  readonly apis: ReadonlyArray<Api>
  readonly users: ReadonlyArray<User>
}

/**
 * One tenant: its GUID, its verified domains, the service principals of its applications, its APIs and its people. One
 * with `userFlows` is a tenant of Azure AD B2C, which answers below `/{tenant}/{user flow}`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Tenant {
  readonly id: string
  readonly domains: ReadonlyArray<string>
  readonly apps: ReadonlyArray<App>
  readonly apis: ReadonlyArray<Api>
  readonly users?: ReadonlyArray<User> | undefined
  readonly userFlows?: ReadonlyArray<UserFlow> | undefined
}

/**
 * A user flow or custom policy of Azure AD B2C. Its issuer names the tenant, or the policy too (`tfp`), and its tokens
 * name it in `tfp`, or in `acr` as old policies do
 * (https://learn.microsoft.com/azure/active-directory-b2c/configure-tokens).
 *
 * @since 0.1.0
 * @category models
 */
export interface UserFlow {
  readonly name: string
  readonly issuer?: "tenant" | "tfp" | undefined
  readonly claim?: "tfp" | "acr" | undefined
}

/**
 * A person, by the UPN. A guest has the same `username` in the tenant `homeTenantId`, and another `objectId` there. Who
 * has no `password` signs in by a click; `satisfies` is what every sign-in of this person proves, and `claims` holds what
 * optional claims may take from it (`email`, `groups`). Of who `requiresMfa` a second factor is demanded for every API.
 *
 * @since 0.1.0
 * @category models
 */
export interface User {
  readonly objectId: string
  readonly username: string
  readonly displayName: string
  readonly password?: Redacted.Redacted | undefined
  readonly homeTenantId?: string | undefined
  readonly satisfies?: ReadonlyArray<Requirement> | undefined
  readonly requiresMfa?: boolean | undefined
  readonly claims?: Readonly<Record<string, Json>> | undefined
}

/**
 * What Conditional Access may demand of a sign-in.
 *
 * @since 0.1.0
 * @category models
 */
export type Requirement = "mfa" | "compliantDevice" | { readonly authenticationContext: string }

/**
 * A Conditional Access policy: `id` is the GUID that stands in `claims`. An authentication context (`c1`) is demanded by
 * the API itself, everything else by the authority; `addresses` are those from where people are let in, whatever they
 * prove, and `block` is satisfied by nothing.
 *
 * @since 0.1.0
 * @category models
 */
export interface Policy {
  readonly id: string
  readonly requires: Requirement | { readonly addresses: ReadonlyArray<string> } | "block"
}

/**
 * An application: `objectId` is its service principal's, `roles` are the application permissions that it was granted and
 * `consent` the delegated ones that an administrator granted for everybody, both by the identifier URI of the API.
 * Secrets, certificates and federated credentials each serve to prove it; one that `isPublic` has none.
 * `optionalClaims` names what its id tokens take from the user's `claims`, or `auth_time`. One that `requiresMfa` gets
 * people's tokens after a second factor only. Those `inFamily` can use each other's refresh tokens, which only
 * applications of Microsoft can in Entra.
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
  readonly isPublic?: boolean | undefined
  readonly redirectUris?: ReadonlyArray<string> | undefined
  readonly consent?: Readonly<Record<string, ReadonlyArray<string>>> | undefined
  readonly optionalClaims?: ReadonlyArray<string> | undefined
  readonly requiresMfa?: boolean | undefined
  readonly inFamily?: boolean | undefined
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
 * A resource: tokens for `{identifierUri}/.default` or `{appId}/.default` carry `appId` as their audience. `scopes` are
 * its delegated permissions by name (`Tasks.Read`), and of these `administratorScopes` those that only an administrator can
 * consent to (`consent` of the application, that is); `optionalClaims` is what its access tokens take from the user's
 * `claims`. One with `cae` takes part in Continuous Access Evaluation: for clients that declare cp1 its tokens live long,
 * and it challenges those that were revoked or whose user is at another address.
 *
 * @since 0.1.0
 * @category models
 */
export interface Api {
  readonly identifierUri: string
  readonly appId: string
  readonly scopes?: ReadonlyArray<string> | undefined
  readonly administratorScopes?: ReadonlyArray<string> | undefined
  readonly policies?: ReadonlyArray<Policy> | undefined
  readonly cae?: boolean | undefined
  readonly optionalClaims?: ReadonlyArray<string> | undefined
}

/** Microsoft Graph, the resource of scopes that name none. */
export const graphAppId = "00000003-0000-0000-c000-000000000000"

export const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

export const findTenant = (directory: Directory, name: string): Tenant | undefined =>
  directory.tenants.find((tenant) => same(tenant.id, name) || tenant.domains.some((domain) => same(domain, name)))

export const findApp = (tenant: Tenant, clientId: string): App | undefined =>
  tenant.apps.find((app) => same(app.clientId, clientId))

/** A resource is named by its identifier URI or by its application id. */
export const findApi = (tenant: Tenant, resource: string): Api | undefined =>
  tenant.apis.find((api) => same(api.identifierUri, resource) || same(api.appId, resource))

export const findUser = (tenant: Tenant, username: string): User | undefined =>
  tenant.users?.find((user) => same(user.username, username))

export const findUserFlow = (tenant: Tenant, name: string): UserFlow | undefined =>
  tenant.userFlows?.find((flow) => same(flow.name, name))

/** Every identity of the machine, the system's own first. */
export const identitiesOf = ({ machine }: Directory): ReadonlyArray<ManagedIdentity> => [
  ...(machine?.systemAssigned === undefined ? [] : [machine.systemAssigned]),
  ...(machine?.userAssigned ?? [])
]

/** Where a person is at home, and as whom: the two halves of a home account id. */
export const homeOf = (directory: Directory, tenant: Tenant, user: User) => {
  const home = user.homeTenantId === undefined ? undefined : findTenant(directory, user.homeTenantId)
  const there = home === undefined ? undefined : findUser(home, user.username)
  return home === undefined || there === undefined
    ? { tenantId: tenant.id, objectId: user.objectId }
    : { tenantId: home.id, objectId: there.objectId }
}

/** Those whom a tenant knows and who are at home there. */
export const members = (tenant: Tenant): ReadonlyArray<User> =>
  (tenant.users ?? []).filter(({ homeTenantId }) => homeTenantId === undefined || same(homeTenantId, tenant.id))
