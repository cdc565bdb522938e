import {
  type AuthenticationResult,
  ConfidentialClientApplication,
  type Configuration,
  CryptoProvider,
  InteractionRequiredAuthError,
  PublicClientApplication,
  ServerError
} from "@azure/msal-node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Jose from "jose"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { defaults } from "./helpers.js"
import { agent, follow, networkOver } from "./msal.js"

const configuration = (clientId: string, path: string, options: Configuration["auth"] | undefined = undefined) =>
  Effect.gen(function* () {
    const { origin } = yield* EntraEmulatorNode.Address
    const made: Configuration = {
      auth: { ...options, clientId, authority: `${origin}/${path}`, knownAuthorities: [new URL(origin).host] },
      system: { networkClient: networkOver(yield* agent) }
    }
    return made
  })

const confidential = (path: string = defaults.tenantId) =>
  Effect.gen(function* () {
    const clientSecret = Redacted.value(defaults.clientSecret)
    const made = yield* configuration(defaults.clientId, path)
    return new ConfidentialClientApplication({ ...made, auth: { ...made.auth, clientSecret } })
  })

const desktop = (path: string = defaults.tenantId) =>
  Effect.map(configuration(defaults.publicClientId, path), (made) => new PublicClientApplication(made))

type Client = ConfidentialClientApplication | PublicClientApplication

const attempt = <A>(promise: () => Promise<A>) => Effect.tryPromise({ try: promise, catch: (error) => error })

interface Wanted {
  readonly scopes: ReadonlyArray<string>
  readonly redirectUri?: string
  readonly claims?: string
  readonly username?: string
}

const present = (result: AuthenticationResult | null): AuthenticationResult => {
  if (result === null) throw new Error("MSAL has no token")
  return result
}

/** Signs in with PKCE and redeems the code. */
const signIn = (client: Client, { scopes, redirectUri = defaults.redirectUri, claims, username }: Wanted) =>
  Effect.gen(function* () {
    const emulator = yield* EntraEmulator
    yield* emulator.signIn(username ?? defaults.username)
    const { verifier, challenge } = yield* attempt(() => new CryptoProvider().generatePkceCodes())
    const url = yield* attempt(() =>
      client.getAuthCodeUrl({
        scopes: [...scopes],
        redirectUri,
        codeChallenge: challenge,
        codeChallengeMethod: "S256",
        state: "s",
        nonce: "n",
        ...(claims === undefined ? {} : { claims })
      })
    )
    const { searchParams } = yield* follow(url)
    const code = searchParams.get("code") ?? ""
    assert.strictEqual(searchParams.get("state"), "s", String(searchParams))
    const result = yield* attempt(() =>
      client.acquireTokenByCode({ code, scopes: [...scopes], redirectUri, codeVerifier: verifier, nonce: "n" })
    )
    return present(result)
  })

const silently = (
  client: Client,
  { account }: AuthenticationResult,
  scopes: ReadonlyArray<string>,
  forceRefresh = false
) =>
  attempt(() => {
    if (account === null) throw new Error("MSAL has no account")
    return client.acquireTokenSilent({ account, scopes: [...scopes], forceRefresh })
  })

const tls = EntraEmulatorNode.layer({ tls: true })

const grants = Effect.gen(function* () {
  const { requests } = yield* EntraEmulator
  return (yield* requests).filter(({ path }) => /\/token\/?$/.test(path)).map(({ form }) => form.grant_type)
})

describe("@azure/msal-node signs people in", () => {
  for (const [shape, options] of Object.entries({ plain: {}, varied: { seed: "people" } })) {
    it.scopedLive(
      `by authorization code, then silently from its cache and by its refresh token (${shape} answers)`,
      () =>
        Effect.gen(function* () {
          const client = yield* confidential()
          const first = yield* signIn(client, { scopes: [defaults.apiUserScope] })
          assert.strictEqual(first.account?.homeAccountId, `${defaults.userObjectId}.${defaults.tenantId}`)
          assert.strictEqual(first.account?.username, defaults.username)
          assert.strictEqual(Jose.decodeJwt(first.accessToken).scp, "Tasks.Read")
          const cached = yield* silently(client, first, [defaults.apiUserScope])
          assert.isTrue(cached.fromCache)
          const renewed = yield* silently(client, first, [defaults.apiUserScope], true)
          assert.isFalse(renewed.fromCache)
          const other = yield* silently(client, first, [defaults.otherApiUserScope])
          assert.strictEqual(Jose.decodeJwt(other.accessToken).scp, "Files.Read")
          assert.deepStrictEqual(yield* grants, ["authorization_code", "refresh_token", "refresh_token"])
        }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true, ...options })))
    )
  }

  it.scopedLive("in a public application, at the endpoint for everybody", () =>
    Effect.gen(function* () {
      const client = yield* desktop("common")
      const result = yield* signIn(client, {
        scopes: [defaults.middleTierScope],
        redirectUri: "http://localhost:49152",
        username: defaults.otherUsername
      })
      assert.strictEqual(result.tenantId, defaults.otherTenantId)
      assert.strictEqual(Jose.decodeJwt(result.accessToken).aud, defaults.clientId)
    }).pipe(Effect.provide(tls))
  )

  it.scopedLive("by a refresh token that it is given", () =>
    Effect.gen(function* () {
      const client = yield* confidential()
      yield* signIn(client, { scopes: [defaults.apiUserScope] })
      const cache = JSON.parse(client.getTokenCache().serialize()) as {
        readonly RefreshToken: Readonly<Record<string, { readonly secret: string }>>
      }
      const [{ secret = "" } = {}] = Object.values(cache.RefreshToken)
      const other = yield* confidential()
      const result = present(
        yield* attempt(() =>
          other.acquireTokenByRefreshToken({ refreshToken: secret, scopes: [defaults.apiUserScope] })
        )
      )
      assert.strictEqual(Jose.decodeJwt(result.accessToken).oid, defaults.userObjectId)
    }).pipe(Effect.provide(tls))
  )

  it.scopedLive("until they are revoked, which is its InteractionRequiredAuthError", () =>
    Effect.gen(function* () {
      const client = yield* confidential()
      const first = yield* signIn(client, { scopes: [defaults.apiUserScope] })
      yield* (yield* EntraEmulator).revoke(defaults.username)
      const error = yield* Effect.flip(silently(client, first, [defaults.apiUserScope], true))
      assert.instanceOf(error, InteractionRequiredAuthError)
      if (!(error instanceof InteractionRequiredAuthError)) return
      assert.strictEqual(error.subError, "bad_token")
    }).pipe(Effect.provide(tls))
  )
})

