import { HttpClient, HttpClientResponse } from "@effect/platform"
import { Effect, Redacted, type Scope } from "effect"
import { Redis as Ioredis } from "ioredis"
import { createClient } from "redis"
import { type CacheKey, partitionOf, tokenKey } from "../../src/cache/cacheKey.js"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as TokenCacheRedis from "../../src/cache/TokenCacheRedis.js"
import type * as TokenEncryption from "../../src/cache/TokenEncryption.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as AccessToken from "../../src/core/AccessToken.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import { setup } from "../support/machine.js"
import * as Redis from "../support/redis.js"
import { type Benchmark, type Candidate, compare, type Row } from "./measure.js"

const tenantId = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
const clientId = "00001111-aaaa-2222-bbbb-3333cccc4444"
const tokenLength = 1499
const times = 200
const acquired = 50
/** A bench is slow to start where another runs; a store that is given up would be measured as memory alone. */
const timeout = "10 seconds"

/** A client, what commands it is asked by here, and the name of what made it. */
interface Connection {
  readonly name: string
  readonly client: TokenCacheRedis.RedisClient
  readonly get: (key: string) => PromiseLike<string | null>
  readonly keys: (pattern: string) => PromiseLike<ReadonlyArray<string>>
}

const connections = (url: string): Effect.Effect<ReadonlyArray<Connection>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const ioredis = yield* Effect.acquireRelease(
      Effect.sync(() => new Ioredis(url)),
      (client) => Effect.sync(() => client.disconnect())
    )
    const nodeRedis = yield* Effect.acquireRelease(
      Effect.promise(() => createClient({ url }).connect()),
      (client) => Effect.sync(() => client.destroy())
    )
    return [
      {
        name: "ioredis",
        client: ioredis,
        get: (key) => ioredis.get(key),
        keys: (pattern) => ioredis.keys(pattern)
      },
      {
        name: "node-redis",
        client: nodeRedis,
        get: (key) => nodeRedis.get(key),
        keys: (pattern) => nodeRedis.keys(pattern)
      }
    ]
  })

const secretOf = (fill: number) => Redacted.make(Buffer.alloc(32, fill).toString("base64"))

const encryption: TokenEncryption.Options = { keys: [{ id: "k1", key: secretOf(1) }], indexKey: secretOf(2) }

const keyOf = (index: number): CacheKey =>
  tokenKey({
    partition: partitionOf({
      clientId,
      environment: "login.microsoftonline.com",
      kind: "assertion",
      id: `assertion-${index}`,
      session: ""
    }),
    kind: [tenantId],
    scopeKey: "api://resource/.default",
    target: { tenantId, scopes: ["api://resource/.default"], isPlain: true }
  })

const tokenOf = (index: number) =>
  AccessToken.make({
    accessToken: Redacted.make(String(index).padEnd(tokenLength, "x")),
    scopes: ["api://resource/.default"],
    expiresAtMillis: Date.now() + 3_600_000
  })

const asked = { sequence: 1, isAnew: false, after: undefined, claims: undefined }
const keys = Array.from({ length: times }, (_, index) => keyOf(index))

type Options = Pick<TokenCacheRedis.Options, "client" | "prefix" | "encryption">

const cacheOf = (options: Options) => TokenCacheRedis.make({ ...options, timeout })

const fill = (options: Options) =>
  Effect.flatMap(cacheOf(options), (cache) =>
    Effect.forEach(keys, (key, index) => cache.set(key, tokenOf(index), index), { discard: true })
  ).pipe(Effect.scoped)

const absent = Effect.dieMessage("it is not in Redis")

/** Each round a process that knows nothing yet asks for what another has won. */
const obtaining = (what: string, options: Options): Candidate => ({
  what,
  times,
  run: (count) =>
    cacheOf(options).pipe(
      Effect.flatMap((cache) =>
        Effect.forEach(keys.slice(0, count), (key) => cache.obtain(key, asked, absent), { discard: true })
      ),
      Effect.scoped,
      Effect.orDie
    )
})

const getting = (what: string, { get }: Connection, names: ReadonlyArray<string>): Candidate => ({
  what,
  times,
  run: (count) =>
    Effect.promise(async () => {
      for (const name of names.slice(0, count)) if ((await get(name)) === null) throw new Error("it is not in Redis")
    })
})

const answer = { token_type: "Bearer", expires_in: 3599, access_token: "x".repeat(tokenLength) }

const http = HttpClient.make((request) => Effect.sync(() => HttpClientResponse.fromWeb(request, Response.json(answer))))

const clientOver = (cache: TokenCache.TokenCacheService) =>
  ConfidentialClient.make({
    authority: Authority.entra({ tenantId }),
    clientId,
    credential: ClientCredential.secret(Redacted.make("secret"))
  }).pipe(
    Effect.provideService(HttpClient.HttpClient, http),
    Effect.provideService(TokenCache.TokenCache, cache),
    Effect.map(({ app }) => app)
  )

