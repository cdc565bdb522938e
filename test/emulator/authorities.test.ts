import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Jose from "jose"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { assertionType, base64Url, makeCertificate, sign } from "./assertions.js"
import { defaults, get, inProcess, publicOrigin } from "./helpers.js"
import {
  authorization,
  authorizeUrl,
  claimsOf,
  codeOf,
  desktop,
  exchange,
  type Parameters,
  post,
  redirected,
  refresh,
  submit,
  tokensOf,
  verifier,
  visit
} from "./people.js"

const emulator = EntraEmulator.EntraEmulator

const b2cOrigin = "https://contosob2c.b2clogin.com"
const b2cPath = `${defaults.b2cDomain}/${defaults.b2cUserFlow}`
const b2c = `${b2cOrigin}/${b2cPath}/oauth2/v2.0`
const customer = { ...authorization, scope: `openid offline_access ${defaults.b2cScope}` }

const refused = ({ status, json }: { readonly status: number; readonly json: Record<string, unknown> }) => {
  assert.sameMembers(Object.keys(json), ["error", "error_description"])
  return [status, json.error, /^(?:AADB2C|MSIS)\d+/.exec(String(json.error_description))?.[0]]
}

layer(inProcess())("Azure AD B2C", (it) => {
  it.effect("a user flow has metadata of its own, below tfp too, and its issuer ends with a slash", () =>
    Effect.gen(function* () {
      for (const path of [b2cPath, `tfp/${b2cPath}`, b2cPath.toUpperCase().replace("B2C_1_SIGN_IN", "B2C_1_Sign_In")]) {
        const { status, json } = yield* get(`${b2cOrigin}/${path}/v2.0/.well-known/openid-configuration`)
        assert.strictEqual(status, 200)
        assert.strictEqual(json.issuer, `${b2cOrigin}/${defaults.b2cTenantId}/v2.0/`)
        assert.strictEqual(json.token_endpoint, `${b2cOrigin}/${path.toLowerCase()}/oauth2/v2.0/token`)
        const { json: keys } = yield* get(String(json.jwks_uri))
        assert.sameMembers(Object.keys((keys.keys as ReadonlyArray<object>)[0] ?? {}), ["kty", "use", "kid", "n", "e"])
      }
    })
  )

  it.effect("a policy may name itself in its issuer and in acr", () =>
    Effect.gen(function* () {
      const path = `${defaults.b2cTenantId}/${defaults.b2cOtherUserFlow}`
      const { json } = yield* get(`${b2cOrigin}/${path}/v2.0/.well-known/openid-configuration`)
      const issuer = `${b2cOrigin}/tfp/${path}/v2.0/`
      assert.strictEqual(json.issuer, issuer)
      const tokens = yield* tokensOf(defaults.b2cUsername, customer, `${b2cOrigin}/${path}/oauth2/v2.0`)
      const { iss, acr, tfp } = claimsOf(tokens.access_token)
      assert.deepStrictEqual([iss, acr, tfp], [issuer, defaults.b2cOtherUserFlow, undefined])
    })
  )

  it.effect("an unknown tenant or policy is not found", () =>
    Effect.gen(function* () {
      for (const path of [`nobody/${defaults.b2cUserFlow}`, `${defaults.b2cDomain}/b2c_1_none`, "a/b"]) {
        const { status, json } = yield* get(`${b2cOrigin}/${path}/v2.0/.well-known/openid-configuration`)
        assert.deepStrictEqual(refused({ status, json }), [404, "invalid_request", "AADB2C90022"])
      }
      assert.strictEqual((yield* get(`${b2cOrigin}/a/b/oauth2/v2.0/authorize`)).status, 400)
    })
  )

  it.effect("a customer's tokens name the policy and the object", () =>
    Effect.gen(function* () {
      const code = yield* codeOf(defaults.b2cUsername, customer, b2c)
      const { json } = yield* post({ ...exchange(code, customer), client_info: "1" }, b2c)
      const { access_token: access, id_token: id, refresh_token: refreshToken, client_info: info, ...rest } = json
      assert.isString(refreshToken)
      const { not_before: start, ...members } = rest
      assert.deepStrictEqual(members, {
        token_type: "Bearer",
        resource: defaults.b2cApiAppId,
        scope: `${defaults.b2cScope} openid`,
        expires_in: 3599,
        expires_on: Number(start) + 3599,
        id_token_expires_in: 3599,
        refresh_token_expires_in: 1_209_600
      })
      assert.deepStrictEqual(JSON.parse(Buffer.from(String(info), "base64url").toString()), {
        uid: `${defaults.b2cUserObjectId}-${defaults.b2cUserFlow}`,
        utid: defaults.b2cTenantId
      })
      const { iss, aud, sub, oid, tfp, ver, scp, azp } = claimsOf(access)
      assert.deepStrictEqual(
        [iss, aud, sub, oid, tfp, ver, scp, azp],
        [
          `${b2cOrigin}/${defaults.b2cTenantId}/v2.0/`,
          defaults.b2cApiAppId,
          defaults.b2cUserObjectId,
          defaults.b2cUserObjectId,
          defaults.b2cUserFlow,
          "1.0",
          "tasks.read",
          defaults.clientId
        ]
      )
      const identity = claimsOf(id)
      assert.deepStrictEqual([identity.aud, identity.nonce, identity.tfp], [defaults.clientId, "the-nonce", tfp])
      const call = yield* get(`https://api.example/api/${defaults.b2cApiAppId}`, { authorization: `Bearer ${access}` })
      assert.deepStrictEqual([call.status, call.json.scp], [200, "tasks.read"])
    })
  )

  it.effect("without a scope of an API there is no access token, the client id is the scope of one's own", () =>
    Effect.gen(function* () {
      const signedIn = yield* tokensOf(defaults.b2cUsername, { ...customer, scope: "openid offline_access" }, b2c)
      assert.notProperty(signedIn, "access_token")
      assert.isString(signedIn.id_token)
      const own = yield* tokensOf(defaults.b2cUsername, { ...customer, scope: defaults.clientId }, b2c)
      assert.strictEqual(claimsOf(own.access_token).aud, defaults.clientId)
    })
  )

  it.effect("a refresh token is replaced, and ends everything when it is offered twice", () =>
    Effect.gen(function* () {
      const first = yield* tokensOf(defaults.b2cUsername, customer, b2c)
      const { status, json: second } = yield* post(refresh(first), b2c)
      assert.strictEqual(status, 200)
      for (const tokens of [first, second]) {
        const answer = yield* post(refresh(tokens), b2c)
        assert.deepStrictEqual(refused(answer), [400, "invalid_grant", "AADB2C90129"])
      }
    })
  )

  it.effect("a grant of one policy is none of another, or of Entra", () =>
    Effect.gen(function* () {
      const tokens = yield* tokensOf(defaults.b2cUsername, customer, b2c)
      const other = `${b2cOrigin}/${defaults.b2cDomain}/${defaults.b2cOtherUserFlow}/oauth2/v2.0`
      assert.deepStrictEqual(refused(yield* post(refresh(tokens), other)), [400, "invalid_grant", "AADB2C90088"])
      const code = yield* codeOf(defaults.b2cUsername, customer, b2c)
      assert.deepStrictEqual(refused(yield* post(exchange(code), other)), [400, "invalid_grant", "AADB2C90088"])
      const entra = yield* post(exchange(code), `${publicOrigin}/${defaults.b2cTenantId}/oauth2/v2.0`)
      assert.deepStrictEqual(entra.json.error_codes, [700005])
    })
  )

  it.effect("refusals are in its own words", () =>
    Effect.gen(function* () {
      const code = yield* codeOf(defaults.b2cUsername, customer, b2c)
      const form = exchange(code, customer)
      const changes: ReadonlyArray<readonly [Parameters, string]> = [
        [{ code_verifier: `${verifier}x` }, "AADB2C90182"],
        [{ client_secret: "wrong" }, "AADB2C90081"],
        [{ client_secret: undefined }, "AADB2C90079"],
        [{ client_id: "nobody" }, "AADB2C90018"],
        [{ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer" }, "AADB2C90086"],
        [{ scope: `https://${defaults.b2cDomain}/tasks/tasks.write` }, "AADB2C90205"],
        [{ scope: "https://nobody.example/x" }, "AADB2C90117"],
        [{ code: undefined }, "AADB2C90083"],
        [{ code: "nonsense" }, "AADB2C90085"],
        [{ claims: "{" }, "AADB2C90085"],
        [{ redirect_uri: "http://localhost:1/auth/callback" }, "AADB2C90048"]
      ]
      for (const [change, expected] of changes) {
        assert.strictEqual(refused(yield* post({ ...form, ...change }, b2c))[2], expected, JSON.stringify(change))
      }
      const { json } = yield* post({ ...form, code: undefined }, b2c)
      assert.match(
        String(json.error_description),
        /^AADB2C90083: The request is missing required parameter: code\.\r\nCorrelation ID: .*\r\nTimestamp: .*Z\r\n$/
      )
    })
  )

  it.effect("who cancels, and who has no session, is sent back in its words", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).signIn(undefined)
      const { location } = yield* submit(authorizeUrl(customer, b2c), { decision: "cancel" })
      const cancelled = Object.fromEntries(location?.searchParams ?? [])
      assert.strictEqual(cancelled.error, "access_denied")
      assert.match(cancelled.error_description ?? "", /^AADB2C90091: The user has cancelled/)
      const silent = yield* redirected({ ...customer, prompt: "none" }, b2c)
      assert.strictEqual(silent.error, "login_required")
      assert.match(silent.error_description ?? "", /^AADB2C90077/)
      const page = yield* visit(authorizeUrl({ ...customer, redirect_uri: "https://evil.example" }, b2c))
      assert.include(page.text, "AADB2C90006: The redirect URI &#39;https://evil.example&#39;")
    })
  )

  it.effect("an administrator alone consents", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).signIn(defaults.b2cUsername)
      const scope = `https://${defaults.b2cDomain}/tasks/tasks.write`
      const answer = yield* redirected({ ...customer, scope }, b2c)
      assert.match(answer.error_description ?? "", /^AADB2C90205/)
    })
  )

  it.effect("an application gets a token of its own", () =>
    Effect.gen(function* () {
      const form = { ...exchange(""), grant_type: "client_credentials" }
      const scope = `https://${defaults.b2cDomain}/tasks/.default`
      const { status, json } = yield* post({ ...form, scope, code: undefined, redirect_uri: undefined }, b2c)
      assert.strictEqual(status, 200)
      const { aud, azp } = claimsOf(json.access_token)
      assert.deepStrictEqual([aud, azp, json.resource], [defaults.b2cApiAppId, defaults.clientId, aud])
    })
  )

  it.effect("a sign-out leads back", () =>
    Effect.gen(function* () {
      const query = new URLSearchParams({ post_logout_redirect_uri: defaults.postLogoutRedirectUri })
      const { location } = yield* visit(`${b2c}/logout?${query}`)
      assert.strictEqual(location?.href, defaults.postLogoutRedirectUri)
    })
  )
})

