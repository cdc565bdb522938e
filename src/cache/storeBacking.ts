import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { sha256 } from "../core/digest.js"
import { makeGuid } from "../core/guid.js"
import type { Backing, Reading, Standing } from "./backing.js"
import { type CacheKey, type Partition, partitionIn } from "./cacheKey.js"
import type { Cipher } from "./cipher.js"
import { untilSettled } from "./contention.js"
import {
  isNewerRecord,
  listIn,
  partitionText,
  recordIn,
  type StoredPartition,
  userIn as storedUserIn,
  tokenIn,
  tokenText,
  userText
} from "./storedValues.js"
import { leasesIn } from "./storeLeases.js"
import * as StoreNames from "./storeNames.js"
import type { Unreadable } from "./TokenEncryption.js"
import { StoreError, type TokenStore } from "./TokenStore.js"

/** As long as Entra's refresh tokens live unused; longer is nothing kept. */
const userLife = Duration.days(90)
/** What others are judged by outlives them. */
const standingLife = Duration.days(100)
/** How often what many write at once is tried. */
const mostTries = 10
const mostRejections = 64
/** How many users a group lists. */
const mostListed = 1000
const readers = 16

const done = Option.some<void>(undefined)

const newer = new StoreError({
  operation: "compareAndSet",
  reason: "refused",
  code: "version",
  remedy: "A newer version of this library wrote to the store: update this program, or give it a store of its own."
})

const never = Number.NEGATIVE_INFINITY
const none = Option.none<string>()

/** When a group was removed, or everything. */
const timeIn = (raw: Option.Option<string> = none): number => {
  const at = Number(Option.getOrElse(raw, () => ""))
  return Number.isFinite(at) && at > 0 ? at : never
}

const standingOf = (raw: Option.Option<string> = none, clearedAt: number): Standing => {
  const record = Option.getOrUndefined(Option.map(raw, recordIn))
  return { epoch: record?.epoch, clearedAt, rejected: new Set(record?.rejected.map(([hash]) => hash)) }
}

/**
 * A cache's entries in a store of texts. Each holds the epoch of its partition: with another one it counts as absent, so that
 * an entry and what it is judged by are read at once.
 *
 * @internal
 */
