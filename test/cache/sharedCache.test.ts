import { KeyValueStore } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Duration, Effect, Fiber, Layer, Logger, Redacted, type Scope, TestClock } from "effect"
import { type CacheKey, type HolderName, partitionOf, tokenKey } from "../../src/cache/cacheKey.js"
import * as TokenCache from "../../src/cache/TokenCache.js"
import type * as TokenEncryption from "../../src/cache/TokenEncryption.js"
import { StoreError, type TokenStore } from "../../src/cache/TokenStore.js"
import * as AccessToken from "../../src/core/AccessToken.js"
import { Account } from "../../src/core/Account.js"
import { eventually } from "../support/emulated.js"
import { type WatchedStore, watchedStore } from "./stores.js"

const keyOf = (holder: Partial<HolderName> = {}, scope = "graph"): CacheKey =>
  tokenKey({
    partition: partitionOf({
      clientId: "client",
      environment: "entra",
      kind: "app",
      id: "contoso",
      session: "",
      ...holder
    }),
    kind: [],
    scopeKey: scope,
    target: { tenantId: "contoso", scopes: [scope], isPlain: true }
  })

const app = keyOf()
const ann = keyOf({ kind: "account", id: "ann", session: "one" })

const token = (value: string, expiresAtMillis = 3_600_000) =>
  AccessToken.make({ accessToken: Redacted.make(value), scopes: ["graph"], expiresAtMillis })

const textOf = ({ accessToken }: AccessToken.AccessToken) => Redacted.value(accessToken)

type Cache = TokenCache.TokenCacheService

/** What a client's flight asks a cache for. */
const ask = (
  cache: Cache,
  exchange: Effect.Effect<AccessToken.AccessToken>,
  { key = app, ...asked }: Partial<TokenCache.Asked> & { readonly key?: CacheKey } = {}
) =>
  Effect.suspend(() =>
    cache.obtain(
      key,
      { sequence: cache.unsafeNextSequence(), isAnew: false, after: cache.unsafeGet(key)?.cachedAt, ...asked },
      exchange
    )
  )

const won = (value: string, expiresAtMillis?: number) => Effect.sync(() => token(value, expiresAtMillis))
const patience = Duration.seconds(60)
const never = Effect.die("another exchange")

const replicas = (
  { store }: Pick<WatchedStore, "store">,
  options?: TokenCache.StoreOptions
): Effect.Effect<readonly [Cache, Cache], never, Scope.Scope> =>
  Effect.orDie(Effect.all([TokenCache.make(store, options), TokenCache.make(store, options)]))

const valueAt = (cache: Cache, key: CacheKey) => {
  const entry = cache.unsafeGet(key)
  return entry === undefined ? undefined : textOf(entry.token)
}

const user = (refreshToken: string, homeAccountId = "ann"): TokenCache.User => ({
  account: new Account({
    homeAccountId,
    localAccountId: homeAccountId,
    tenantId: "contoso",
    username: `${homeAccountId}@contoso.com`,
    name: undefined,
    idTokenClaims: { sub: homeAccountId }
  }),
  tenantId: "contoso",
  refreshToken: Redacted.make(refreshToken)
})

const signIn = (cache: Cache, refreshToken: string, key = ann) =>
  cache.modifyUser(key.partition, cache.unsafeNextSequence(), () => user(refreshToken, key.partition.holder.id))

const refreshTokenOf = (cache: Cache, key = ann) =>
  Effect.map(cache.user(key.partition), (known) => known?.refreshToken && Redacted.value(known.refreshToken))