const farm = "https://fs.adatum.example"
const adfs = `${farm}/adfs/oauth2`
const employee = { ...authorization, scope: `openid ${defaults.adfsScope}` }

layer(inProcess())("AD FS", (it) => {
  it.effect("its metadata has neither tenant nor version, and names the issuer of access tokens apart", () =>
    Effect.gen(function* () {
      const { status, json } = yield* get(`${farm}/adfs/.well-known/openid-configuration`)
      assert.strictEqual(status, 200)
      assert.strictEqual(json.issuer, `${farm}/adfs`)
      assert.strictEqual(json.access_token_issuer, "http://fs.adatum.example/adfs/services/trust")
      assert.strictEqual(json.token_endpoint, `${adfs}/token/`)
      const { json: keys } = yield* get(String(json.jwks_uri))
      assert.lengthOf(keys.keys as ReadonlyArray<unknown>, 1)
    })
  )

  it.effect("an employee's tokens carry the UPN, and no client info comes though it was asked for", () =>
    Effect.gen(function* () {
      const code = yield* codeOf(defaults.adfsUsername, employee, adfs)
      const { status, json } = yield* post({ ...exchange(code, employee), client_info: "1" }, `${adfs}`)
      assert.strictEqual(status, 200)
      const { access_token: access, id_token: id, refresh_token: refreshToken, ...rest } = json
      assert.isString(refreshToken)
      assert.deepStrictEqual(rest, {
        token_type: "bearer",
        expires_in: 3599,
        resource: defaults.adfsApiUri,
        refresh_token_expires_in: 28_799,
        scope: `${defaults.adfsScope} openid`
      })
      const { iss, aud, scp, upn, appid, apptype } = claimsOf(access)
      assert.deepStrictEqual(
        [iss, aud, scp, upn, appid, apptype],
        [
          "http://fs.adatum.example/adfs/services/trust",
          `microsoft:identityserver:${defaults.adfsApiUri}`,
          "tasks.read openid",
          defaults.adfsUsername,
          defaults.clientId,
          "Confidential"
        ]
      )
      const identity = claimsOf(id)
      assert.deepStrictEqual(
        [identity.iss, identity.aud, identity.upn, identity.nonce],
        [`${farm}/adfs`, defaults.clientId, defaults.adfsUsername, "the-nonce"]
      )
    })
  )

  it.effect("a refresh token lives on, and no other comes", () =>
    Effect.gen(function* () {
      const parameters = { ...employee, client_id: defaults.publicClientId, redirect_uri: "http://localhost:4" }
      const tokens = yield* tokensOf(defaults.adfsUsername, parameters, adfs)
      for (const _ of [1, 2]) {
        const { status, json } = yield* post(refresh(tokens, parameters), adfs)
        assert.deepStrictEqual([status, json.refresh_token], [200, undefined])
        assert.strictEqual(claimsOf(json.access_token).apptype, "Public")
      }
      const signIn = yield* tokensOf(defaults.adfsUsername, { ...parameters, scope: "openid" }, adfs)
      assert.strictEqual(signIn.resource, "urn:microsoft:userinfo")
    })
  )

  it.effect("refusals are in its own words, and a wrong verifier spends the code", () =>
    Effect.gen(function* () {
      const code = yield* codeOf(defaults.adfsUsername, employee, adfs)
      const form = exchange(code, employee)
      const answers = yield* Effect.forEach(
        [
          { ...form, code: "nonsense" },
          { ...form, client_secret: "wrong" },
          { ...form, grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer" },
          { ...form, scope: `${defaults.adfsApiUri}/tasks.write` },
          { ...form, code_verifier: `${verifier}x` },
          form
        ],
        (each) => Effect.map(post(each, adfs), refused)
      )
      assert.deepStrictEqual(answers, [
        [400, "invalid_grant", "MSIS9612"],
        [401, "invalid_client", "MSIS9622"],
        [400, "unsupported_grant_type", "MSIS9604"],
        [400, "invalid_grant", "MSIS9605"],
        [400, "invalid_grant", "MSIS9612"],
        [400, "invalid_grant", "MSIS9612"]
      ])
    })
  )

  it.effect("a wrong verifier has a word of its own", () =>
    Effect.gen(function* () {
      const code = yield* codeOf(defaults.adfsUsername, employee, adfs)
      const wrong = yield* post({ ...exchange(code, employee), code_verifier: `${verifier}x` }, adfs)
      assert.deepStrictEqual(refused(wrong), [400, "invalid_grant", "MSIS9720"])
      assert.deepStrictEqual(refused(yield* post(exchange(code, employee), adfs))[2], "MSIS9612")
    })
  )

  it.effect("who cancels is sent back in its words", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).signIn(undefined)
      const { location } = yield* submit(authorizeUrl(employee, adfs), { decision: "cancel" })
      assert.strictEqual(location?.searchParams.get("error"), "access_denied")
      assert.notInclude(location?.href, "AADSTS")
    })
  )
})

