import { Buffer } from "node:buffer"
import { hash } from "node:crypto"
import { ConfidentialClientApplication, type INetworkModule } from "@azure/msal-node"
import { HttpClient, HttpClientResponse } from "@effect/platform"
import { Effect, Redacted, type Scope } from "effect"
import { type CacheKey, partitionOf, tokenKey } from "../../src/cache/cacheKey.js"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as AccessToken from "../../src/core/AccessToken.js"
import * as Authority from "../../src/core/Authority.js"
import type { TokenSource } from "../../src/core/TokenProvider.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import {
  type Benchmark,
  type Candidate,
  collectGarbage,
  compare,
  inFiber,
  nextTurn,
  type Row,
  type Span,
  type TimedSpan,
  timed,
  usedHeap,
  watchingLoop
} from "./measure.js"
import { filledMsal, scopeOf } from "./msal.js"

const tenantId = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
const clientId = "00001111-aaaa-2222-bbbb-3333cccc4444"
const environment = "login.microsoftonline.com"

/** What Entra's tokens have, at least; a million of them need shorter ones to fit in a process. */
const usualLength = 1499
const shortLength = 200
const million = 1_000_000
const usualCapacity = 100_000
const manyBytes = 4 * 1024 ** 3
const batchSize = 100
const sampleSize = 1000

/** One flat text of its own, as an answer's parser makes it. */
const textOf = (index: number, length: number): string => {
  const bytes = Buffer.alloc(length, "x")
  bytes.write(String(index), length - 8)
  return bytes.toString("latin1")
}

/** A token of a user who is known by an assertion alone: each has a partition of their own. */
const keyOf = (index: number): CacheKey =>
  tokenKey({
    partition: partitionOf({
      clientId,
      environment,
      kind: "assertion",
      id: hash("sha256", String(index), "base64url"),
      session: ""
    }),
    kind: [tenantId],
    scopeKey: "api://resource/.default",
    target: { tenantId, scopes: ["api://resource/.default"], isPlain: true }
  })

interface Item {
  readonly key: CacheKey
  readonly token: AccessToken.AccessToken
}

const itemOf = (index: number, length: number, expiresAtMillis: number): Item => ({
  key: keyOf(index),
  token: AccessToken.make({
    accessToken: Redacted.make(textOf(index, length)),
    scopes: ["api://resource/.default"],
    expiresAtMillis
  })
})

type Keep = (items: ReadonlyArray<Item>) => void

/** A batch is kept in one fiber, as callers have one already. */
const keepingIn = (cache: TokenCache.TokenCacheService): Keep => {
  const set = ({ key, token }: Item) => cache.set(key, token, cache.unsafeNextSequence())
  return (items) => Effect.runSync(Effect.forEach(items, set, { discard: true }))
}

/** The floor: it knows no end, no size and no order. */
const keepingInMap = (capacity = Number.POSITIVE_INFINITY): Keep => {
  const entries = new Map<string, unknown>()
  return (items) => {
    for (const { key, token } of items) {
      entries.set(key.id, { token: Redacted.value(token.accessToken), expiresAt: token.expiresAtMillis })
      const oldest = entries.size > capacity ? entries.keys().next().value : undefined
      if (oldest !== undefined) entries.delete(oldest)
    }
  }
}

const keepingNothing: Keep = () => {}

/** Fills it a batch at a time, with a turn for others in between; tells how long each batch took, without making it. */
const filling = async (
  keep: Keep,
  options: { readonly from: number; readonly count: number; readonly length: number }
): Promise<ReadonlyArray<TimedSpan>> => {
  const end = options.from + options.count
  const expiresAt = Date.now() + 3_600_000
  const spans: Array<TimedSpan> = []
  for (let from = options.from; from < end; from += batchSize) {
    const items = Array.from({ length: Math.min(batchSize, end - from) }, (_, index) =>
      itemOf(from + index, options.length, expiresAt)
    )
    await nextTurn()
    spans.push(timed(() => keep(items)))
    await nextTurn()
  }
  return spans
}

const lengthOf = ({ from, to }: Span): number => to - from
const sumOf = (spans: ReadonlyArray<Span>): number => spans.reduce((sum, span) => sum + lengthOf(span), 0)
const longestOf = (lengths: ReadonlyArray<number>): number => lengths.reduce((most, each) => Math.max(most, each), 0)
const shared = (one: Span, other: Span): number =>
  Math.max(0, Math.min(one.to, other.to) - Math.max(one.from, other.from))

const makeCache = (capacity: number) => TokenCache.makeMemory({ capacity, maxBytes: manyBytes })

const row = (what: string, value: number, unit: Row["unit"]): Row => ({ benchmark: "cache-size", what, value, unit })

const answer = (token: string) => ({ token_type: "Bearer", expires_in: 3599, access_token: token })

