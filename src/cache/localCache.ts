import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type { AccessToken } from "../core/AccessToken.js"
import { cacheBytes, cacheEntries, evictions } from "../core/TokenMetrics.js"
import { BoundedMap } from "../resilience/boundedMap.js"
import { type CacheKey, type Group, joinKey, type Partition } from "./cacheKey.js"
import { Held } from "./held.js"
import { lifetimeOf, renewalOf, serves } from "./lifetime.js"
import { Memory } from "./memory.js"
import type { AboutToken, Asked, Entry, Statistics, TokenCacheService, User } from "./TokenCache.js"
import { Users } from "./users.js"

/** A token that is to be kept, and what is known of it. */
export interface Won extends AboutToken {
  readonly sequence: number
  /** When it was cached first, where another process did that (epoch milliseconds). */
  readonly cachedAt?: number | undefined
}

const folded = (scope: string): string => scope.toLowerCase()

/** Scopes that differ in case are one at Entra; elsewhere nobody grants two that do. */
const isSameScope = (one: string, other: string): boolean =>
  one === other || (one.length === other.length && folded(one) === folded(other))

const grants = (held: Held, scopes: ReadonlyArray<string>): boolean =>
  held.scopes.length >= scopes.length &&
  scopes.every((scope) => held.scopes.some((granted) => isSameScope(granted, scope)))

const mostRejections = 10_000
/** No two tokens of one principal end alike: that is their signature, or all of them. */
const tailLength = 43

/** How many entries are looked at before others get their turn. */
const atATime = 1000

const rejectionOf = ({ partition }: Pick<CacheKey, "partition">, { accessToken }: AccessToken): string =>
  joinKey(partition.id, Redacted.value(accessToken).slice(-tailLength))

const lost = {
  expired: Metric.tagged(evictions, "reason", "expired"),
  evicted: Metric.tagged(evictions, "reason", "evicted")
}

/**
 * A cache in the memory of this process.
 *
 * @internal
 */
export class LocalCache extends Inspectable.Class implements TokenCacheService {
  private readonly memory: Memory
  private readonly people: Users
  /** What had begun when a token was refused. */
  private readonly rejections = new BoundedMap<number>(mostRejections)
  private readonly losses = { expired: 0, evicted: 0 }
  private readonly walk = Effect.unsafeMakeSemaphore(1)
  private started = 0

  constructor(capacity: number, maxBytes: number) {
    super()
    this.people = new Users(capacity)
    this.memory = new Memory(capacity, maxBytes, (loss) => {
      this.losses[loss] += 1
      lost[loss].unsafeUpdate(1, [])
    })
  }

  readonly unsafeNextSequence = (): number => ++this.started

  readonly unsafeGet = (key: CacheKey): Held | undefined => {
    const held = this.memory.get(key)
    if (held !== undefined) held.isUsed = true
    return held
  }

  readonly unsafeFind = (key: CacheKey, scopes: ReadonlyArray<string>, now: number): Held | undefined => {
    for (const held of this.memory.inPartition(key.partition.id)) {
      const isOne = held.id.startsWith(key.family) && now < held.freshUntil && serves(held, now)
      if (isOne && grants(held, scopes)) return held
    }
    return undefined
  }

  readonly unsafeEntries = (partition: Partition): Iterable<Held> => this.memory.inPartition(partition.id)

  readonly confirm = (): Effect.Effect<void> => Effect.void

  readonly obtain = <E, R>(
    key: CacheKey,
    { claims, endsAt, sequence }: Asked,
    exchange: Effect.Effect<AccessToken, E, R>
  ): Effect.Effect<AccessToken, E, R> =>
    Effect.tap(exchange, (token) => this.set(key, token, sequence, { claims, endsAt }))

  readonly set = (key: CacheKey, token: AccessToken, sequence: number, about: AboutToken = {}): Effect.Effect<void> =>
    Effect.asVoid(this.keep(key, token, { ...about, sequence }))

  readonly alias = (key: CacheKey, entry: Entry, endsAt: number | undefined): Effect.Effect<void> =>
    this.set(key, entry.token, entry.sequence, { claims: entry.claims, endsAt })