describe("a client assertion for AD FS", () => {
  it.effect("is of RS256 and named by x5t, for the endpoint that was asked", () =>
    Effect.gen(function* () {
      const { certificate, privateKey, sha1, sha256 } = yield* Effect.promise(() => makeCertificate())
      const { adfs: known } = EntraEmulator.defaultDirectory
      const directory = {
        tenants: [],
        adfs: {
          apis: known?.apis ?? [],
          users: known?.users ?? [],
          apps: (known?.apps ?? []).map((app) => ({ ...app, certificates: [{ certificate }] }))
        }
      }
      const answer = (header: Jose.JWTHeaderParameters, aud = `${adfs}/token`) =>
        Effect.gen(function* () {
          const claims = { iss: defaults.clientId, sub: defaults.clientId, aud, exp: 600, nbf: 0, jti: "j" }
          const assertion = yield* sign({ header, claims, privateKey })
          const form = {
            grant_type: "client_credentials",
            client_id: defaults.clientId,
            client_assertion: assertion,
            client_assertion_type: assertionType,
            scope: `${defaults.adfsApiUri}/.default`
          }
          const { status } = yield* post(form, adfs)
          return status
        }).pipe(Effect.provide(inProcess({ directory })))
      const x5t = base64Url(sha1)
      assert.strictEqual(yield* answer({ alg: "RS256", x5t }), 200)
      assert.strictEqual(yield* answer({ alg: "RS256", "x5t#S256": base64Url(sha256) }), 401)
      assert.strictEqual(yield* answer({ alg: "PS256", x5t }), 400)
      assert.strictEqual(yield* answer({ alg: "RS256", x5t }, `${farm}/adfs`), 401)
    })
  )
})