describe("a token in a store", () => {
  it.scoped("that one process has won serves the others", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      assert.deepInclude(yield* ask(one, won("first")), { source: "identity_provider" })
      const found = yield* ask(two, never)
      assert.deepStrictEqual([textOf(found), found.source], ["first", "cache"])
      assert.strictEqual(valueAt(two, app), "first")
    })
  )

  it.scoped("is as old for the others as it is", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      yield* ask(one, won("first"))
      yield* TestClock.adjust("30 minutes")
      yield* ask(two, never)
      const [mine, theirs] = [one.unsafeGet(app), two.unsafeGet(app)]
      assert.deepStrictEqual(
        [theirs?.cachedAt, theirs?.freshUntil, theirs?.servesUntil],
        [mine?.cachedAt, mine?.freshUntil, mine?.servesUntil]
      )
    })
  )

  it.scoped("serves nobody anew within its last minutes", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      yield* ask(one, won("first"))
      yield* TestClock.adjust("56 minutes")
      assert.strictEqual(textOf(yield* ask(two, won("second", 7_200_000))), "second")
      assert.strictEqual(textOf(yield* ask(one, never)), "second")
    })
  )

  it.scoped("of another key, partition or claims serves nobody", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      yield* ask(one, won("first"))
      for (const key of [keyOf({}, "vault"), keyOf({ id: "fabrikam" }), keyOf({ kind: "process" })])
        assert.strictEqual(textOf(yield* ask(two, won("second"), { key })), "second")
    })
  )

  it.scoped("is not for who wants one anew, or with claims that it was not won with", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      yield* ask(one, won("first"), { claims: "{}" })
      assert.strictEqual(textOf(yield* ask(two, never, { claims: "{}" })), "first")
      assert.strictEqual(textOf(yield* ask(two, won("second"), { claims: '{"a":1}' })), "second")
      assert.strictEqual(textOf(yield* ask(two, won("third"), { isAnew: true })), "third")
    })
  )

  it.scoped("is not kept longer than what it was got with", () =>
    Effect.gen(function* () {
      const [, two] = yield* replicas(watchedStore())
      yield* ask(two, won("first"), { endsAt: 60_000 })
      assert.strictEqual(two.unsafeGet(app)?.servesUntil, 50_000)
    })
  )

  it.scoped("of a machine or a developer never gets there", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      const [one, two] = yield* replicas(watched)
      const key = keyOf({ kind: "local" })
      yield* ask(one, won("first"), { key })
      yield* one.set(key, token("second"), one.unsafeNextSequence())
      yield* one.reject(key, token("third"))
      yield* one.modifyUser(key.partition, one.unsafeNextSequence(), () => user("refresh"))
      yield* one.confirm(key)
      yield* one.user(key.partition)
      yield* one.remove(key.partition)
      assert.strictEqual(textOf(yield* ask(two, won("fourth"), { key })), "fourth")
      assert.deepStrictEqual(watched.asked, [])
    })
  )
})

describe("what memory holds", () => {
  const looked = (cache: Cache, key: CacheKey) => cache.unsafeGet(key)?.quickUntil ?? Number.POSITIVE_INFINITY

  it.scoped("is looked at within a minute, where it serves other scopes, too", () =>
    Effect.gen(function* () {
      const [one] = yield* replicas(watchedStore())
      yield* ask(one, won("first"))
      const entry = one.unsafeGet(app)
      assert(entry !== undefined)
      const other = keyOf({}, "graph.read")
      yield* one.alias(other, entry, undefined)
      assert.isAtMost(looked(one, other), 60_000)
    })
  )

  it.scoped("is looked at within a minute, where it was won while the store was away", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      const [one, two] = yield* replicas(watched)
      watched.state = "failing"
      yield* ask(one, won("first"))
      assert.isAtMost(looked(one, app), 60_000)
      watched.state = "well"
      yield* TestClock.adjust("2 seconds")
      yield* one.confirm(app)
      assert.strictEqual(valueAt(one, app), "first")
      yield* two.remove(app.partition)
      yield* TestClock.adjust("1 minute")
      yield* one.confirm(app)
      yield* one.confirm(app)
      assert.strictEqual(textOf(yield* ask(two, won("second"))), "second")
    })
  )

  it.scoped("is looked at again soon where who looked was interrupted", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      const [one] = yield* replicas(watched)
      yield* ask(one, won("first"))
      yield* TestClock.adjust("1 minute")
      watched.delay = "100 millis"
      const looking = yield* Effect.fork(one.confirm(app))
      const { length } = watched.asked
      yield* eventually(
        Effect.sync(() => watched.asked.length),
        (now) => now > length
      )
      yield* Fiber.interrupt(looking)
      yield* one.confirm(app).pipe(Effect.fork, Effect.zipRight(TestClock.adjust("2 seconds")))
      assert.isAtMost(looked(one, app), 64_000)
    })
  )
})

