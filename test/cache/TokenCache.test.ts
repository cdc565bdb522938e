import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Redacted, TestClock } from "effect"
import { type CacheKey, partitionOf, tokenKey } from "../../src/cache/cacheKey.js"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as AccessToken from "../../src/core/AccessToken.js"

const key = (entry: string, holder = "app"): CacheKey =>
  tokenKey({
    partition: partitionOf({ clientId: "client", environment: "entra", kind: "app", id: holder, session: "" }),
    kind: [],
    scopeKey: entry,
    target: { tenantId: "contoso", scopes: [entry], isPlain: true }
  })

const hour = 3600

/** A token that ends so many seconds after the start of the test. */
const token = (value: string, seconds: number | undefined = hour) =>
  AccessToken.make({
    accessToken: Redacted.make(value),
    expiresAtMillis: seconds === undefined ? undefined : seconds * 1000
  })

const valueAt = (cache: TokenCache.TokenCacheService, at: CacheKey) => {
  const entry = cache.unsafeGet(at)
  return entry === undefined ? undefined : Redacted.value(entry.token.accessToken)
}

describe("a cache in memory", () => {
  it.effect("gives back what was set, as a hit that is ready", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      yield* cache.set(key("graph"), token("one"), 1)
      const entry = cache.unsafeGet(key("graph"))
      assert.deepStrictEqual(entry?.token, AccessToken.withSource(token("one"), "cache"))
      assert.deepStrictEqual(entry?.hit, Exit.succeed(AccessToken.withSource(token("one"), "cache")))
      assert.deepStrictEqual([entry?.cachedAt, entry?.freshUntil, entry?.servesUntil], [0, 3_300_000, 3_590_000])
    })
  )

  it.effect("knows nothing of what was not set", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      yield* cache.set(key("graph", "one"), token("one"), 1)
      assert.isUndefined(cache.unsafeGet(key("vault", "one")))
      assert.isUndefined(cache.unsafeGet(key("graph", "two")))
    })
  )

  it.effect("keeps an entry that has ended until its place is needed, for whoever asks decides", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      yield* cache.set(key("graph"), token("one"), 1)
      yield* TestClock.adjust("2 hours")
      assert.strictEqual(valueAt(cache, key("graph")), "one")
      assert.strictEqual((yield* cache.statistics).entries, 1)
    })
  )

  it.effect("keeps no token without an end, nor one that ends in more than a year", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      yield* cache.set(key("graph"), AccessToken.make({ accessToken: Redacted.make("endless") }), 1)
      yield* cache.set(key("vault"), token("long", 366 * 86_400), 2)
      assert.strictEqual((yield* cache.statistics).entries, 0)
    })
  )

  it.effect("counts its entries, of all principals", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      const keys = [key("graph", "one"), key("vault", "one"), key("graph", "two"), key("graph", "one")]
      for (const [index, at] of keys.entries()) yield* cache.set(at, token(`${index}`), index)
      assert.strictEqual((yield* cache.statistics).entries, 3)
      yield* cache.reject(key("graph", "two"), token("2"))
      yield* cache.reject(key("graph", "two"), token("2"))
      assert.strictEqual((yield* cache.statistics).entries, 2)
    })
  )

  it.effect("two of them share nothing", () =>
    Effect.gen(function* () {
      const [one, two] = yield* Effect.all([TokenCache.makeMemory(), TokenCache.makeMemory()])
      yield* one.set(key("graph"), token("one"), 1)
      assert.isUndefined(two.unsafeGet(key("graph")))
    })
  )
})

describe("the exchange that began later wins", () => {
  it.effect("an older one never replaces what a newer one has won", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      yield* cache.set(key("graph"), token("newer"), 2)
      yield* cache.set(key("graph"), token("older", 2 * hour), 1)
      assert.strictEqual(valueAt(cache, key("graph")), "newer")
    })
  )

  it.effect("a newer one replaces, even by a token that ends earlier", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      yield* cache.set(key("graph"), token("older", 2 * hour), 1)
      yield* cache.set(key("graph"), token("newer"), 2)
      assert.strictEqual(valueAt(cache, key("graph")), "newer")
      assert.strictEqual((yield* cache.statistics).entries, 1)
    })
  )

  it.effect("each key has its own order", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      yield* cache.set(key("graph"), token("graph"), 2)
      yield* cache.set(key("vault"), token("vault"), 1)
      assert.strictEqual(valueAt(cache, key("vault")), "vault")
    })
  )
})

