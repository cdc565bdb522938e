import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Either, Exit, Fiber, Option, Schedule, Scope } from "effect"
import { Redis as Ioredis } from "ioredis"
import { createClient } from "redis"
import { vi } from "vitest"
import type { RedisClient } from "../../src/cache/redisClient.js"
import * as RedisStore from "../../src/cache/redisStore.js"
import * as Redis from "../support/redis.js"
import { clients, pends, storeOf, uncaught } from "./redisClients.js"

const minute = Duration.minutes(1)
const none = Option.none<string>()

/** Until it succeeds: a client pauses between its attempts, for up to 2 s. */
const eventually = <A, E>(work: Effect.Effect<A, E>): Effect.Effect<A> =>
  work.pipe(
    Effect.timeout("250 millis"),
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.timeout("10 seconds"),
    Effect.orDie
  )

/** What comes of it in the time that the cache gives it. */
const within = <A, E>(work: Effect.Effect<A, E>) => Effect.timeoutOption(Effect.either(work), "250 millis")

const isFailedOrPending = <A, E>(outcome: Option.Option<Either.Either<A, E>>): boolean =>
  Option.match(outcome, { onNone: () => true, onSome: Either.isLeft })

/** A store whose scope the test closes, to be told how many milliseconds that took. */
const closable = (connect: () => RedisClient) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const store = yield* Scope.extend(storeOf(connect), scope)
    return {
      store,
      close: Effect.map(Effect.timed(Scope.close(scope, Exit.void)), ([took]) => Duration.toMillis(took))
    }
  })