describe("processes that ask at once", () => {
  const slow = (calls: Array<string>) =>
    Effect.suspend(() => {
      calls.push("call")
      return Effect.as(Effect.sleep("2 seconds"), token(`token ${calls.length}`))
    })

  const atOnce = (caches: ReadonlyArray<Cache>, exchange: Effect.Effect<AccessToken.AccessToken>) =>
    Effect.gen(function* () {
      const fibers = yield* Effect.forEach(caches, (cache) => Effect.fork(ask(cache, exchange)))
      const all = yield* Effect.fork(Fiber.joinAll(fibers))
      yield* eventually(
        TestClock.adjust("100 millis").pipe(Effect.zipRight(Fiber.poll(all))),
        (exit) => exit._tag === "Some"
      )
      return (yield* Fiber.join(all)).map(textOf)
    })

  const four = (store: WatchedStore["store"]) =>
    Effect.orDie(Effect.all(Array.from({ length: 4 }, () => TokenCache.make(store))))

  it.scoped("send one request, where the store can hold leases", () =>
    Effect.gen(function* () {
      const calls: Array<string> = []
      const tokens = yield* atOnce(yield* four(watchedStore().store), slow(calls))
      assert.deepStrictEqual([calls.length, new Set(tokens)], [1, new Set(["token 1"])])
    })
  )

  it.scoped("ask each for themselves, where it can't", () =>
    Effect.gen(function* () {
      const calls: Array<string> = []
      yield* atOnce(yield* four(watchedStore().plain), slow(calls))
      assert.strictEqual(calls.length, 4)
    })
  )

  it.scoped("take turns where each fails", () =>
    Effect.gen(function* () {
      const calls: Array<string> = []
      const failing = Effect.zipRight(slow(calls), Effect.fail("refused"))
      const caches = yield* four(watchedStore().store)
      const fibers = yield* Effect.forEach(caches, (cache) =>
        Effect.fork(cache.obtain(app, { sequence: 1, isAnew: false, after: undefined }, failing))
      )
      const all = yield* Effect.fork(Effect.forEach(fibers, Fiber.await))
      yield* eventually(
        TestClock.adjust("100 millis").pipe(Effect.zipRight(Fiber.poll(all))),
        (exit) => exit._tag === "Some"
      )
      assert.strictEqual(calls.length, 4)
    })
  )

  it.scoped("wait no longer for one that crashed than its lease lasts", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      const [one, two] = yield* replicas(watched)
      const crashed = yield* Effect.fork(ask(one, Effect.never))
      yield* eventually(
        Effect.sync(() => [...watched.entries.keys()]),
        (keys) => keys.some((key) => key.includes(":l:"))
      )
      const lease = [...watched.entries].filter(([key]) => key.includes(":l:"))
      yield* Fiber.interrupt(crashed)
      // As it was when the process was there: it had no time to give the lease back.
      for (const [key, kept] of lease) watched.entries.set(key, kept)
      const waiting = yield* Effect.fork(ask(two, won("second")))
      const calls = watched.asked.length
      yield* eventually(
        Effect.sync(() => watched.asked.length),
        (length) => length > calls + 4
      )
      assert.strictEqual((yield* Fiber.poll(waiting))._tag, "None")
      yield* eventually(
        TestClock.adjust("1 second").pipe(Effect.zipRight(Fiber.poll(waiting))),
        (exit) => exit._tag === "Some"
      )
      assert.strictEqual(textOf(yield* Fiber.join(waiting)), "second")
    })
  )

  it.scoped("keep the lease for as long as it takes", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      const [one, two] = yield* replicas(watched, { lease: "3 seconds" })
      const long = yield* Effect.fork(ask(one, Effect.as(Effect.sleep("20 seconds"), token("first"))))
      yield* eventually(
        Effect.sync(() => [...watched.entries.keys()]),
        (keys) => keys.some((key) => key.includes(":l:"))
      )
      const waiting = yield* Effect.fork(ask(two, never))
      yield* eventually(
        TestClock.adjust("500 millis").pipe(Effect.zipRight(Fiber.poll(waiting))),
        (exit) => exit._tag === "Some"
      )
      assert.deepStrictEqual([textOf(yield* Fiber.join(long)), textOf(yield* Fiber.join(waiting))], ["first", "first"])
    })
  )

  it.scoped("give the lease back when they are interrupted", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      const [one, two] = yield* replicas(watched)
      const fiber = yield* Effect.fork(ask(one, Effect.never))
      yield* eventually(
        Effect.sync(() => [...watched.entries.keys()]),
        (keys) => keys.some((key) => key.includes(":l:"))
      )
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(textOf(yield* ask(two, won("second"))), "second")
    })
  )
})

describe("a token that its resource has refused", () => {
  it.scoped("is no longer in the store, nor can it come back", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      yield* ask(one, won("refused"))
      yield* one.reject(app, token("refused"))
      assert.strictEqual(textOf(yield* ask(two, won("second"))), "second")
      assert.strictEqual(textOf(yield* ask(one, never)), "second")
    })
  )

  it.scoped("is dropped by the others within a minute", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      const other = keyOf({}, "vault")
      yield* ask(one, won("refused"))
      yield* ask(one, won("other"), { key: other })
      yield* ask(two, never)
      yield* ask(two, never, { key: other })
      yield* one.reject(app, token("refused"))
      yield* TestClock.adjust("1 minute")
      assert.isAtMost(two.unsafeGet(app)?.quickUntil ?? 0, 60_000)
      yield* two.confirm(app)
      assert.deepStrictEqual([valueAt(two, app), valueAt(two, other)], [undefined, "other"])
    })
  )
})

