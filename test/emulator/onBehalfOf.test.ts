import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { defaults, get, inProcess, publicOrigin } from "./helpers.js"
import { claimsOf, desktop, entra, type Parameters, post, refresh, refusal, secret, tokensOf } from "./people.js"

const emulator = EntraEmulator.EntraEmulator

const token = (options: Partial<EntraEmulator.UserTokenOptions> = {}) =>
  Effect.gen(function* () {
    const { userToken } = yield* emulator
    const made = yield* userToken({ username: defaults.username, api: defaults.middleTierIdentifierUri, ...options })
    return Redacted.value(made)
  })

const onBehalf = (assertion: string): Parameters => ({
  grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
  requested_token_use: "on_behalf_of",
  client_id: defaults.clientId,
  client_secret: secret,
  assertion,
  scope: defaults.apiUserScope
})

describe("on behalf of", () => {
  it.effect("a token for the middle tier gives one for the API behind it", () =>
    Effect.gen(function* () {
      const { status, json } = yield* post(onBehalf(yield* token()))
      assert.strictEqual(status, 200)
      assert.sameMembers(Object.keys(json), ["token_type", "scope", "expires_in", "ext_expires_in", "access_token"])
      const { aud, azp, azpacr, oid, scp } = claimsOf(json.access_token)
      assert.deepStrictEqual(
        [aud, azp, azpacr, oid, scp],
        [defaults.apiAppId, defaults.clientId, "1", defaults.userObjectId, "Tasks.Read"]
      )
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("so does one that a person's application got, with all that was consented to", () =>
    Effect.gen(function* () {
      const { access_token: assertion } = yield* tokensOf(defaults.username, desktop)
      const scope = `${defaults.otherApiIdentifierUri}/.default`
      const { json } = yield* post({ ...onBehalf(String(assertion)), scope })
      assert.strictEqual(claimsOf(json.access_token).scp, "Files.Read")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("it gives a refresh token and an id token when they are asked for", () =>
    Effect.gen(function* () {
      const scope = `openid offline_access ${defaults.apiUserScope}`
      const { json } = yield* post({ ...onBehalf(yield* token()), scope, client_info: "1" })
      assert.strictEqual(claimsOf(json.id_token).aud, defaults.clientId)
      assert.isString(json.client_info)
      const again = yield* post(refresh(json))
      assert.strictEqual(claimsOf(again.json.access_token).oid, defaults.userObjectId)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a guest's token is of the tenant that it visits", () =>
    Effect.gen(function* () {
      const assertion = yield* token({ username: defaults.otherUsername, tenantId: defaults.tenantId })
      const { json } = yield* post(onBehalf(assertion))
      assert.strictEqual(claimsOf(json.access_token).oid, defaults.guestObjectId)
    }).pipe(Effect.provide(inProcess()))
  )
})

const cases: Readonly<
  Record<
    string,
    {
      readonly form: Effect.Effect<Parameters, never, EntraEmulator.EntraEmulator>
      readonly expected: ReadonlyArray<unknown>
      readonly base?: string
    }
  >
> = {
  "an id token": {
    form: Effect.map(token({ kind: "id" }), onBehalf),
    expected: [400, "invalid_request", [240002], undefined]
  },
  "an application's own token": {
    form: Effect.map(token({ kind: "app" }), onBehalf),
    expected: [400, "unauthorized_client", [7000114], undefined]
  },
  "a token for another API": {
    form: Effect.map(token({ api: defaults.apiAppId }), onBehalf),
    expected: [400, "invalid_grant", [500131], undefined]
  },
  "a token that is over": {
    form: Effect.map(token({ lifetime: 0 }), onBehalf),
    expected: [400, "invalid_grant", [500133], undefined]
  },
  "a token of another tenant": {
    form: Effect.map(token({ username: defaults.otherUsername, tenantId: defaults.otherTenantId }), onBehalf),
    expected: [400, "invalid_grant", [50013], undefined]
  },
  "a token with another signature": {
    form: Effect.map(Effect.all([token(), token({ username: defaults.secondUsername })]), ([mine, other]) =>
      onBehalf([...mine.split(".").slice(0, 2), other.split(".")[2]].join("."))
    ),
    expected: [400, "invalid_grant", [50013], undefined]
  },
  "no token at all": {
    form: Effect.succeed(onBehalf("nonsense")),
    expected: [400, "invalid_request", [50027], undefined]
  },
  "an absent token": {
    form: Effect.succeed({ ...onBehalf(""), assertion: undefined }),
    expected: [400, "invalid_request", [900144], undefined]
  },
  "another use of the token": {
    form: Effect.map(token(), (assertion) => ({ ...onBehalf(assertion), requested_token_use: "for_fun" })),
    expected: [400, "invalid_request", [9002313], undefined]
  },
  "an absent use": {
    form: Effect.map(token(), (assertion) => ({ ...onBehalf(assertion), requested_token_use: undefined })),
    expected: [400, "invalid_request", [900144], undefined]
  },
  "an absent scope": {
    form: Effect.map(token(), (assertion) => ({ ...onBehalf(assertion), scope: undefined })),
    expected: [400, "invalid_request", [900144], undefined]
  },
  "two APIs": {
    form: Effect.map(token(), (assertion) => ({
      ...onBehalf(assertion),
      scope: `${defaults.apiUserScope} ${defaults.otherApiUserScope}`
    })),
    expected: [400, "invalid_scope", [28000], undefined]
  },
  "what nobody consented to": {
    form: Effect.map(token(), (assertion) => ({ ...onBehalf(assertion), scope: defaults.unconsentedApiUserScope })),
    expected: [400, "invalid_grant", [65001], "consent_required"]
  },
  "an application that proves nothing": {
    form: Effect.map(token(), (assertion) => ({ ...onBehalf(assertion), client_secret: undefined })),
    expected: [401, "invalid_client", [7000218], undefined]
  },
  "a public application": {
    form: Effect.map(token(), (assertion) => ({
      ...onBehalf(assertion),
      client_id: defaults.publicClientId,
      client_secret: undefined
    })),
    expected: [401, "invalid_client", [7000218], undefined]
  },
  "the endpoint for everybody": {
    form: Effect.map(token(), onBehalf),
    expected: [400, "invalid_request", [9001023], undefined],
    base: entra("common")
  }
}

layer(inProcess())("on behalf of is refused for", (it) => {
  for (const [name, { form, expected, base }] of Object.entries(cases)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(refusal(yield* post(yield* form, base)), expected)
      })
    )
  }

  it.effect("a token in the name of who was revoked or disabled", () =>
    Effect.gen(function* () {
      const { revoke, disable } = yield* emulator
      const assertion = yield* token({ username: defaults.secondUsername })
      yield* revoke(defaults.secondUsername)
      assert.deepStrictEqual(refusal(yield* post(onBehalf(assertion))), [400, "invalid_grant", [50173], "bad_token"])
      const fresh = yield* token({ username: defaults.secondUsername })
      yield* disable(defaults.secondUsername)
      assert.deepStrictEqual(refusal(yield* post(onBehalf(fresh))), [400, "invalid_grant", [50057], undefined])
    })
  )
})

describe("Conditional Access on behalf of", () => {
  const claims = '{"access_token":{"capolids":{"essential":true,"values":["the-policy"]}}}'

  it.effect("a policy demands claims, and a sign-in with these satisfies it", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).setPolicies(defaults.apiAppId, [{ id: "the-policy", requires: "mfa" }])
      const before = yield* tokensOf(defaults.username, desktop)
      const refused = yield* post(onBehalf(String(before.access_token)))
      assert.deepStrictEqual(refusal(refused), [400, "interaction_required", [50076], "basic_action"])
      assert.strictEqual(refused.json.claims, claims)
      const after = yield* tokensOf(defaults.username, { ...desktop, claims })
      assert.strictEqual((yield* post(onBehalf(String(after.access_token)))).status, 200)
      assert.strictEqual((yield* post(onBehalf(yield* token({ satisfies: ["mfa"] })))).status, 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a policy that blocks has no claims", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).setPolicies(defaults.apiAppId, [{ id: "the-policy", requires: "block" }])
      const refused = yield* post(onBehalf(yield* token()))
      assert.deepStrictEqual(refusal(refused), [400, "interaction_required", [53003], "message_only"])
      assert.notProperty(refused.json, "claims")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("an authentication context is demanded by the API, and by the authority once it is asked for", () =>
    Effect.gen(function* () {
      const policy = { id: "the-policy", requires: { authenticationContext: "c1" } }
      yield* (yield* emulator).setPolicies(defaults.apiAppId, [policy])
      const wanted = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
      const call = (json: Readonly<Record<string, unknown>>) =>
        get(`https://api.example${defaults.apiPath}`, { authorization: `Bearer ${json.access_token}` })
      const assertion = yield* token()
      const plain = yield* post(onBehalf(assertion))
      assert.strictEqual((yield* call(plain.json)).status, 403)
      const capable = { claims: '{"access_token":{"xms_cc":{"values":["cp1"]}}}' }
      const challenged = yield* call((yield* post({ ...onBehalf(assertion), ...capable })).json)
      assert.strictEqual(challenged.status, 401)
      assert.include(challenged.headers["www-authenticate"], 'error="insufficient_claims"')
      assert.include(challenged.headers["www-authenticate"], `claims="${Encoding.encodeBase64(wanted)}"`)
      const refused = yield* post({ ...onBehalf(assertion), claims: wanted })
      assert.deepStrictEqual(refusal(refused), [400, "interaction_required", [50076], "basic_action"])
      assert.strictEqual(refused.json.claims, wanted)
      const stepped = yield* tokensOf(defaults.username, { ...desktop, claims: wanted })
      const { json } = yield* post({ ...onBehalf(String(stepped.access_token)), claims: wanted })
      const { status, json: told } = yield* call(json)
      assert.strictEqual(status, 200)
      assert.deepStrictEqual([told.scp, told.oid, told.acrs], ["Tasks.Read", defaults.userObjectId, ["c1"]])
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("a minted token", () => {
  it.effect("is what the options say", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(60_000)
      const claims = claimsOf(
        yield* token({
          api: defaults.apiAppId,
          scopes: ["Tasks.Write"],
          clientId: defaults.clientId,
          tenantId: defaults.otherDomain,
          username: defaults.otherUsername,
          origin: "http://127.0.0.1:1",
          lifetime: "1 minute",
          claims: { xms_cc: ["cp1"] },
          satisfies: [{ authenticationContext: "c2" }]
        })
      )
      const { iss, aud, scp, azp, azpacr, oid, exp, xms_cc, acrs } = claims
      assert.deepStrictEqual(
        [iss, aud, scp, azp, azpacr, oid, exp, xms_cc, acrs],
        [
          `http://127.0.0.1:1/${defaults.otherTenantId}/v2.0`,
          defaults.apiAppId,
          "Tasks.Write",
          defaults.clientId,
          "1",
          defaults.otherUserObjectId,
          120,
          ["cp1"],
          ["c2"]
        ]
      )
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("is by default what the desktop app would have got", () =>
    Effect.gen(function* () {
      const { sub, iss, aud, scp, azp, azpacr } = claimsOf(yield* token())
      const real = claimsOf((yield* tokensOf(defaults.username, desktop)).access_token)
      assert.deepStrictEqual(
        [sub, iss, aud, scp, azp, azpacr],
        [real.sub, real.iss, real.aud, real.scp, real.azp, real.azpacr]
      )
      assert.strictEqual(iss, `${publicOrigin}/${defaults.tenantId}/v2.0`)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("of what the directory does not have is a defect", () =>
    Effect.gen(function* () {
      for (const options of [{ username: "nobody" }, { api: "nothing" }, { clientId: "none" }]) {
        const exit = yield* Effect.exit(token(options))
        assert.isTrue(exit._tag === "Failure" && exit.cause._tag === "Die")
      }
    }).pipe(Effect.provide(inProcess()))
  )
})
