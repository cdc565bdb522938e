/** Azure AD B2C: a user flow or policy is an authority of its own. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Checked, Refusal } from "./answers.js"
import type { Members } from "./chance.js"
import { findTenant, findUserFlow, type Tenant, type UserFlow } from "./directory.js"
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
  type Realm
} from "./realm.js"
import type { World } from "./world.js"

/** Two forms, one setting of the policy (https://learn.microsoft.com/azure/active-directory-b2c/configure-tokens). */
export const issuer = (origin: string, tenantId: string, flow: UserFlow): string =>
  flow.issuer === "tfp" ? `${origin}/tfp/${tenantId}/${flow.name}/v2.0/` : `${origin}/${tenantId}/v2.0/`

const policyClaim = (flow: UserFlow | undefined): Members | undefined =>
  flow === undefined ? undefined : { [flow.claim ?? "tfp"]: flow.name }

const common = ({ origin, tenant, realm, now, expires }: Facts): Members => ({
  ...(realm.userFlow === undefined ? undefined : { iss: issuer(origin, tenant.id, realm.userFlow) }),
  iat: now,
  nbf: now,
  exp: expires,
  tid: tenant.id,
  ver: "1.0",
  ...marker
})

/** https://learn.microsoft.com/azure/active-directory-b2c/client-credentials-grant-flow */
const appClaims = (facts: AppFacts): Members => ({
  ...common(facts),
  aud: facts.api.appId,
  azp: facts.app.clientId,
  azpacr: facts.proof,
  oid: facts.app.objectId,
  roles: [...(facts.app.roles?.[facts.api.identifierUri] ?? [])],
  sub: facts.app.objectId
})

/** https://learn.microsoft.com/azure/active-directory-b2c/tokens-overview */
const person = (facts: AccessFacts | IdFacts): Members => ({
  name: facts.user.displayName,
  oid: facts.user.objectId,
  sub: facts.user.objectId,
  ...policyClaim(facts.realm.userFlow)
})

const accessClaims = (facts: AccessFacts): Members => ({
  ...optionalClaims(facts.user, facts.api.optionalClaims),
  ...common(facts),
  ...person(facts),
  aud: facts.api.appId,
  azp: facts.app.clientId,
  scp: facts.granted.join(" "),
  uti: facts.uti
})

const idClaims = (facts: IdFacts): Members => ({
  ...optionalClaims(facts.user, facts.app.optionalClaims),
  ...common(facts),
  ...person(facts),
  aud: facts.app.clientId,
  auth_time: facts.authTime,
  ...(facts.nonce === undefined ? undefined : { nonce: facts.nonce })
})

const refreshLifetime = Duration.days(14)

const members = (issued: Issued): Members => ({
  ...(issued.accessToken === undefined
    ? undefined
    : {
        access_token: issued.accessToken,
        resource: issued.api?.appId ?? "",
        expires_in: issued.expiresIn,
        expires_on: issued.now + issued.expiresIn
      }),
  ...(issued.idToken === undefined ? undefined : { id_token: issued.idToken, id_token_expires_in: issued.expiresIn }),
  token_type: "Bearer",
  not_before: issued.now,
  ...(issued.clientInfo === undefined ? undefined : { client_info: issued.clientInfo }),
  ...(issued.scope === undefined ? undefined : { scope: issued.scope }),
  ...(issued.refreshToken === undefined
    ? undefined
    : { refresh_token: issued.refreshToken, refresh_token_expires_in: Duration.toSeconds(refreshLifetime) })
})