describe("a holder who is removed", () => {
  it.scoped("is gone for the others within a minute, with all tokens", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      yield* signIn(one, "refresh")
      yield* ask(one, won("first"), { key: ann })
      yield* ask(two, never, { key: ann })
      assert.strictEqual(yield* refreshTokenOf(two), "refresh")
      assert.isTrue(yield* one.remove(ann.partition))
      assert.strictEqual(valueAt(two, ann), "first")
      yield* TestClock.adjust("1 minute")
      yield* two.confirm(ann)
      assert.isUndefined(valueAt(two, ann))
      assert.isUndefined(yield* refreshTokenOf(two))
      assert.strictEqual(textOf(yield* ask(two, won("second"), { key: ann })), "second")
    })
  )

  it.scoped("was there, says who knows it from the store alone", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      yield* signIn(one, "refresh")
      assert.isTrue(yield* two.remove(ann.partition))
      assert.isFalse(yield* two.remove(ann.partition))
      assert.isUndefined(yield* refreshTokenOf(one))
    })
  )

  it.scoped("does not come back by what was under way, in this process or another", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      const [one, two] = yield* replicas(watched)
      yield* signIn(one, "refresh")
      yield* refreshTokenOf(two)
      const slow = (cache: Cache) =>
        Effect.fork(ask(cache, Effect.as(Effect.sleep("5 seconds"), token("late")), { key: ann }))
      const ours = yield* slow(one)
      yield* eventually(
        Effect.sync(() => [...watched.entries.keys()]),
        (keys) => keys.some((key) => key.includes(":l:"))
      )
      yield* two.remove(ann.partition)
      yield* one.user(ann.partition)
      yield* eventually(
        TestClock.adjust("1 second").pipe(Effect.zipRight(Fiber.poll(ours))),
        (exit) => exit._tag === "Some"
      )
      assert.strictEqual(textOf(yield* Fiber.join(ours)), "late")
      assert.isUndefined(valueAt(one, ann))
      assert.strictEqual(textOf(yield* ask(two, won("new"), { key: ann })), "new")
    })
  )

  it.scoped("does not come back by a refresh that was under way", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      yield* signIn(one, "refresh")
      const sequence = one.unsafeNextSequence()
      yield* two.remove(ann.partition)
      yield* one.modifyUser(ann.partition, sequence, (known) => known && user("refreshed"))
      assert.isUndefined(yield* refreshTokenOf(one))
      assert.isUndefined(yield* refreshTokenOf(two))
    })
  )

  it.scoped("gets no token that was won before: it is not written for who comes after", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      const [one, two] = yield* replicas(watched)
      const three = yield* TokenCache.make(watched.store)
      yield* signIn(one, "refresh")
      yield* refreshTokenOf(two)
      const late = yield* Effect.fork(ask(two, Effect.as(Effect.sleep("5 seconds"), token("of before")), { key: ann }))
      yield* eventually(
        Effect.sync(() => [...watched.entries.keys()]),
        (keys) => keys.some((key) => key.includes(":l:"))
      )
      yield* one.remove(ann.partition)
      yield* signIn(one, "again")
      yield* eventually(
        TestClock.adjust("1 second").pipe(Effect.zipRight(Fiber.poll(late))),
        (exit) => exit._tag === "Some"
      )
      assert.strictEqual(textOf(yield* ask(three, won("of after"), { key: ann })), "of after")
    })
  )

  it.scoped("is listed again where memory still had who was there before", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      yield* signIn(one, "refresh")
      yield* refreshTokenOf(two)
      yield* one.remove(ann.partition)
      yield* signIn(two, "again")
      assert.strictEqual((yield* one.users(ann.partition.group)).length, 1)
    })
  )

  it.scoped("can sign in again, wherever that is", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      yield* signIn(one, "refresh")
      yield* two.remove(ann.partition)
      yield* signIn(one, "again")
      assert.strictEqual(yield* refreshTokenOf(one), "again")
      assert.strictEqual(yield* refreshTokenOf(two), "again")
    })
  )

  it.scoped("goes with all of its group, and with everything", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      const keys = [app, keyOf({ id: "fabrikam" }), ann]
      const fill = Effect.gen(function* () {
        yield* signIn(one, "refresh")
        for (const key of keys) yield* ask(one, won("first"), { key })
        for (const key of keys) yield* ask(two, never, { key })
        yield* TestClock.adjust("1 second")
      })
      const seenByTwo = Effect.gen(function* () {
        yield* TestClock.adjust("1 minute")
        for (const key of keys) yield* two.confirm(key)
        return keys.map((key) => valueAt(two, key))
      })
      yield* fill
      yield* one.removeGroup(app.partition.group)
      assert.deepStrictEqual(
        keys.map((key) => valueAt(one, key)),
        [undefined, undefined, "first"]
      )
      assert.deepStrictEqual(yield* seenByTwo, [undefined, undefined, "first"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(textOf(yield* ask(two, won("second"))), "second")
      assert.strictEqual(textOf(yield* ask(one, never)), "second")
      yield* one.clear
      assert.deepStrictEqual(yield* seenByTwo, [undefined, undefined, undefined])
      assert.isUndefined(yield* refreshTokenOf(two))
    })
  )
})

