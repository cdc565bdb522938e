import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck, Layer, TestClock } from "effect"
import { SignJWT } from "jose"
import * as Authority from "../../src/core/Authority.js"
import { InvalidToken } from "../../src/core/TokenError.js"
import * as TokenValidator from "../../src/server/TokenValidator.js"
import { base64, type Claims, makeKey, sign, start } from "../protocol/tokens.js"
import {
  apiId,
  appClaims,
  b2cIssuer,
  clientId,
  firstVersion,
  host,
  key,
  makeValidator,
  objectId,
  options,
  otherTenantId,
  tenantId,
  userClaims
} from "./callsIssuer.js"

const pss = await makeKey("pss", "PS256")
const ec = await makeKey("ec", "ES256")
const stranger = await makeKey("rsa")
const newer = await makeKey("newer")

const token = (change: Claims = {}) => sign(key, { ...userClaims, ...change })

type Change = Partial<TokenValidator.Options>

describe("a token that holds", () => {
  it.scoped("tells who calls, by which client, with which scopes", () =>
    Effect.gen(function* () {
      const { validate } = yield* makeValidator()
      const { claims, ...facts } = yield* validate(yield* token({ roles: ["Admin"], email: "ada@contoso.com" }))
      assert.deepStrictEqual(facts, {
        tenantId,
        objectId,
        clientId,
        isApp: false,
        scopes: ["access_as_user", "Tasks.Read"],
        roles: ["Admin"],
        expiresAtMillis: (start + 3600) * 1000
      })
      assert.strictEqual(claims.email, "ada@contoso.com")
    })
  )

  it.scoped.each([key, pss, ec])("may be signed by $alg", (signer) =>
    Effect.gen(function* () {
      const { publish, validate } = yield* makeValidator()
      publish(key.jwk, pss.jwk, ec.jwk)
      yield* validate(yield* sign(signer, userClaims))
    })
  )

  it.scoped.each<readonly [string, Claims, Change?]>([
    ["of the first version", firstVersion],
    ["of the first version, for the client id", { ...firstVersion, aud: apiId }],
    ["of a client that is listed", {}, { clients: [clientId.toUpperCase()] }],
    ["of an app with a wanted role", appClaims, { appRoles: ["Other", "Tasks.Read.All"] }],
    ["of an app, which idtyp tells", { ...appClaims, sub: "x", idtyp: "app" }, { appRoles: ["Tasks.Read.All"] }],
    ["of an app, in the first version", { ...firstVersion, ...appClaims }, { appRoles: ["Tasks.Read.All"] }],
    ["for one audience", {}, { audience: apiId }]
  ])("%s", ([_, claims, change]) =>
    Effect.gen(function* () {
      const { validate } = yield* makeValidator(change)
      assert.strictEqual((yield* validate(yield* token(claims))).clientId, clientId)
    })
  )

  it.scoped("is read by the metadata of its version, each read once", () =>
    Effect.gen(function* () {
      const { urls, validate } = yield* makeValidator()
      for (const claims of [{}, firstVersion]) {
        const text = yield* token(claims)
        yield* Effect.all(
          Array.from({ length: 50 }, () => validate(text)),
          { concurrency: "unbounded" }
        )
      }
      assert.deepStrictEqual(urls(), [
        `${host}/${tenantId}/v2.0/.well-known/openid-configuration`,
        `${host}/${tenantId}/v2/keys`,
        `${host}/${tenantId}/.well-known/openid-configuration`,
        `${host}/${tenantId}/keys`
      ])
    })
  )

  it.scoped.each<readonly [string, Change]>([
    ["is listed", { tenants: [tenantId.toUpperCase()] }],
    ["is any", { tenants: "any" }]
  ])("is of a tenant that %s, where many are", ([_, change]) =>
    Effect.gen(function* () {
      const authority = Authority.entra({ tenantId: "organizations" })
      const { validate } = yield* makeValidator({ authority, ...change }, "organizations")
      for (const claims of [{}, firstVersion])
        assert.strictEqual((yield* validate(yield* token(claims))).tenantId, tenantId)
    })
  )

  it.scoped("may hold claims of any name, which are claims", () =>
    Effect.gen(function* () {
      const { reasonOf, validate } = yield* makeValidator({ appRoles: ["Admin"] })
      const signed = (json: string) =>
        Effect.promise(() =>
          new SignJWT(JSON.parse(json)).setProtectedHeader({ alg: "RS256", kid: "rsa" }).sign(key.privateKey)
        )
      const hostile = '{"__proto__":{"scp":"x","azp":"y","acrs":["c1"],"roles":["Admin"]},"constructor":1,'
      const { claims, roles, scopes } = yield* validate(
        yield* signed(JSON.stringify({ ...userClaims, toString: 1 }).replace("{", hostile))
      )
      assert.deepStrictEqual([roles, scopes], [[], ["access_as_user", "Tasks.Read"]])
      assert.isUndefined(claims.acrs)
      assert.isFalse("__proto__" in claims)
      assert.isUndefined(Reflect.get({ ...claims }, "acrs"))
      assert.isUndefined(Reflect.get(Object.assign({}, claims), "acrs"))
      const { azp: _, scp: __, ...rest } = userClaims
      assert.strictEqual(yield* reasonOf(yield* signed(JSON.stringify(rest).replace("{", hostile))), "malformed")
    })
  )
})

