import { HttpClient } from "@effect/platform"
import { Effect, Layer, Redacted, TestClock } from "effect"
import * as Authority from "../../src/core/Authority.js"
import { InvalidToken } from "../../src/core/TokenError.js"
import * as TokenValidator from "../../src/server/TokenValidator.js"
import { type Claims, makeKey, type PublishedKey, start } from "../protocol/tokens.js"
import * as Web from "../protocol/web.js"

export const tenantId = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
export const otherTenantId = "bbbbcccc-1111-dddd-2222-eeee3333ffff"
export const objectId = "cccccccc-2222-3333-4444-dddddddddddd"
export const apiId = "00001111-aaaa-2222-bbbb-3333cccc4444"
export const clientId = "44445555-eeee-6666-ffff-7777aaaa8888"
export const host = "https://login.microsoftonline.com"

export const key = await makeKey("rsa")

/** A user's token of Entra's second version. */
export const userClaims: Claims = {
  iss: `${host}/${tenantId}/v2.0`,
  aud: apiId,
  iat: start,
  nbf: start,
  exp: start + 3600,
  tid: tenantId,
  oid: objectId,
  sub: "pairwise",
  azp: clientId,
  scp: "access_as_user Tasks.Read",
  ver: "2.0"
}

export const firstVersion: Claims = {
  iss: `https://sts.windows.net/${tenantId}/`,
  aud: `api://${apiId}`,
  azp: undefined,
  appid: clientId,
  ver: "1.0"
}

export const appClaims: Claims = { scp: undefined, sub: objectId, roles: ["Tasks.Read.All"] }

export const options: TokenValidator.Options = {
  authority: Authority.entra({ tenantId }),
  audience: [apiId, `api://${apiId}`]
}

const b2c = "https://contoso.b2clogin.com/contoso.onmicrosoft.com/b2c_1_signin"
export const b2cIssuer = `https://contoso.b2clogin.com/${tenantId}/v2.0/`

const metadata = (issuer: string, base: string, keys: string) => ({
  issuer,
  token_endpoint: `${base}/token`,
  jwks_uri: `${base}${keys}`
})

/** Entra as far as a validator sees it: for one tenant, or with a place for each. */
export const makeIssuer = (tenant: string, ...keys: ReadonlyArray<PublishedKey>) => {
  const place = tenant === tenantId ? tenantId : "{tenantid}"
  const base = `${host}/${tenant}`
  let published = keys
  const pages = (): Readonly<Record<string, unknown>> => ({
    [`${base}/v2.0/.well-known/openid-configuration`]: metadata(`${host}/${place}/v2.0`, base, "/v2/keys"),
    [`${base}/.well-known/openid-configuration`]: metadata(`https://sts.windows.net/${place}/`, base, "/keys"),
    [`${base}/v2/keys`]: { keys: published.map((jwk) => ({ issuer: `${host}/${place}/v2.0`, ...jwk })) },
    [`${base}/keys`]: { keys: published },
    [`${b2c}/v2.0/.well-known/openid-configuration`]: metadata(b2cIssuer, b2c, "/keys"),
    [`${b2c}/keys`]: { keys: published }
  })
  return {
    ...Web.makeWeb(({ url }) => Web.json(pages()[url] ?? "", pages()[url] === undefined ? 404 : 200)),
    publish: (...next: ReadonlyArray<PublishedKey>) => {
      published = next
    }
  }
}

/** A validator, its issuer, and the reason why it refuses a token. */
export const makeValidator = (change: Partial<TokenValidator.Options> = {}, tenant = tenantId) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(start * 1000)
    const issuer = makeIssuer(tenant, key.jwk)
    const context = yield* Layer.build(
      TokenValidator.layer({ ...options, ...change }).pipe(
        Layer.provide(Layer.succeed(HttpClient.HttpClient, issuer.client))
      )
    )
    const validate = (token: string) =>
      Effect.provide(
        Effect.flatMap(TokenValidator.TokenValidator, (validator) => validator.validate(Redacted.make(token))),
        context
      )
    const reasonOf = (token: string) =>
      Effect.map(Effect.flip(validate(token)), (failure) =>
        failure instanceof InvalidToken || failure._tag === "Forbidden" ? failure.reason : failure._tag
      )
    return { ...issuer, reasonOf, validate }
  })
