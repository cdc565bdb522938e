import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import * as MsalCacheFormat from "../../src/cache/MsalCacheFormat.js"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as Authority from "../../src/core/Authority.js"
import { defaults } from "../support/emulated.js"
import { callerToken } from "../support/people.js"
import {
  accountsOfMsal,
  aged,
  alice,
  appMsal,
  asking,
  bob,
  carol,
  entitiesOf,
  msal,
  Origin,
  onBehalfMsal,
  ours,
  publicCloud,
  signInMsal,
  signInOurs,
  silentlyMsal,
  unasked,
  worlds
} from "./msalCacheFormatClients.js"

/** A cache in memory, a client over it, and what it gives to MSAL and takes from it. */
const plain = Effect.gen(function* () {
  const context = yield* Layer.build(TokenCache.layerMemory())
  const cache = Context.get(context, TokenCache.TokenCache)
  const authority = Authority.entra({ tenantId: defaults.tenantId, host: yield* Origin })
  const whose = { clientId: defaults.clientId, authority }
  return {
    client: yield* ours(Layer.succeedContext(context)),
    cache,
    take: (text: string, change: Partial<MsalCacheFormat.ClientOptions> = {}) =>
      Effect.provide(MsalCacheFormat.importDocument(text, { ...whose, ...change }), context),
    give: (change: Partial<MsalCacheFormat.ClientOptions> = {}) =>
      Effect.provide(Effect.map(MsalCacheFormat.exportDocument({ ...whose, ...change }), Redacted.value), context)
  }
})

/** All that msal-node has after some work. */
const worked = Effect.gen(function* () {
  const node = yield* msal()
  const assertion = yield* callerToken({ origin: yield* Origin, username: defaults.otherUsername })
  const tokens = {
    alice: (yield* signInMsal(node)).accessToken,
    bob: (yield* signInMsal(node, { username: defaults.secondUsername })).accessToken,
    files: (yield* silentlyMsal(node, alice, defaults.otherApiUserScope)).accessToken,
    app: (yield* appMsal(node)).accessToken,
    onBehalf: (yield* onBehalfMsal(node, assertion)).accessToken
  }
  return { assertion, text: node.getTokenCache().serialize(), tokens }
})

const ids = (accounts: ReadonlyArray<{ readonly homeAccountId: string }>) =>
  accounts.map(({ homeAccountId }) => homeAccountId)

const silent = (homeAccountId: string, scopes: string = defaults.apiUserScope) => ({
  account: { homeAccountId },
  scopes
})

for (const [name, world] of Object.entries(worlds)) {
  describe(`moving over from msal-node, at ${name}`, () => {
    it.scopedLive("nobody signs in again, and nothing is asked for that is there", () =>
      Effect.gen(function* () {
        const { assertion, text, tokens } = yield* worked
        const { client, take } = yield* plain
        assert.deepStrictEqual(yield* take(text), { accounts: 3, accessTokens: 5 })
        assert.sameMembers(ids(yield* client.getAccounts({ session: "" })), [alice, bob, carol])
        const found = yield* unasked(
          Effect.all({
            alice: client.acquireTokenSilent(silent(alice)),
            bob: client.acquireTokenSilent(silent(bob)),
            files: client.acquireTokenSilent(silent(alice, defaults.otherApiUserScope)),
            app: client.acquireTokenByClientCredential({ scopes: defaults.apiScope }),
            onBehalf: client.acquireTokenOnBehalfOf({ assertion, scopes: defaults.apiUserScope })
          })
        )
        const opened = Object.entries(found).map(([name, { accessToken }]) => [name, Redacted.value(accessToken)])
        assert.deepStrictEqual(Object.fromEntries(opened), tokens)
      }).pipe(Effect.provide(world()))
    )

    it.scopedLive("the refresh tokens come along, of which the newest alone is good", () =>
      Effect.gen(function* () {
        const { text } = yield* worked
        const { client, take } = yield* plain
        assert.deepStrictEqual(yield* take(aged(text)), { accounts: 3, accessTokens: 0 })
        for (const homeAccountId of [alice, bob]) {
          const { sent } = yield* asking(client.acquireTokenSilent(silent(homeAccountId)))
          assert.deepStrictEqual(
            sent.map(({ grant_type }) => grant_type),
            ["refresh_token"]
          )
        }
        const again = yield* asking(client.acquireTokenSilent(silent(alice, defaults.otherApiUserScope)))
        assert.lengthOf(again.sent, 1)
      }).pipe(Effect.provide(world({ refreshTokens: "rotating" })))
    )

    it.scopedLive("what we have, msal-node serves from an exported document", () =>
      Effect.gen(function* () {
        const { client, give } = yield* plain
        const signedIn = yield* signInOurs(client)
        yield* signInOurs(client, { username: defaults.secondUsername })
        const app = yield* client.acquireTokenByClientCredential({ scopes: defaults.apiScope })
        const files = yield* client.acquireTokenSilent(silent(alice, defaults.otherApiUserScope))
        const node = yield* msal(undefined, yield* give())
        assert.sameMembers(ids(yield* accountsOfMsal(node)), [alice, bob])
        const found = yield* unasked(
          Effect.all([silentlyMsal(node, alice), silentlyMsal(node, alice, defaults.otherApiUserScope), appMsal(node)])
        )
        assert.deepStrictEqual(
          found.map(({ accessToken }) => accessToken),
          [signedIn.token, files, app].map(({ accessToken }) => Redacted.value(accessToken))
        )
      }).pipe(Effect.provide(world()))
    )

    it.scopedLive("msal-node renews by an exported refresh token, and knows the claims of the id token then", () =>
      Effect.gen(function* () {
        const { client, give } = yield* plain
        yield* signInOurs(client)
        const node = yield* msal(undefined, aged(yield* give()))
        const [before] = yield* accountsOfMsal(node)
        assert.isUndefined(before?.idTokenClaims)
        assert.strictEqual(before?.username, defaults.username)
        const { sent, value } = yield* asking(silentlyMsal(node, alice))
        assert.lengthOf(sent, 1)
        assert.strictEqual(value.account?.username, defaults.username)
        const [after] = yield* accountsOfMsal(node)
        assert.strictEqual(after?.idTokenClaims?.oid, defaults.userObjectId)
      }).pipe(Effect.provide(world({ refreshTokens: "rotating" })))
    )
  })
}