describe("users", () => {
  it.scoped("are known to all, and listed by their session", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      const bob = keyOf({ kind: "account", id: "bob", session: "one" })
      const eve = keyOf({ kind: "account", id: "eve", session: "two" })
      yield* signIn(one, "of ann")
      yield* signIn(two, "of bob", bob)
      yield* signIn(one, "of eve", eve)
      const names = (cache: Cache) =>
        Effect.map(cache.users(ann.partition.group), (users) => users.map(({ account }) => account?.username))
      assert.deepStrictEqual(yield* names(one), ["ann@contoso.com", "bob@contoso.com"])
      assert.deepStrictEqual(yield* names(two), ["ann@contoso.com", "bob@contoso.com"])
      yield* one.remove(bob.partition)
      assert.deepStrictEqual(yield* names(two), ["ann@contoso.com"])
    })
  )

  it.scoped("keep the refresh token that was written last, whoever writes", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      yield* signIn(one, "0")
      const next = (cache: Cache) =>
        cache.modifyUser(ann.partition, cache.unsafeNextSequence(), (known) =>
          user(`${Number(known?.refreshToken && Redacted.value(known.refreshToken)) + 1}`)
        )
      const all = yield* Effect.fork(Effect.forEach([one, two, one, two, one, two], next, { concurrency: "unbounded" }))
      yield* eventually(
        TestClock.adjust("10 millis").pipe(Effect.zipRight(Fiber.poll(all))),
        (exit) => exit._tag === "Some"
      )
      assert.strictEqual(yield* refreshTokenOf(one), "6")
      assert.strictEqual(yield* refreshTokenOf(two), "6")
    })
  )

  it.scoped("are dealt with by one process at a time", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas(watchedStore())
      let now = 0
      let most = 0
      const use = Effect.gen(function* () {
        now += 1
        most = Math.max(most, now)
        yield* Effect.sleep("1 second")
        now -= 1
      })
      const fibers = yield* Effect.forEach([one, two, one, two], (cache) =>
        Effect.fork(cache.inTurn(ann.partition, patience, "too late", use))
      )
      const all = yield* Effect.fork(Fiber.joinAll(fibers))
      yield* eventually(
        TestClock.adjust("100 millis").pipe(Effect.zipRight(Fiber.poll(all))),
        (exit) => exit._tag === "Some"
      )
      assert.strictEqual(most, 1)
      const held = yield* Effect.fork(one.inTurn(ann.partition, patience, "too late", Effect.never))
      yield* Effect.yieldNow()
      const late = yield* Effect.fork(Effect.flip(two.inTurn(ann.partition, patience, "too late", Effect.void)))
      yield* eventually(
        TestClock.adjust("1 second").pipe(Effect.zipRight(Fiber.poll(late))),
        (exit) => exit._tag === "Some"
      )
      assert.strictEqual(yield* Fiber.join(late), "too late")
      yield* Fiber.interrupt(held)
    })
  )
})