const http = HttpClient.make((request) =>
  Effect.sync(() => HttpClientResponse.fromWeb(request, Response.json(answer("x".repeat(usualLength)))))
)

const clientOver = (cache: TokenCache.TokenCacheService) =>
  ConfidentialClient.make({
    authority: Authority.entra({ tenantId }),
    clientId,
    credential: ClientCredential.secret(Redacted.make("secret"))
  }).pipe(Effect.provideService(HttpClient.HttpClient, http), Effect.provideService(TokenCache.TokenCache, cache))

type Sources = ReadonlyArray<TokenSource<unknown>>

/** Some prepared sources of as many entries; the others are users', put there between theirs. */
const filledSources = (entries: number): Effect.Effect<Sources, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const cache = yield* makeCache(entries)
    const keep = keepingIn(cache)
    const { app } = yield* clientOver(cache)
    const count = Math.min(entries, sampleSize)
    const between = entries / count - 1
    const sources: Array<TokenSource<unknown>> = []
    for (let index = 0; index < count; index++) {
      const source = app.forScopes(scopeOf(index))
      yield* source.getToken()
      sources.push(source)
      yield* Effect.promise(() => filling(keep, { from: index * between, count: between, length: shortLength }))
    }
    return sources
  })

const one = (sources: Sources) => {
  const token = sources[0]?.getToken() ?? Effect.dieMessage("no source")
  return () => token
}

/** The order is drawn beforehand. */
const any = (sources: Sources) => {
  const tokens = Array.from({ length: 4096 }, () => sources[Math.floor(Math.random() * sources.length)]?.getToken())
  let turn = 0
  return () => tokens[turn++ & 4095] ?? Effect.void
}

const named = (entries: number): string => `${entries.toLocaleString("en").replaceAll(",", " ")} in the cache`

const awaited = (what: string, times: number, call: () => Promise<unknown>): Candidate => ({
  what,
  times,
  run: (count) =>
    Effect.promise(async () => {
      for (let index = 0; index < count; index++) await call()
    })
})

/** What a hit costs, the more there is in the cache. */
const hits = (rounds: number, isShort: boolean) =>
  Effect.gen(function* () {
    const ours = isShort ? [1, 1000, usualCapacity] : [1, 1000, usualCapacity, million]
    const theirs = isShort ? [1, 1000] : [1, 1000, 10_000]
    const candidates: Array<Candidate> = [inFiber("loop", () => Effect.void)]
    for (const entries of ours) {
      const sources = yield* filledSources(entries)
      candidates.push(inFiber(`the same source, ${named(entries)}`, one(sources)))
      candidates.push(inFiber(`any of a sample, ${named(entries)}`, any(sources)))
    }
    for (const entries of theirs) {
      const call = yield* Effect.promise(() => filledMsal(entries))
      candidates.push(awaited(`msal-node, ${named(entries)}`, Math.max(20, 1000 / Math.sqrt(entries)), call))
    }
    collectGarbage()
    const micros = new Map(yield* compare(candidates, rounds))
    const loop = micros.get("loop") ?? Number.NaN
    const at = (who: string, entries: number) =>
      (micros.get(`${who}, ${named(entries)}`) ?? Number.NaN) - (who === "msal-node" ? 0 : loop)
    const rowsOf = (who: string, sizes: ReadonlyArray<number>) =>
      sizes.flatMap((entries) => [
        row(`hit, ${who}, ${named(entries)}`, at(who, entries), "µs"),
        ...(entries === 1 ? [] : [row("  over 1 in the cache", at(who, entries) / at(who, 1), "ratio")])
      ])
    return [...rowsOf("the same source", ours), ...rowsOf("any of a sample", ours), ...rowsOf("msal-node", theirs)]
  }).pipe(Effect.scoped)

/** How fast a cache is filled, and how fast one that is full takes more. */
const insertions = (rounds: number, isShort: boolean) =>
  Effect.gen(function* () {
    const capacity = isShort ? usualCapacity / 10 : usualCapacity
    const peerCount = isShort ? 300 : 1000
    const micros = new Map<string, number>()
    for (let round = 0; round <= Math.min(isShort ? 1 : 3, rounds); round++)
      for (const [who, keep] of [
        ["TokenCache", keepingIn(yield* makeCache(capacity))],
        ["Map", keepingInMap(capacity)]
      ] as const)
        for (const [index, state] of ["empty", "full"].entries()) {
          const from = index * capacity
          const spans = yield* Effect.promise(() => filling(keep, { from, count: capacity, length: usualLength }))
          const each = (sumOf(spans) * 1000) / capacity
          // The first round only warms up.
          if (round > 0) micros.set(`${who}, ${state}`, Math.min(each, micros.get(`${who}, ${state}`) ?? each))
        }
    const started = performance.now()
    yield* Effect.promise(() => filledMsal(peerCount))
    const msal = ((performance.now() - started) * 1000) / peerCount
    const at = (what: string) => micros.get(what) ?? Number.NaN
    const rowsOf = (state: string) => [
      row(`insertions, ${state}, capacity ${capacity}`, 1e6 / at(`TokenCache, ${state}`), "per second"),
      row(`  each`, at(`TokenCache, ${state}`), "µs"),
      row(`  over one of a Map`, at(`TokenCache, ${state}`) / at(`Map, ${state}`), "ratio")
    ]
    return [
      ...rowsOf("empty"),
      ...rowsOf("full"),
      row(`msal-node, up to ${peerCount}, by acquisition`, 1e6 / msal, "per second")
    ]
  })

