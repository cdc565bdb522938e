import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Either, Option } from "effect"
import { Cluster, Redis as Ioredis } from "ioredis"
import { createClient, createClientPool, createCluster } from "redis"
import { type RedisClient, redisOf } from "../../src/cache/redisClient.js"
import { codeOf } from "../../src/cache/redisConnection.js"
import * as RedisStore from "../../src/cache/redisStore.js"
import * as Redis from "../support/redis.js"
import { clients, storeOf } from "./redisClients.js"
import * as RedisProxy from "./redisProxy.js"

const minute = Duration.minutes(1)
const none = Option.none<string>()

describe.each(clients)("a store in Redis through $name", ({ connect }) => {
  const fresh = Effect.gen(function* () {
    const server = yield* Redis.start()
    return { server, store: yield* storeOf(() => connect(server.url)) }
  })

  it.scopedLive("gives back what was set, whatever it is", () =>
    Effect.gen(function* () {
      const { store } = yield* fresh
      for (const value of ["", "plain", 'Ünï"\r\n\0', "x".repeat(1_000_000)]) {
        yield* store.set("key", value, minute)
        assert.strictEqual(Option.getOrUndefined(yield* store.get("key")), value)
      }
    })
  )

  it.scopedLive("finds nothing where nothing was set, or where it was removed", () =>
    Effect.gen(function* () {
      const { store } = yield* fresh
      assert.isTrue(Option.isNone(yield* store.get("key")))
      yield* store.set("key", "value", minute)
      yield* store.remove("key")
      yield* store.remove("key")
      assert.isTrue(Option.isNone(yield* store.get("key")))
    })
  )

  it.scopedLive("keeps its entries under its prefix, and until their end", () =>
    Effect.gen(function* () {
      const { server, store } = yield* fresh
      yield* store.set("plain", "value", minute)
      yield* (yield* storeOf(() => connect(server.url), "")).set("bare", "value", minute)
      assert.strictEqual(yield* server.cli("exists", "entra:plain"), "1")
      assert.strictEqual(yield* server.cli("exists", "bare"), "1")
      const left = Number(yield* server.cli("pttl", "entra:plain"))
      assert.isTrue(left > 50_000 && left <= 60_000, `${left}`)
    })
  )

  it.scopedLive("an entry ends with its time, however short, and however it was set", () =>
    Effect.gen(function* () {
      const { store } = yield* fresh
      const short = Duration.millis(0.2)
      yield* store.set("set", "value", short)
      assert.isTrue(yield* store.compareAndSet("leased", none, "value", short))
      yield* store.set("swapped", "value", minute)
      assert.isTrue(yield* store.compareAndSet("swapped", Option.some("value"), "next", short))
      yield* Effect.sleep("50 millis")
      for (const key of ["set", "leased", "swapped"]) assert.isTrue(Option.isNone(yield* store.get(key)))
    })
  )

  it.scopedLive("takes a time without an end", () =>
    Effect.gen(function* () {
      const { store } = yield* fresh
      yield* store.set("key", "value", Duration.infinity)
      assert.isTrue(yield* store.compareAndSet("key", Option.some("value"), "next", Duration.infinity))
      assert.strictEqual(Option.getOrUndefined(yield* store.get("key")), "next")
    })
  )

  it.scopedLive("replaces what is there if it is what is expected, and leaves it alone otherwise", () =>
    Effect.gen(function* () {
      const { store } = yield* fresh
      const at = (expected: string | undefined, next: string) =>
        store.compareAndSet("key", Option.fromNullable(expected), next, minute)
      assert.isFalse(yield* at("one", "two"))
      assert.isTrue(yield* at(undefined, "one"))
      assert.isFalse(yield* at(undefined, "two"))
      assert.isFalse(yield* at("two", "three"))
      assert.strictEqual(Option.getOrUndefined(yield* store.get("key")), "one")
      assert.isTrue(yield* at("one", "two"))
      assert.strictEqual(Option.getOrUndefined(yield* store.get("key")), "two")
    })
  )

  it.scopedLive("of a hundred who want a lease at once, over two connections, one gets it", () =>
    Effect.gen(function* () {
      const { server, store } = yield* fresh
      const other = yield* storeOf(() => connect(server.url))
      const holders = Array.from({ length: 100 }, (_, index) => `${index}`)
      const won = yield* Effect.filter(
        holders,
        (holder) => (Number(holder) % 2 === 0 ? store : other).compareAndSet("lease", none, holder, minute),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(won.length, 1)
      assert.strictEqual(Option.getOrUndefined(yield* store.get("lease")), won[0])
    })
  )

  it.scopedLive("tells Redis' own code where an entry is of another type", () =>
    Effect.gen(function* () {
      const { server, store } = yield* fresh
      yield* server.cli("rpush", "entra:key", "element")
      const wrong = { _tag: "StoreError", reason: "refused", code: "WRONGTYPE" } as const
      assert.include(yield* Effect.flip(store.get("key")), { operation: "get", ...wrong })
      const swapped = store.compareAndSet("key", Option.some("value"), "next", minute)
      assert.include(yield* Effect.flip(swapped), { operation: "compareAndSet", ...wrong })
    })
  )
})

describe.each(clients.filter(({ name }) => !name.includes("pooled")))("one connection of $name", ({ connect }) => {
  it.scopedLive("sends what is asked at once without waiting for answers", () =>
    Effect.gen(function* () {
      const server = yield* Redis.start()
      const proxy = yield* RedisProxy.make(server.port)
      const store = yield* storeOf(() => connect(proxy.url))
      yield* store.set("first", "one", minute)
      const heardBoth = () => proxy.heard().includes("entra:second") && proxy.heard().includes("entra:third")
      proxy.hold()
      const both = yield* Effect.fork(
        Effect.all([store.get("first"), store.get("second"), store.get("third")], { concurrency: "unbounded" })
      )
      yield* Effect.repeat(Effect.sleep("5 millis"), { until: heardBoth })
      assert.isNull(both.unsafePoll())
      proxy.release()
      assert.deepStrictEqual((yield* both).map(Option.getOrNull), ["one", null, null])
    })
  )
})

describe("a client of Redis", () => {
  const unconnected: ReadonlyArray<readonly [string, () => RedisClient]> = [
    ["Redis of ioredis", () => new Ioredis("redis://127.0.0.1", { lazyConnect: true })],
    ["Cluster of ioredis", () => new Cluster([{ port: 1 }], { lazyConnect: true })],
    ["createClient", () => createClient({ url: "redis://127.0.0.1" })],
    ["createCluster", () => createCluster({ rootNodes: [{ url: "redis://127.0.0.1" }] })],
    ["createClientPool", () => createClientPool({ url: "redis://127.0.0.1" })]
  ]

  it.each(unconnected)("is what %s makes", (_, make) => {
    assert.isDefined(redisOf(make()))
  })

  it.effect("is nothing else, and neither is what a function makes of nothing or throws", () =>
    Effect.gen(function* () {
      const throws = () => {
        throw new Error("redis://user:hunter2@host")
      }
      const wrong: ReadonlyArray<unknown> = [undefined, null, "redis://", {}, new Map(), () => undefined, throws]
      for (const client of wrong) {
        // @ts-expect-error from plain JavaScript
        const error = yield* Effect.flip(Effect.scoped(RedisStore.make({ client })))
        assert.include(error, { _tag: "ConfigurationError", parameter: "client" })
        assert.notInclude(`${error} ${JSON.stringify(error)}`, "hunter2")
      }
    })
  )

  it.effect("is given keys under a prefix that a cluster routes by nothing of", () =>
    Effect.gen(function* () {
      const client = () => new Ioredis({ lazyConnect: true })
      const isTaken = (prefix: string) =>
        Effect.map(Effect.either(Effect.scoped(RedisStore.make({ client, prefix }))), Either.isRight)
      for (const prefix of ["", "app:", "!~|", "x".repeat(100)]) assert.isTrue(yield* isTaken(prefix), prefix)
      for (const prefix of ["a b", "{app}", "a}", "ü", "a\n", "x".repeat(101)])
        assert.isFalse(yield* isTaken(prefix), prefix)
    })
  )
})

describe("a reply", () => {
  it.scopedLive("of another type than the command's is a failure, whatever was asked", () =>
    Effect.gen(function* () {
      for (const answer of ["*1\r\n$1\r\n1\r\n", ":42\r\n", "*0\r\n"]) {
        const { url } = yield* Redis.garbage(answer)
        // Without a handshake each command meets one answer.
        const bare = { enableReadyCheck: false, disableClientInfo: true }
        const store = yield* storeOf(() => new Ioredis(url, bare))
        const asked = [
          store.get("key"),
          store.set("key", "value", minute),
          store.remove("key"),
          store.compareAndSet("key", none, "value", minute),
          store.compareAndSet("key", Option.some("value"), "next", minute)
        ]
        for (const work of asked) assert.include(yield* Effect.flip(work), { code: "UnexpectedReply" })
      }
    })
  )
})

describe("the code of an error", () => {
  class Unforeseen extends Error {}
  const withCode = (code: unknown) => Object.assign(new Error("connect to secret"), { code })

  it.each<readonly [string, unknown, string | undefined]>([
    ["the system's", withCode("ECONNREFUSED"), "ECONNREFUSED"],
    ["TLS's", withCode("DEPTH_ZERO_SELF_SIGNED_CERT"), "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["Redis' own", new Error("OOM command not allowed when used memory > 'maxmemory'."), "OOM"],
    ["a word alone", new Error("NOAUTH"), "NOAUTH"],
    ["the error's class", new Unforeseen("anything"), "Unforeseen"],
    ["no code that is a sentence", withCode("what was sent"), undefined],
    ["no word that goes on", new Error("OOM-secret"), undefined],
    ["none of what is no error", "OOM secret", undefined]
  ])("is %s", (_, error, code) => {
    assert.strictEqual(codeOf(error), code)
  })
})
