import { getHeapSpaceStatistics } from "node:v8"
import { HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { Clock, Context, Duration, Effect, Either, Exit, Fiber, Layer, Random, Scope } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import type { AccessToken } from "../../src/core/AccessToken.js"
import * as Authority from "../../src/core/Authority.js"
import type { TokenRequest, TokenSource } from "../../src/core/TokenProvider.js"
import { Census } from "../faults/stage.js"
import { defaults, options } from "../support/emulated.js"
import * as Meter from "./meter.js"
import type { Server } from "./server.js"

export interface Options {
  readonly seconds: number
  readonly seed: string
  /** Made for each round, and gone after it. */
  readonly server: Server
  readonly fibers?: number
  /** So long it runs beforehand, for the heap to be measured against; 0 measures none. */
  readonly warmUpSeconds?: number
}

/** Something that must hold in the end. */
export interface Check {
  readonly what: string
  readonly holds: boolean
}

/** What the clients do faster than in life, so that much happens in a minute. */
const attempts = 4
const budgetTokens = 10
const firstAttempts = 10
const refillMillis = 200
const retryPolicy = {
  attempts,
  backoff: "5 millis",
  longestBackoff: "40 millis",
  attemptTimeout: "250 millis",
  longestWait: "300 millis",
  deadline: "2 seconds",
  budget: { tokens: budgetTokens, firstAttempts, refill: refillMillis },
  gate: { bareThrottle: "100 millis", longestRepeat: "200 millis", repeatWindow: "1 second" },
  breaker: { window: "1 second", pause: "200 millis" }
} as const

/** The last milliseconds of a token, which are never served. */
const neverServed = 10_000

const chance = (share: number) => Effect.map(Random.next, (random) => random < share)

interface Tally {
  calls: number
  tokens: number
  failures: number
  interrupted: number
  /** Failures of plain calls while a token that was handed out before could still be served. */
  needless: number
  /** Tokens that were handed out in the time in which they must not be. */
  tooOld: number
}

interface Key {
  readonly source: TokenSource<{ readonly _tag: string }>
  /** Until when the best token that anyone has seen serves. */
  servesUntil: number
}

const scopes = [defaults.apiScope, defaults.otherApiScope, defaults.graphScope]
const tenants = [defaults.tenantId, defaults.otherTenantId]

const keysOf = ({ app }: ConfidentialClient.ConfidentialClientService): ReadonlyArray<Key> =>
  tenants.flatMap((tenantId) =>
    scopes.map((scope): Key => ({ source: app.forScopes(scope, { tenantId }), servesUntil: 0 }))
  )

const servesUntil = (token: AccessToken): number => (token.expiresAtMillis ?? 0) - neverServed

const note = (tally: Tally, key: Key, before: number, isPlain: boolean) => {
  const onToken = (now: number, token: AccessToken) => {
    tally.tokens += 1
    if (now > servesUntil(token)) tally.tooOld += 1
    key.servesUntil = Math.max(key.servesUntil, servesUntil(token))
  }
  const onFailure = (now: number) => {
    tally.failures += 1
    if (isPlain && now < before) tally.needless += 1
  }
  return (result: Either.Either<AccessToken, unknown>) =>
    Effect.map(Clock.currentTimeMillis, (now) =>
      Either.match(result, { onLeft: () => onFailure(now), onRight: (token) => onToken(now, token) })
    )
}

const claims = '{"access_token":{"nbf":{"essential":true}}}'

const requestOf: Effect.Effect<TokenRequest | undefined> = Effect.map(Random.next, (random) => {
  if (random < 0.02) return { forceRefresh: true }
  return random < 0.03 ? { claims } : undefined
})

const call = (tally: Tally, keys: ReadonlyArray<Key>) =>
  Effect.gen(function* () {
    const key = yield* Effect.orDie(Random.choice(keys))
    const request = yield* requestOf
    tally.calls += 1
    const asked = Effect.flatMap(
      Effect.either(key.source.getToken(request)),
      note(tally, key, key.servesUntil, request === undefined)
    )
    if (!(yield* chance(0.4))) return yield* asked
    const fiber = yield* Effect.fork(asked)
    yield* Effect.sleep(yield* Random.nextIntBetween(0, 30))
    if (Exit.isInterrupted(yield* Fiber.interrupt(fiber))) tally.interrupted += 1
  })

/** Asks until the time is over, with a randomness of its own. */
const caller = (tally: Tally, keys: ReadonlyArray<Key>, end: number, seed: string) =>
  Effect.gen(function* () {
    while ((yield* Clock.currentTimeMillis) < end) {
      yield* call(tally, keys)
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 60))
    }
  }).pipe(Effect.withRandom(Random.make(seed)))

/** What keeps a process alive, by kind. */
const resources = () => {
  const all = process.getActiveResourcesInfo()
  const count = (...kinds: ReadonlyArray<string>) => all.filter((kind) => kinds.includes(kind)).length
  return { timers: count("Timeout"), sockets: count("TCPSocketWrap", "TCPServerWrap") }
}

/** Looks again and again for a while; no timer of its own runs while it looks. */
const settles = (holds: () => boolean) =>
  Effect.gen(function* () {
    for (let look = 0; look < 150 && !holds(); look++) yield* Effect.sleep("20 millis")
    return holds()
  })

