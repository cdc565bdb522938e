import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Redis } from "ioredis"
import * as MsalCacheFormat from "../../src/cache/MsalCacheFormat.js"
import * as TokenCacheRedis from "../../src/cache/TokenCacheRedis.js"
import { defaults } from "../support/emulated.js"
import * as RedisServer from "../support/redis.js"
import {
  accountsOfMsal,
  aged,
  alice,
  appMsal,
  asking,
  carol,
  entitiesOf,
  msal,
  ours,
  ownHost,
  publicCloud,
  signInMsal,
  signInOurs,
  silentlyMsal,
  unasked
} from "./msalCacheFormatClients.js"
import { redisPlugin } from "./msalCacheFormatPlugins.js"

const key = "msal:the application's cache"

/** A Redis with one entry, and those who share it. */
const sharedEntry = Effect.gen(function* () {
  const { url } = yield* RedisServer.start()
  const redis = yield* Effect.acquireRelease(
    Effect.sync(() => new Redis(url)),
    (connection) => Effect.sync(() => connection.disconnect())
  )
  const store = TokenCacheRedis.makeStore({ client: () => new Redis(url), prefix: "" })
  const text = Effect.promise(async () => (await redis.get(key)) ?? "")
  const put = (document: string) => Effect.promise(() => redis.set(key, document))
  return {
    redis,
    text,
    put,
    ours: ours(MsalCacheFormat.layerStore(store, { key })),
    msal: msal(redisPlugin(redis, key))
  }
})

const silentRequest = { account: { homeAccountId: alice }, scopes: defaults.apiUserScope }

describe("one entry of Redis with msal-node", () => {
  it.scopedLive("the app's tokens of each are the other's", () =>
    Effect.gen(function* () {
      const shared = yield* sharedEntry
      const client = yield* shared.ours
      const node = yield* shared.msal
      const first = yield* client.acquireTokenByClientCredential({ scopes: defaults.apiScope })
      assert.strictEqual((yield* unasked(appMsal(node))).accessToken, Redacted.value(first.accessToken))
      const second = yield* appMsal(node, defaults.otherApiScope)
      const found = yield* unasked(client.acquireTokenByClientCredential({ scopes: defaults.otherApiScope }))
      assert.strictEqual(Redacted.value(found.accessToken), second.accessToken)
    }).pipe(Effect.provide(ownHost()))
  )

  it.scopedLive("the users of each are the other's, and so are their newest refresh tokens", () =>
    Effect.gen(function* () {
      const shared = yield* sharedEntry
      const node = yield* shared.msal
      yield* signInOurs(yield* shared.ours)
      yield* signInMsal(node, { username: defaults.otherUsername })
      const everybody = [alice, carol]
      const known = yield* (yield* shared.ours).getAccounts({ session: "" })
      assert.sameMembers(
        known.map(({ homeAccountId }) => homeAccountId),
        everybody
      )
      assert.sameMembers(
        (yield* accountsOfMsal(node)).map(({ homeAccountId }) => homeAccountId),
        everybody
      )
      for (const _ of [1, 2]) {
        yield* shared.put(aged(yield* shared.text))
        assert.lengthOf((yield* asking(silentlyMsal(node, alice))).sent, 1)
        yield* shared.put(aged(yield* shared.text))
        const client = yield* shared.ours
        const { sent, value } = yield* asking(client.acquireTokenSilent(silentRequest))
        assert.lengthOf(sent, 1)
        assert.strictEqual((yield* unasked(silentlyMsal(node, alice))).accessToken, Redacted.value(value.accessToken))
      }
      assert.lengthOf(entitiesOf(yield* shared.text, "RefreshToken"), 2)
    }).pipe(Effect.provide(publicCloud({ refreshTokens: "rotating" })))
  )

  it.scopedLive("holds nothing else than the document and, for a while, who asks", () =>
    Effect.gen(function* () {
      const shared = yield* sharedEntry
      const client = yield* shared.ours
      yield* client.acquireTokenByClientCredential({ scopes: defaults.apiScope })
      yield* Effect.sleep("50 millis")
      assert.deepStrictEqual(yield* Effect.promise(() => shared.redis.keys("*")), [key])
      assert.isAbove(yield* Effect.promise(() => shared.redis.ttl(key)), 80 * 24 * 3600)
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("six of our processes that write at the same moment lose nothing of each other", () =>
    Effect.gen(function* () {
      const shared = yield* sharedEntry
      const tenants = [defaults.tenantId, defaults.otherTenantId]
      const scopes = [defaults.apiScope, defaults.otherApiScope, defaults.graphScope]
      const wanted = tenants.flatMap((tenantId) => scopes.map((scope) => ({ tenantId, scopes: scope })))
      const clients = yield* Effect.all(wanted.map(() => shared.ours))
      yield* Effect.all(
        clients.map((client, index) => {
          const { scopes = defaults.apiScope, tenantId } = wanted[index] ?? {}
          return client.acquireTokenByClientCredential({ scopes, tenantId })
        }),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(entitiesOf(yield* shared.text, "AccessToken"), wanted.length)
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("what is no document is left alone, and we go on in memory", () =>
    Effect.gen(function* () {
      const shared = yield* sharedEntry
      yield* shared.put("somebody's own")
      const client = yield* shared.ours
      yield* client.acquireTokenByClientCredential({ scopes: defaults.apiScope })
      yield* unasked(client.acquireTokenByClientCredential({ scopes: defaults.apiScope }))
      assert.strictEqual(yield* shared.text, "somebody's own")
    }).pipe(Effect.provide(publicCloud()))
  )
})