describe("a token is refused", () => {
  it.scoped.each<readonly [string, string, Claims, Change?]>([
    ["issuer", "of another issuer", { iss: "https://evil.example" }],
    ["issuer", "of another tenant", { iss: `${host}/${otherTenantId}/v2.0`, tid: otherTenantId }],
    ["issuer", "of the first version's issuer, in the second version", { iss: firstVersion.iss }],
    ["issuer", "of the second version's issuer, in the first version", { ver: "1.0", appid: clientId }],
    ["audience", "for another API", { aud: "https://graph.microsoft.com" }],
    ["audience", "for the identifier URI where that is not wanted", { aud: `api://${apiId}` }, { audience: apiId }],
    ["expired", "after its end", { exp: start - 300 }],
    ["notYetValid", "before its beginning", { nbf: start + 301 }],
    ["malformed", "that is an id token: no azp, no scp", { azp: undefined, scp: undefined, nonce: "n" }],
    ["malformed", "that is an id token with roles", { azp: undefined, scp: undefined, roles: ["Admin"] }],
    ["malformed", "that is an id token of the first version", { ...firstVersion, appid: undefined }],
    ["malformed", "of the first version that names its client as the second does", { ...firstVersion, appid: [] }],
    ["malformed", "without scopes", { scp: undefined }],
    ["malformed", "with empty scopes", { scp: " " }],
    ["malformed", "with roles, of nobody who is an app", { scp: undefined, roles: ["Admin"] }, { appRoles: ["Admin"] }],
    ["malformed", "of a user, with roles alone", { ...appClaims, idtyp: "user" }, { appRoles: ["Tasks.Read.All"] }],
    ["malformed", "without oid", { oid: undefined }],
    ["malformed", "whose oid is a mail address", { oid: "ada@contoso.com" }],
    ["malformed", "without tid", { tid: undefined }],
    ["malformed", "without end", { exp: undefined }],
    ["bound", "that is bound to a key", { cnf: { jkt: "x" } }],
    ["bound", "with a cnf that says nothing", { cnf: null }],
    ["authorizedParty", "of a client that is not listed", {}, { clients: [apiId] }],
    ["user_required", "of an app, where no role is named", appClaims],
    ["insufficient_scope", "of an app without the wanted role", appClaims, { appRoles: ["Tasks.Write.All"] }],
    ["insufficient_scope", "of an app without role", { ...appClaims, roles: undefined }, { appRoles: ["Admin"] }],
    ["insufficient_scope", "of an app with scopes", { ...appClaims, idtyp: "app", scp: "a" }, { appRoles: ["a"] }]
  ])("%s: %s", ([reason, _, claims, change]) =>
    Effect.gen(function* () {
      const { reasonOf } = yield* makeValidator(change)
      assert.strictEqual(yield* reasonOf(yield* token(claims)), reason)
    })
  )

  it.scoped("of a tenant that is not listed, where many are", () =>
    Effect.gen(function* () {
      const authority = Authority.entra({ tenantId: "organizations" })
      const { reasonOf } = yield* makeValidator({ authority, tenants: [otherTenantId] }, "organizations")
      assert.strictEqual(yield* reasonOf(yield* token()), "tenant")
      assert.strictEqual(yield* reasonOf(yield* token({ tid: otherTenantId })), "issuer")
      assert.strictEqual(yield* reasonOf(yield* token({ tid: "../evil" })), "issuer")
    })
  )

  it.scoped("that is signed by nobody, by the public key, or by a stranger", () =>
    Effect.gen(function* () {
      const { reasonOf } = yield* makeValidator()
      const payload = base64(JSON.stringify(userClaims))
      for (const alg of ["none", "None", "HS256"]) {
        const header = base64(JSON.stringify({ alg, kid: "rsa" }))
        assert.include(["algorithm", "malformed"], yield* reasonOf(`${header}.${payload}.`))
      }
      const secret = new TextEncoder().encode(JSON.stringify(key.jwk))
      const hs256 = yield* Effect.promise(() =>
        new SignJWT({ ...userClaims }).setProtectedHeader({ alg: "HS256", kid: "rsa" }).sign(secret)
      )
      assert.strictEqual(yield* reasonOf(hs256), "algorithm")
      assert.strictEqual(yield* reasonOf(yield* sign(stranger, userClaims)), "signature")
      const [head, body, signature] = (yield* token()).split(".")
      assert.strictEqual(yield* reasonOf(`${head}.${base64("{}")}.${signature}`), "signature")
      assert.strictEqual(yield* reasonOf(`${head}.${body}.${signature}.`), "malformed")
    })
  )

  it.effect("that is anything else", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { reasonOf } = yield* makeValidator()
        const texts = FastCheck.oneof(
          FastCheck.string({ unit: "binary" }),
          FastCheck.array(FastCheck.json().map(base64), { maxLength: 6 }).map((parts) => parts.join("."))
        )
        for (const text of FastCheck.sample(texts, 500))
          assert.include(["malformed", "algorithm", "signature", "key"], yield* reasonOf(text))
        assert.strictEqual(yield* reasonOf(`a.${"b".repeat(1024 * 1024)}.c`), "malformed")
        const deep = `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`
        assert.include(["malformed", "algorithm"], yield* reasonOf(`${base64('{"alg":"none"}')}.${base64(deep)}.x`))
      })
    )
  )
})

