/** The directory of an emulator that is given none, and the names in it. */
import * as DateTime from "effect/DateTime"
import * as Redacted from "effect/Redacted"
import { type Api, type App, type Directory, graphAppId, type ManagedIdentity, type User } from "./directory.js"

const clientId = "00001111-aaaa-2222-bbbb-3333cccc4444"
const apiAppId = "11112222-bbbb-3333-cccc-4444dddd5555"
const otherApiAppId = "22223333-cccc-4444-dddd-5555eeee6666"
const b2cApiAppId = "33334444-dddd-5555-eeee-6666ffff7777"
const otherTenantId = "bbbbcccc-1111-dddd-2222-eeee3333ffff"
const graphUri = "https://graph.microsoft.com"
const b2cDomain = "contosob2c.onmicrosoft.com"
const adfsApiUri = "https://tasks.adatum.example"
const resourceGroup = "/subscriptions/aaaa0a0a-bb1b-cc2c-dd3d-eeeeee4e4e4e/resourcegroups/emulated/providers"

/**
 * The names of the default directory, so that a program can be written against it: the GUIDs are those that Microsoft's
 * documents use for examples, the secret and the password hold characters that a form must encode.
 *
 * The default application is a web app, a daemon, and an API of its own (`middleTierScope`) that may call the others on
 * behalf of users; `publicClientId` is a desktop app that may call all of them. Scopes named `unconsented` exist, and
 * nobody has consented to them.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaults = {
  tenantId: "aaaabbbb-0000-cccc-1111-dddd2222eeee",
  domain: "contoso.onmicrosoft.com",
  clientId,
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
  graphScope: `${graphUri}/.default`,
  otherTenantId,
  otherDomain: "fabrikam.onmicrosoft.com",

  redirectUri: "http://localhost:3000/auth/callback",
  postLogoutRedirectUri: "http://localhost:3000/signed-out",
  publicClientId: "44445555-eeee-6666-ffff-7777aaaa8888",
  publicRedirectUri: "http://localhost",
  /** Two desktop apps of the family whose applications use each other's refresh tokens. */
  familyClientId: "88889999-cccc-0000-dddd-1111eeee2222",
  otherFamilyClientId: "99990000-dddd-1111-eeee-2222ffff3333",
  middleTierIdentifierUri: `api://${clientId}`,
  middleTierScope: `api://${clientId}/access_as_user`,
  apiUserScope: `api://${apiAppId}/Tasks.Read`,
  unconsentedApiUserScope: `api://${apiAppId}/Tasks.Write`,
  otherApiIdentifierUri: `api://${otherApiAppId}`,
  otherApiUserScope: `api://${otherApiAppId}/Files.Read`,
  graphAppId,
  graphUserScope: `${graphUri}/User.Read`,

  /** At home in the first tenant, without a password. */
  username: "alice@contoso.onmicrosoft.com",
  userObjectId: "cccccccc-2222-3333-4444-dddddddddddd",
  userDisplayName: "Alice Archer",
  /** At home in the first tenant, with a password. */
  secondUsername: "bob@contoso.onmicrosoft.com",
  secondUserObjectId: "dddddddd-3333-4444-5555-eeeeeeeeeeee",
  secondUserPassword: Redacted.make("emulator~password+not/real="),
  /** Of all who have one. */
  password: Redacted.make("emulator~password+not/real="),
  /** At home in the other tenant, and a guest of the first; with a password. */
  otherUsername: "carol@fabrikam.onmicrosoft.com",
  otherUserObjectId: "eeeeeeee-4444-5555-6666-ffffffffffff",
  guestObjectId: "ffffffff-5555-6666-7777-aaaaaaaaaaaa",

  b2cTenantId: "ccccdddd-2222-eeee-3333-ffff4444aaaa",
  b2cDomain,
  b2cUserFlow: "b2c_1_sign_in",
  /** With `acr`, and the policy in the issuer. */
  b2cOtherUserFlow: "b2c_1_old_sign_in",
  b2cScope: `https://${b2cDomain}/tasks/tasks.read`,
  b2cApiAppId,
  b2cUsername: "dora@customer.example",
  b2cUserObjectId: "aaaaaaaa-6666-7777-8888-bbbbbbbbbbbb",

  adfsScope: `${adfsApiUri}/tasks.read`,
  adfsApiUri,
  adfsUsername: "erik@adatum.example",
  adfsUserObjectId: "bbbbbbbb-7777-8888-9999-cccccccccccc",

  /** The machine's identities, all of the first tenant; the main API's role is granted to the first and the second. */
  managedIdentity: {
    systemAssigned: {
      clientId: "55556666-ffff-7777-aaaa-8888bbbb9999",
      objectId: "cccccccc-8888-9999-0000-dddddddddddd",
      resourceId: `${resourceGroup}/Microsoft.Compute/virtualMachines/emulated`
    },
    userAssigned: {
      clientId: "66667777-aaaa-8888-bbbb-9999cccc0000",
      objectId: "dddddddd-9999-0000-1111-eeeeeeeeeeee",
      resourceId: `${resourceGroup}/Microsoft.ManagedIdentity/userAssignedIdentities/emulated`
    },
    otherUserAssigned: {
      clientId: "77778888-bbbb-9999-cccc-0000dddd1111",
      objectId: "eeeeeeee-0000-1111-2222-ffffffffffff",
      resourceId: `${resourceGroup}/Microsoft.ManagedIdentity/userAssignedIdentities/other`
    },
    /** `resource` for the main API, by its identifier URI. */
    resource: `api://${apiAppId}`
  }
} as const