describe("a token that a resource has refused", () => {
  it.effect("is dropped", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      yield* cache.set(key("graph"), token("refused"), 1)
      yield* cache.reject(key("graph"), AccessToken.withSource(token("refused"), "cache"))
      assert.isUndefined(cache.unsafeGet(key("graph")))
      assert.strictEqual((yield* cache.statistics).entries, 0)
    })
  )

  it.effect("is dropped alone: one that has replaced it stays", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      yield* cache.set(key("graph"), token("replacement"), 2)
      yield* cache.reject(key("graph"), token("refused"))
      assert.strictEqual(valueAt(cache, key("graph")), "replacement")
    })
  )

  it.effect("is dropped without harm where there is none", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      yield* cache.reject(key("graph"), token("refused"))
      assert.strictEqual((yield* cache.statistics).entries, 0)
    })
  )
})

describe("a full cache", () => {
  const entries = ["one", "two", "three"] as const

  const full = Effect.gen(function* () {
    const cache = yield* TokenCache.makeMemory({ capacity: 3 })
    for (const [index, entry] of entries.entries()) {
      yield* cache.set(key(entry), token(entry, entry === "two" ? 60 : hour), index)
      yield* TestClock.adjust("1 second")
    }
    const kept = () => [...entries, "four"].filter((entry) => cache.unsafeGet(key(entry)) !== undefined)
    return { cache, kept }
  })

  it.effect("drops the oldest for a new one", () =>
    Effect.gen(function* () {
      const { cache, kept } = yield* full
      yield* cache.set(key("four"), token("four"), 4)
      assert.deepStrictEqual(kept(), ["two", "three", "four"])
      assert.strictEqual((yield* cache.statistics).entries, 3)
    })
  )

  it.effect("drops one that has ended before the oldest", () =>
    Effect.gen(function* () {
      const { cache, kept } = yield* full
      yield* TestClock.adjust("1 minute")
      yield* cache.set(key("four"), token("four"), 4)
      assert.deepStrictEqual(kept(), ["one", "three", "four"])
    })
  )

  it.effect("drops nothing when a token is replaced, which then is the youngest", () =>
    Effect.gen(function* () {
      const { cache, kept } = yield* full
      yield* cache.set(key("one"), token("one again"), 4)
      assert.deepStrictEqual(kept(), ["one", "two", "three"])
      yield* cache.set(key("four"), token("four"), 5)
      assert.deepStrictEqual(kept(), ["one", "three", "four"])
    })
  )

  it.effect("drops nothing for a token that it would not keep", () =>
    Effect.gen(function* () {
      const { cache, kept } = yield* full
      yield* cache.set(key("four"), AccessToken.make({ accessToken: Redacted.make("endless") }), 4)
      assert.deepStrictEqual(kept(), ["one", "two", "three"])
    })
  )

  it.effect("drops nothing for a token that is over", () =>
    Effect.gen(function* () {
      const { cache, kept } = yield* full
      for (const [index, seconds] of [0, 3, 10].entries()) yield* cache.set(key("four"), token("over", seconds), index)
      assert.deepStrictEqual(kept(), ["one", "two", "three"])
    })
  )

  it.effect("drops what was written longest ago, whosever it is: a renewed token is young again", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory({ capacity: 4 })
      const [one, two, three, four] = [key("a", "ann"), key("a", "bob"), key("b", "ann"), key("b", "bob")]
      const all = [one, two, three, four]
      let sequence = 0
      const write = (at: CacheKey) => cache.set(at, token(at.id), ++sequence)
      yield* Effect.forEach([...all, two, one], write)
      yield* Effect.forEach([key("c", "eve"), key("d", "eve"), key("e", "eve")], write)
      assert.deepStrictEqual(
        all.filter((at) => cache.unsafeGet(at) !== undefined),
        [one]
      )
      assert.strictEqual((yield* cache.statistics).entries, 4)
    })
  )

  it.effect("drops what nobody has asked for before what somebody has, however old", () =>
    Effect.gen(function* () {
      const { cache } = yield* full
      cache.unsafeGet(key("one"))
      yield* cache.set(key("four"), token("four"), 4)
      const kept = [...entries, "four"].filter((entry) => cache.unsafeGet(key(entry)) !== undefined)
      assert.deepStrictEqual(kept, ["one", "three", "four"])
    })
  )

  it.effect("tells what it had to drop", () =>
    Effect.gen(function* () {
      const { cache } = yield* full
      yield* cache.set(key("four"), token("four"), 4)
      yield* TestClock.adjust("1 minute")
      yield* cache.set(key("five"), token("five"), 5)
      const { entries, evicted, expired } = yield* cache.statistics
      assert.deepStrictEqual({ entries, evicted, expired }, { entries: 3, evicted: 1, expired: 1 })
    })
  )

  it.effect("of so many bytes takes what has room, and drops as many as a large one needs", () =>
    Effect.gen(function* () {
      const size = 1000
      const cache = yield* TokenCache.makeMemory({ maxBytes: 20 * size })
      const of = (length: number) => token("x".repeat(length))
      for (let index = 0; index < 100; index++) yield* cache.set(key(`${index}`), of(size), index)
      const before = yield* cache.statistics
      assert.isAtMost(before.bytes, 20 * size)
      assert.isAtLeast(before.entries, 10)
      yield* cache.set(key("large"), of(10 * size), 100)
      const after = yield* cache.statistics
      assert.isAtMost(after.bytes, 20 * size)
      assert.isBelow(after.entries, before.entries)
      yield* cache.set(key("too large"), of(21 * size), 101)
      assert.deepStrictEqual(yield* cache.statistics, after)
    })
  )

  it.effect("drops what has ended as others come, long before it is full", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      for (let index = 0; index < 100; index++) yield* cache.set(key(`short ${index}`), token("short", 60), index)
      yield* TestClock.adjust("2 minutes")
      for (let index = 0; index < 150; index++) yield* cache.set(key(`long ${index}`), token("long"), 100 + index)
      assert.deepInclude(yield* cache.statistics, { entries: 150, expired: 100, evicted: 0 })
    })
  )

  it.effect("drops the oldest principal's token, too", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory({ capacity: 2 })
      for (const [index, partition] of entries.entries())
        yield* cache.set(key("graph", partition), token(partition), index)
      assert.deepStrictEqual(
        entries.map((partition) => valueAt(cache, key("graph", partition))),
        [undefined, "two", "three"]
      )
    })
  )

  it.effect("never grows beyond its capacity", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory({ capacity: 100 })
      for (let index = 0; index < 1000; index++)
        yield* cache.set(key(`${index}`, `${index % 7}`), token(`${index}`, 60 + (index % 50)), index)
      assert.strictEqual((yield* cache.statistics).entries, 100)
      assert.strictEqual(valueAt(cache, key("999", `${999 % 7}`)), "999")
    })
  )
})

