import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type AccessToken, withSource } from "../core/AccessToken.js"
import { sha256 } from "../core/digest.js"
import { makeGuid } from "../core/guid.js"
import { CacheUnavailable } from "../core/TokenError.js"
import { BoundedMap } from "../resilience/boundedMap.js"
import type { Backing, Found, Reading, Standing } from "./backing.js"
import { type CacheKey, type Partition, partitionIn } from "./cacheKey.js"
import * as LeaseHolder from "./leaseHolder.js"
import { lifetimeOf, serves } from "./lifetime.js"
import type { LocalCache, Won } from "./localCache.js"
import * as Outbox from "./outbox.js"
import * as StoreHealth from "./storeHealth.js"
import type { Asked, TokenCacheService, User } from "./TokenCache.js"
import type { StoreError } from "./TokenStore.js"

/** How a shared cache deals with what lies behind it. */
export interface Manners {
  /** How long one look at the store may take. */
  readonly timeout: Duration.Duration
  /** How long others wait for a process that has crashed. */
  readonly lease: Duration.Duration
}

/** What this process knows of a partition, and when it looks again. */
interface Known {
  /** Absent until it stands in the store. */
  readonly epoch: string | undefined
  readonly clearedAt: number
  readonly checkAt: number
}

const mostKnown = 100_000
/** What others remove is seen within a minute, the time that the look takes included. */
const checkEvery = 55_000
const retryEvery = 1000
const never = Number.NEGATIVE_INFINITY
/** How long the exchange of another process is waited for. */
const patience = Duration.seconds(60)
/** Clocks of machines differ: so far ahead another's may be. */
const skew = 60_000

/** What stands for all groups: no group has this id. */
const everything = "*"

const isWanted = (asked: Asked, { cachedAt, claims, token }: Found, now: number): boolean => {
  if (asked.isAnew || cachedAt > now + skew || cachedAt <= (asked.after ?? Number.NEGATIVE_INFINITY)) return false
  if (asked.claims !== undefined && asked.claims !== claims) return false
  const lifetime = lifetimeOf(token, Math.min(cachedAt, now), asked.endsAt)
  return lifetime !== undefined && now < lifetime.freshUntil && serves(lifetime, now)
}

/**
 * A cache whose memory is in front of something that other processes share. Memory answers; what lies behind is asked where
 * memory has nothing, told what was won, and looked at once a minute for what others have removed. Where it fails, memory goes
 * on alone.
 *
 * @internal
 */