describe.each(clients)("a store in Redis through $name, when", ({ connect }) => {
  const fresh = (args: ReadonlyArray<string> = []) =>
    Effect.gen(function* () {
      const server = yield* Redis.start({ args })
      return { server, store: yield* storeOf(() => connect(server.url)) }
    })

  it.scopedLive("the server is killed, fails or pends; when it runs again, works again", () =>
    Effect.gen(function* () {
      const errors = yield* uncaught
      const { server, store } = yield* fresh()
      yield* store.set("key", "value", minute)
      yield* server.stop
      for (const work of [store.get("key"), store.set("key", "later", minute), store.remove("key")]) {
        const outcome = yield* within(work)
        assert.isTrue(isFailedOrPending(outcome), inspect(outcome))
      }
      yield* server.restart
      yield* eventually(store.set("key", "value", minute))
      assert.strictEqual(Option.getOrUndefined(yield* eventually(store.get("key"))), "value")
      assert.deepStrictEqual(errors, [])
    })
  )

  it.scopedLive("there was no server from the start, works as soon as there is one", () =>
    Effect.gen(function* () {
      const errors = yield* uncaught
      const server = yield* Redis.start()
      yield* server.stop
      const store = yield* storeOf(() => connect(server.url))
      const outcome = yield* within(store.get("key"))
      assert.isTrue(isFailedOrPending(outcome), inspect(outcome))
      yield* server.restart
      assert.isTrue(Option.isNone(yield* eventually(store.get("key"))))
      assert.deepStrictEqual(errors, [])
    })
  )

  it.scopedLive("the server hangs, pends; when it goes on, works", () =>
    Effect.gen(function* () {
      const { server, store } = yield* fresh()
      yield* store.set("key", "value", minute)
      yield* server.pause
      for (const work of [store.get("key"), store.remove("other"), store.compareAndSet("key", none, "next", minute)])
        assert.isTrue(yield* pends(work, 50))
      yield* server.resume
      assert.strictEqual(Option.getOrUndefined(yield* eventually(store.get("key"))), "value")
    })
  )

  it.scopedLive("the server holds its clients back, answers when it goes on", () =>
    Effect.gen(function* () {
      const { server, store } = yield* fresh()
      yield* store.set("key", "value", minute)
      yield* server.cli("client", "pause", "1000", "all")
      assert.isTrue(yield* pends(store.get("key"), 50))
      assert.strictEqual(Option.getOrUndefined(yield* store.get("key")), "value")
    })
  )

  it.scopedLive("the server is full, tells so, without a word of what was to be kept", () =>
    Effect.gen(function* () {
      const { server, store } = yield* fresh(["--maxmemory-policy", "noeviction"])
      yield* store.set("key", "hunter2", minute)
      yield* server.cli("config", "set", "maxmemory", "1")
      const tried = [
        store.set("key", "hunter2", minute),
        store.compareAndSet("other", none, "hunter2", minute),
        store.compareAndSet("key", Option.some("hunter2"), "hunter2", minute)
      ]
      for (const work of tried) {
        const exit = yield* Effect.exit(work)
        const error = yield* Effect.flip(exit)
        assert.include(error, { _tag: "StoreError", reason: "refused", code: "OOM" } as const)
        const cause = Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""
        const shown = [error.message, error.stack, inspect(error, { depth: 9 }), JSON.stringify(error), cause]
        assert.notInclude(shown.join("\n"), "hunter2")
      }
      assert.strictEqual(Option.getOrUndefined(yield* store.get("key")), "hunter2")
    })
  )

  it.scopedLive("the server makes room, finds nothing where something was", () =>
    Effect.gen(function* () {
      const { server, store } = yield* fresh(["--maxmemory-policy", "allkeys-lru"])
      yield* store.set("key", "value", minute)
      yield* server.cli("config", "set", "maxmemory", "1")
      yield* Effect.ignore(store.set("other", "value", minute))
      assert.isTrue(Option.isNone(yield* store.get("key")))
    })
  )

  it.scopedLive("it knows no password, or a wrong one, fails or pends, and tells no password", () =>
    Effect.gen(function* () {
      const errors = yield* uncaught
      const server = yield* Redis.start({ args: ["--requirepass", "right"] })
      for (const user of ["", ":hunter2@"]) {
        const store = yield* storeOf(() => connect(server.url.replace("redis://", `redis://${user}`)))
        const outcome = yield* within(store.get("key"))
        assert.isTrue(isFailedOrPending(outcome), inspect(outcome))
        assert.notInclude(inspect(outcome, { depth: 9 }), "hunter2")
      }
      assert.deepStrictEqual(errors, [])
    })
  )

  const rubbish: ReadonlyArray<readonly [string, string | Uint8Array]> = [
    ["another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["random bytes", Uint8Array.from({ length: 997 }, (_, index) => (index * index * 31 + 7) % 256)],
    ["numbers", ":42\r\n"],
    ["lists", "*1\r\n$1\r\nx\r\n"],
    ["nothing that ends", "$1000000\r\nx"]
  ]

  it.scopedLive.each(rubbish)("the server answers %s, fails or pends, and harms nobody", ([, answer]) =>
    Effect.gen(function* () {
      const errors = yield* uncaught
      const server = yield* Redis.garbage(answer)
      const store = yield* storeOf(() => connect(server.url))
      const work = [store.get("key"), store.set("key", "v", minute), store.compareAndSet("key", none, "v", minute)]
      for (let time = 0; time < 2; time++)
        for (const outcome of yield* Effect.all(
          work.map((each) => within(each)),
          { concurrency: "unbounded" }
        ))
          assert.isTrue(isFailedOrPending(outcome), inspect(outcome))
      assert.deepStrictEqual(errors, [])
    })
  )
})

describe.each(clients)("the scope of a connection through $name closes within a second, when", ({ connect }) => {
  /** With commands under way. */
  const closes = (prepare: (server: Redis.RedisServer) => Effect.Effect<void>, isUp: boolean) =>
    Effect.gen(function* () {
      const errors = yield* uncaught
      const server = yield* Redis.start()
      if (!isUp) yield* server.stop
      const { close, store } = yield* closable(() => connect(server.url))
      if (isUp) yield* store.set("key", "value", minute)
      yield* prepare(server)
      const asked = yield* Effect.forkAll(Array.from({ length: 20 }, () => Effect.either(store.get("key"))))
      yield* pends(store.get("key"), 20)
      const took = yield* close
      assert.isBelow(took, 1000)
      yield* Effect.timeout(Fiber.join(asked), "1 second")
      assert.isTrue(Either.isLeft(yield* Effect.either(store.get("key"))))
      yield* Effect.sleep("50 millis")
      assert.deepStrictEqual(errors, [])
    })

  it.scopedLive("the server serves", () => closes(() => Effect.void, true))
  it.scopedLive("the server was killed", () => closes((server) => server.stop, true))
  it.scopedLive("the server hangs", () => closes((server) => server.pause, true))
  it.scopedLive("there never was a server", () => closes(() => Effect.void, false))

  it.scopedLive("the server serves, whose connection ends", () =>
    Effect.gen(function* () {
      const server = yield* Redis.start()
      const connections = Effect.map(server.cli("client", "list"), (list) => list.split("\n").length)
      const { close, store } = yield* closable(() => connect(server.url))
      yield* store.set("key", "value", minute)
      assert.isAbove(yield* connections, 1)
      yield* close
      yield* Effect.repeat(connections, { until: (count) => count === 1, schedule: Schedule.spaced("20 millis") })
    })
  )
})

describe.each(clients.filter(({ name }) => !name.includes("pooled")))("while $name can't connect, a store", (each) => {
  it.scopedLive("tells why, prints nothing, and sends nothing late", () =>
    Effect.gen(function* () {
      const printed = yield* Effect.acquireRelease(
        Effect.sync(() => vi.spyOn(console, "error").mockImplementation(() => {})),
        (spy) => Effect.sync(() => spy.mockRestore())
      )
      const server = yield* Redis.start()
      yield* server.stop
      const store = yield* storeOf(() => each.connect(server.url))
      const refused = { operation: "get", code: "ECONNREFUSED" } as const
      assert.include(yield* Effect.flip(store.get("key")), refused)
      assert.include(yield* Effect.flip(store.get("key")), refused)
      assert.isTrue(Either.isLeft(yield* Effect.either(store.set("late", "value", minute))))
      yield* server.restart
      yield* eventually(store.set("key", "value", minute))
      assert.isTrue(Option.isNone(yield* store.get("late")))
      assert.isFalse(printed.mock.calls.flat().join().includes("Unhandled error"))
    })
  )

  it.scopedLive("tells that it is a matter of the password", () =>
    Effect.gen(function* () {
      const server = yield* Redis.start({ args: ["--requirepass", "right"] })
      for (const user of ["", ":hunter2@"]) {
        const store = yield* storeOf(() => each.connect(server.url.replace("redis://", `redis://${user}`)))
        const { code } = yield* Effect.flip(store.get("key"))
        assert.include(["NOAUTH", "WRONGPASS"], code)
      }
    })
  )
})

describe.each<{ readonly name: string; readonly connect: (url: string) => RedisClient }>([
  { name: "ioredis", connect: (url) => new Ioredis(url, { retryStrategy: () => null }) },
  { name: "node-redis", connect: (url) => createClient({ url, socket: { reconnectStrategy: false } }) }
])("a client of $name that was told not to try again", ({ connect }) => {
  it.scopedLive("is made to by the next operation", () =>
    Effect.gen(function* () {
      const errors = yield* uncaught
      const server = yield* Redis.start()
      const { close, store } = yield* closable(() => connect(server.url))
      yield* store.set("key", "value", minute)
      yield* server.stop
      yield* Effect.repeat(Effect.sleep("10 millis").pipe(Effect.zipRight(within(store.get("key")))), { times: 5 })
      yield* server.restart
      yield* eventually(store.set("key", "value", minute))
      yield* close
      assert.include(yield* Effect.flip(store.get("key")), { code: "Closed" })
      const clients = Effect.map(server.cli("client", "list"), (list) => list.split("\n").length)
      yield* eventually(Effect.filterOrFail(clients, (count) => count === 1, String))
      assert.deepStrictEqual(errors, [])
    })
  )
})

describe("a connection that somebody else made", () => {
  const ofIoredis = (url: string) =>
    Effect.acquireRelease(
      Effect.sync(() => new Ioredis(url)),
      (client) => Effect.sync(() => client.disconnect())
    )

  const ofNodeRedis = (url: string) =>
    Effect.acquireRelease(
      Effect.promise(async () => createClient({ url }).connect()),
      (client) => Effect.sync(() => client.destroy())
    )

  const isLeftOpen = (server: Redis.RedisServer, client: RedisClient) =>
    Effect.gen(function* () {
      yield* Effect.scoped(Effect.flatMap(RedisStore.make({ client }), (store) => store.set("key", "value", minute)))
      assert.strictEqual(yield* Effect.promise(async () => client.get("entra:key")), "value")
      assert.strictEqual(yield* server.cli("get", "entra:key"), "value")
    })

  it.scopedLive("stays open, of ioredis, and its errors are left alone", () =>
    Effect.gen(function* () {
      const server = yield* Redis.start()
      const client = yield* ofIoredis(server.url)
      yield* isLeftOpen(server, client)
      assert.strictEqual(client.listenerCount("error"), 0)
    })
  )

  it.scopedLive("stays open, of node-redis, and whoever listens for its errors hears them alone", () =>
    Effect.gen(function* () {
      const server = yield* Redis.start()
      const client = yield* ofNodeRedis(server.url)
      const heard: Array<unknown> = []
      client.on("error", (error) => heard.push(error))
      yield* isLeftOpen(server, client)
      assert.strictEqual(client.listenerCount("error"), 1)
      yield* server.stop
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => heard.length > 0 })
    })
  )

  it.scopedLive("of node-redis ends nothing when nobody listens for its errors, and tells who listens later", () =>
    Effect.gen(function* () {
      const errors = yield* uncaught
      const server = yield* Redis.start()
      const client = yield* ofNodeRedis(server.url)
      yield* isLeftOpen(server, client)
      yield* isLeftOpen(server, client)
      assert.strictEqual(client.listenerCount("error"), 1)
      const heard: Array<unknown> = []
      client.on("error", (error) => heard.push(error))
      yield* server.stop
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => heard.length > 0 })
      assert.deepStrictEqual(errors, [])
    })
  )

  it.scopedLive("is not opened either: that is for whoever made it", () =>
    Effect.gen(function* () {
      const server = yield* Redis.start()
      const client = createClient({ url: server.url })
      const store = yield* RedisStore.make({ client })
      assert.include(yield* Effect.flip(store.get("key")), { code: "ClientClosedError" })
      assert.isFalse(client.isOpen)
    })
  )
})
