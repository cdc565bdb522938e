import { Effect, Encoding, Redacted } from "effect"
import type { AuthorizationCodeRequest } from "../../src/client/AuthorizationCode.js"
import type { ConfidentialClientService } from "../../src/client/ConfidentialClient.js"
import { IdTokenVerifier } from "../../src/client/idToken.js"
import { defaults } from "../support/emulated.js"

const encoded = (part: object): string => Encoding.encodeBase64Url(JSON.stringify(part))

/** A JWT that nobody has signed: who reads it here looks at its claims alone. */
export const jwt = (claims: object): string =>
  [{ alg: "RS256", typ: "JWT" }, claims, { signatureOf: claims }].map(encoded).join(".")

const hour = 3_600_000

/** A user's access token as this API gets it; the same user's next one has another `id`. */
export const assertionOf = (user: string, { id = 1, endsAt = hour } = {}): Redacted.Redacted =>
  Redacted.make(
    jwt({ sub: user, oid: user, tid: defaults.tenantId, scp: "access_as_user", exp: endsAt / 1000, uti: String(id) })
  )

export const homeAccountId = (user: string): string => `${user}.${defaults.tenantId}`

export const [read, write] = [`${defaults.apiIdentifierUri}/read`, `${defaults.apiIdentifierUri}/write`]

const atSignIn = `${defaults.apiIdentifierUri}/sign-in`

/** A user comes with a refresh token from elsewhere: one for each session. */
export const signIn = (
  { acquireTokenByRefreshToken }: ConfidentialClientService,
  user: string,
  { scopes = atSignIn, session = "" }: { readonly scopes?: string; readonly session?: string } = {}
) => acquireTokenByRefreshToken({ refreshToken: firstRefreshToken(user, session), scopes, session })

export const firstRefreshToken = (user: string, session = ""): Redacted.Redacted =>
  Redacted.make(`first refresh token ${session} of ${user}`)

/** A user's browser comes back with a code. */
export const comeBack = ({ getAuthCodeUrl }: ConfidentialClientService, user: string, scopes = read) =>
  Effect.map(
    getAuthCodeUrl({ redirectUri: "https://app.example/callback", scopes }),
    ({ flow }): AuthorizationCodeRequest => ({
      flow,
      response: {
        code: `code ${Redacted.value(flow.nonce)} of ${user}`,
        state: Redacted.value(flow.state),
        iss: flow.issuer
      }
    })
  )

/** Redeems the code; the id token is not what is in question here. */
export const redeem = ({ acquireTokenByCode }: ConfidentialClientService, request: AuthorizationCodeRequest) =>
  Effect.provideService(acquireTokenByCode(request), IdTokenVerifier, { verify: () => Effect.succeed({}) })
