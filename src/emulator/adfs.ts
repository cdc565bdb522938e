/** An AD FS farm: no tenants, no `client_info`, consent by the administrator alone. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Refusal } from "./answers.js"
import type { Members } from "./chance.js"
import type { Api } from "./directory.js"
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

export const issuer = (origin: string): string => `${origin}/adfs`

/** The metadata of AD FS names it apart: access tokens have the name of the federation service, over plain HTTP. */
export const accessTokenIssuer = (origin: string): string => `http://${new URL(origin).host}/adfs/services/trust`

const times = ({ now, expires }: Facts): Members => ({ iat: now, nbf: now, exp: expires, ...marker })

/** Where the application is known by its identifier, `aud` is that; a client id is prefixed so. */
const audience = ({ identifierUri }: Api) => `microsoft:identityserver:${identifierUri}`

const client = ({ app }: Facts): Members => ({
  apptype: app.isPublic === true ? "Public" : "Confidential",
  appid: app.clientId,
  ver: "1.0"
})

const appClaims = (facts: AppFacts): Members => ({
  ...times(facts),
  ...client(facts),
  aud: audience(facts.api),
  iss: accessTokenIssuer(facts.origin)
})

const accessClaims = (facts: AccessFacts): Members => ({
  ...optionalClaims(facts.user, facts.api.optionalClaims),
  ...times(facts),
  ...client(facts),
  aud: audience(facts.api),
  iss: accessTokenIssuer(facts.origin),
  auth_time: new Date(facts.authTime * 1000).toISOString(),
  scp: [...facts.granted, ...facts.identity].join(" "),
  sub: facts.subject,
  upn: facts.user.username
})

const idClaims = (facts: IdFacts): Members => ({
  ...optionalClaims(facts.user, facts.app.optionalClaims),
  ...times(facts),
  aud: facts.app.clientId,
  iss: issuer(facts.origin),
  auth_time: facts.authTime,
  ...(facts.nonce === undefined ? undefined : { nonce: facts.nonce }),
  sub: facts.subject,
  unique_name: facts.user.username,
  upn: facts.user.username
})

const refreshLifetime = Duration.hours(8)

const members = (issued: Issued): Members => ({
  ...(issued.accessToken === undefined ? undefined : { access_token: issued.accessToken }),
  token_type: "bearer",
  expires_in: issued.expiresIn,
  ...(issued.api === undefined ? undefined : { resource: issued.api.identifierUri }),
  ...(issued.refreshToken === undefined
    ? undefined
    : { refresh_token: issued.refreshToken, refresh_token_expires_in: Duration.toSeconds(refreshLifetime) - 1 }),
  ...(issued.scope === undefined ? undefined : { scope: issued.scope }),
  ...(issued.idToken === undefined ? undefined : { id_token: issued.idToken })
})

const badCode: readonly [number, string] = [9612, "The authorization code received in 'code' parameter is invalid. "]
const badRefreshToken: readonly [number, string] = [
  9615,
  "The refresh token received in 'refresh_token' parameter has expired."
]
const badClient: readonly [number, string] = [
  9622,
  "Client authentication failed. Please verify the credential provided for client authentication is valid."
]

// 9612: https://github.com/grafana/grafana/issues/17672, 9615:
// https://github.com/AzureAD/azure-activedirectory-library-for-dotnet/issues/669; the others have no document.
const words: Readonly<Record<number, readonly [number, string]>> = {
  50011: [9224, "Received invalid OAuth authorization request. The received 'redirect_uri' parameter is not valid."],
  54005: badCode,
  65001: [9605, "The client is not allowed to access the requested resource."],
  70000: badRefreshToken,
  70008: badCode,
  500011: [9602, "The received 'resource' parameter is invalid."],
  500112: badCode,
  501481: [9720, "The 'code_verifier' does not match the 'code_challenge'."],
  650053: [9605, "The client is not allowed to access the requested resource."],
  700005: badCode,
  700016: [9223, "Received invalid OAuth authorization request. The received 'client_id' is invalid."],
  700082: badRefreshToken,
  7000215: badClient,
  7000218: badClient,
  7000222: badClient
}

const unforeseen: readonly [number, string] = [
  9604,
  "An error occurred. The authorization server could not fulfill it."
]

/** A code or refresh token that nobody knows is malformed at Entra; here it is invalid like any other. */
const wordsFor = (of: Refusal) => {
  if (of.code === 9002313 && of.error === "invalid_grant") return badCode
  return words[of.code] ?? (of.error === "invalid_client" ? badClient : unforeseen)
}

const refusal = (of: Refusal): Refusal => {
  if (of.prefix !== undefined) return of
  const [code, text] = wordsFor(of)
  return new Refusal({ ...of, prefix: "MSIS", code, text })
}

const userInfo: Api = { identifierUri: "urn:microsoft:userinfo", appId: "urn:microsoft:userinfo" }

export const manners: Manners = {
  appClaims,
  accessClaims,
  idClaims,
  clientInfo: () => undefined,
  members,
  defaultApi: () => userInfo,
  refusal,
  // https://github.com/MicrosoftDocs/windowsserverdocs/issues/7835
  refreshing: "kept",
  refreshLifetime,
  asksConsent: false,
  wrongVerifierSpendsCode: true,
  assertions: "adfs",
  knowsOnBehalfOf: false,
  knowsDevices: true
}

const absent = new Refusal({
  status: 404,
  error: "invalid_request",
  prefix: "MSIS",
  code: 7065,
  text: "There are no registered protocol handlers on this path."
})

export const authority = (world: World): Authority => ({
  manners,
  realm: Effect.suspend(() => {
    const farm = world.directory.adfs
    if (farm === undefined) return Effect.fail(absent)
    const realm: Realm = {
      tenants: [{ id: "adfs", domains: [], ...farm }],
      global: undefined,
      userFlow: undefined,
      key: "adfs",
      manners
    }
    return Effect.succeed(realm)
  })
})
