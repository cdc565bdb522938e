import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Redacted } from "effect"
import { Redis as Ioredis } from "ioredis"
import { groupOf, partitionIn } from "../../src/cache/cacheKey.js"
import type * as TokenCache from "../../src/cache/TokenCache.js"
import type { TokenStore } from "../../src/cache/TokenStore.js"
import { Account } from "../../src/core/Account.js"
import * as Redis from "../support/redis.js"
import { apiIds, authority, keysOf, replica, replicaOfStore, textOf } from "./redisFleet.js"

const scope = `api://${apiIds[0]}/.default`

const connectTo = (url: string) => () => new Ioredis(url)

const prepared = Effect.gen(function* () {
  const [redis, entra] = yield* Effect.all([Redis.start(), authority()])
  return { redis, entra, connect: connectTo(redis.url) }
})

/** Blocks this process, as a long computation does. */
const stall = (millis: number) => {
  const end = Date.now() + millis
  while (Date.now() < end) {}
}

/** The process is busy while the reply to its first question is on its way. */
const stalledOnce = (store: TokenStore): TokenStore => {
  let isDone = false
  return {
    ...store,
    get: (key) =>
      Effect.gen(function* () {
        const reply = yield* Effect.fork(store.get(key))
        yield* Effect.yieldNow()
        if (!isDone) {
          isDone = true
          stall(600)
        }
        return yield* Fiber.join(reply)
      })
  }
}

/** The reply to who takes the first lease is late, though the lease is taken. */
const lateLease = (store: TokenStore): TokenStore => {
  const { compareAndSet } = store
  let isDone = false
  return {
    ...store,
    ...(compareAndSet !== undefined && {
      compareAndSet: (...request: Parameters<typeof compareAndSet>) => {
        if (isDone || !request[0].includes("}:l:")) return compareAndSet(...request)
        isDone = true
        return Effect.zipLeft(compareAndSet(...request), Effect.sleep("600 millis"))
      }
    })
  }
}

/** As many as one group lists. */
const crowd = 1000

describe("a cache over Redis", () => {
  it.scopedLive("lists all users of a large group, and does not take that for an outage", () =>
    Effect.gen(function* () {
      const { connect, entra } = yield* prepared
      const one = yield* replica(entra.origin, connect, { timeout: "10 seconds" })
      const two = yield* replica(entra.origin, connect)
      const group = groupOf({ clientId: "client", environment: "entra", kind: "account", session: "" })
      const user = (id: string): TokenCache.User => ({
        account: new Account({
          homeAccountId: id,
          localAccountId: id,
          tenantId: "contoso",
          username: undefined,
          name: undefined,
          idTokenClaims: {}
        }),
        tenantId: "contoso",
        refreshToken: Redacted.make(id.padEnd(1000, "x"))
      })
      for (let index = 0; index < crowd; index += 1)
        yield* one.cache.modifyUser(partitionIn(group, `user${index}`), one.cache.unsafeNextSequence(), () =>
          user(`user${index}`)
        )
      const listed = yield* two.within(two.cache.users(group))
      assert.lengthOf(two.lines, 0, two.lines.join("\n"))
      assert.strictEqual(listed.length, crowd)
    })
  )

  it.scopedLive("does not take a stall of its own process for silence of the store", () =>
    Effect.gen(function* () {
      const { connect, entra } = yield* prepared
      const one = yield* replicaOfStore(entra.origin, connect, stalledOnce)
      const two = yield* replica(entra.origin, connect)
      yield* one.client.app.forScopes(scope).getToken()
      yield* two.client.app.forScopes(scope).getToken()
      assert.deepStrictEqual(one.lines, [])
      assert.strictEqual(yield* entra.count, 1)
    })
  )

  it.scopedLive("leaves no lease behind that it was not told of in time: nobody waits for who does not ask", () =>
    Effect.gen(function* () {
      const { connect, entra } = yield* prepared
      const one = yield* replicaOfStore(entra.origin, connect, lateLease)
      const two = yield* replica(entra.origin, connect)
      yield* one.client.app.forScopes(scope).getToken()
      const [took] = yield* Effect.timed(two.client.app.forScopes(scope).getToken())
      assert.isBelow(Duration.toMillis(took), 6000)
    })
  )

  it.scopedLive("leaves a store alone no longer when it fails many at once than when it fails one", () =>
    Effect.gen(function* () {
      const { connect, entra, redis } = yield* prepared
      const one = yield* replica(entra.origin, connect)
      const two = yield* replica(entra.origin, connect)
      const [mine = one.client.app.forScopes("x"), ...others] = keysOf.scopes(one.client.app)
      yield* mine.getToken()
      yield* redis.pause
      yield* Effect.all(
        others.map((key) => key.getToken()),
        { concurrency: "unbounded" }
      )
      yield* redis.resume
      yield* Effect.sleep("3 seconds")
      const fresh = yield* mine.getToken({ forceRefresh: true })
      const [theirs = mine] = keysOf.scopes(two.client.app)
      assert.isTrue(textOf(yield* theirs.getToken()) === textOf(fresh), "what it wins is shared again")
      assert.lengthOf(one.lines, 2, one.lines.join("\n"))
    })
  )
})