const apis: ReadonlyArray<Api> = [
  { identifierUri: defaults.apiIdentifierUri, appId: apiAppId, scopes: ["Tasks.Read", "Tasks.Write"], cae: true },
  { identifierUri: defaults.otherApiIdentifierUri, appId: otherApiAppId, scopes: ["Files.Read", "Files.Write"] },
  { identifierUri: graphUri, appId: graphAppId, scopes: ["User.Read", "Mail.Read"], cae: true },
  { identifierUri: defaults.middleTierIdentifierUri, appId: clientId, scopes: ["access_as_user"] }
]

const consent = {
  [defaults.apiIdentifierUri]: ["Tasks.Read"],
  [defaults.otherApiIdentifierUri]: ["Files.Read"],
  [graphUri]: ["User.Read"]
}

const secrets = [
  { value: defaults.clientSecret },
  // So long ago that it is over under TestClock too, which starts in 1970.
  { value: defaults.expiredSecret, expiresAt: DateTime.unsafeMake("1900-01-01T00:00:00Z") }
]

const redirectUris = [defaults.redirectUri, defaults.postLogoutRedirectUri]

const app = (objectId: string): App => ({
  clientId,
  objectId,
  displayName: "Emulated daemon",
  secrets,
  roles: { [defaults.apiIdentifierUri]: [defaults.role], [graphUri]: ["User.Read.All"] },
  redirectUris,
  consent
})

const publicApp = (objectId: string): App => ({
  clientId: defaults.publicClientId,
  objectId,
  displayName: "Emulated desktop app",
  secrets: [],
  isPublic: true,
  redirectUris: [defaults.publicRedirectUri],
  consent: { ...consent, [defaults.middleTierIdentifierUri]: ["access_as_user"] }
})

const familyApp = (clientId: string, objectId: string, displayName: string): App => ({
  ...publicApp(objectId),
  clientId,
  displayName,
  inFamily: true
})

const user = (objectId: string, username: string, displayName: string): User => ({
  objectId,
  username,
  displayName,
  claims: { email: username },
  ...(username === defaults.username ? undefined : { password: defaults.password })
})

const identity = (
  names: Pick<ManagedIdentity, "clientId" | "objectId" | "resourceId">,
  roles?: ManagedIdentity["roles"]
): ManagedIdentity => ({ ...names, tenantId: defaults.tenantId, roles })

const reader = { [defaults.apiIdentifierUri]: [defaults.role] }

/**
 * The directory of an emulator that is given none, to build another one upon: an application that is confidential (with
 * secrets but no certificate), one that is public, and two public ones of a family, in two tenants that share four APIs,
 * of which the main one and Graph take part in Continuous Access Evaluation; the first two in a tenant of Azure AD B2C and in an AD FS farm, with one API
 * and one user each; and a machine with a system-assigned and two user-assigned identities.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultDirectory: Directory = {
  tenants: [
    {
      id: defaults.tenantId,
      domains: [defaults.domain],
      apps: [
        app(defaults.objectId),
        publicApp("cccccccc-0000-1111-2222-dddddddddddd"),
        familyApp(defaults.familyClientId, "dddddddd-0000-1111-2222-eeeeeeeeeeee", "Emulated mail app"),
        familyApp(defaults.otherFamilyClientId, "eeeeeeee-0000-1111-2222-ffffffffffff", "Emulated chat app")
      ],
      apis,
      users: [
        user(defaults.userObjectId, defaults.username, defaults.userDisplayName),
        user(defaults.secondUserObjectId, defaults.secondUsername, "Bob Baker"),
        { ...user(defaults.guestObjectId, defaults.otherUsername, "Carol Cook"), homeTenantId: otherTenantId }
      ]
    },
    {
      id: otherTenantId,
      domains: [defaults.otherDomain],
      apps: [
        app("bbbbbbbb-1111-2222-3333-cccccccccccc"),
        publicApp("dddddddd-1111-2222-3333-eeeeeeeeeeee"),
        familyApp(defaults.familyClientId, "eeeeeeee-1111-2222-3333-ffffffffffff", "Emulated mail app"),
        familyApp(defaults.otherFamilyClientId, "ffffffff-1111-2222-3333-aaaaaaaaaaaa", "Emulated chat app")
      ],
      apis,
      users: [user(defaults.otherUserObjectId, defaults.otherUsername, "Carol Cook")]
    },
    {
      id: defaults.b2cTenantId,
      domains: [b2cDomain],
      userFlows: [{ name: defaults.b2cUserFlow }, { name: defaults.b2cOtherUserFlow, issuer: "tfp", claim: "acr" }],
      apps: [app("eeeeeeee-2222-3333-4444-ffffffffffff"), publicApp("ffffffff-3333-4444-5555-aaaaaaaaaaaa")].map(
        (app) => ({ ...app, consent: { [`https://${b2cDomain}/tasks`]: ["tasks.read"] } })
      ),
      apis: [
        { identifierUri: `https://${b2cDomain}/tasks`, appId: b2cApiAppId, scopes: ["tasks.read", "tasks.write"] },
        { identifierUri: `https://${b2cDomain}/web`, appId: clientId }
      ],
      users: [user(defaults.b2cUserObjectId, defaults.b2cUsername, "Dora Dean")]
    }
  ],
  adfs: {
    apps: [app("daemon"), publicApp("desktop")].map((app) => ({
      ...app,
      consent: { [adfsApiUri]: ["tasks.read"] }
    })),
    apis: [{ identifierUri: adfsApiUri, appId: adfsApiUri, scopes: ["tasks.read", "tasks.write"] }],
    users: [user(defaults.adfsUserObjectId, defaults.adfsUsername, "Erik Engel")]
  },
  machine: {
    systemAssigned: identity(defaults.managedIdentity.systemAssigned, reader),
    userAssigned: [
      identity(defaults.managedIdentity.userAssigned, reader),
      identity(defaults.managedIdentity.otherUserAssigned)
    ]
  }
}
