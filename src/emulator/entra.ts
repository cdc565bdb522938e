/** Microsoft Entra ID, and External ID, which differs by its hosts. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Checked } from "./answers.js"
import type { Members } from "./chance.js"
import { findApi, findTenant, graphAppId, type Tenant } from "./directory.js"
import {
  type AccessFacts,
  type AppFacts,
  type Authority,
  type Facts,
  type IdFacts,
  type Issued,
  type Manners,
  marker,
  optionalClaims,
  type Realm,
  type UserFacts
} from "./realm.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

/**
 * External ID names its tenant by GUID in the host of the issuer, whatever the host that was asked: rule 5 of
 * `validateIssuer` in lib/msal-common/src/authority/Authority.ts of
 * https://github.com/AzureAD/microsoft-authentication-library-for-js
 */
export const issuer = (origin: string, tenantId: string): string =>
  new URL(origin).hostname.endsWith(".ciamlogin.com")
    ? `https://${tenantId}.ciamlogin.com/${tenantId}/v2.0`
    : `${origin}/${tenantId}/v2.0`

const common = ({ origin, tenant, now, expires, uti }: Facts): Members => ({
  iss: issuer(origin, tenant.id),
  iat: now,
  nbf: now,
  exp: expires,
  tid: tenant.id,
  uti,
  ver: "2.0",
  ...marker
})

const capable = (capabilities: ReadonlyArray<string>): Members | undefined =>
  capabilities.length === 0 ? undefined : { xms_cc: capabilities }

const appClaims = (facts: AppFacts): Members => {
  const { app, api, proof, capabilities } = facts
  const roles = app.roles?.[api.identifierUri] ?? []
  return {
    ...common(facts),
    aud: api.appId,
    appid: app.clientId,
    azp: app.clientId,
    azpacr: proof,
    idtyp: "app",
    oid: app.objectId,
    ...(roles.length === 0 ? undefined : { roles }),
    sub: app.objectId,
    ...capable(capabilities)
  }
}

/** A guest's other home (https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference). */
const identityProvider = ({ tenant, home }: UserFacts): Members | undefined =>
  home.tenantId === tenant.id ? undefined : { idp: `https://sts.windows.net/${home.tenantId}/` }

/** https://learn.microsoft.com/entra/identity-platform/developer-guide-conditional-access-authentication-context */
const contexts = (proofs: ReadonlySet<string>) => [...proofs].filter((proof) => /^c\d{1,2}$/.test(proof))

const accessClaims = (facts: AccessFacts): Members => {
  const { app, api, user, granted, proof, proofs, subject, capabilities } = facts
  const acrs = contexts(proofs)
  return {
    ...optionalClaims(user, api.optionalClaims),
    ...common(facts),
    aud: api.appId,
    azp: app.clientId,
    azpacr: proof,
    ...(acrs.length === 0 ? undefined : { acrs }),
    ...identityProvider(facts),
    name: user.displayName,
    oid: user.objectId,
    preferred_username: user.username,
    scp: granted.join(" "),
    sub: subject,
    ...capable(capabilities)
  }
}

/** https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference: three need the scope `profile`. */
const idClaims = (facts: IdFacts): Members => {
  const { app, user, subject, nonce, identity, wantsAuthTime, authTime } = facts
  const { optionalClaims: names = [] } = app
  return {
    ...optionalClaims(user, identity.includes("email") ? [...names, "email"] : names),
    ...common(facts),
    aud: app.clientId,
    ...(wantsAuthTime || names.includes("auth_time") ? { auth_time: authTime } : undefined),
    ...identityProvider(facts),
    ...(identity.includes("profile")
      ? { name: user.displayName, oid: user.objectId, preferred_username: user.username }
      : undefined),
    ...(nonce === undefined ? undefined : { nonce }),
    sub: subject
  }
}

/** `refresh_in` only when the emulator was told to send it. */
const members = (issued: Issued): Members => ({
  token_type: "Bearer",
  ...(issued.scope === undefined ? undefined : { scope: issued.scope }),
  expires_in: issued.expiresIn,
  ext_expires_in: issued.expiresIn,
  ...(issued.refreshIn === undefined ? undefined : { refresh_in: issued.refreshIn }),
  ...(issued.accessToken === undefined ? undefined : { access_token: issued.accessToken }),
  ...(issued.refreshToken === undefined ? undefined : { refresh_token: issued.refreshToken }),
  ...(issued.idToken === undefined ? undefined : { id_token: issued.idToken }),
  ...(issued.clientInfo === undefined ? undefined : { client_info: issued.clientInfo }),
  ...(issued.family === undefined ? undefined : { foci: issued.family })
})

export const manners: Manners = {
  appClaims,
  accessClaims,
  idClaims,
  clientInfo: ({ home }) => ({ uid: home.objectId, utid: home.tenantId }),
  members,
  defaultApi: (tenant) => findApi(tenant, graphAppId),
  refusal: (refusal) => refusal,
  refreshing: "multi",
  // https://learn.microsoft.com/entra/identity-platform/refresh-tokens
  refreshLifetime: Duration.days(90),
  asksConsent: true,
  wrongVerifierSpendsCode: false,
  assertions: "entra",
  knowsOnBehalfOf: true,
  knowsDevices: true
}

const globals = ["common", "organizations", "consumers"] as const

const realmOf = (world: World, name: string): Checked<Realm> => {
  const everywhere = { userFlow: undefined, key: "entra", manners }
  const global = globals.find((each) => each === name.toLowerCase())
  if (global !== undefined) {
    // Personal accounts are not emulated: their endpoint knows nobody.
    const isKnown = ({ userFlows }: Tenant) => userFlows === undefined && global !== "consumers"
    return Effect.succeed({ ...everywhere, tenants: world.directory.tenants.filter(isKnown), global })
  }
  const tenant = findTenant(world.directory, name)
  return tenant === undefined
    ? Effect.fail(Refusals.unknownTenant(name, "invalid_request"))
    : Effect.succeed({ ...everywhere, tenants: [tenant], global: undefined })
}

export const authority = (world: World, name: string): Authority => ({
  manners,
  realm: Effect.suspend(() => realmOf(world, name))
})

/** An application and an assertion belong to a tenant: the endpoints for everybody have none to take it from. */
export const tenantOf = ({ tenants: [tenant], global }: Realm): Checked<Tenant> => {
  if (global === undefined && tenant !== undefined) return Effect.succeed(tenant)
  return Effect.fail(global === "organizations" ? Refusals.noTenantInformation : Refusals.tenantNeeded)
}