let strangers = 0

/** First tokens: each in a tenant that nobody has asked for yet, or in one, for a resource of its own. */
const acquiring = (
  what: string,
  cache: TokenCache.TokenCacheService,
  where: "a new tenant" | "a known tenant"
): Effect.Effect<Candidate, never, Scope.Scope> =>
  Effect.map(Effect.orDie(clientOver(cache)), (app) => ({
    what,
    times: acquired,
    run: (count) =>
      Effect.forEach(
        Array.from({ length: count }, () => String(++strangers).padStart(12, "0")),
        (stranger) =>
          where === "a new tenant"
            ? app.forScopes("api://resource/.default", { tenantId: `aaaabbbb-0000-cccc-1111-${stranger}` }).getToken()
            : app.forScopes(`api://resource-${stranger}/.default`).getToken(),
        { discard: true }
      ).pipe(Effect.orDie)
  }))

/** How many commands the server got meanwhile. */
const commandsOf = (server: Redis.RedisServer, { run, times }: Candidate) =>
  Effect.gen(function* () {
    const count = Effect.map(server.cli("info", "stats"), (info) =>
      Number(/total_commands_processed:(\d+)/.exec(info)?.[1])
    )
    const before = yield* count
    yield* run(times)
    const all = (yield* count) - before
    // Asking is a command itself.
    return (all - 1) / times
  })

const row = (what: string, value: number, unit: Row["unit"]): Row => ({ benchmark: "shared-cache", what, value, unit })

interface Case {
  readonly name: string
  readonly bare: Candidate
  readonly hit: Candidate
}

const casesOf = (connection: Connection) =>
  Effect.forEach(["plain", "encrypted"], (kind) =>
    Effect.gen(function* () {
      const name = `${connection.name}, ${kind}`
      const prefix = `${kind}:${connection.name}:`
      const options = { client: connection.client, prefix, ...(kind === "encrypted" && { encryption }) }
      yield* fill(options)
      const names = yield* Effect.promise(() => connection.keys(`${prefix}*:t:*`))
      const made: Case = {
        name,
        bare: getting(`GET, ${name}`, connection, names),
        hit: obtaining(`hit, ${name}`, options)
      }
      return made
    })
  )

const hits = (server: Redis.RedisServer, all: ReadonlyArray<Connection>, rounds: number) =>
  Effect.gen(function* () {
    const cases = (yield* Effect.forEach(all, casesOf)).flat()
    const micros = new Map(
      yield* compare(
        cases.flatMap(({ bare, hit }) => [bare, hit]),
        rounds
      )
    )
    const at = (candidate: Candidate) => micros.get(candidate.what) ?? Number.NaN
    const rows = cases.flatMap(({ bare, hit, name }) => [
      row(`a token that Redis has, ${name}`, at(hit), "µs"),
      row("  a bare GET of it", at(bare), "µs"),
      row("  over the bare GET", at(hit) / at(bare), "ratio")
    ])
    const [first] = cases
    return first === undefined
      ? rows
      : [...rows, row("  commands, each", yield* commandsOf(server, first.hit), "commands")]
  })

const acquisitions = (server: Redis.RedisServer, { client }: Connection, rounds: number) =>
  Effect.gen(function* () {
    const caches = {
      memory: yield* TokenCache.makeMemory(),
      plain: yield* cacheOf({ client, prefix: "cold:" }),
      encrypted: yield* cacheOf({ client, prefix: "sealed:", encryption })
    }
    const rows: Array<Row> = []
    for (const where of ["a known tenant", "a new tenant"] as const) {
      const memory = yield* acquiring("memory", caches.memory, where)
      const plain = yield* acquiring("plain", caches.plain, where)
      const encrypted = yield* acquiring("encrypted", caches.encrypted, where)
      const micros = new Map(yield* compare([memory, plain, encrypted], rounds))
      const at = ({ what }: Candidate) => micros.get(what) ?? Number.NaN
      rows.push(
        row(`cold acquisition in ${where}, in memory`, at(memory), "µs"),
        row("  what Redis adds", at(plain) - at(memory), "µs"),
        row("  what Redis adds, encrypted", at(encrypted) - at(memory), "µs"),
        row("  commands, each", yield* commandsOf(server, plain), "commands")
      )
    }
    return rows
  })

/** What a store shared by all processes costs, where memory has nothing. */
export const sharedCache: Benchmark = {
  name: "shared-cache",
  run: ({ rounds }) =>
    Effect.gen(function* () {
      yield* Effect.sync(setup)
      const server = yield* Redis.start()
      const all = yield* connections(server.url)
      const ofHits = yield* hits(server, all, rounds)
      const [first] = all
      return first === undefined ? ofHits : [...ofHits, ...(yield* acquisitions(server, first, rounds))]
    }).pipe(Effect.scoped, Effect.orDie)
}