  readonly reject = (key: Pick<CacheKey, "partition">, token: AccessToken): Effect.Effect<number> =>
    Effect.sync(() => {
      this.memory.removeToken(key.partition.id, token)
      const rejection = rejectionOf(key, token)
      const since = this.rejections.get(rejection) ?? this.started
      this.rejections.set(rejection, since)
      return since
    })

  readonly user = ({ id }: Partition): Effect.Effect<User | undefined> => Effect.sync(() => this.people.get(id))

  readonly users = (group: Group): Effect.Effect<ReadonlyArray<User>> => Effect.sync(() => this.people.list(group))

  readonly modifyUser = (
    partition: Partition,
    sequence: number,
    next: (known: User | undefined) => User | undefined
  ): Effect.Effect<void> =>
    Effect.sync(() => {
      if (this.people.wasRemoved(partition, sequence)) return
      const user = next(this.people.get(partition.id))
      if (user !== undefined) this.people.set(partition, user)
    })

  readonly remove = (partition: Partition): Effect.Effect<boolean> =>
    Effect.sync(() => {
      this.memory.removePartition(partition.id)
      return this.people.remove(partition, this.started)
    })

  readonly removeGroup = (group: Group): Effect.Effect<void> =>
    Effect.gen(this, function* () {
      this.people.removeGroup(group, this.started)
      for (let isFirst = true; this.memory.removeGroup(group.id, isFirst, atATime); isFirst = false)
        yield* Effect.yieldNow()
    }).pipe(this.walk.withPermits(1))

  readonly clear: Effect.Effect<void> = Effect.sync(() => {
    this.memory.clear()
    this.people.clear(this.started)
  })

  readonly inTurn = <A, E, R>(
    _partition: Partition,
    _patience: Duration.Duration,
    _tooLate: E,
    effect: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> => effect

  readonly statistics: Effect.Effect<Statistics> = Effect.sync(() => this.count())

  toJSON(): unknown {
    return { _id: "TokenCache", ...this.count() }
  }

  private count(): Statistics {
    return { entries: this.memory.size, bytes: this.memory.bytes, users: this.people.size, ...this.losses }
  }

  /** Tells what is there now where it was not kept. */
  keep(key: CacheKey, token: AccessToken, won: Won): Effect.Effect<Held | undefined> {
    return Effect.clockWith((clock) =>
      Effect.map(Random.next, (random) => this.keepAt(key, token, won, clock.unsafeCurrentTimeMillis(), random))
    )
  }

  private keepAt(key: CacheKey, token: AccessToken, won: Won, now: number, random: number): Held | undefined {
    const lifetime = lifetimeOf(token, won.cachedAt ?? now, won.endsAt)
    const present = this.memory.get(key)
    const isLate = present !== undefined && present.sequence > won.sequence && serves(present, now)
    if (isLate || this.isUnwanted(key, token, won.sequence)) return present
    if (lifetime === undefined || !serves(lifetime, now)) return present
    const { claims, sequence } = won
    const dueAt = renewalOf(token, lifetime, random)
    const held = new Held(key, token, lifetime, { sequence, claims, dueAt })
    this.memory.add(held, now)
    cacheEntries.unsafeUpdate(this.memory.size, [])
    cacheBytes.unsafeUpdate(this.memory.bytes, [])
    return held
  }

  /** Drops what others have removed. */
  forget(partition: Partition): void {
    this.memory.removePartition(partition.id)
    this.people.forget(partition.id)
  }

  putUser(partition: Partition, user: User | undefined): void {
    if (user === undefined) this.people.forget(partition.id)
    else this.people.set(partition, user)
  }

  wasRemoved(partition: Partition, sequence: number): boolean {
    return this.people.wasRemoved(partition, sequence)
  }

  isRejected(key: Pick<CacheKey, "partition">, token: AccessToken): boolean {
    return this.rejections.get(rejectionOf(key, token)) !== undefined
  }

  /** Whether the token was refused, or its holder removed since the exchange began. */
  isUnwanted(key: CacheKey, token: AccessToken, sequence: number): boolean {
    return this.wasRemoved(key.partition, sequence) || this.isRejected(key, token)
  }
}