describe("keys", () => {
  it.scoped("are read once a minute at most, whatever storm of unknown ones comes, and old ones go on", () =>
    Effect.gen(function* () {
      const { publish, reasonOf, urls, validate } = yield* makeValidator()
      const good = yield* token()
      yield* validate(good)
      const reads = () => urls().filter((url) => url.endsWith("/keys")).length
      assert.strictEqual(reads(), 1)
      yield* TestClock.adjust("61 seconds")
      const storm = yield* Effect.forEach(Array.from({ length: 200 }), (_, index) =>
        sign({ ...stranger, kid: `unknown${index}` }, userClaims)
      )
      const reasons = yield* Effect.forEach(storm, reasonOf, { concurrency: "unbounded" })
      assert.deepStrictEqual(new Set(reasons), new Set(["key"]))
      assert.strictEqual(reads(), 2)
      yield* Effect.forEach(storm, reasonOf)
      yield* validate(good)
      assert.strictEqual(reads(), 2)
      publish(key.jwk, newer.jwk)
      yield* TestClock.adjust("61 seconds")
      yield* validate(yield* sign(newer, userClaims))
      assert.strictEqual(reads(), 3)
    })
  )

  it.scoped("that can't be had say so, and are asked for again", () =>
    Effect.gen(function* () {
      const { reasonOf } = yield* makeValidator({ retryPolicy: { attempts: 1 } }, otherTenantId)
      assert.strictEqual(yield* reasonOf(yield* token()), "ConfigurationError")
    })
  )
})