it.effect("a token that is over replaces none that serves", () =>
  Effect.gen(function* () {
    const cache = yield* TokenCache.makeMemory()
    yield* cache.set(key("graph"), token("one"), 1)
    yield* cache.set(key("graph"), token("over", 10), 2)
    assert.strictEqual(valueAt(cache, key("graph")), "one")
  })
)

describe("many holders", () => {
  it.effect("are removed together where they are of one group, with what is on its way to them", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      const other = tokenKey({
        partition: partitionOf({ clientId: "other", environment: "entra", kind: "app", id: "one", session: "" }),
        kind: [],
        scopeKey: "graph",
        target: { tenantId: "contoso", scopes: ["graph"], isPlain: true }
      })
      for (let index = 0; index < 3000; index++)
        yield* cache.set(key("graph", `${index}`), token(`${index}`), cache.unsafeNextSequence())
      const late = cache.unsafeNextSequence()
      yield* cache.set(other, token("other"), cache.unsafeNextSequence())
      yield* cache.removeGroup(key("graph").partition.group)
      yield* cache.set(key("graph", "late"), token("late"), late)
      assert.strictEqual((yield* cache.statistics).entries, 1)
      assert.strictEqual(valueAt(cache, other), "other")
      yield* cache.set(key("graph", "new"), token("new"), cache.unsafeNextSequence())
      assert.strictEqual(valueAt(cache, key("graph", "new")), "new")
    })
  )

  it.effect("are all gone when everything is", () =>
    Effect.gen(function* () {
      const cache = yield* TokenCache.makeMemory()
      const { partition } = key("graph", "ann")
      const late = cache.unsafeNextSequence()
      yield* cache.set(key("graph", "ann"), token("ann"), late)
      yield* cache.modifyUser(partition, late, () => ({ account: undefined, tenantId: "", refreshToken: undefined }))
      assert.deepInclude(yield* cache.statistics, { entries: 1, users: 1 })
      yield* cache.clear
      yield* cache.set(key("graph", "ann"), token("ann"), late)
      assert.deepInclude(yield* cache.statistics, { entries: 0, bytes: 0, users: 0 })
      assert.isUndefined(yield* cache.user(partition))
    })
  )
})

describe("the capacity", () => {
  it.effect.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("is not %d", (capacity) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(TokenCache.makeMemory({ capacity }))
      assert.strictEqual(error._tag, "ConfigurationError")
      assert.strictEqual(error.parameter, "capacity")
    })
  )

  it.effect("that is wrong fails the layer", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Layer.build(TokenCache.layerMemory({ capacity: 0 })).pipe(Effect.scoped))
      assert.strictEqual(error.parameter, "capacity")
    })
  )
})

it.effect("the layer is one cache for all who share it", () =>
  Effect.gen(function* () {
    const one = yield* TokenCache.TokenCache
    yield* one.set(key("graph"), token("one"), 1)
    const two = yield* TokenCache.TokenCache
    assert.strictEqual(valueAt(two, key("graph")), "one")
  }).pipe(Effect.provide(TokenCache.layerMemory()))
)
