import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type AccessToken, withSource } from "../core/AccessToken.js"
import type { Found, Reading } from "./backing.js"
import type { CacheKey } from "./cacheKey.js"
import { lifetimeOf, serves } from "./lifetime.js"
import type { Won } from "./localCache.js"
import type { Sharing } from "./sharing.js"
import type { Asked, TokenCacheService } from "./TokenCache.js"

/** How long the exchange of another process is waited for. */
const patience = Duration.seconds(60)
/** Clocks of machines differ: so far ahead another's may be. */
const skew = 60_000

const isWanted = (asked: Asked, { cachedAt, claims, token }: Found, now: number): boolean => {
  if (asked.isAnew || cachedAt > now + skew || cachedAt <= (asked.after ?? Number.NEGATIVE_INFINITY)) return false
  if (asked.claims !== undefined && asked.claims !== claims) return false
  const lifetime = lifetimeOf(token, Math.min(cachedAt, now), asked.endsAt)
  return lifetime !== undefined && now < lifetime.freshUntil && serves(lifetime, now)
}

/**
 * Tokens that processes share: each is asked for by one of them, and dropped by all when it is refused.
 *
 * @internal
 */
export const make = (sharing: Sharing): Pick<TokenCacheService, "alias" | "confirm" | "obtain" | "set" | "reject"> => {
  const { ask, backing, isLocal, leased, local, outbox, standings } = sharing

  const keepHere = (key: CacheKey, token: AccessToken, won: Won) =>
    Effect.map(local.keep(key, token, won), (held) => {
      if (!isLocal(key.partition)) held?.checkedUntil(standings.nextLook(key.partition))
    })

  /** A token that another process has won, if it is what is asked for. */
  const accepted = (key: CacheKey, asked: Asked, { found }: Reading) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (found === undefined || !isWanted(asked, found, now)) return Option.none<AccessToken>()
      if (local.isUnwanted(key, found.token, asked.sequence)) return Option.none<AccessToken>()
      const { claims, token } = found
      yield* keepHere(key, token, { ...asked, claims, cachedAt: Math.min(found.cachedAt, now) })
      return Option.some(withSource(token, "cache"))
    })

  const read = (key: CacheKey) =>
    Effect.tap(ask(key.partition, "get", backing.read(key)), (answer) =>
      Option.isSome(answer) ? standings.learn(key.partition, answer.value.standing) : Effect.void
    )

  /** Keeps what an exchange has won, unless its holder was removed meanwhile. */
  const keep = (
    key: CacheKey,
    token: AccessToken,
    won: Won,
    since: { readonly epoch: string | undefined; readonly version: string | undefined; readonly begunAt: number }
  ) =>
    Effect.gen(function* () {
      const { partition } = key
      const epoch = standings.epochOf(partition)
      const isRemoved = since.epoch !== undefined && epoch !== since.epoch
      if (isRemoved || local.isUnwanted(key, token, won.sequence)) return
      yield* keepHere(key, token, won)
      const found = { token, cachedAt: since.begunAt, claims: won.claims }
      const written = backing.write(key, found, since.version, epoch)
      const settled = yield* ask(partition, "set", written)
      if (Option.isSome(settled)) standings.settle(partition, settled.value)
    })

  /** The exchange of one process: what others have won while this one waited serves, too. */
  const exchanged = <E, R>(
    key: CacheKey,
    asked: Asked,
    first: Reading,
    exchange: Effect.Effect<AccessToken, E, R>
  ): Effect.Effect<AccessToken, E, R> => {
    let latest = first
    const look = Effect.flatMap(read(key), (answer) => {
      if (Option.isNone(answer)) return Effect.succeedNone
      const isSame = answer.value.version === latest.version
      latest = answer.value
      return isSame ? Effect.succeedNone : accepted(key, { ...asked, isAnew: false }, latest)
    })
    const use = Effect.flatMap(Clock.currentTimeMillis, (begunAt) =>
      Effect.tap(exchange, (token) =>
        keep(key, token, asked, { epoch: latest.standing.epoch, version: latest.version, begunAt })
      )
    )
    return leased === undefined
      ? use
      : leased({ partition: key.partition, name: key.id, patience, look, tooLate: use, use })
  }

  return {
    alias: (key, { claims, sequence, token }, endsAt) =>
      Effect.asVoid(keepHere(key, token, { claims, endsAt, sequence })),

    obtain: (key, asked, exchange) =>
      isLocal(key.partition)
        ? local.obtain(key, asked, exchange)
        : Effect.gen(function* () {
            const answer = yield* read(key)
            if (Option.isNone(answer)) return yield* Effect.tap(exchange, (token) => keepHere(key, token, asked))
            const found = yield* accepted(key, asked, answer.value)
            return Option.isSome(found) ? found.value : yield* exchanged(key, asked, answer.value, exchange)
          }),

    set: (key, token, sequence, about) =>
      isLocal(key.partition)
        ? local.set(key, token, sequence, about)
        : Effect.gen(function* () {
            const version = Option.getOrUndefined(yield* read(key))?.version
            const begunAt = yield* Clock.currentTimeMillis
            yield* keep(key, token, { ...about, sequence }, { epoch: undefined, version, begunAt })
          }),

    confirm: ({ partition }) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (isLocal(partition) || now < standings.checkAt(partition)) return Effect.void
        standings.beginLook(partition, now)
        const failed = Effect.sync(() => standings.failLook(partition, now))
        return Effect.flatMap(ask(partition, "get", backing.standing(partition)), (answer) =>
          Option.isSome(answer) ? standings.learn(partition, answer.value) : failed
        ).pipe(Effect.onInterrupt(() => failed))
      }),

    reject: (key, token) =>
      Effect.gen(function* () {
        const isKnown = local.isRejected(key, token)
        const since = yield* local.reject(key, token)
        if (isKnown || isLocal(key.partition)) return since
        const told = Effect.suspend(() => backing.reject(key, token, standings.epochOf(key.partition)))
        yield* outbox.send(key.partition.id, told)
        return since
      })
  }
}