describe("moving over from msal-node", () => {
  it.scopedLive("twice is as good as once, and what came since stays", () =>
    Effect.gen(function* () {
      const { text } = yield* worked
      const { client, give, take } = yield* plain
      yield* take(text)
      yield* client.acquireTokenSilent({ ...silent(alice), forceRefresh: true })
      const newest = entitiesOf(yield* give(), "RefreshToken").map(({ secret }) => secret)
      yield* take(text)
      assert.deepStrictEqual(
        entitiesOf(yield* give(), "RefreshToken").map(({ secret }) => secret),
        newest
      )
      assert.lengthOf(yield* client.getAccounts({ session: "" }), 3)
      yield* client.acquireTokenSilent({ ...silent(alice), forceRefresh: true })
    }).pipe(Effect.provide(publicCloud({ refreshTokens: "rotating" })))
  )

  it.scopedLive("there and back loses nothing that it needs", () =>
    Effect.gen(function* () {
      const { text, tokens } = yield* worked
      const { give, take } = yield* plain
      yield* take(text)
      const node = yield* msal(undefined, yield* give())
      assert.sameMembers(ids(yield* accountsOfMsal(node)), [alice, bob, carol])
      const found = yield* unasked(
        Effect.all([silentlyMsal(node, alice), silentlyMsal(node, alice, defaults.otherApiUserScope), appMsal(node)])
      )
      assert.deepStrictEqual(
        found.map(({ accessToken }) => accessToken),
        [tokens.alice, tokens.files, tokens.app]
      )
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("into a session of ours, and none other", () =>
    Effect.gen(function* () {
      const { text } = yield* worked
      const { client, give, take } = yield* plain
      yield* take(text, { session: "a browser" })
      assert.deepStrictEqual(yield* client.getAccounts({ session: "" }), [])
      assert.lengthOf(yield* client.getAccounts({ session: "a browser" }), 3)
      yield* unasked(client.acquireTokenSilent({ ...silent(alice), session: "a browser" }))
      assert.deepStrictEqual(entitiesOf(yield* give(), "Account"), [])
      assert.lengthOf(entitiesOf(yield* give({ session: "a browser" }), "Account"), 3)
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("for a client with capabilities", () =>
    Effect.gen(function* () {
      const { text, tokens } = yield* worked
      const context = yield* Layer.build(TokenCache.layerMemory())
      const authority = Authority.entra({ tenantId: defaults.tenantId })
      const clientCapabilities = ["cp1"]
      const { clientId } = defaults
      const taken = MsalCacheFormat.importDocument(text, { authority, clientId, clientCapabilities })
      yield* Effect.provide(taken, context)
      const client = yield* ours(Layer.succeedContext(context), { clientCapabilities })
      const token = yield* unasked(client.acquireTokenByClientCredential({ scopes: defaults.apiScope }))
      assert.strictEqual(Redacted.value(token.accessToken), tokens.app)
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("takes nothing of other clients and other clouds", () =>
    Effect.gen(function* () {
      const { text } = yield* worked
      const { client, take } = yield* plain
      for (const other of [
        { clientId: defaults.publicClientId },
        { authority: Authority.entra({ tenantId: defaults.tenantId, cloud: "usGovernment" }) }
      ])
        assert.deepStrictEqual(yield* take(text, other), { accounts: 0, accessTokens: 0 })
      assert.deepStrictEqual(yield* client.getAccounts({ session: "" }), [])
    }).pipe(Effect.provide(publicCloud()))
  )

  for (const [name, text, reason] of [
    ["no JSON", "{", "json"],
    ["an array", "[]", "shape"],
    ["a section that is none", JSON.stringify({ Account: "a secret" }), "shape"]
  ] as const)
    it.scopedLive(`refuses what is no document: ${name}`, () =>
      Effect.gen(function* () {
        const { take } = yield* plain
        const error = yield* Effect.flip(take(text))
        assert.deepInclude(error, { _tag: "MalformedDocument", reason })
        assert.notInclude(error.message, "a secret")
      }).pipe(Effect.provide(publicCloud()))
    )

  it.scopedLive("an export shows nothing, however it is printed", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(TokenCache.layerMemory())
      const client = yield* ours(Layer.succeedContext(context))
      const { token } = yield* signInOurs(client)
      const authority = Authority.entra({ tenantId: defaults.tenantId })
      const exported = yield* Effect.provide(
        MsalCacheFormat.exportDocument({ authority, clientId: defaults.clientId }),
        context
      )
      assert.include(Redacted.value(exported), Redacted.value(token.accessToken))
      assert.strictEqual(`${exported} ${JSON.stringify(exported)}`, '<redacted> "<redacted>"')
    }).pipe(Effect.provide(publicCloud()))
  )
})