/** What the program holds: the machine code that the engine goes on making of it is not counted. */
const heapOfData = () =>
  getHeapSpaceStatistics()
    .filter(({ space_name }) => !space_name.startsWith("code_"))
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0)

const heapAfterCollection = Effect.gen(function* () {
  const collect = globalThis.gc
  if (collect === undefined) return undefined
  for (let round = 0; round < 3; round++) {
    yield* Effect.sleep("50 millis")
    collect()
  }
  return heapOfData()
})

const makeClient = (origin: string) =>
  ConfidentialClient.make({
    ...options,
    authority: Authority.entra({ tenantId: defaults.tenantId, host: origin }),
    retryPolicy
  })

/** Runs for so long; in the end the server is gone, the client is still there. */
const round = (seconds: number, { fibers = 200, seed, server }: Options, census: Census, scope: Scope.Scope) =>
  Effect.gen(function* () {
    const origin = yield* server
    const http = yield* Layer.buildWithScope(NodeHttpClient.layerUndici, scope)
    const meter = Meter.make(Context.get(http, HttpClient.HttpClient))
    const client = yield* makeClient(origin).pipe(
      Effect.supervised(census),
      Effect.provideService(HttpClient.HttpClient, meter.client),
      Effect.provide(TokenCache.layerMemory()),
      Scope.extend(scope)
    )
    const tally: Tally = { calls: 0, tokens: 0, failures: 0, interrupted: 0, needless: 0, tooOld: 0 }
    const keys = keysOf(client)
    const start = yield* Clock.currentTimeMillis
    yield* Effect.forEach(
      Array.from({ length: fibers }, (_, index) => index),
      (index) => caller(tally, keys, start + seconds * 1000, `${seed} ${index}`),
      { concurrency: "unbounded", discard: true }
    )
    return { tally, meter, millis: (yield* Clock.currentTimeMillis) - start }
  }).pipe(Effect.scoped, Effect.withRandom(Random.make(seed)))

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`

const heapCheck = (before: number | undefined, after: number | undefined): Check => {
  if (before === undefined || after === undefined)
    return { what: "heap: not measured (needs node --expose-gc and a warm-up)", holds: true }
  return {
    what: `heap flat: ${megabytes(before)} after the warm-up, ${megabytes(after)} in the end`,
    holds: after - before < 3_000_000
  }
}

const checksOf = ({ meter, millis, tally }: Effect.Effect.Success<ReturnType<typeof round>>): ReadonlyArray<Check> => {
  const budget = Math.ceil(budgetTokens + meter.flights() / firstAttempts + millis / refillMillis)
  return [
    {
      what: `${tally.calls} calls: ${tally.tokens} tokens, ${tally.failures} failures, ${tally.interrupted} interrupted`,
      holds: tally.tokens > 0 && tally.failures > 0 && tally.interrupted > 0
    },
    { what: `calls that failed while a valid token was held: ${tally.needless}`, holds: tally.needless === 0 },
    { what: `tokens handed out in their last 10 s: ${tally.tooOld}`, holds: tally.tooOld === 0 },
    {
      what: `${meter.requests()} requests in ${meter.flights()} flights, at most ${meter.mostOfAFlight()} in one (allowed: ${attempts})`,
      holds: meter.mostOfAFlight() <= attempts && meter.flights() > 0
    },
    { what: `requests at once for a key: at most ${meter.mostAtOnce()} (allowed: 1)`, holds: meter.mostAtOnce() === 1 },
    {
      what: `retries paid from the budget: ${meter.paidRetries()} (allowed: ${budget})`,
      holds: meter.paidRetries() <= budget
    }
  ]
}

/** Many fibers, random faults, random interruption, over real sockets; tells what held in the end. */
export const soak = (options: Options): Effect.Effect<ReadonlyArray<Check>> =>
  Effect.gen(function* () {
    const { seconds, warmUpSeconds = 0 } = options
    const before = resources()
    const census = new Census()
    const scope = yield* Scope.make()
    if (warmUpSeconds > 0) yield* round(warmUpSeconds, options, census, scope)
    const heapBefore = warmUpSeconds > 0 ? yield* heapAfterCollection : undefined
    const result = yield* round(seconds, options, census, scope)
    const heapAfter = yield* heapAfterCollection
    const closing = yield* Clock.currentTimeMillis
    yield* Scope.close(scope, Exit.void)
    const closed = (yield* Clock.currentTimeMillis) - closing
    const isClean = yield* settles(
      () => resources().timers <= before.timers && resources().sockets <= before.sockets && census.living.size === 0
    )
    const left = resources()
    return [
      ...checksOf(result),
      { what: `fibers of the clients left: ${census.living.size}`, holds: census.living.size === 0 },
      {
        what: `timers: ${before.timers} before, ${left.timers} left; sockets: ${before.sockets} before, ${left.sockets} left`,
        holds: isClean
      },
      { what: `closed in ${Duration.format(Duration.millis(closed))}`, holds: closed < 1000 },
      heapCheck(heapBefore, heapAfter)
    ]
  }).pipe(Effect.orDie)