export const make = (options: {
  readonly store: TokenStore
  readonly cipher: Cipher
  readonly onUnreadable: (why: Unreadable) => Effect.Effect<void>
}): Backing => {
  const { cipher, onUnreadable, store } = options
  const names = StoreNames.make(cipher)

  /** What can't be read is a miss; what has ended is removed, for there are stores that know no end. */
  const opened = <A>(name: string, raw: Option.Option<string>, parse: (text: string) => A | undefined) =>
    Effect.gen(function* () {
      if (Option.isNone(raw)) return undefined
      const now = yield* Clock.currentTimeMillis
      const { expiresAt, value } = yield* cipher.open(name, raw.value)
      if (expiresAt > now) return parse(value)
      yield* Effect.ignore(store.remove(name))
      return undefined
    }).pipe(Effect.catchAll((why) => Effect.as(onUnreadable(why), undefined)))

  const compareAndSet: NonNullable<TokenStore["compareAndSet"]> =
    store.compareAndSet?.bind(store) ??
    ((key, expected, next, ttl) =>
      Effect.flatMap(store.get(key), (present) =>
        Option.getOrUndefined(present) === Option.getOrUndefined(expected)
          ? Effect.as(store.set(key, next, ttl), true)
          : Effect.succeed(false)
      ))

  const getMany: NonNullable<TokenStore["getMany"]> =
    store.getMany?.bind(store) ??
    ((keys) => Effect.forEach(keys, (key) => store.get(key), { concurrency: "unbounded" }))

  const recordAt = (name: string) =>
    Effect.map(store.get(name), (raw) => ({ raw, record: Option.getOrUndefined(Option.map(raw, recordIn)) }))

  /** How a partition stands, read together with what is judged by it. */
  const standingWith = (partition: Partition, key?: string) =>
    Effect.gen(function* () {
      const at = yield* names.partition(partition)
      const { cleared } = yield* names.group(partition.group)
      const keys = [StoreNames.cleared, cleared, at.standing]
      const [everything, ofGroup, record, raw = none] = yield* getMany(key === undefined ? keys : [...keys, key])
      return { raw, standing: standingOf(record, Math.max(timeIn(everything), timeIn(ofGroup))) }
    })

  /** Changes what all processes know of a partition, and begins it under `epoch` where there is nothing. */
  const amend = (
    partition: Partition,
    epoch: string | undefined,
    change: (record: StoredPartition, now: number) => StoredPartition
  ): Effect.Effect<StoredPartition, StoreError> =>
    Effect.flatMap(names.partition(partition), (at) =>
      untilSettled(
        "compareAndSet",
        mostTries,
        Effect.gen(function* () {
          const { raw, record } = yield* recordAt(at.standing)
          if (record === undefined && Option.exists(raw, isNewerRecord)) return yield* newer
          const begun = record ?? { epoch: epoch ?? (yield* makeGuid), rejected: [] }
          const next = change(begun, yield* Clock.currentTimeMillis)
          const done = yield* compareAndSet(at.standing, raw, partitionText(next), standingLife)
          return done ? Option.some(next) : Option.none()
        })
      )
    )

  const same = (record: StoredPartition): StoredPartition => record

  const read = (key: CacheKey): Effect.Effect<Reading, StoreError> =>
    Effect.gen(function* () {
      const name = yield* names.token(key)
      const { raw, standing } = yield* standingWith(key.partition, name)
      const stored = yield* opened(name, raw, tokenIn)
      const version = Option.getOrUndefined(raw)
      if (stored === undefined || stored.epoch !== standing.epoch || stored.cachedAt <= standing.clearedAt)
        return { standing, found: undefined, version }
      const isRejected =
        standing.rejected.size > 0 && standing.rejected.has(yield* sha256(Redacted.value(stored.token.accessToken)))
      return { standing, found: isRejected ? undefined : stored, version }
    })

  const write: Backing["write"] = (key, { cachedAt, claims, token }, version, epoch) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const endsAt = token.expiresAtMillis ?? now
      const stands = yield* amend(key.partition, epoch, same)
      if (endsAt <= now || stands.epoch !== (epoch ?? stands.epoch)) return stands.epoch
      const name = yield* names.token(key)
      const text = tokenText({ token, cachedAt, claims, epoch: stands.epoch })
      const sealed = yield* cipher.seal(name, text, endsAt)
      yield* compareAndSet(name, Option.fromNullable(version), sealed, Duration.millis(endsAt - now))
      return stands.epoch
    })

  const reject: Backing["reject"] = (key, { accessToken, expiresAtMillis }, epoch) =>
    Effect.gen(function* () {
      const hash = yield* sha256(Redacted.value(accessToken))
      yield* amend(key.partition, epoch, ({ rejected, ...record }, now) => {
        const others = rejected.filter(([other, until]) => other !== hash && until > now)
        const until = expiresAtMillis ?? now + Duration.toMillis(Duration.days(1))
        return { ...record, rejected: [...others, [hash, until] as const].slice(-mostRejections) }
      })
    })

  const userIn = (name: string, raw: Option.Option<string>, standing: Standing) =>
    Effect.map(opened(name, raw, storedUserIn), (stored) =>
      stored !== undefined && stored.epoch === standing.epoch && stored.savedAt > standing.clearedAt
        ? stored.user
        : undefined
    )

  const userAt = (partition: Partition) =>
    Effect.gen(function* () {
      const { user: key } = yield* names.partition(partition)
      const { raw, standing } = yield* standingWith(partition, key)
      return { key, raw, standing, user: yield* userIn(key, raw, standing) }
    })

  /** Many sign in at once, and have one list: in this process each waits for its turn. */
  const listing = Effect.unsafeMakeSemaphore(1)

  /** Accounts alone are listed. A list that is as it should be costs one look. */
  const list = (
    { group, holder }: Partition,
    change: (listed: ReadonlyArray<string>) => ReadonlyArray<string>
  ): Effect.Effect<void, StoreError> =>
    holder.kind !== "account"
      ? Effect.void
      : Effect.flatMap(names.group(group), ({ index }) =>
          listing.withPermits(1)(
            untilSettled(
              "compareAndSet",
              mostTries,
              Effect.gen(function* () {
                const raw = yield* store.get(index)
                const listed = (yield* opened(index, raw, listIn)) ?? []
                const next = change(listed)
                if (next.length === listed.length && next.every((id, place) => id === listed[place])) return done
                const now = yield* Clock.currentTimeMillis
                const end = now + Duration.toMillis(standingLife)
                const text = yield* cipher.seal(index, JSON.stringify(next), end)
                return (yield* compareAndSet(index, raw, text, standingLife)) ? done : Option.none()
              })
            )
          )
        )

  const modifyUser: Backing["modifyUser"] = (partition, epoch, mine, next) =>
    Effect.gen(function* () {
      const record = yield* amend(partition, epoch, same)
      const isMine = epoch === undefined || record.epoch === epoch
      return yield* untilSettled(
        "compareAndSet",
        mostTries,
        Effect.gen(function* () {
          const { key, raw, user: stored } = yield* userAt(partition)
          // What is there and can't be read is somebody's: another key's, or a newer version's.
          const known = stored ?? (isMine && Option.isNone(raw) ? mine : undefined)
          const user = next(known)
          const isNew = stored === undefined
          if (user === undefined) return Option.some({ epoch: record.epoch, user: known, isNew })
          const now = yield* Clock.currentTimeMillis
          const text = userText({ user, savedAt: now, epoch: record.epoch })
          const sealed = yield* cipher.seal(key, text, now + Duration.toMillis(userLife))
          if (!(yield* compareAndSet(key, raw, sealed, userLife))) return Option.none()
          return Option.some({ epoch: record.epoch, user, isNew })
        })
      )
    })

  const users: Backing["users"] = (group) =>
    Effect.gen(function* () {
      const at = yield* names.group(group)
      const [everything, ofGroup, raw = none] = yield* getMany([StoreNames.cleared, at.cleared, at.index])
      const clearedAt = Math.max(timeIn(everything), timeIn(ofGroup))
      const listed = (yield* opened(at.index, raw, listIn)) ?? []
      const listedUser = (id: string) =>
        Effect.gen(function* () {
          const { standing, user } = yield* names.partition(partitionIn(group, id))
          const [record, value = none] = yield* getMany([standing, user])
          return yield* userIn(user, value, standingOf(record, clearedAt))
        })
      return Effect.map(Effect.forEach(listed, listedUser, { concurrency: readers }), (found) =>
        found.flatMap((user) => user ?? [])
      )
    })

  const remove: Backing["remove"] = (partition, epoch) =>
    Effect.gen(function* () {
      const at = yield* names.partition(partition)
      yield* store.set(at.standing, partitionText({ epoch, rejected: [] }), standingLife)
      yield* store.remove(at.user)
      yield* list(partition, (listed) => listed.filter((id) => id !== partition.holder.id))
    })

  const removeGroup: Backing["removeGroup"] = (group, at) =>
    Effect.flatMap(names.group(group), ({ cleared }) => store.set(cleared, String(at), standingLife))

  return {
    holds: ({ holder }) => holder.kind !== "local",
    standing: (partition) => Effect.map(standingWith(partition), ({ standing }) => standing),
    read,
    write,
    reject,
    user: userAt,
    modifyUser,
    enlist: (partition) => {
      const { id } = partition.holder
      return list(partition, (listed) => (listed.includes(id) ? listed : [...listed, id].slice(-mostListed)))
    },
    users,
    remove,
    removeGroup,
    clear: (at) => store.set(StoreNames.cleared, String(at), standingLife),
    leases: leasesIn(store, names)
  }
}
