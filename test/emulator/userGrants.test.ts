import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as Jose from "jose"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { defaults, get, inProcess, publicOrigin } from "./helpers.js"
import {
  authorization,
  claimsOf,
  codeOf,
  desktop,
  entra,
  exchange,
  type Parameters,
  post,
  redirected,
  refresh,
  refusal,
  secret,
  tokensOf,
  verifier
} from "./people.js"

const emulator = EntraEmulator.EntraEmulator

describe("an authorization code", () => {
  it.effect("is exchanged for the documented answer", () =>
    Effect.gen(function* () {
      const json = yield* tokensOf(defaults.username)
      const { access_token: access, refresh_token: refreshToken, id_token: id, ...rest } = json
      assert.deepStrictEqual(rest, {
        token_type: "Bearer",
        scope: `${defaults.apiUserScope} openid profile`,
        expires_in: 3599,
        ext_expires_in: 3599
      })
      for (const token of [access, refreshToken, id]) assert.isString(token)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("gives an access token in the person's name, signed by a key of the key set", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_500)
      const { access_token: token } = yield* tokensOf(defaults.username)
      const { json } = yield* get(`${publicOrigin}/${defaults.tenantId}/discovery/v2.0/keys`)
      const keys = Jose.createLocalJWKSet(json as unknown as Jose.JSONWebKeySet)
      const currentDate = new Date(1_700_000_000_500)
      const { payload } = yield* Effect.promise(() => Jose.jwtVerify(String(token), keys, { currentDate }))
      const { uti, sub, ...claims } = payload
      assert.match(String(sub), /^[\w-]{43}$/)
      assert.match(String(uti), /^[\w-]{22}$/)
      assert.deepStrictEqual(claims, {
        aud: defaults.apiAppId,
        iss: `${publicOrigin}/${defaults.tenantId}/v2.0`,
        iat: 1_700_000_000,
        nbf: 1_700_000_000,
        exp: 1_700_003_599,
        azp: defaults.clientId,
        azpacr: "1",
        name: defaults.userDisplayName,
        oid: defaults.userObjectId,
        preferred_username: defaults.username,
        scp: "Tasks.Read",
        tid: defaults.tenantId,
        ver: "2.0",
        emulator: "effect-entra"
      })
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("gives an id token for the application, with the nonce", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(0)
      const json = yield* tokensOf(defaults.username)
      const { sub, uti, ...claims } = claimsOf(json.id_token)
      assert.isString(uti)
      assert.notStrictEqual(sub, claimsOf(json.access_token).sub)
      assert.deepStrictEqual(claims, {
        aud: defaults.clientId,
        iss: `${publicOrigin}/${defaults.tenantId}/v2.0`,
        iat: 0,
        nbf: 0,
        exp: 3599,
        name: defaults.userDisplayName,
        nonce: "the-nonce",
        oid: defaults.userObjectId,
        preferred_username: defaults.username,
        tid: defaults.tenantId,
        ver: "2.0",
        emulator: "effect-entra"
      })
      const other = claimsOf((yield* tokensOf(defaults.username, desktop)).id_token)
      assert.notStrictEqual(other.sub, sub)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("brings only what the scopes ask for", () =>
    Effect.gen(function* () {
      const bare = yield* tokensOf(defaults.username, { ...authorization, scope: defaults.apiUserScope })
      assert.sameMembers(Object.keys(bare), ["token_type", "scope", "expires_in", "ext_expires_in", "access_token"])
      const anonymous = yield* tokensOf(defaults.username, { ...authorization, scope: "openid" })
      const id = claimsOf(anonymous.id_token)
      for (const name of ["name", "oid", "preferred_username", "email"]) assert.notProperty(id, name)
      assert.strictEqual(claimsOf(anonymous.access_token).aud, defaults.graphAppId)
      const named = yield* tokensOf(defaults.username, { ...authorization, scope: "openid email User.Read" })
      assert.strictEqual(claimsOf(named.id_token).email, defaults.username)
      assert.strictEqual(named.scope, "User.Read openid email")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("client_info names the account at home when it was asked for", () =>
    Effect.gen(function* () {
      const code = yield* codeOf(defaults.otherUsername)
      const { json } = yield* post({ ...exchange(code), client_info: "1" })
      assert.deepStrictEqual(JSON.parse(Buffer.from(String(json.client_info), "base64url").toString()), {
        uid: defaults.otherUserObjectId,
        utid: defaults.otherTenantId
      })
      const claims = claimsOf(json.id_token)
      assert.deepStrictEqual([claims.oid, claims.tid], [defaults.guestObjectId, defaults.tenantId])
      assert.strictEqual(claims.idp, `https://sts.windows.net/${defaults.otherTenantId}/`)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("of the endpoint for everybody is of the person's own tenant", () =>
    Effect.gen(function* () {
      for (const everybody of ["common", "organizations"]) {
        const json = yield* tokensOf(defaults.otherUsername, authorization, entra(everybody))
        const { iss, tid, oid } = claimsOf(json.id_token)
        assert.deepStrictEqual([tid, oid], [defaults.otherTenantId, defaults.otherUserObjectId])
        assert.strictEqual(iss, `${publicOrigin}/${defaults.otherTenantId}/v2.0`)
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a public application has no credential", () =>
    Effect.gen(function* () {
      const { access_token: token } = yield* tokensOf(defaults.username, desktop)
      const { aud, azp, azpacr, scp } = claimsOf(token)
      assert.deepStrictEqual(
        [aud, azp, azpacr, scp],
        [defaults.clientId, defaults.publicClientId, "0", "access_as_user"]
      )
      const code = yield* codeOf(defaults.username, desktop)
      const proven = yield* post({ ...exchange(code, desktop), client_secret: secret })
      assert.deepStrictEqual(refusal(proven), [401, "invalid_client", [700025], undefined])
      const own = { grant_type: "client_credentials", client_id: defaults.publicClientId, scope: defaults.apiScope }
      assert.deepStrictEqual(refusal(yield* post(own)), [401, "invalid_client", [7000218], undefined])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("the plain challenge is taken, and meant when no method is named", () =>
    Effect.gen(function* () {
      for (const method of ["plain", undefined]) {
        const parameters = { ...authorization, code_challenge: verifier, code_challenge_method: method }
        assert.isString((yield* tokensOf(defaults.username, parameters)).access_token)
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("it names a part of what was consented to, or another API than the sign-in", () =>
    Effect.gen(function* () {
      const code = yield* codeOf(defaults.username)
      const { json } = yield* post({ ...exchange(code), scope: `${defaults.otherApiIdentifierUri}/.default` })
      assert.strictEqual(claimsOf(json.access_token).scp, "Files.Read")
      assert.strictEqual(json.scope, defaults.otherApiUserScope)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("the answer has all that was ever consented to for the API", () =>
    Effect.gen(function* () {
      const scope = `${defaults.apiUserScope} ${defaults.unconsentedApiUserScope}`
      yield* tokensOf(defaults.username, { ...authorization, scope })
      const json = yield* tokensOf(defaults.username)
      assert.strictEqual(claimsOf(json.access_token).scp, "Tasks.Read Tasks.Write")
      assert.include(json.scope, defaults.unconsentedApiUserScope)
    }).pipe(Effect.provide(inProcess()))
  )
})

interface Case {
  readonly change: (form: Parameters) => Parameters
  readonly expected: ReadonlyArray<unknown>
  readonly base?: string
}

const cases: Readonly<Record<string, Case>> = {
  "without a verifier": {
    change: (form) => ({ ...form, code_verifier: undefined }),
    expected: [400, "invalid_grant", [50148], undefined]
  },
  "with another verifier": {
    change: (form) => ({ ...form, code_verifier: `${verifier}x` }),
    expected: [400, "invalid_grant", [501481], undefined]
  },
  "with another redirect URI": {
    change: (form) => ({ ...form, redirect_uri: "http://localhost:3001/auth/callback" }),
    expected: [401, "invalid_client", [500112], undefined]
  },
  "without a redirect URI": {
    change: (form) => ({ ...form, redirect_uri: undefined }),
    expected: [400, "invalid_request", [900144], undefined]
  },
  "without a code": {
    change: (form) => ({ ...form, code: undefined }),
    expected: [400, "invalid_request", [900144], undefined]
  },
  "with a code that is none": {
    change: (form) => ({ ...form, code: "nonsense" }),
    expected: [400, "invalid_grant", [9002313], undefined]
  },
  "without a credential": {
    change: (form) => ({ ...form, client_secret: undefined }),
    expected: [401, "invalid_client", [7000218], undefined]
  },
  "with a wrong secret": {
    change: (form) => ({ ...form, client_secret: "wrong" }),
    expected: [401, "invalid_client", [7000215], undefined]
  },
  "by another application": {
    change: (form) => ({ ...form, client_id: defaults.publicClientId, client_secret: undefined }),
    expected: [400, "invalid_grant", [70000], undefined]
  },
  "by an unknown application": {
    change: (form) => ({ ...form, client_id: "nobody" }),
    expected: [400, "unauthorized_client", [700016], undefined]
  },
  "at another tenant": {
    change: (form) => form,
    expected: [400, "invalid_grant", [700005], undefined],
    base: entra(defaults.otherTenantId)
  },
  "for two APIs": {
    change: (form) => ({ ...form, scope: `${defaults.apiUserScope} ${defaults.otherApiUserScope}` }),
    expected: [400, "invalid_scope", [28000], undefined]
  },
  "for what nobody consented to": {
    change: (form) => ({ ...form, scope: defaults.unconsentedApiUserScope }),
    expected: [400, "invalid_grant", [65001], "consent_required"]
  },
  "with claims that are none": {
    change: (form) => ({ ...form, claims: "[" }),
    expected: [400, "invalid_request", [9002313], undefined]
  }
}

layer(inProcess())("a code is refused", (it) => {
  for (const [name, { change, expected, base }] of Object.entries(cases)) {
    it.effect(`${name}, and can be exchanged afterwards`, () =>
      Effect.gen(function* () {
        const code = yield* codeOf(defaults.username)
        assert.deepStrictEqual(refusal(yield* post(change(exchange(code)), base)), expected)
        assert.strictEqual((yield* post(exchange(code))).status, 200)
      })
    )
  }

  it.effect("when it was used", () =>
    Effect.gen(function* () {
      const code = yield* codeOf(defaults.username)
      const first = yield* post(exchange(code))
      assert.deepStrictEqual(refusal(yield* post(exchange(code))), [400, "invalid_grant", [54005], undefined])
      assert.strictEqual((yield* post(refresh(first.json))).status, 200)
    })
  )

  it.effect("after ten minutes", () =>
    Effect.gen(function* () {
      const code = yield* codeOf(defaults.username)
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(refusal(yield* post(exchange(code))), [400, "invalid_grant", [70008], undefined])
    })
  )

  it.effect("with a verifier that nobody asked for", () =>
    Effect.gen(function* () {
      const parameters = { ...authorization, code_challenge: undefined, code_challenge_method: undefined }
      const code = yield* codeOf(defaults.username, parameters)
      const expected = [400, "invalid_grant", [50148], undefined]
      assert.deepStrictEqual(refusal(yield* post(exchange(code))), expected)
      assert.strictEqual((yield* post({ ...exchange(code), code_verifier: undefined })).status, 200)
    })
  )
})

describe("a refresh token", () => {
  it.effect("serves again and again, each time with a new one beside it", () =>
    Effect.gen(function* () {
      const first = yield* tokensOf(defaults.username)
      const tokens = [first.refresh_token]
      for (const _ of [1, 2, 3]) {
        const { status, json } = yield* post(refresh(first))
        assert.strictEqual(status, 200)
        assert.strictEqual(json.scope, first.scope)
        tokens.push(json.refresh_token)
      }
      assert.strictEqual(new Set(tokens).size, 4)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("serves every API that was consented to, and every tenant that knows the person", () =>
    Effect.gen(function* () {
      const tokens = yield* tokensOf(defaults.otherUsername, authorization, entra("common"))
      const graph = yield* post({ ...refresh(tokens), scope: defaults.graphUserScope }, entra("common"))
      assert.strictEqual(claimsOf(graph.json.access_token).aud, defaults.graphAppId)
      const visiting = yield* post({ ...refresh(tokens), scope: defaults.otherApiUserScope }, entra(defaults.domain))
      const { tid, oid } = claimsOf(visiting.json.access_token)
      assert.deepStrictEqual([tid, oid], [defaults.tenantId, defaults.guestObjectId])
      const away = yield* tokensOf(defaults.username)
      const nowhere = yield* post(refresh(away), entra(defaults.otherTenantId))
      assert.deepStrictEqual(refusal(nowhere).slice(1, 3), ["access_denied", [50020]])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("an application's own API is named by its GUID in a refresh", () =>
    Effect.gen(function* () {
      const own = { ...authorization, scope: `openid offline_access ${defaults.middleTierScope}` }
      const tokens = yield* tokensOf(defaults.username, own)
      assert.deepStrictEqual(refusal(yield* post(refresh(tokens))), [400, "invalid_request", [90009], undefined])
      const { json } = yield* post({ ...refresh(tokens), scope: `${defaults.clientId}/access_as_user` })
      assert.strictEqual(claimsOf(json.access_token).aud, defaults.clientId)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("ends after 90 days, each one by itself", () =>
    Effect.gen(function* () {
      const first = yield* tokensOf(defaults.username)
      yield* TestClock.adjust("89 days")
      const { json } = yield* post(refresh(first))
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(refusal(yield* post(refresh(first))), [400, "invalid_grant", [700082], "bad_token"])
      assert.strictEqual((yield* post(refresh(json))).status, 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("is refused when it is none, missing, or another application's", () =>
    Effect.gen(function* () {
      const tokens = yield* tokensOf(defaults.username)
      const answers = yield* Effect.forEach(
        [
          { ...refresh(tokens), refresh_token: "nonsense" },
          { ...refresh(tokens), refresh_token: undefined },
          { ...refresh(tokens), client_id: defaults.publicClientId, client_secret: undefined }
        ],
        (form) => Effect.map(post(form), refusal)
      )
      assert.deepStrictEqual(answers, [
        [400, "invalid_grant", [9002313], undefined],
        [400, "invalid_request", [900144], undefined],
        [400, "invalid_grant", [70000], undefined]
      ])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("needs the consent and the policy of the moment, and outlives their refusal", () =>
    Effect.gen(function* () {
      const { setPolicies, withdrawConsent } = yield* emulator
      const tokens = yield* tokensOf(defaults.username)
      yield* setPolicies(defaults.apiAppId, [{ id: "the-policy", requires: "mfa" }])
      const policy = yield* post(refresh(tokens))
      assert.deepStrictEqual(refusal(policy), [400, "invalid_grant", [50076], "basic_action"])
      assert.strictEqual(policy.json.claims, '{"access_token":{"capolids":{"essential":true,"values":["the-policy"]}}}')
      assert.strictEqual((yield* post({ ...refresh(tokens), scope: defaults.otherApiUserScope })).status, 200)
      yield* setPolicies(defaults.apiAppId, [])
      yield* withdrawConsent(defaults.clientId, defaults.apiIdentifierUri)
      const consent = yield* post(refresh(tokens))
      assert.deepStrictEqual(refusal(consent), [400, "invalid_grant", [65001], "consent_required"])
      yield* tokensOf(defaults.username)
      assert.strictEqual((yield* post(refresh(tokens))).status, 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("ends when the person is revoked or disabled", () =>
    Effect.gen(function* () {
      const { revoke, disable } = yield* emulator
      const [first, second] = [yield* tokensOf(defaults.username), yield* tokensOf(defaults.secondUsername)]
      const code = yield* codeOf(defaults.username)
      yield* revoke(defaults.username)
      const expected = [400, "invalid_grant", [50173], "bad_token"]
      assert.deepStrictEqual(refusal(yield* post(refresh(first))), expected)
      assert.deepStrictEqual(refusal(yield* post(exchange(code))), expected)
      assert.strictEqual((yield* post(refresh(second))).status, 200)
      yield* disable(defaults.secondUsername)
      assert.deepStrictEqual(refusal(yield* post(refresh(second))), [400, "invalid_grant", [50057], undefined])
      assert.strictEqual((yield* post(refresh(yield* tokensOf(defaults.username)))).status, 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("that rotates ends everything when it is offered twice", () =>
    Effect.gen(function* () {
      const first = yield* tokensOf(defaults.username)
      const second = yield* post(refresh(first))
      assert.strictEqual(second.status, 200)
      assert.deepStrictEqual(refusal(yield* post(refresh(first))).slice(0, 3), [400, "invalid_grant", [70000]])
      assert.deepStrictEqual(refusal(yield* post(refresh(second.json))).slice(0, 3), [400, "invalid_grant", [50173]])
    }).pipe(Effect.provide(inProcess({ refreshTokens: "rotating" })))
  )
})

describe("capabilities and proofs", () => {
  it.effect("a declared capability comes back as xms_cc, a satisfied context as acrs", () =>
    Effect.gen(function* () {
      const claims = JSON.stringify({ access_token: { acrs: { essential: true, value: "c1" } } })
      const code = yield* codeOf(defaults.username, { ...authorization, claims })
      const capable = JSON.stringify({ access_token: { xms_cc: { values: ["cp1"] } } })
      const { json } = yield* post({ ...exchange(code), claims: capable })
      const token = claimsOf(json.access_token)
      assert.deepStrictEqual([token.xms_cc, token.acrs], [["cp1"], ["c1"]])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a sign-in that was told of the policy, or was for its API, satisfies it", () =>
    Effect.gen(function* () {
      const { setPolicies } = yield* emulator
      yield* setPolicies(defaults.apiAppId, [{ id: "the-policy", requires: "compliantDevice" }])
      const scope = `offline_access ${defaults.graphUserScope}`
      const plain = yield* tokensOf(defaults.username, { ...authorization, scope })
      const refused = yield* post({ ...refresh(plain), scope: defaults.apiUserScope })
      assert.deepStrictEqual(refusal(refused), [400, "invalid_grant", [53000], "additional_action"])
      const claims = String(refused.json.claims)
      const told = yield* tokensOf(defaults.username, { ...authorization, scope, claims })
      assert.strictEqual((yield* post({ ...refresh(told), scope: defaults.apiUserScope })).status, 200)
      assert.strictEqual((yield* post(refresh(yield* tokensOf(defaults.secondUsername)))).status, 200)
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("variation", () => {
  it.effect("a seed varies the order and the case of what was granted", () =>
    Effect.gen(function* () {
      const tokens = yield* tokensOf(defaults.username)
      const scopes = new Set<unknown>()
      for (const _ of Array.from({ length: 12 })) {
        const { json } = yield* post(refresh(tokens))
        scopes.add(json.scope)
        assert.sameMembers(
          String(json.scope).toLowerCase().split(" "),
          ["openid", "profile", defaults.apiUserScope].map((scope) => scope.toLowerCase())
        )
      }
      assert.isAbove(scopes.size, 3)
    }).pipe(Effect.provide(inProcess({ seed: "a" })))
  )
})

describe("a directory of one's own", () => {
  const [tenant] = EntraEmulator.defaultDirectory.tenants
  const mine: EntraEmulator.Directory = {
    tenants: [
      {
        ...tenant,
        id: defaults.tenantId,
        domains: [],
        apps: (tenant?.apps ?? []).map((app) => ({ ...app, optionalClaims: ["groups", "auth_time"] })),
        apis: (tenant?.apis ?? []).map((api) => ({
          ...api,
          optionalClaims: ["email"],
          policies: [{ id: "the-policy", requires: "mfa" }]
        })),
        users: [
          {
            objectId: "me",
            username: "me@mine.example",
            displayName: "Me",
            satisfies: ["mfa"],
            claims: { groups: ["admins"], email: "me@mine.example" }
          }
        ]
      }
    ]
  }

  it.effect("says which claims a person has, and what every sign-in proves", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(0)
      yield* (yield* emulator).signIn("ME@mine.example")
      const { code = "" } = yield* redirected({ ...authorization, prompt: "none" })
      const { json } = yield* post(exchange(code))
      const id = claimsOf(json.id_token)
      assert.deepStrictEqual([id.groups, id.auth_time, id.email], [["admins"], 0, undefined])
      assert.strictEqual(claimsOf(json.access_token).email, "me@mine.example")
      assert.strictEqual(
        yield* Effect.map(get(`${publicOrigin}/adfs/.well-known/openid-configuration`), ({ status }) => status),
        404
      )
    }).pipe(Effect.provide(inProcess({ directory: mine })))
  )
})