describe("a store that", () => {
  const down = (state: WatchedStore["state"]) =>
    Effect.gen(function* () {
      const watched = watchedStore()
      const lines: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel.label} ${String(message)}`))
      const [one, two] = yield* replicas(watched)
      watched.state = state
      return { watched, one, two, lines, logged: Effect.provide(Logger.replace(Logger.defaultLogger, logger)) }
    })

  /** Lets virtual time pass in small steps until an effect has ended, and tells how much did. */
  const timed = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.gen(function* () {
      const start = yield* Clock.currentTimeMillis
      const fiber = yield* Effect.fork(effect)
      yield* eventually(
        Effect.zipRight(TestClock.adjust("10 millis"), Fiber.poll(fiber)),
        (exit) => exit._tag === "Some"
      )
      return [yield* Fiber.join(fiber), (yield* Clock.currentTimeMillis) - start] as const
    })

  it.scoped("fails costs no token, one warning, and no further question for a while", () =>
    Effect.gen(function* () {
      const { lines, logged, one, watched } = yield* down("failing")
      yield* logged(
        Effect.gen(function* () {
          assert.strictEqual(textOf(yield* ask(one, won("first"))), "first")
          assert.strictEqual(valueAt(one, app), "first")
          const { length } = watched.asked
          for (const scope of ["a", "b", "c"]) yield* ask(one, won(scope), { key: keyOf({}, scope) })
          assert.strictEqual(watched.asked.length, length)
        })
      )
      assert.deepStrictEqual(lines, [
        "WARN The token cache goes on in memory, and tries its store again: The token store's get failed (ECONNREFUSED)"
      ])
    })
  )

  it.scoped("hangs costs a quarter of a second, once", () =>
    Effect.gen(function* () {
      const { one } = yield* down("hanging")
      const [, first] = yield* timed(ask(one, won("first")))
      assert.isAtLeast(first, 250)
      assert.isAtMost(first, 300)
      const [, second] = yield* timed(ask(one, won("second"), { key: keyOf({}, "vault") }))
      assert.isAtMost(second, 50)
    })
  )

  it.scoped("answers again is used again, by itself, and says so", () =>
    Effect.gen(function* () {
      const { lines, logged, one, two, watched } = yield* down("failing")
      yield* logged(
        Effect.gen(function* () {
          yield* ask(one, won("first"))
          watched.state = "well"
          yield* TestClock.adjust("2 seconds")
          yield* ask(one, won("second"), { key: keyOf({}, "vault") })
        })
      )
      assert.strictEqual(textOf(yield* ask(two, never, { key: keyOf({}, "vault") })), "second")
      assert.strictEqual(lines.length, 2)
      assert.strictEqual(lines[1], "INFO The token store answers again")
    })
  )

  it.scoped("comes and goes is worth one warning a minute", () =>
    Effect.gen(function* () {
      const { lines, logged, one, watched } = yield* down("failing")
      const shake = Effect.gen(function* () {
        for (let second = 0; second < 120; second++) {
          watched.state = second % 2 === 0 ? "failing" : "well"
          yield* ask(one, won("x"), { key: keyOf({}, `${second}`) })
          yield* TestClock.adjust("1 second")
        }
      })
      yield* logged(shake)
      assert.isAtMost(lines.filter((line) => line.startsWith("WARN")).length, 2)
      assert.isAtMost(lines.length, 4)
    })
  )

  it.scoped("is away does not lose a refresh token: it is written when the store is back", () =>
    Effect.gen(function* () {
      const { one, two, watched } = yield* down("failing")
      yield* signIn(one, "refresh")
      assert.strictEqual(yield* refreshTokenOf(one), "refresh")
      watched.state = "well"
      yield* eventually(
        Effect.zipRight(TestClock.adjust("2 seconds"), refreshTokenOf(two)),
        (refreshToken) => refreshToken === "refresh"
      )
    })
  )

  it.scoped("is away for long is told of the last refresh token, however many there were", () =>
    Effect.gen(function* () {
      const { one, two, watched } = yield* down("well")
      yield* signIn(one, "0")
      watched.state = "failing"
      const renew = (index: number) =>
        one.modifyUser(ann.partition, one.unsafeNextSequence(), (known) =>
          known?.refreshToken !== undefined && Redacted.value(known.refreshToken) === `${index - 1}`
            ? user(`${index}`)
            : undefined
        )
      for (let index = 1; index <= 100; index++) yield* renew(index)
      assert.strictEqual(yield* refreshTokenOf(one), "100")
      watched.state = "well"
      watched.asked.length = 0
      yield* eventually(
        Effect.zipRight(TestClock.adjust("2 seconds"), refreshTokenOf(two)),
        (refreshToken) => refreshToken === "100"
      )
      assert.isBelow(watched.asked.filter((line) => line.startsWith("compareAndSet")).length, 20)
    })
  )

  it.scoped("is away is told of a sign-out later, and the user stays out meanwhile", () =>
    Effect.gen(function* () {
      const { one, two, watched } = yield* down("well")
      yield* signIn(one, "refresh")
      yield* ask(one, won("first"), { key: ann })
      yield* ask(two, never, { key: ann })
      watched.state = "failing"
      assert.isTrue(yield* one.remove(ann.partition))
      assert.isUndefined(yield* refreshTokenOf(one))
      assert.strictEqual(textOf(yield* ask(one, won("second"), { key: ann })), "second")
      watched.state = "well"
      yield* eventually(
        Effect.zipRight(TestClock.adjust("2 seconds"), refreshTokenOf(two)),
        (refreshToken) => refreshToken === undefined
      )
      assert.isUndefined(valueAt(two, ann))
      assert.isUndefined(yield* refreshTokenOf(one))
    })
  )

  it.effect("is away when the program ends is told then, if it is back", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const cache = yield* TokenCache.make(watched.store)
          watched.state = "failing"
          yield* signIn(cache, "refresh")
          watched.state = "well"
        })
      )
      const cache = yield* TokenCache.make(watched.store)
      assert.strictEqual(yield* refreshTokenOf(cache), "refresh")
    }).pipe(Effect.scoped)
  )

  it.scoped("hangs when the program ends does not keep it", () =>
    Effect.gen(function* () {
      const { watched } = yield* down("hanging")
      const program = Effect.scoped(
        Effect.gen(function* () {
          const cache = yield* TokenCache.make(watched.store)
          yield* signIn(cache, "refresh")
        })
      )
      const [, time] = yield* timed(program)
      assert.isAtMost(time, 1500)
    })
  )

  it.scoped("is away while somebody signs in anew gets the new refresh token, not memory the old one", () =>
    Effect.gen(function* () {
      const { one, two, watched } = yield* down("well")
      yield* signIn(one, "old")
      watched.state = "failing"
      yield* signIn(two, "new")
      watched.state = "well"
      yield* eventually(
        Effect.zipRight(TestClock.adjust("2 seconds"), refreshTokenOf(one)),
        (refreshToken) => refreshToken === "new"
      )
      assert.strictEqual(yield* refreshTokenOf(two), "new")
    })
  )

  it.scoped("is away while a group is removed gives nothing of it back", () =>
    Effect.gen(function* () {
      const { one, two, watched } = yield* down("well")
      yield* ask(one, won("old"))
      yield* TestClock.adjust("1 second")
      watched.state = "failing"
      yield* one.removeGroup(app.partition.group)
      watched.state = "well"
      yield* TestClock.adjust("1500 millis")
      assert.strictEqual(textOf(yield* ask(one, won("new"))), "new")
      assert.strictEqual(textOf(yield* ask(two, won("other"))), "new")
    })
  )

  it.scoped("refuses one entry is asked for the others", () =>
    Effect.gen(function* () {
      const { lines, logged, one, two, watched } = yield* down("well")
      const refused = new StoreError({ operation: "get", reason: "refused", remedy: "Run: chmod 600 it" })
      const { get } = watched.store
      const picky: TokenStore = { ...watched.store, get: (key) => (key.includes(":t:") ? refused : get(key)) }
      const three = yield* TokenCache.make(picky)
      yield* logged(ask(three, won("first")))
      yield* signIn(three, "refresh")
      assert.strictEqual(yield* refreshTokenOf(one), "refresh")
      assert.strictEqual(lines.length, 1)
      void two
    })
  )

  it.scoped("dies, or can't be interrupted, is one that fails", () =>
    Effect.gen(function* () {
      const dying = yield* TokenCache.make({ ...watchedStore().plain, get: () => Effect.die("store") })
      assert.strictEqual(textOf(yield* ask(dying, won("first"))), "first")
      const stubborn = yield* TokenCache.make({
        ...watchedStore().plain,
        get: () => Effect.uninterruptible(Effect.zipRight(Effect.sleep("3 seconds"), Effect.succeedNone))
      })
      const [, time] = yield* timed(ask(stubborn, won("first")))
      assert.isAtMost(time, 400)
    })
  )

  it.scoped("is slow takes the misses of many holders side by side", () =>
    Effect.gen(function* () {
      const { one, watched } = yield* down("well")
      watched.delay = "5 millis"
      const many = Array.from({ length: 50 }, (_, index) => keyOf({ kind: "assertion", id: `${index}` }))
      const [, time] = yield* timed(
        Effect.forEach(many, (key) => ask(one, won("x"), { key }), { concurrency: "unbounded", discard: true })
      )
      assert.isAtMost(time, 250)
    })
  )

  it.scoped("can't be asked leaves it open who somebody is, rather than sign them out", () =>
    Effect.gen(function* () {
      const { one, two, watched } = yield* down("well")
      yield* signIn(one, "refresh")
      watched.state = "failing"
      assert.strictEqual((yield* Effect.flip(two.user(ann.partition)))._tag, "CacheUnavailable")
      assert.strictEqual(yield* refreshTokenOf(one), "refresh")
      assert.deepStrictEqual((yield* one.users(ann.partition.group)).length, 1)
    })
  )

  it.scoped("has lost what it held costs nobody the sign-in that is in memory", () =>
    Effect.gen(function* () {
      const { one, two, watched } = yield* down("well")
      yield* signIn(one, "refresh")
      yield* ask(one, won("first"), { key: ann })
      watched.entries.clear()
      yield* TestClock.adjust("1 minute")
      yield* one.confirm(ann)
      assert.strictEqual(valueAt(one, ann), "first")
      assert.strictEqual(yield* refreshTokenOf(one), "refresh")
      assert.strictEqual(yield* refreshTokenOf(two), "refresh")
    })
  )

  it.scoped("fails while it is looked at leaves memory as it is, and is looked at again soon", () =>
    Effect.gen(function* () {
      const { one, two, watched } = yield* down("well")
      yield* ask(one, won("first"))
      yield* ask(two, never)
      yield* one.remove(app.partition)
      watched.state = "failing"
      yield* TestClock.adjust("1 minute")
      yield* two.confirm(app)
      assert.strictEqual(valueAt(two, app), "first")
      watched.state = "well"
      yield* TestClock.adjust("2 seconds")
      yield* two.confirm(app)
      assert.isUndefined(valueAt(two, app))
    })
  )

  it.scoped("holds values of others has none of ours", () =>
    Effect.gen(function* () {
      const { lines, logged, one, two, watched } = yield* down("well")
      const foreign = [
        "nonsense",
        "",
        "{}",
        "entra9.plain.1.x",
        `entra1.plain.9999999999999."{}"`,
        `entra1.plain.9999999999999.{"token":1}`,
        "x".repeat(10 * 1024 * 1024)
      ]
      yield* signIn(one, "refresh")
      yield* ask(one, won("first"), { key: ann })
      const healthy = new Map(watched.entries)
      for (const value of foreign) {
        for (const key of healthy.keys()) watched.entries.set(key, { value, endsAt: Number.POSITIVE_INFINITY })
        const fresh = yield* TokenCache.make(watched.store)
        yield* logged(
          Effect.gen(function* () {
            assert.isUndefined(yield* refreshTokenOf(fresh))
            assert.deepStrictEqual(yield* fresh.users(ann.partition.group), [])
            assert.strictEqual(textOf(yield* ask(fresh, won("second"), { key: ann })), "second")
            yield* signIn(fresh, "again")
          })
        )
        assert.strictEqual(yield* refreshTokenOf(fresh), "again")
      }
      assert.isAbove(lines.length, 0)
      assert.isTrue(lines.every((line) => line.startsWith("WARN")))
      assert.isBelow(lines.length, 40)
      void two
    })
  )
})

describe("at rest", () => {
  const key = (byte: number) => Redacted.make(Buffer.alloc(32, byte).toString("base64"))
  const encryption = (...ids: readonly [number, ...Array<number>]): TokenEncryption.Options => {
    const [first, ...others] = ids
    const keyOfId = (id: number) => ({ id: `key-${id}`, key: key(id) })
    return { keys: [keyOfId(first), ...others.map(keyOfId)], indexKey: key(99) }
  }
  const cacheWith = (watched: WatchedStore, ...ids: readonly [number, ...Array<number>]) =>
    TokenCache.make(watched.store, { encryption: encryption(...ids) })

  it.scoped("nothing tells of tokens or users, neither values nor their names", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      const cache = yield* cacheWith(watched, 1)
      yield* signIn(cache, "refresh-secret")
      yield* ask(cache, won("token-secret"), { key: ann })
      yield* cache.reject(ann, token("rejected-secret"))
      assert.isAtLeast(watched.entries.size, 4)
      const all = [...watched.entries].map(([name, { value }]) => `${name} ${value}`).join("\n")
      const decoded = Buffer.from(all, "base64url").toString("latin1")
      for (const secret of ["secret", "ann", "contoso", "graph", "client"]) {
        assert.notInclude(all, secret)
        assert.notInclude(decoded, secret)
      }
    })
  )

  it.scoped("keys rotate: the new one writes, the old one still reads", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      yield* signIn(yield* cacheWith(watched, 1), "first")
      const rotated = yield* cacheWith(watched, 2, 1)
      assert.strictEqual(yield* refreshTokenOf(rotated), "first")
      yield* signIn(rotated, "second")
      assert.strictEqual(yield* refreshTokenOf(yield* cacheWith(watched, 2)), "second")
    })
  )

  it.scoped("an entry under a key that is not there is a miss", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      yield* ask(yield* cacheWith(watched, 1), won("first"))
      assert.strictEqual(textOf(yield* ask(yield* cacheWith(watched, 2), won("second"))), "second")
    })
  )

  it.scoped("entries can't be swapped", () =>
    Effect.gen(function* () {
      const watched = watchedStore()
      const one = yield* cacheWith(watched, 1)
      const bob = keyOf({ kind: "account", id: "bob", session: "one" })
      yield* ask(one, won("of ann"), { key: ann })
      yield* ask(one, won("of bob"), { key: bob })
      const [ofAnn, ofBob] = [...watched.entries.keys()].filter((name) => name.includes(":t:"))
      assert(ofAnn !== undefined && ofBob !== undefined)
      const [mine, theirs] = [watched.entries.get(ofAnn), watched.entries.get(ofBob)]
      assert(mine !== undefined && theirs !== undefined)
      watched.entries.set(ofAnn, theirs).set(ofBob, mine)
      const two = yield* cacheWith(watched, 1)
      assert.strictEqual(textOf(yield* ask(two, won("new"), { key: ann })), "new")
    })
  )

  it.scoped("a bad key is refused, by its name", () =>
    Effect.gen(function* () {
      const bad = { keys: [{ id: "one", key: Redacted.make("c2hvcnQ=") }] as const, indexKey: key(1) }
      const error = yield* Effect.flip(TokenCache.make(watchedStore().store, { encryption: bad }))
      assert.strictEqual(error.parameter, "keys[0].key")
    })
  )
})

it.scoped("a KeyValueStore is a store, which others can read, too", () =>
  Effect.gen(function* () {
    const store = yield* Layer.build(KeyValueStore.layerMemory)
    const build = Effect.map(
      Layer.build(Layer.provide(TokenCache.layerKeyValueStore(), Layer.succeedContext(store))),
      Context.get(TokenCache.TokenCache)
    )
    const [one, two] = yield* Effect.all([build, build])
    yield* signIn(one, "refresh")
    yield* ask(one, won("first"), { key: ann })
    assert.strictEqual(textOf(yield* ask(two, never, { key: ann })), "first")
    assert.strictEqual(yield* refreshTokenOf(two), "refresh")
    yield* TestClock.adjust("91 days")
    yield* refreshTokenOf(yield* build)
    const left = yield* Context.get(store, KeyValueStore.KeyValueStore).size
    assert.isBelow(left, 5)
  })
)

it.effect.each(["timeout", "lease"] as const)("a store's %s is a finite duration", (parameter) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(Effect.scoped(TokenCache.make(watchedStore().store, { [parameter]: 0 })))
    assert.strictEqual(error.parameter, parameter)
  })
)
