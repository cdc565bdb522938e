import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, Duration, Effect, Either, Redacted, type Scope } from "effect"
import { partitionOf, tokenKey } from "../../src/cache/cacheKey.js"
import type { RedisClient } from "../../src/cache/redisClient.js"
import * as AccessToken from "../../src/core/AccessToken.js"
import type { TokenSource } from "../../src/core/TokenProvider.js"
import * as Redis from "../support/redis.js"
import { clients, uncaught } from "./redisClients.js"
import { authority, defaults, eventually, keysOf, type Replica, replica, signIn, textOf } from "./redisFleet.js"

const connections = clients.filter(({ name }) => !name.includes("pooled"))

/** Twice the default, for a machine that is busy with other tests. */
const patient = { timeout: "500 millis" } as const

/** Two replicas before one Redis, and an authority whose tokens serve for a second. */
const pair = (connect: (url: string) => RedisClient, url: string) =>
  Effect.gen(function* () {
    const entra = yield* authority({ tokenLifetime: "11 seconds" })
    const one = yield* replica(entra.origin, () => connect(url), patient)
    const two = yield* replica(entra.origin, () => connect(url), patient)
    return { entra, one, two }
  })

const fewOf = ({ client }: Replica): ReadonlyArray<TokenSource> => Arr.take(keysOf.scopes(client.app), 3)

interface Traffic {
  /** How long each answer took, in milliseconds. */
  readonly took: ReadonlyArray<number>
  readonly failures: ReadonlyArray<unknown>
}

/** Asks for a few tokens again and again, until the scope closes. */
const traffic = (from: Replica): Effect.Effect<Traffic, never, Scope.Scope> =>
  Effect.gen(function* () {
    const took: Array<number> = []
    const failures: Array<unknown> = []
    const ask = (key: TokenSource) =>
      Effect.gen(function* () {
        const [time, answer] = yield* Effect.timed(Effect.either(key.getToken()))
        took.push(Duration.toMillis(time))
        if (Either.isLeft(answer)) failures.push(answer.left)
        yield* Effect.sleep("20 millis")
      })
    for (const key of fewOf(from)) yield* Effect.forkScoped(from.within(Effect.forever(ask(key))))
    return { took, failures }
  })

/** Whether both have the same tokens in hand. */
const areShared = (one: Replica, two: Replica) =>
  Effect.map(
    Effect.forEach([one, two], (each) => each.within(Effect.forEach(fewOf(each), (key) => key.getToken()))),
    ([mine = [], theirs = []]) => mine.map(textOf).join() === theirs.map(textOf).join()
  )

const levels = ({ lines }: Replica) => lines.map((line) => line.split(" ")[0])

const outages: ReadonlyArray<{
  readonly name: string
  readonly begin: (server: Redis.RedisServer) => Effect.Effect<unknown>
  readonly end: (server: Redis.RedisServer) => Effect.Effect<void>
}> = [
  { name: "is killed", begin: ({ stop }) => stop, end: ({ restart }) => restart },
  { name: "stops in the middle of everything", begin: ({ pause }) => pause, end: ({ resume }) => resume },
  {
    name: "holds its clients back",
    begin: ({ cli }) => cli("client", "pause", "2500", "all"),
    end: () => Effect.void
  }
]

