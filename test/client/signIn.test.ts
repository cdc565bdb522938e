import { HttpClient, HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Schema, TestClock } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import { AuthCodeFlow } from "../../src/client/AuthorizationCode.js"
import { accountHolder, partitionAt } from "../../src/client/holders.js"
import { IdTokenVerifier } from "../../src/client/IdTokenVerifier.js"
import * as Authority from "../../src/core/Authority.js"
import { jwtClaims } from "../../src/core/jwtClaims.js"
import { InvalidToken } from "../../src/core/TokenError.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import { defaults, options, script, tokenRequests } from "../support/emulated.js"
import { client, layer, request, signIn, visit } from "../support/people.js"

const scopes = defaults.apiUserScope
const policyId = "12345678-90ab-cdef-1234-567890abcdef"

const grants = Effect.map(tokenRequests, (requests) => requests.map(({ form }) => form.grant_type))
const claimsOf = ({ accessToken }: { readonly accessToken: Redacted.Redacted }) =>
  jwtClaims(Redacted.value(accessToken))

describe("a sign-in", () => {
  it.effect("gives an account and its first token, which silent finds without asking", () =>
    Effect.gen(function* () {
      const { account, token } = yield* signIn()
      assert.strictEqual(account.homeAccountId, `${defaults.userObjectId}.${defaults.tenantId}`)
      assert.strictEqual(account.username, defaults.username)
      assert.strictEqual(account.tenantId, defaults.tenantId)
      assert.strictEqual(claimsOf(token)?.oid, defaults.userObjectId)
      const { acquireTokenSilent } = yield* client
      assert.strictEqual((yield* acquireTokenSilent({ account, scopes })).source, "cache")
      assert.deepStrictEqual(yield* grants, ["authorization_code"])
    }).pipe(Effect.provide(layer()))
  )

  it.effect("is good for other resources, by its refresh token", () =>
    Effect.gen(function* () {
      const { account } = yield* signIn()
      const { acquireTokenSilent } = yield* client
      const token = yield* acquireTokenSilent({ account, scopes: defaults.otherApiUserScope })
      assert.strictEqual(claimsOf(token)?.aud, defaults.otherApiAppId)
      assert.deepStrictEqual(yield* grants, ["authorization_code", "refresh_token"])
    }).pipe(Effect.provide(layer()))
  )

  it.effect("finds a token that was granted more than is asked", () =>
    Effect.gen(function* () {
      const { account } = yield* signIn({ scopes: [scopes, "profile"] })
      const { acquireTokenSilent } = yield* client
      assert.strictEqual((yield* acquireTokenSilent({ account, scopes })).source, "cache")
      assert.lengthOf(yield* grants, 1)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("survives being kept as text between two requests", () =>
    Effect.gen(function* () {
      const { acquireTokenByCode, getAuthCodeUrl } = yield* client
      const { flow, url } = yield* getAuthCodeUrl({ ...request, maxAge: 3600 })
      const json = Schema.parseJson(AuthCodeFlow)
      const restored = yield* Schema.decode(json)(yield* Schema.encode(json)(flow))
      const { account } = yield* acquireTokenByCode({ flow: restored, response: yield* visit(url) })
      assert.strictEqual(account.username, defaults.username)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("of a tenant that its caller names is that tenant's", () =>
    Effect.gen(function* () {
      const { account } = yield* signIn({ tenantId: defaults.otherTenantId }, { username: defaults.otherUsername })
      assert.strictEqual(account.tenantId, defaults.otherTenantId)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("at /organizations needs to know who may come", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(signIn())
      assert(failure._tag === "ConfigurationError", failure._tag)
      assert.strictEqual(failure.parameter, "allowedTenants")
    }).pipe(Effect.provide(layer({ authority: Authority.entra({ tenantId: "organizations" }) })))
  )

  it.effect("at /organizations is for the tenants that are listed", () =>
    Effect.gen(function* () {
      const { account } = yield* signIn()
      const { acquireTokenSilent, getAccounts } = yield* client
      const silent = yield* acquireTokenSilent({ account, scopes: defaults.otherApiUserScope })
      assert.strictEqual(claimsOf(silent)?.tid, defaults.tenantId)
      const failure = yield* Effect.flip(signIn({}, { username: defaults.otherUsername }))
      assert.include(failure, { _tag: "InvalidToken", reason: "tenant" })
      assert.lengthOf(yield* getAccounts({ session: "" }), 1)
    }).pipe(
      Effect.provide(
        layer({ authority: Authority.entra({ tenantId: "organizations" }), allowedTenants: [defaults.tenantId] })
      )
    )
  )

  it.effect("answers a policy's claims", () =>
    Effect.gen(function* () {
      const { account } = yield* signIn({ scopes: [defaults.otherApiUserScope] })
      const { setPolicies } = yield* EntraEmulator.EntraEmulator
      yield* setPolicies(defaults.apiAppId, [{ id: policyId, requires: "mfa" }])
      const { acquireTokenSilent } = yield* client
      const failure = yield* Effect.flip(acquireTokenSilent({ account, scopes }))
      assert(failure._tag === "InteractionRequired", failure._tag)
      yield* signIn({ claims: failure.claims })
      assert.strictEqual((yield* acquireTokenSilent({ account, scopes })).source, "cache")
    }).pipe(Effect.provide(layer()))
  )
})

describe("a response", () => {
  const begun = Effect.gen(function* () {
    const { acquireTokenByCode, getAuthCodeUrl } = yield* client
    const { flow, url } = yield* getAuthCodeUrl(request)
    return { acquireTokenByCode, flow, url }
  })

  it.effect("of another sign-in is refused, and spoils nothing", () =>
    Effect.gen(function* () {
      const mine = yield* begun
      const theirs = yield* begun
      const failure = yield* Effect.flip(
        mine.acquireTokenByCode({ flow: mine.flow, response: yield* visit(theirs.url) })
      )
      assert.include(failure, { _tag: "InvalidAuthorizationResponse", reason: "state" })
      yield* mine.acquireTokenByCode({ flow: mine.flow, response: yield* visit(mine.url) })
    }).pipe(Effect.provide(layer()))
  )

  it.effect("serves once; who asks again meanwhile gets the same", () =>
    Effect.gen(function* () {
      const { acquireTokenByCode, flow, url } = yield* begun
      const redeem = acquireTokenByCode({ flow, response: yield* visit(url) })
      const [one, two] = yield* Effect.all([redeem, redeem], { concurrency: "unbounded" })
      assert.strictEqual(one.token, two.token)
      assert.include(yield* Effect.flip(redeem), { _tag: "InvalidAuthorizationResponse", reason: "used" })
      assert.deepStrictEqual(yield* grants, ["authorization_code"])
    }).pipe(Effect.provide(layer()))
  )

  it.effect("that comes after ten minutes is too late", () =>
    Effect.gen(function* () {
      const { acquireTokenByCode, flow, url } = yield* begun
      yield* TestClock.adjust("601 seconds")
      const failure = yield* Effect.flip(acquireTokenByCode({ flow, response: yield* visit(url) }))
      assert.include(failure, { _tag: "InvalidAuthorizationResponse", reason: "expired" })
    }).pipe(Effect.provide(layer()))
  )

  it.effect("without a session, to a request that may not ask, is the user's to mend", () =>
    Effect.gen(function* () {
      const { acquireTokenByCode, getAuthCodeUrl } = yield* client
      const { flow, url } = yield* getAuthCodeUrl({ ...request, prompt: "none" })
      const { signIn: signInAs } = yield* EntraEmulator.EntraEmulator
      yield* signInAs(undefined)
      const response = { error: "login_required", state: Redacted.value(flow.state) }
      assert.strictEqual(url.searchParams.get("prompt"), "none")
      const failure = yield* Effect.flip(acquireTokenByCode({ flow, response }))
      assert.include(failure, { _tag: "InteractionRequired", error: "login_required" })
    }).pipe(Effect.provide(layer()))
  )

  it.effect.each<readonly [string, Readonly<Record<string, string | ReadonlyArray<string> | undefined>>]>([
    ["an error that can't be read", { error: '"' }],
    ["two errors", { error: ["access_denied", "server_error"] }],
    ["neither code nor error", { code: undefined }]
  ])("with %s is malformed, code or not", ([, change]) =>
    Effect.gen(function* () {
      const { acquireTokenByCode, flow, url } = yield* begun
      const response = { ...Object.fromEntries(yield* visit(url)), ...change }
      const failure = yield* Effect.flip(acquireTokenByCode({ flow, response }))
      assert.include(failure, { _tag: "InvalidAuthorizationResponse", reason: "malformed" })
      assert.isEmpty(yield* grants)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("whose id token does not hold leaves nothing behind", () =>
    Effect.gen(function* () {
      const { acquireTokenByCode, flow, url } = yield* begun
      const { getAccounts } = yield* client
      const failure = yield* acquireTokenByCode({ flow, response: yield* visit(url) }).pipe(
        Effect.provideService(IdTokenVerifier, {
          verify: () => Effect.fail(new InvalidToken({ token: "id token", reason: "nonce" }))
        }),
        Effect.flip
      )
      assert.include(failure, { _tag: "InvalidToken", reason: "nonce" })
      assert.isEmpty(yield* getAccounts({ session: "" }))
    }).pipe(Effect.provide(layer()))
  )
})

describe("accounts", () => {
  it.effect("are listed by session, and forgotten with everything of theirs", () =>
    Effect.gen(function* () {
      const { acquireTokenSilent, getAccounts, removeAccount } = yield* client
      const { account } = yield* signIn({}, { session: "one" })
      yield* signIn({}, { session: "two", username: defaults.secondUsername })
      const names = (session: string) =>
        Effect.map(getAccounts({ session }), (all) => all.map(({ username }) => username))
      assert.deepStrictEqual(yield* names("one"), [defaults.username])
      assert.deepStrictEqual(yield* names("two"), [defaults.secondUsername])
      assert.isEmpty(yield* getAccounts({ session: "" }))
      const elsewhere = yield* Effect.flip(acquireTokenSilent({ account, session: "two", scopes }))
      assert.include(elsewhere, { _tag: "InteractionRequired", source: "local" })
      assert.isTrue(yield* removeAccount({ account, session: "one" }))
      assert.isFalse(yield* removeAccount({ account, session: "one" }))
      assert.isEmpty(yield* getAccounts({ session: "one" }))
      yield* Effect.flip(acquireTokenSilent({ account, session: "one", scopes }))
    }).pipe(Effect.provide(layer()))
  )

  it.effect("come with a refresh token from elsewhere", () =>
    Effect.gen(function* () {
      const { acquireTokenByRefreshToken, acquireTokenSilent } = yield* client
      const { getAuthCodeUrl } = yield* client
      const { flow, url } = yield* getAuthCodeUrl(request)
      const code = (yield* visit(url)).get("code") ?? ""
      assert.isNotEmpty(code)
      const refreshToken = yield* refreshTokenFor(code, flow)
      const { account } = yield* acquireTokenByRefreshToken({ refreshToken, scopes })
      assert.strictEqual(account.username, defaults.username)
      assert.strictEqual((yield* acquireTokenSilent({ account, scopes })).source, "cache")
      const nothing = yield* Effect.flip(acquireTokenByRefreshToken({ refreshToken: Redacted.make(""), scopes }))
      assert.include(nothing, { _tag: "ConfigurationError", parameter: "refreshToken" })
    }).pipe(Effect.provide(layer()))
  )

  it.effect("whose refresh token an authority that tells nothing has renewed are not lost", () =>
    Effect.gen(function* () {
      const { acquireTokenByRefreshToken, acquireTokenSilent } = yield* client
      const body = (number: number) => ({
        access_token: `token ${number}`,
        refresh_token: `refresh ${number}`,
        token_type: "Bearer",
        expires_in: 3600
      })
      yield* script(Fault.respond({ status: 200, body: body(1) }), Fault.respond({ status: 200, body: body(2) }))
      const refreshToken = Redacted.make("refresh 0")
      const { account } = yield* acquireTokenByRefreshToken({ refreshToken, scopes: "read" })
      const renewed = yield* acquireTokenSilent({ account, scopes: "read", forceRefresh: true })
      assert.strictEqual(Redacted.value(renewed.accessToken), "token 2")
      yield* script(Fault.respond({ status: 200, body: body(3) }))
      const named = yield* acquireTokenByRefreshToken({ refreshToken, scopes: "read", homeAccountId: "alice" })
      assert.strictEqual(named.account.homeAccountId, "alice")
    }).pipe(
      Effect.provide(
        layer({
          authority: Authority.custom({
            issuer: "https://id.example",
            tokenEndpoint: `https://id.example/${defaults.tenantId}/oauth2/v2.0/token`
          })
        })
      )
    )
  )

  it.effect("keep the refresh token of a newer sign-in when an older refresh comes home", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.TokenCache
      const { account } = yield* signIn()
      const { acquireTokenSilent } = yield* client
      yield* script(Fault.delay("5 seconds"))
      const silent = { account, scopes: defaults.otherApiUserScope, forceRefresh: true }
      const older = yield* Effect.fork(acquireTokenSilent(silent))
      yield* TestClock.adjust("1 seconds")
      yield* signIn()
      const authority = yield* Authority.resolve(options.authority)
      const { group } = partitionAt(defaults.clientId, authority, accountHolder("", account.homeAccountId))
      const newer = yield* cache.users(group)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(older)
      assert.deepStrictEqual(yield* cache.users(group), newer)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("of guests are renewed in the tenant that they signed in to", () =>
    Effect.gen(function* () {
      const { account } = yield* signIn({ tenantId: defaults.tenantId }, { username: defaults.otherUsername })
      assert.include(account.homeAccountId, defaults.otherTenantId)
      const { acquireTokenSilent } = yield* client
      assert.strictEqual((yield* acquireTokenSilent({ account, scopes })).source, "cache")
      yield* acquireTokenSilent({ account, scopes, forceRefresh: true })
      assert.deepStrictEqual(
        [...new Set((yield* tokenRequests).map(({ path }) => path.split("/")[1]))],
        [defaults.tenantId]
      )
    }).pipe(
      Effect.provide(
        layer({ authority: Authority.entra({ tenantId: "organizations" }), allowedTenants: [defaults.tenantId] })
      )
    )
  )

  it.effect("sign out at the authority too", () =>
    Effect.gen(function* () {
      const { getLogoutUrl } = yield* client
      const url = yield* getLogoutUrl({ postLogoutRedirectUri: defaults.postLogoutRedirectUri })
      assert.strictEqual(url.pathname, `/${defaults.tenantId}/oauth2/v2.0/logout`)
      assert.strictEqual(url.searchParams.get("post_logout_redirect_uri"), defaults.postLogoutRedirectUri)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("that were revoked need their user, and are asked for once", () =>
    Effect.gen(function* () {
      const { account } = yield* signIn()
      const { revoke } = yield* EntraEmulator.EntraEmulator
      yield* revoke(defaults.username)
      const { acquireTokenSilent } = yield* client
      const ask = Effect.flip(acquireTokenSilent({ account, scopes: defaults.otherApiUserScope }))
      const first = yield* ask
      assert.include(["InvalidGrant", "InteractionRequired"], first._tag)
    }).pipe(Effect.provide(layer()))
  )
})

/** Another library's exchange, of which only the refresh token is left. */
const refreshTokenFor = (code: string, flow: AuthCodeFlow) =>
  Effect.gen(function* () {
    const response = yield* HttpClient.execute(
      HttpClientRequest.post(`https://login.microsoftonline.com/${defaults.tenantId}/oauth2/v2.0/token`).pipe(
        HttpClientRequest.bodyUrlParams({
          grant_type: "authorization_code",
          client_id: defaults.clientId,
          client_secret: Redacted.value(defaults.clientSecret),
          code,
          code_verifier: Redacted.value(flow.codeVerifier),
          redirect_uri: flow.redirectUri,
          scope: `${scopes} openid offline_access`
        })
      )
    )
    const { refresh_token } = yield* Schema.decodeUnknown(
      Schema.Struct({ refresh_token: Schema.Redacted(Schema.String) })
    )(yield* response.json)
    return refresh_token
  }).pipe(Effect.orDie)