describe("@azure/msal-node on behalf of people", () => {
  const onBehalf = (client: ConfidentialClientApplication, oboAssertion: string) =>
    attempt(() => client.acquireTokenOnBehalfOf({ oboAssertion, scopes: [defaults.apiUserScope] }))

  it.scopedLive("gets the token of the API behind it", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const { userToken } = yield* EntraEmulator
      const assertion = yield* userToken({
        username: defaults.username,
        api: defaults.middleTierIdentifierUri,
        origin
      })
      const client = yield* confidential()
      const result = present(yield* onBehalf(client, Redacted.value(assertion)))
      const { oid, azp } = Jose.decodeJwt(result.accessToken)
      assert.deepStrictEqual([oid, azp], [defaults.userObjectId, defaults.clientId])
      assert.isTrue((yield* onBehalf(client, Redacted.value(assertion)))?.fromCache)
    }).pipe(Effect.provide(tls))
  )

  it.scopedLive("is told the claims that a policy demands, with which its caller signs in again", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.setPolicies(defaults.apiAppId, [{ id: "the-policy", requires: "mfa" }])
      const caller = yield* desktop()
      const wanted = { scopes: [defaults.middleTierScope], redirectUri: "http://localhost:49152" }
      const before = yield* signIn(caller, wanted)
      const middle = yield* confidential()
      const error = yield* Effect.flip(onBehalf(middle, before.accessToken))
      assert.instanceOf(error, InteractionRequiredAuthError)
      if (!(error instanceof InteractionRequiredAuthError)) return
      assert.deepStrictEqual([error.errorCode, error.subError], ["interaction_required", "basic_action"])
      const claims = error.claims
      assert.include(claims, "the-policy")
      const after = yield* signIn(caller, { ...wanted, claims })
      assert.isString((yield* onBehalf(middle, after.accessToken))?.accessToken)
    }).pipe(Effect.provide(tls))
  )
})

describe("@azure/msal-node at other authorities", () => {
  it.scopedLive("Azure AD B2C: a user flow is an authority", () =>
    Effect.gen(function* () {
      const client = yield* confidential(`${defaults.b2cDomain}/${defaults.b2cUserFlow}`)
      const first = yield* signIn(client, { scopes: [defaults.b2cScope], username: defaults.b2cUsername })
      const home = `${defaults.b2cUserObjectId}-${defaults.b2cUserFlow}.${defaults.b2cTenantId}`
      assert.strictEqual(first.account?.homeAccountId, home)
      assert.strictEqual(Jose.decodeJwt(first.accessToken).tfp, defaults.b2cUserFlow)
      for (const _ of [1, 2]) {
        assert.isFalse((yield* silently(client, first, [defaults.b2cScope], true)).fromCache)
      }
      yield* (yield* EntraEmulator).revoke(defaults.b2cUsername)
      const error = yield* Effect.flip(silently(client, first, [defaults.b2cScope], true))
      assert.instanceOf(error, ServerError)
      assert.include(String(error), "AADB2C90129")
    }).pipe(Effect.provide(tls))
  )

  it.scopedLive("AD FS: the farm is an authority", () =>
    Effect.gen(function* () {
      const client = yield* confidential("adfs")
      const first = yield* signIn(client, { scopes: [defaults.adfsScope], username: defaults.adfsUsername })
      assert.strictEqual(first.account?.username, defaults.adfsUsername)
      assert.strictEqual(Jose.decodeJwt(first.accessToken).upn, defaults.adfsUsername)
      const renewed = yield* silently(client, first, [defaults.adfsScope], true)
      assert.isFalse(renewed.fromCache)
      assert.deepStrictEqual(yield* grants, ["authorization_code", "refresh_token"])
    }).pipe(Effect.provide(tls))
  )
})
