import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCertificate from "../../src/credential/ClientCertificate.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { defaults, tokenRequests } from "../support/emulated.js"
import { makeCertificate } from "../support/keys.js"
import { client, layer, signIn } from "../support/people.js"

const { b2cDomain, b2cOtherUserFlow, b2cScope, b2cUserFlow, b2cUsername } = defaults
const b2cTenant = b2cDomain.split(".")[0] ?? ""
const b2c = (policy: string) => Authority.b2c({ tenant: b2cTenant, policy })
const dora = { username: b2cUsername }

describe("B2C", () => {
  it.effect.each([b2cUserFlow, b2cOtherUserFlow])("signs in by the policy %s, and renews", (policy) =>
    Effect.gen(function* () {
      const { account } = yield* signIn({ scopes: [b2cScope] }, dora)
      const { acquireTokenSilent } = yield* client
      assert.strictEqual((yield* acquireTokenSilent({ account, scopes: b2cScope })).source, "cache")
      yield* acquireTokenSilent({ account, scopes: b2cScope, forceRefresh: true })
      yield* acquireTokenSilent({ account, scopes: b2cScope, forceRefresh: true })
      const requests = yield* tokenRequests
      assert.deepStrictEqual(
        requests.map(({ form, status }) => [form.grant_type, status]),
        [
          ["authorization_code", 200],
          ["refresh_token", 200],
          ["refresh_token", 200]
        ]
      )
      assert.include(requests[0]?.path, `/${b2cDomain}/${policy}/`)
    }).pipe(Effect.provide(layer({ authority: b2c(policy) })))
  )

  it.effect("keeps the accounts of two policies apart", () =>
    Effect.gen(function* () {
      const { account } = yield* signIn({ scopes: [b2cScope] }, dora).pipe(
        Effect.provide(layer({ authority: b2c(b2cUserFlow) }))
      )
      const { acquireTokenSilent } = yield* client
      const failure = yield* Effect.flip(acquireTokenSilent({ account, scopes: b2cScope }))
      assert.include(failure, { _tag: "InteractionRequired", source: "local" })
    }).pipe(Effect.provide(layer({ authority: b2c(b2cOtherUserFlow) })))
  )

  it.effect("has no other tenant for a call to name", () =>
    Effect.gen(function* () {
      const { app } = yield* client
      const source = app.forScopes(b2cScope, { tenantId: defaults.tenantId })
      assert.include(yield* Effect.flip(source.getToken()), { _tag: "ConfigurationError", parameter: "tenantId" })
    }).pipe(Effect.provide(layer({ authority: b2c(b2cUserFlow) })))
  )
})

const farm = Authority.adfs({ host: "https://sts.adatum.example" })
const erik = { username: defaults.adfsUsername }

describe("AD FS", () => {
  it.effect("signs in, and renews", () =>
    Effect.gen(function* () {
      const { account } = yield* signIn({ scopes: [defaults.adfsScope] }, erik)
      const { acquireTokenSilent } = yield* client
      yield* acquireTokenSilent({ account, scopes: defaults.adfsScope, forceRefresh: true })
      assert.deepStrictEqual(
        (yield* tokenRequests).map(({ form, path, status }) => [form.grant_type, path, status]),
        [
          ["authorization_code", "/adfs/oauth2/token", 200],
          ["refresh_token", "/adfs/oauth2/token", 200]
        ]
      )
    }).pipe(Effect.provide(layer({ authority: farm })))
  )

  it.effect("takes a certificate's RS256, for its token endpoint", () =>
    Effect.gen(function* () {
      const pair = yield* Effect.promise(() => makeCertificate())
      const { adfs } = EntraEmulator.defaultDirectory
      assert(adfs !== undefined)
      const directory = {
        ...EntraEmulator.defaultDirectory,
        adfs: { ...adfs, apps: adfs.apps.map((app) => ({ ...app, certificates: [pair] })) }
      }
      const credential = ClientCertificate.fromPem({ ...pair, algorithm: "RS256" })
      yield* Effect.gen(function* () {
        const { app } = yield* client
        yield* app.forScopes(`${defaults.adfsApiUri}/.default`).getToken()
        const [request] = yield* tokenRequests
        assert.strictEqual(request?.assertion?.claims.aud, "https://sts.adatum.example/adfs/oauth2/token")
        assert.strictEqual(request?.assertion?.header.alg, "RS256")
      }).pipe(Effect.provide(layer({ authority: farm, credential }, { directory })))
    })
  )
})

describe("External ID", () => {
  it.effect("is a tenant of its own host, which speaks as Entra does", () =>
    Effect.gen(function* () {
      const { account } = yield* signIn()
      assert.strictEqual(account.username, defaults.username)
      const [request] = yield* tokenRequests
      assert.strictEqual(request?.origin, "https://contoso.ciamlogin.com")
      assert.strictEqual(request?.path, "/contoso.onmicrosoft.com/oauth2/v2.0/token")
    }).pipe(Effect.provide(layer({ authority: Authority.externalId({ tenant: "contoso" }) })))
  )

  it.effect("has custom domains too", () =>
    Effect.gen(function* () {
      yield* signIn()
      const [request] = yield* tokenRequests
      assert.strictEqual(request?.origin, "https://login.contoso.example")
    }).pipe(
      Effect.provide(
        layer({
          authority: Authority.externalId({ tenantId: defaults.tenantId, host: "https://login.contoso.example" })
        })
      )
    )
  )
})