describe.each(connections)("two replicas before a Redis, through $name, that", { concurrent: true }, ({ connect }) => {
  it.scopedLive.each(outages)(
    "$name serve everybody at once, say so once, and share again when it is back",
    ({ begin, end }) =>
      Effect.gen(function* () {
        const errors = yield* uncaught
        const redis = yield* Redis.start()
        const { entra, one, two } = yield* pair(connect, redis.url)
        const all = yield* Effect.forEach([one, two], traffic)
        yield* eventually(areShared(one, two), (shared) => shared)
        const before = yield* entra.count
        yield* begin(redis)
        yield* Effect.sleep("2500 millis")
        assert.isAbove((yield* entra.count) - before, 3, "there were misses meanwhile")
        yield* end(redis)
        yield* eventually(Effect.succeed([one, two]), (each) => each.every((one) => levels(one).includes("INFO")))
        yield* eventually(areShared(one, two), (shared) => shared)
        for (const each of [one, two]) assert.deepStrictEqual(levels(each), ["WARN", "INFO"], each.lines.join("\n"))
        for (const { failures, took } of all) {
          assert.deepStrictEqual(failures, [])
          assert.isBelow(Math.max(...took), 4000)
        }
        assert.deepStrictEqual(errors, [])
      }),
    60_000
  )

  it.scopedLive("answers rubbish serve everybody", () =>
    Effect.gen(function* () {
      const errors = yield* uncaught
      const redis = yield* Redis.garbage()
      const { one, two } = yield* pair(connect, redis.url)
      const all = yield* Effect.forEach([one, two], traffic)
      yield* Effect.sleep("2500 millis")
      for (const { failures, took } of all) {
        assert.deepStrictEqual(failures, [])
        assert.isAbove(took.length, 30)
        assert.isBelow(Math.max(...took), 4000)
      }
      for (const each of [one, two]) assert.deepStrictEqual(levels(each), ["WARN"])
      assert.deepStrictEqual(errors, [])
    })
  )
})

/** Keeps so many tokens of 2 kB. */
const fill = ({ cache }: Replica, count: number, name: string) => {
  const partition = partitionOf({
    clientId: "other",
    environment: "entra",
    kind: "app",
    id: "contoso",
    session: ""
  })
  return Effect.forEach(
    Arr.range(1, count),
    (index) => {
      const scope = `${name}${index}`
      const key = tokenKey({
        partition,
        kind: [],
        scopeKey: scope,
        target: { tenantId: "contoso", scopes: [scope], isPlain: true }
      })
      const token = AccessToken.make({
        accessToken: Redacted.make(scope.padEnd(2000, "x")),
        scopes: [scope],
        expiresAtMillis: Date.now() + 3_600_000
      })
      return cache.set(key, token, cache.unsafeNextSequence())
    },
    { concurrency: 4, discard: true }
  )
}

const full = (policy: string) =>
  Effect.gen(function* () {
    const redis = yield* Redis.start({ args: ["--maxmemory", "2mb", "--maxmemory-policy", policy] })
    const [first] = connections
    const pairing = yield* pair(first?.connect ?? (() => assert.fail("no client")), redis.url)
    return { ...pairing, redis }
  })

describe("two replicas before a Redis that is full", () => {
  it.scopedLive(
    "and refuses what is written serve everybody, and share again when there is room",
    () =>
      Effect.gen(function* () {
        const { one, redis, two } = yield* full("noeviction")
        const all = yield* Effect.forEach([one, two], traffic)
        yield* fill(one, 800, "one")
        yield* Effect.sleep("2 seconds")
        assert.include(yield* redis.cli("info", "errorstats"), "errorstat_OOM")
        for (const { failures } of all) assert.deepStrictEqual(failures, [])
        yield* redis.cli("config", "set", "maxmemory", "0")
        yield* eventually(areShared(one, two), (shared) => shared, "40 seconds")
        for (const { failures, took } of all) {
          assert.deepStrictEqual(failures, [])
          // What a full store could not be told, it is told within 2 seconds; leases among it.
          assert.isBelow(Math.max(...took), 5000)
        }
      }),
    60_000
  )

  it.scopedLive(
    "and makes room serve everybody, and write a user again whom one of them still knows",
    () =>
      Effect.gen(function* () {
        const { entra, one, redis, two } = yield* full("allkeys-lru")
        const { account } = yield* signIn(one, entra)
        const all = yield* Effect.forEach([one, two], traffic)
        const usersThere = Effect.map(redis.cli("--scan", "--pattern", "*:u"), (keys) => keys !== "")
        assert.isTrue(yield* usersThere)
        let round = 0
        const filled = Effect.suspend(() => fill(two, 300, `${round++}.`))
        yield* Effect.repeat(Effect.zipRight(filled, usersThere), { until: (there) => !there })
        const silently = { account, scopes: [defaults.otherApiUserScope] }
        assert.strictEqual((yield* one.within(one.client.acquireTokenSilent(silently))).source, "identity_provider")
        yield* eventually(usersThere, (there) => there)
        yield* two.within(two.client.acquireTokenSilent(silently))
        for (const { failures } of all) assert.deepStrictEqual(failures, [])
      }),
    60_000
  )
})