// Code and text, by the code of Entra (https://learn.microsoft.com/azure/active-directory-b2c/error-codes).
const words: Readonly<Record<number, readonly [number, string]>> = {
  28000: [90146, "The scope '{0}' provided in request specifies more than one resource for an access token."],
  50011: [90006, "The redirect URI '{0}' provided in the request is not registered for the client ID '{1}'."],
  50057: [90128, "The account associated with this grant no longer exists. Please reauthenticate and try again."],
  50058: [90077, "User does not have an existing session and request prompt parameter has a value of 'none'."],
  50148: [90182, "The supplied code_verifier does not match associated code_challenge"],
  50149: [90184, "The supplied code_challenge_method is not supported. Supported values are plain or S256"],
  50173: [90129, "The provided grant has been revoked. Please reauthenticate and try again."],
  65001: [90205, "This application does not have sufficient permissions against this web resource."],
  65004: [90091, "The user has cancelled entering self-asserted information."],
  70000: [90129, "The provided grant has been revoked. Please reauthenticate and try again."],
  70003: [90086, "The supplied grant_type [{0}] is not supported."],
  70007: [90014, "The requested response mode '{0}' provided in the request is not supported."],
  70008: [90080, "The provided grant has expired. Please re-authenticate and try again."],
  90023: [90043, "The prompt included in the request contains invalid values."],
  500011: [90117, "The scope '{0}' provided in the request is not supported."],
  501481: [90182, "The supplied code_verifier does not match associated code_challenge"],
  650053: [90117, "The scope '{0}' provided in the request is not supported."],
  700005: [90088, "The provided grant has not been issued for this endpoint."],
  700016: [90018, "The client ID '{0}' specified in the request is not registered in tenant '{1}'."],
  700025: [90084, "Public clients should not send a client_secret when redeeming a publicly acquired grant."],
  700051: [90013, "The requested response type '{0}' provided in the request is not supported."],
  700082: [90080, "The provided grant has expired. Please re-authenticate and try again."],
  900144: [90083, "The request is missing required parameter: {0}."],
  7000215: [90081, "The specified client_secret does not match the expected value for this client."],
  7000218: [90079, "Clients must send a client_secret when redeeming a confidential grant."],
  7000222: [90081, "The specified client_secret does not match the expected value for this client."],
  9002313: [90085, "The service has encountered an internal error. Please reauthenticate and try again."]
}

const unforeseen: readonly [number, string] = [90048, "An unhandled exception has occurred on the server."]

const refusal = (of: Refusal): Refusal => {
  if (of.prefix !== undefined) return of
  const [code, text] = words[of.code] ?? unforeseen
  return new Refusal({
    ...of,
    prefix: "AADB2C",
    code,
    text: text.replace(/\{(\d)\}/g, (_, index) => of.about?.[Number(index)] ?? "")
  })
}

export const manners: Manners = {
  appClaims,
  accessClaims,
  idClaims,
  // lib/msal-common/test of https://github.com/AzureAD/microsoft-authentication-library-for-js: `{oid}-{policy}`
  clientInfo: ({ user, tenant, realm }) => ({
    uid: `${user.objectId}-${realm.userFlow?.name ?? ""}`.toLowerCase(),
    utid: tenant.id
  }),
  members,
  // Without a scope of an API there is no access token.
  defaultApi: () => undefined,
  refusal,
  refreshing: "rotating",
  refreshLifetime,
  asksConsent: false,
  wrongVerifierSpendsCode: false,
  assertions: "entra",
  knowsOnBehalfOf: false,
  knowsDevices: false
}

const unknown = (tenant: string, policy: string) =>
  new Refusal({
    status: 404,
    error: "invalid_request",
    prefix: "AADB2C",
    code: 90022,
    text: `Unable to return metadata for the policy '${policy}' in tenant '${tenant}'.`.replace(/[^\x20-\x7e]/g, "")
  })

const find = (world: World, tenantName: string, policy: string): Checked<{ tenant: Tenant; userFlow: UserFlow }> => {
  const tenant = findTenant(world.directory, tenantName)
  const userFlow = tenant === undefined ? undefined : findUserFlow(tenant, policy)
  return tenant === undefined || userFlow === undefined
    ? Effect.fail(unknown(tenantName, policy))
    : Effect.succeed({ tenant, userFlow })
}

export const authority = (world: World, tenantName: string, policy: string): Authority => ({
  manners,
  realm: Effect.map(
    find(world, tenantName, policy),
    ({ tenant, userFlow }): Realm => ({
      tenants: [tenant],
      global: undefined,
      userFlow,
      key: `b2c ${tenant.id} ${userFlow.name}`,
      manners
    })
  )
})