/** Of a client whose tokens are texts of their own. */
const filledPeer = async (count: number): Promise<ConfidentialClientApplication> => {
  let asked = 0
  const network: INetworkModule = {
    sendGetRequestAsync: () => Promise.reject(new Error("nothing is to be discovered")),
    sendPostRequestAsync: <T>() =>
      Promise.resolve({ headers: {}, status: 200, body: answer(textOf(++asked, usualLength)) as T })
  }
  const client = new ConfidentialClientApplication({
    auth: { clientId, clientSecret: "secret", authority: `https://${environment}/${tenantId}` },
    system: { networkClient: network }
  })
  for (let index = 0; index < count; index++) await client.acquireTokenByClientCredential({ scopes: [scopeOf(index)] })
  return client
}

/** What an entry takes beside its token. */
const heap = (isShort: boolean) =>
  Effect.gen(function* () {
    const count = isShort ? 5000 : 50_000
    const peerCount = isShort ? 500 : 2000
    const cache = yield* makeCache(usualCapacity)
    const fill = (keep: Keep, size: number) =>
      Effect.promise(() => filling(keep, { from: 0, count: size, length: usualLength }))
    // What is allocated once is not an entry's.
    yield* fill(keepingIn(yield* makeCache(usualCapacity)), batchSize)
    yield* Effect.promise(() => filledPeer(10))
    const before = usedHeap()
    yield* fill(keepingIn(cache), count)
    const filled = usedHeap()
    for (let index = 0; index < count; index++) cache.unsafeGet(keyOf(index))?.hit
    const hit = usedHeap()
    const peer = yield* Effect.promise(() => filledPeer(peerCount))
    const withPeer = usedHeap()
    const estimate = (yield* cache.statistics).bytes / count
    const perEntry = (bytes: number, size: number) => bytes / size - usualLength
    // Both are in use until here.
    peer.getTokenCache().hasChanged()
    return [
      row(`heap per entry beside its token, ${count}, before a hit`, perEntry(filled - before, count), "bytes"),
      row("  after each has been hit", perEntry(hit - before, count), "bytes"),
      row("  as the cache estimates it", estimate - usualLength, "bytes"),
      row(`msal-node, ${peerCount}`, perEntry(withPeer - hit, peerCount), "bytes")
    ]
  })

/** Whether filling it ever holds the event loop up. */
const blocks = (isShort: boolean) =>
  Effect.gen(function* () {
    const count = isShort ? million / 20 : million
    const rows: Array<Row> = []
    for (const [who, makeKeep] of [
      ["TokenCache", Effect.map(makeCache(count), keepingIn)],
      ["a Map", Effect.sync(() => keepingInMap())],
      ["nothing", Effect.succeed(keepingNothing)]
    ] as const) {
      collectGarbage()
      const keep = yield* makeKeep
      const [spans, { longest, p99, pauses }] = yield* Effect.promise(() =>
        watchingLoop(() => filling(keep, { from: 0, count, length: shortLength }))
      )
      const own = spans.map((span) => lengthOf(span) - pauses.reduce((sum, pause) => sum + shared(span, pause), 0))
      rows.push(
        row(`${count} tokens of ${shortLength} characters into ${who}: longest delay`, longest, "ms"),
        row("  99th percentile of delays", p99, "ms"),
        row(`  longest batch of ${batchSize}`, longestOf(spans.map(lengthOf)), "ms"),
        row("  longest batch without the collector's pauses", longestOf(own), "ms"),
        row("  most processor time of a batch, all threads", longestOf(spans.map(({ cpu }) => cpu)), "ms"),
        row("  longest pause of the collector", longestOf(pauses.map(lengthOf)), "ms")
      )
    }
    return rows
  })

/** What a cache costs by its size. */
export const cacheSize: Benchmark = {
  name: "cache-size",
  run: ({ isShort, rounds }) =>
    Effect.gen(function* () {
      const ofHeap = yield* heap(isShort)
      const ofInsertions = yield* insertions(rounds, isShort)
      const ofBlocks = yield* blocks(isShort)
      return [...(yield* hits(rounds, isShort)), ...ofInsertions, ...ofHeap, ...ofBlocks]
    }).pipe(Effect.orDie)
}
