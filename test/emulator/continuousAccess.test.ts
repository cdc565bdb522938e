import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { defaults, get, good, inProcess } from "./helpers.js"
import {
  authorization,
  authorizeUrl,
  claimsOf,
  desktop,
  exchange,
  type Parameters,
  post,
  redirected,
  refresh,
  refusal,
  secret,
  submit,
  tokensOf,
  visit
} from "./people.js"

const emulator = EntraEmulator.EntraEmulator

type Json = Readonly<Record<string, unknown>>

const capability = { xms_cc: { values: ["cp1"] } }

const capable = JSON.stringify({ access_token: capability })

/** What a client sends that merges a demand with its capability. */
const merged = (demand: string) =>
  JSON.stringify({ access_token: { ...JSON.parse(demand).access_token, ...capability } })

const webApp = { ...authorization, claims: capable }

/** A person's tokens; the capability goes to both endpoints, as MSAL sends it. */
const signedIn = (username: string = defaults.username, parameters: Parameters = webApp) =>
  Effect.gen(function* () {
    yield* (yield* emulator).signIn(username)
    const { code = "" } = yield* redirected(parameters)
    const { status, json } = yield* post({ ...exchange(code, parameters), claims: parameters.claims })
    assert.strictEqual(status, 200, JSON.stringify(json))
    return json
  })

const plainApp = { ...authorization, claims: undefined }

const call = (token: unknown, path: string = defaults.apiPath) =>
  get(`https://api.example${path}`, { authorization: `Bearer ${token}` })

const statusOf = (token: unknown, path?: string) => Effect.map(call(token, path), ({ status }) => status)

/** The demand of a challenge, whose every part is checked. */
const challenged = (token: unknown) =>
  Effect.gen(function* () {
    const { status, headers } = yield* call(token)
    assert.strictEqual(status, 401)
    const form = new RegExp(
      '^Bearer realm="", authorization_uri="https://api\\.example/common/oauth2/authorize", ' +
        `client_id="${defaults.apiAppId}", error="insufficient_claims", claims="([A-Za-z0-9+/]+=*)"$`
    )
    const [, claims = ""] = form.exec(headers["www-authenticate"] ?? "") ?? []
    return atob(claims)
  })

const newerThan = (seconds: number) => `{"access_token":{"nbf":{"essential":true,"value":"${seconds}"}}}`

const moved = (seconds: number, address: string) =>
  `{"access_token":{"nbf":{"essential":true,"value":"${seconds}"},"xms_rp_ipaddr":{"value":"${address}"}}}`

const assertionFor = (options: Partial<EntraEmulator.UserTokenOptions> = {}) =>
  Effect.gen(function* () {
    const { userToken } = yield* emulator
    return Redacted.value(
      yield* userToken({ username: defaults.username, api: defaults.middleTierIdentifierUri, ...options })
    )
  })

const onBehalf = (assertion: unknown, claims: string = capable): Parameters => ({
  grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
  requested_token_use: "on_behalf_of",
  client_id: defaults.clientId,
  client_secret: secret,
  assertion: String(assertion),
  scope: defaults.apiUserScope,
  claims
})

const revokedGrant = [400, "invalid_grant", [50173], "bad_token"]
const newSignInNeeded = [400, "interaction_required", [50133], "basic_action"]
const closed = [400, "interaction_required", [53003], "message_only"]