export const make = (
  local: LocalCache,
  backing: Backing,
  manners: Manners
): Effect.Effect<TokenCacheService, never, Scope.Scope> =>
  Effect.gen(function* () {
    const isLocal = (partition: Partition): boolean => !backing.holds(partition)
    const health = StoreHealth.make(manners.timeout)
    const outbox = yield* Outbox.make(health)
    const known = new BoundedMap<Known>(mostKnown)
    /** When this process has removed groups itself. */
    const cleared = new BoundedMap<number>(mostKnown)

    /** What the store has not been told yet, it knows wrongly. */
    const ask = <A>(partition: Partition, operation: StoreError["operation"], question: Effect.Effect<A, StoreError>) =>
      Effect.flatMap(outbox.isSent(partition.id), (isSent) =>
        isSent ? health.ask(operation, question) : Effect.succeedNone
      )

    const clearedHere = ({ group }: Partition) =>
      Math.max(cleared.get(group.id) ?? never, cleared.get(everything) ?? never)

    /** Memory goes by what stands: what others have removed or rejected is no longer there. */
    const learn = (partition: Partition, { clearedAt, epoch, rejected }: Standing) =>
      Effect.gen(function* () {
        const before = known.get(partition.id)
        const isRemoved = before?.epoch !== undefined && epoch !== undefined && before.epoch !== epoch
        const isCleared = clearedAt > Math.max(before?.clearedAt ?? never, clearedHere(partition))
        if (isRemoved || isCleared) local.forget(partition)
        const checkAt = (yield* Clock.currentTimeMillis) + checkEvery
        known.set(partition.id, { epoch: epoch ?? before?.epoch, clearedAt, checkAt })
        for (const held of [...local.unsafeEntries(partition)]) {
          held.checkedUntil(checkAt)
          if (rejected.size > 0 && rejected.has(yield* sha256(Redacted.value(held.token.accessToken))))
            yield* local.reject({ partition }, held.token)
        }
      })

    const settle = (partition: Partition, epoch: string): void => {
      const before = known.get(partition.id)
      if (before?.epoch !== undefined && before.epoch !== epoch) local.forget(partition)
      known.set(partition.id, { epoch, clearedAt: before?.clearedAt ?? never, checkAt: before?.checkAt ?? 0 })
    }

    const keepHere = (key: CacheKey, token: AccessToken, won: Won) =>
      Effect.map(local.keep(key, token, won), (held) => {
        held?.checkedUntil(known.get(key.partition.id)?.checkAt ?? 0)
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
        Option.isSome(answer) ? learn(key.partition, answer.value.standing) : Effect.void
      )

    /** Keeps what an exchange has won, unless its holder was removed meanwhile. */
    const keep = (
      key: CacheKey,
      token: AccessToken,
      won: Won,
      since: { readonly epoch: string | undefined; readonly version: string | undefined }
    ) =>
      Effect.gen(function* () {
        const { partition } = key
        const isRemoved = since.epoch !== undefined && known.get(partition.id)?.epoch !== since.epoch
        if (isRemoved || local.isUnwanted(key, token, won.sequence)) return
        yield* keepHere(key, token, won)
        const cachedAt = yield* Clock.currentTimeMillis
        const written = yield* ask(
          partition,
          "set",
          backing.write(key, { token, cachedAt, claims: won.claims }, since.version, known.get(partition.id)?.epoch)
        )
        if (Option.isSome(written)) settle(partition, written.value)
      })

    const leased = backing.leases && LeaseHolder.make(backing.leases, health, manners.lease)

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
      const use = Effect.tap(exchange, (token) =>
        keep(key, token, asked, { epoch: latest.standing.epoch, version: latest.version })
      )
      return leased === undefined
        ? use
        : leased({ partition: key.partition, name: key.id, patience, look, tooLate: use, use })
    }

    const obtain: TokenCacheService["obtain"] = (key, asked, exchange) =>
      isLocal(key.partition)
        ? local.obtain(key, asked, exchange)
        : Effect.gen(function* () {
            const answer = yield* read(key)
            if (Option.isNone(answer)) return yield* local.obtain(key, asked, exchange)
            const first = answer.value
            const found = yield* accepted(key, asked, first)
            return Option.isSome(found) ? found.value : yield* exchanged(key, asked, first, exchange)
          })

    const set: TokenCacheService["set"] = (key, token, sequence, about) =>
      isLocal(key.partition)
        ? local.set(key, token, sequence, about)
        : Effect.gen(function* () {
            const version = Option.getOrUndefined(yield* read(key))?.version
            yield* keep(key, token, { ...about, sequence }, { epoch: undefined, version })
          })

    const confirm: TokenCacheService["confirm"] = ({ partition }) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const mine = known.get(partition.id)
        if (isLocal(partition) || (mine !== undefined && now < mine.checkAt)) return Effect.void
        // Others go on while one looks.
        known.set(partition.id, { epoch: mine?.epoch, clearedAt: mine?.clearedAt ?? never, checkAt: now + checkEvery })
        return Effect.flatMap(ask(partition, "get", backing.standing(partition)), (answer) => {
          if (Option.isSome(answer)) return learn(partition, answer.value)
          const checkAt = now + retryEvery
          known.set(partition.id, { epoch: mine?.epoch, clearedAt: mine?.clearedAt ?? never, checkAt })
          for (const held of local.unsafeEntries(partition)) held.checkedUntil(checkAt)
          return Effect.void
        })
      })

    const reject: TokenCacheService["reject"] = (key, token) =>
      Effect.gen(function* () {
        const isKnown = local.isRejected(key, token)
        const since = yield* local.reject(key, token)
        if (isKnown || isLocal(key.partition)) return since
        const told = Effect.suspend(() => backing.reject(key, token, known.get(key.partition.id)?.epoch))
        yield* outbox.send(key.partition.id, told)
        return since
      })

    /** What memory holds of a user when the store is told at last, unless somebody else has written meanwhile. */
    const later = (partition: Partition, before: User | undefined) =>
      Effect.flatMap(local.user(partition), (mine) =>
        mine === undefined
          ? Effect.void
          : backing.modifyUser(partition, known.get(partition.id)?.epoch, mine, (stored) =>
              stored === mine || Equal.equals(stored?.refreshToken, before?.refreshToken) ? mine : undefined
            )
      )

    const modifyUser: TokenCacheService["modifyUser"] = (partition, sequence, next) =>
      Effect.gen(function* () {
        if (local.wasRemoved(partition, sequence)) return
        if (isLocal(partition)) return yield* local.modifyUser(partition, sequence, next)
        const before = yield* local.user(partition)
        const epoch = known.get(partition.id)?.epoch
        const answer = yield* ask(partition, "compareAndSet", backing.modifyUser(partition, epoch, before, next))
        if (Option.isSome(answer)) {
          settle(partition, answer.value.epoch)
          local.putUser(partition, answer.value.user)
        } else {
          yield* local.modifyUser(partition, sequence, next)
          yield* outbox.send(partition.id, later(partition, before))
        }
      })

    const user: TokenCacheService["user"] = (partition) =>
      Effect.gen(function* () {
        if (isLocal(partition) || !(yield* outbox.isSent(partition.id))) return yield* local.user(partition)
        const answer = yield* ask(partition, "get", backing.user(partition))
        if (Option.isNone(answer)) return (yield* local.user(partition)) ?? (yield* new CacheUnavailable())
        yield* learn(partition, answer.value.standing)
        const mine = yield* local.user(partition)
        if (answer.value.user !== undefined) local.putUser(partition, answer.value.user)
        else if (mine !== undefined) yield* outbox.send(partition.id, later(partition, mine))
        return answer.value.user ?? mine
      })

    const remove: TokenCacheService["remove"] = (partition) =>
      Effect.gen(function* () {
        const wasHere = yield* local.remove(partition)
        if (isLocal(partition)) return wasHere
        const answer = wasHere ? Option.none() : yield* ask(partition, "get", backing.user(partition))
        const epoch = yield* makeGuid
        settle(partition, epoch)
        yield* outbox.send(partition.id, backing.remove(partition, epoch))
        return wasHere || (Option.isSome(answer) && answer.value.user !== undefined)
      })

    const removeAll = (id: string, here: Effect.Effect<void>, there: (at: number) => Effect.Effect<void, StoreError>) =>
      Effect.gen(function* () {
        const at = yield* Clock.currentTimeMillis
        cleared.set(id, at)
        yield* here
        yield* outbox.send(id, there(at))
      })

    return {
      unsafeNextSequence: local.unsafeNextSequence,
      unsafeGet: local.unsafeGet,
      unsafeFind: local.unsafeFind,
      unsafeEntries: local.unsafeEntries,
      alias: local.alias,
      statistics: local.statistics,
      confirm,
      obtain,
      set,
      reject,
      user,
      modifyUser,
      remove,
      users: (group) =>
        isLocal(partitionIn(group, ""))
          ? local.users(group)
          : Effect.flatMap(health.ask("get", backing.users(group)), (answer) =>
              Option.isSome(answer) ? Effect.succeed(answer.value) : local.users(group)
            ),
      removeGroup: (group) => removeAll(group.id, local.removeGroup(group), (at) => backing.removeGroup(group, at)),
      clear: removeAll(everything, local.clear, backing.clear),
      inTurn: (partition, patience, tooLate, effect) =>
        leased === undefined || isLocal(partition)
          ? effect
          : leased({
              partition,
              name: "turn",
              patience,
              look: Effect.succeedNone,
              tooLate: Effect.fail(tooLate),
              use: effect
            })
    }
  })