layer(inProcess())("External ID and the first version", (it) => {
  it.effect("External ID names the tenant in the host of its issuer", () =>
    Effect.gen(function* () {
      const origin = "https://contoso.ciamlogin.com"
      const { json } = yield* get(`${origin}/${defaults.domain}/v2.0/.well-known/openid-configuration`)
      const issuer = `https://${defaults.tenantId}.ciamlogin.com/${defaults.tenantId}/v2.0`
      assert.strictEqual(json.issuer, issuer)
      const base = `${origin}/${defaults.tenantId}/oauth2/v2.0`
      assert.strictEqual(json.token_endpoint, `${base}/token`)
      const tokens = yield* tokensOf(defaults.username, authorization, base)
      assert.deepStrictEqual([claimsOf(tokens.access_token).iss, claimsOf(tokens.id_token).iss], [issuer, issuer])
    })
  )

  it.effect("the metadata of v1.0 has an issuer of its own host", () =>
    Effect.gen(function* () {
      const { json } = yield* get(`http://127.0.0.1:1/${defaults.domain}/.well-known/openid-configuration`)
      assert.strictEqual(json.issuer, `https://sts.windows.net/${defaults.tenantId}/`)
      const { json: keys } = yield* get(String(json.jwks_uri))
      assert.lengthOf(keys.keys as ReadonlyArray<unknown>, 1)
      const token = yield* tokensOf(defaults.username, desktop)
      const set = Jose.createLocalJWKSet(keys as unknown as Jose.JSONWebKeySet)
      yield* Effect.promise(() =>
        Jose.compactVerify(String(token.access_token), (header, jws) => set(header as Jose.JWSHeaderParameters, jws))
      )
    })
  )
})