describe("other authorities", () => {
  const issuer = "https://id.example"
  const validate = (authority: Authority.Authority, claims: Claims, change: Change = {}) =>
    Effect.gen(function* () {
      const { validate } = yield* makeValidator({ authority, audience: "api", ...change })
      return yield* validate(yield* sign(key, { ...claims, aud: "api", exp: start + 60 }))
    })
  const custom = Authority.custom({
    issuer,
    tokenEndpoint: `${issuer}/token`,
    jwksUri: `${host}/${tenantId}/keys`,
    authorizationEndpoint: `${issuer}/authorize`
  })

  it.scoped("write access tokens by RFC 9068", () =>
    Effect.gen(function* () {
      const user = yield* validate(custom, { iss: issuer, sub: "ada", client_id: "web", scope: "read write" })
      assert.deepInclude(user, { tenantId: "", objectId: "ada", clientId: "web", isApp: false })
      assert.deepStrictEqual(user.scopes, ["read", "write"])
      const app = { iss: issuer, sub: "job", client_id: "job", scope: "read", roles: "Admin" }
      assert.isTrue((yield* validate(custom, app, { appRoles: ["Admin"] })).isApp)
      assert.strictEqual((yield* Effect.flip(validate(custom, app)))._tag, "Forbidden")
      const idToken = { iss: issuer, sub: "ada", azp: "web" }
      assert.instanceOf(yield* Effect.flip(validate(custom, idToken)), InvalidToken)
    })
  )

  it.scoped("of B2C answer for one policy, which tokens name", () =>
    Effect.gen(function* () {
      const authority = Authority.b2c({ tenant: "contoso", policy: "B2C_1_SignIn" })
      const claims = { iss: b2cIssuer, tid: undefined, azp: "web", tfp: "B2C_1_SignIn" }
      const { reasonOf, validate } = yield* makeValidator({ authority })
      for (const change of [{}, { tfp: undefined, acr: "b2c_1_signin" }, { oid: undefined, sub: objectId }]) {
        const validated = yield* validate(yield* token({ ...claims, ...change }))
        assert.deepInclude(validated, { tenantId: "contoso.onmicrosoft.com", objectId, clientId: "web" })
      }
      for (const change of [{ tfp: "b2c_1_reset" }, { tfp: undefined }, { tfp: ["b2c_1_signin"] }])
        assert.strictEqual(yield* reasonOf(yield* token({ ...claims, ...change })), "policy")
    })
  )

  it.scoped("of AD FS name their client as Entra's first version does", () =>
    Effect.gen(function* () {
      const authority = Authority.adfs({ host: "https://adfs.example" })
      const layer = TokenValidator.layer({ ...options, authority }).pipe(Layer.provide(FetchHttpClient.layer))
      const { authorizationUri } = yield* Effect.provide(TokenValidator.TokenValidator, layer)
      assert.strictEqual(authorizationUri, "https://adfs.example/adfs/oauth2/authorize")
    })
  )
})

describe("options", () => {
  const organizations = Authority.entra({ tenantId: "organizations" })
  it.effect.each<readonly [string, Change]>([
    ["tenantId", { authority: Authority.entra({ tenantId: "../x" }) }],
    ["audience", { audience: [] }],
    ["audience", { audience: " " }],
    ["tenants", { authority: organizations }],
    ["tenants", { authority: organizations, tenants: [] }],
    ["tenants", { authority: organizations, tenants: ["contoso.com"] }],
    ["tenants", { tenants: [tenantId] }],
    ["tenants", { tenants: "any" }],
    ["clients", { clients: [] }],
    ["appRoles", { appRoles: [] }],
    ["attempts", { retryPolicy: { attempts: 0 } }],
    [
      "authority",
      { authority: Authority.custom({ issuer: "https://a.example", tokenEndpoint: "https://a.example/t" }) }
    ]
  ])("are checked: %s", ([parameter, change]) =>
    Effect.gen(function* () {
      const layer = TokenValidator.layer({ ...options, ...change }).pipe(Layer.provide(FetchHttpClient.layer))
      const failed = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
      assert.strictEqual(failed.parameter, parameter)
    })
  )
})