describe("the challenge after a revocation", () => {
  it.effect("names its moment, and comes for the tokens from before it that show cp1", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_900)
      const { revoke } = yield* emulator
      const [before, other] = [yield* signedIn(), yield* signedIn(defaults.secondUsername)]
      assert.strictEqual(yield* statusOf(before.access_token), 200)
      yield* revoke(defaults.username.toUpperCase())
      assert.strictEqual(yield* challenged(before.access_token), newerThan(1_700_000_000))
      assert.strictEqual(yield* statusOf(other.access_token), 200)
      const after = yield* signedIn()
      assert.strictEqual(yield* statusOf(after.access_token), 200)
      yield* TestClock.adjust("10 seconds")
      yield* revoke(defaults.username)
      assert.strictEqual(yield* challenged(before.access_token), newerThan(1_700_000_000))
      assert.strictEqual(yield* challenged(after.access_token), newerThan(1_700_000_010))
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("does not come for a token without cp1, which goes on until it expires", () =>
    Effect.gen(function* () {
      const { access_token: token } = yield* signedIn(defaults.username, plainApp)
      yield* (yield* emulator).revoke(defaults.username)
      yield* TestClock.adjust("3598 seconds")
      assert.strictEqual(yield* statusOf(token), 200)
      yield* TestClock.adjust("1 second")
      assert.include((yield* call(token)).headers["www-authenticate"], 'error="invalid_token"')
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("does not come from an API that takes no part", () =>
    Effect.gen(function* () {
      const { access_token: token } = yield* signedIn(defaults.username, {
        ...webApp,
        scope: defaults.otherApiUserScope
      })
      yield* (yield* emulator).revoke(defaults.username)
      assert.strictEqual(yield* statusOf(token, `/api/${defaults.otherApiAppId}`), 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("comes too when the account is disabled, and nothing answers it", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(5000)
      const tokens = yield* signedIn()
      yield* (yield* emulator).disable(defaults.username)
      const claims = merged(yield* challenged(tokens.access_token))
      assert.deepStrictEqual(refusal(yield* post({ ...refresh(tokens), claims })).slice(0, 3), [
        400,
        "invalid_grant",
        [50057]
      ])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("is answered by a new sign-in, and not by the refresh token from before", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(5000)
      const tokens = yield* signedIn()
      yield* TestClock.adjust("1 minute")
      yield* (yield* emulator).revoke(defaults.username)
      const claims = merged(yield* challenged(tokens.access_token))
      assert.deepStrictEqual(refusal(yield* post({ ...refresh(tokens), claims })), revokedGrant)
      const again = yield* signedIn(defaults.username, { ...authorization, claims })
      assert.strictEqual(yield* statusOf(again.access_token), 200)
      const refreshed = yield* post({ ...refresh(again), claims })
      assert.strictEqual(yield* statusOf(refreshed.json.access_token), 200)
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("a demand for a newer sign-in", () => {
  it.effect("is refused to a grant that is older, although nobody revoked it", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(10_000)
      const tokens = yield* signedIn()
      assert.strictEqual((yield* post({ ...refresh(tokens), claims: newerThan(10) })).status, 200)
      const refused = yield* post({ ...refresh(tokens), claims: newerThan(11) })
      assert.deepStrictEqual(refusal(refused), [400, "invalid_grant", [50133], "basic_action"])
      assert.strictEqual(refused.json.claims, newerThan(11))
      for (const value of ['"soon"', "10"]) {
        const claims = `{"access_token":{"nbf":{"essential":true,"value":${value}}}}`
        assert.strictEqual((yield* post({ ...refresh(tokens), claims })).status, 200)
      }
      assert.strictEqual((yield* post({ ...refresh(tokens), claims: '{"access_token":{"nbf":null}}' })).status, 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("makes a person sign in again who was signed in", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(10_000)
      const url = authorizeUrl({ ...authorization, claims: newerThan(20) })
      const first = yield* submit(authorizeUrl(), { login: defaults.username })
      yield* TestClock.setTime(20_000)
      assert.strictEqual((yield* visit(authorizeUrl(), first.cookie)).status, 302)
      assert.include((yield* visit(url, first.cookie)).text, defaults.username)
      const silent = yield* visit(
        authorizeUrl({ ...authorization, claims: newerThan(20), prompt: "none" }),
        first.cookie
      )
      assert.strictEqual(silent.location?.searchParams.get("error"), "login_required")
      const again = yield* submit(url, { login: defaults.username })
      assert.isString(again.location?.searchParams.get("code"))
      assert.strictEqual((yield* visit(url, again.cookie)).status, 302)
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("on behalf of who was revoked", () => {
  it.effect("the middle tier is told what to ask its caller for, and a new sign-in passes", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(10_000)
      const caller = yield* tokensOf(defaults.username, desktop)
      const { json } = yield* post(onBehalf(caller.access_token))
      yield* TestClock.adjust("1 minute")
      yield* (yield* emulator).revoke(defaults.username)
      const demanded = yield* challenged(json.access_token)
      assert.strictEqual(demanded, newerThan(70))
      for (const claims of [demanded, merged(demanded), capable]) {
        const refused = yield* post(onBehalf(caller.access_token, claims))
        assert.deepStrictEqual(refusal(refused), newSignInNeeded)
        assert.strictEqual(refused.json.claims, demanded)
      }
      const fresh = yield* tokensOf(defaults.username, { ...desktop, claims: demanded })
      const passed = yield* post(onBehalf(fresh.access_token, merged(demanded)))
      assert.strictEqual(yield* statusOf(passed.json.access_token), 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a middle tier that did not say that it understands claims gets none", () =>
    Effect.gen(function* () {
      const assertion = yield* assertionFor()
      yield* (yield* emulator).revoke(defaults.username)
      const refused = yield* post({ ...onBehalf(assertion), claims: undefined })
      assert.deepStrictEqual(refusal(refused), revokedGrant)
      assert.notProperty(refused.json, "claims")
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("an application that is revoked", () => {
  const appToken = (claims: string | undefined, scope: string = defaults.apiScope) =>
    Effect.map(post({ ...good, scope, claims }), ({ json }) => json.access_token)

  it.effect("gets a challenge for each token from before, and a new token for its claims", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(10_000)
      const { revokeApp } = yield* emulator
      const [token, second, other] = [
        yield* appToken(capable),
        yield* appToken(capable),
        yield* appToken(capable, defaults.otherApiScope)
      ]
      yield* revokeApp(defaults.clientId)
      for (const each of [token, second]) assert.strictEqual(yield* challenged(each), newerThan(10))
      assert.strictEqual(yield* statusOf(other, `/api/${defaults.otherApiAppId}`), 200)
      const next = yield* appToken(merged(yield* challenged(token)))
      assert.strictEqual(yield* statusOf(next), 200)
      assert.strictEqual(yield* challenged(token), newerThan(10))
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("keeps what it got without cp1, and what it got for its users", () =>
    Effect.gen(function* () {
      const { revokeApp } = yield* emulator
      const [own, users] = [yield* appToken(undefined), yield* signedIn()]
      const minted = yield* assertionFor({ api: defaults.apiAppId, kind: "app", claims: { xms_cc: ["cp1"] } })
      yield* revokeApp(defaults.clientId)
      for (const token of [own, users.access_token, minted]) assert.strictEqual(yield* statusOf(token), 200)
      yield* revokeApp(defaults.publicClientId)
      assert.include(yield* challenged(minted), '"nbf"')
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("a person who moves", () => {
  const office = "198.51.100.7"
  const policy = { id: "the-policy", requires: { addresses: ["192.0.2.1", office] } }

  it.effect("gets a challenge with the new address, and a new token there by refresh", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(10_000)
      const { moveTo, setPolicies } = yield* emulator
      yield* setPolicies(defaults.apiAppId, [policy])
      const [tokens, plain] = [yield* signedIn(), yield* signedIn(defaults.username, plainApp)]
      yield* TestClock.adjust("5 seconds")
      yield* moveTo(defaults.username, office)
      const demanded = yield* challenged(tokens.access_token)
      assert.strictEqual(demanded, moved(15, office))
      assert.strictEqual(yield* statusOf(plain.access_token), 200)
      const { json } = yield* post({ ...refresh(tokens), claims: merged(demanded) })
      assert.strictEqual(yield* statusOf(json.access_token), 200)
      yield* moveTo(defaults.username, "192.0.2.1")
      assert.strictEqual(yield* statusOf(tokens.access_token), 200)
      assert.strictEqual(yield* challenged(json.access_token), moved(15, "192.0.2.1"))
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("gets nothing where the policy lets nobody in, and is told so when signing in", () =>
    Effect.gen(function* () {
      const { moveTo, setPolicies } = yield* emulator
      yield* setPolicies(defaults.apiAppId, [policy])
      const tokens = yield* signedIn()
      yield* moveTo(defaults.username, "203.0.113.9")
      const claims = merged(yield* challenged(tokens.access_token))
      const refused = yield* post({ ...refresh(tokens), claims })
      assert.deepStrictEqual(refusal(refused), closed)
      assert.notProperty(refused.json, "claims")
      assert.deepStrictEqual(refusal(yield* post(onBehalf(yield* assertionFor(), claims))), closed)
      const page = yield* visit(authorizeUrl({ ...authorization, claims }))
      assert.deepStrictEqual([page.status, page.text.includes("AADSTS53003")], [400, true])
      assert.strictEqual((yield* post({ ...refresh(tokens), scope: defaults.otherApiUserScope })).status, 200)
      yield* moveTo(defaults.username, office)
      const { json } = yield* post({ ...refresh(tokens), claims })
      assert.strictEqual(yield* statusOf(json.access_token), 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("is followed by on-behalf-of, with the assertion from before", () =>
    Effect.gen(function* () {
      const { moveTo } = yield* emulator
      const assertion = yield* assertionFor()
      const { json } = yield* post(onBehalf(assertion))
      yield* moveTo(defaults.username, office)
      const claims = merged(yield* challenged(json.access_token))
      const again = yield* post(onBehalf(assertion, claims))
      assert.strictEqual(yield* statusOf(again.json.access_token), 200)
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("an authentication context", () => {
  const policy = { id: "the-policy", requires: { authenticationContext: "c1" } }
  const wanted = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'

  it.effect("goes from the API over the middle tier to the person, and the new token all the way back", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).setPolicies(defaults.apiAppId, [policy])
      const caller = yield* tokensOf(defaults.username, desktop)
      const first = yield* post(onBehalf(caller.access_token))
      const demanded = yield* challenged(first.json.access_token)
      assert.strictEqual(demanded, wanted)
      const refused = yield* post(onBehalf(caller.access_token, merged(demanded)))
      assert.deepStrictEqual(refusal(refused), [400, "interaction_required", [50076], "basic_action"])
      assert.strictEqual(refused.json.claims, wanted)
      const silent = yield* post({ ...refresh(caller, desktop), claims: wanted })
      assert.deepStrictEqual(refusal(silent), [400, "invalid_grant", [50076], "basic_action"])
      const stepped = yield* signedIn(defaults.username, { ...desktop, claims: String(refused.json.claims) })
      const { json } = yield* post(onBehalf(stepped.access_token, merged(demanded)))
      assert.deepStrictEqual((yield* call(json.access_token)).json.acrs, ["c1"])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("is demanded of users alone, by APIs that take no part in continuous access evaluation too", () =>
    Effect.gen(function* () {
      const { setPolicies } = yield* emulator
      yield* setPolicies(defaults.otherApiAppId, [policy])
      const path = `/api/${defaults.otherApiAppId}`
      const { json } = yield* post({ ...good, scope: defaults.otherApiScope, claims: capable })
      assert.strictEqual(yield* statusOf(json.access_token, path), 200)
      const user = yield* signedIn(defaults.username, { ...webApp, scope: defaults.otherApiUserScope })
      const { status, headers } = yield* call(user.access_token, path)
      assert.strictEqual(status, 401)
      assert.include(headers["www-authenticate"], `claims="${Encoding.encodeBase64(wanted)}"`)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("waits until a revocation has been answered", () =>
    Effect.gen(function* () {
      const { revoke, setPolicies } = yield* emulator
      const { access_token: token } = yield* signedIn()
      yield* setPolicies(defaults.apiAppId, [policy])
      assert.strictEqual(yield* challenged(token), wanted)
      yield* revoke(defaults.username)
      assert.strictEqual(yield* challenged(token), newerThan(0))
    }).pipe(Effect.provide(inProcess()))
  )
})

const life = (json: Json) => {
  const { exp, iat } = claimsOf(json.access_token)
  assert.strictEqual(Number(exp) - Number(iat), json.expires_in)
  return [json.expires_in, json.refresh_in]
}

const appLife = (claims: string | undefined, scope: string = defaults.apiScope) =>
  Effect.map(post({ ...good, scope, claims }), ({ json }) => life(json))

// One emulator for all of these: none changes it but by who signs in, and a key takes a while to make.
layer(inProcess())("the life of a token", (it) => {
  it.effect("is long where the client declares cp1 and the API takes part, and half of it comes as refresh_in", () =>
    Effect.gen(function* () {
      const tokens = yield* signedIn()
      assert.deepStrictEqual(life(tokens), [100_800, 50_400])
      const { exp, iat } = claimsOf(tokens.id_token)
      assert.strictEqual(Number(exp) - Number(iat), 3599)
      assert.deepStrictEqual(yield* appLife(capable), [86_400, 43_200])
    })
  )

  it.effect("is the plain one without either", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(life(yield* signedIn(defaults.username, plainApp)), [3599, undefined])
      assert.deepStrictEqual(yield* appLife(undefined), [3599, undefined])
      assert.deepStrictEqual(yield* appLife(capable, defaults.otherApiScope), [3599, undefined])
    })
  )
})

describe("the life of a token by option", () => {
  it.effect("is for both kinds, and so is refresh_in", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* appLife(capable), [7200, 600])
      assert.deepStrictEqual(yield* appLife(undefined), [60, 600])
      assert.deepStrictEqual(life(yield* signedIn()), [7200, 600])
    }).pipe(
      Effect.provide(inProcess({ tokenLifetime: "1 minute", caeTokenLifetime: "2 hours", refreshIn: "10 minutes" }))
    )
  )
})

describe("whoever the directory does not have", () => {
  it.effect("is neither moved nor revoked", () =>
    Effect.gen(function* () {
      const { moveTo, revokeApp } = yield* emulator
      for (const effect of [moveTo("nobody@contoso.example", "192.0.2.2"), revokeApp("nothing")]) {
        const exit = yield* Effect.exit(effect)
        assert.isTrue(exit._tag === "Failure" && exit.cause._tag === "Die")
      }
    }).pipe(Effect.provide(inProcess()))
  )
})
