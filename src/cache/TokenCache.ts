/**
 * Where tokens rest between calls.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import { type AccessToken, withSource } from "../core/AccessToken.js"
import type { Account } from "../core/Account.js"
import { ConfigurationError } from "../core/TokenError.js"
import { BoundedMap } from "../resilience/boundedMap.js"
import { type CacheKey, joinKey } from "./cacheKey.js"
import { type Lifetime, lifetimeOf, renewalOf, serves } from "./lifetime.js"
import { Users } from "./users.js"

/**
 * When the next token is to be asked for (epoch milliseconds): moves on with each failure, the one thing that changes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Renewal {
  dueAt: number
  failures: number
}

/**
 * A cached token with everything that a hit needs made beforehand.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry extends Lifetime {
  readonly key: CacheKey
  readonly renewal: Renewal
  readonly token: AccessToken
  /** The result of a hit. */
  readonly hit: Exit.Exit<AccessToken>
  /** Exchanges are numbered as they start: an older one never replaces what a newer one has won. */
  readonly sequence: number
  /** The claims request that it was won with, as the challenge wrote it. */
  readonly claims: string | undefined
}

/**
 * What is known of a token beside itself.
 *
 * @since 0.1.0
 * @category models
 */
export interface AboutToken {
  /** When what it was got with ends (epoch milliseconds): it is kept no longer. */
  readonly endsAt?: number | undefined
  /** The claims request that it was won with. */
  readonly claims?: string | undefined
}

/**
 * One user of one client.
 *
 * @since 0.1.0
 * @category models
 */
export interface UserKey {
  /** The users who are listed together: of one client, one environment and one session. */
  readonly group: string
  /** The partition of the user's tokens. */
  readonly partition: string
}

/**
 * What lets a user's tokens be renewed.
 *
 * @since 0.1.0
 * @category models
 */
export interface User {
  /** Absent where the authority told nothing of it. */
  readonly account: Account | undefined
  /** Whose a long-running process is. */
  readonly owner?: string | undefined
  /** The tenant that issued the refresh token. */
  readonly tenantId: string
  readonly refreshToken: Redacted.Redacted | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface TokenCacheService {
  /** The number of an exchange that starts now, whichever client's it is. */
  readonly unsafeNextSequence: () => number
  /** The entry as it stands, fresh or not; one look-up in memory. */
  readonly unsafeGet: (key: CacheKey) => Entry | undefined
  /** A fresh entry of the key's family that was granted all of these scopes, and more. */
  readonly unsafeFind: (key: CacheKey, scopes: ReadonlyArray<string>, now: number) => Entry | undefined
  /**
   * Keeps a token, unless it has no usable end, its resource has refused it, a newer exchange's is there, or
   * its user has been removed since the exchange began.
   */
  readonly set: (
    key: CacheKey,
    token: AccessToken,
    sequence: number,
    about?: AboutToken | undefined
  ) => Effect.Effect<void>
  /**
   * Remembers that a resource refused this very token: it is dropped wherever it rests in its partition, and not kept again.
   * Tells which exchange had begun last when it was refused first: only what came of a later one is newer.
   */
  readonly reject: (key: CacheKey, token: AccessToken) => Effect.Effect<number>
  /** How many tokens there are, expired ones included. */
  readonly size: Effect.Effect<number>
  readonly user: (key: UserKey) => Effect.Effect<User | undefined>
  /** The users of a group. */
  readonly users: (group: string) => Effect.Effect<ReadonlyArray<User>>
  /** Keeps a user, unless the user has been removed since the exchange began. */
  readonly setUser: (key: UserKey, user: User, sequence: number) => Effect.Effect<void>
  /** Drops this very refresh token; one that has replaced it stays. */
  readonly retire: (key: UserKey, refreshToken: Redacted.Redacted) => Effect.Effect<void>
  /** Drops a user with all tokens, those included that are on their way; tells whether there was one. */
  readonly removeUser: (key: UserKey) => Effect.Effect<boolean>
}

/**
 * The cache that the clients of a program share.
 *
 * @since 0.1.0
 * @category tags
 */
export class TokenCache extends Context.Tag("effect-entra/TokenCache")<TokenCache, TokenCacheService>() {}

/**
 * @since 0.1.0
 * @category models
 */
export interface MemoryOptions {
  /** How many tokens are kept at most; the default is 100 000. */
  readonly capacity?: number | undefined
}

/** How many entries an insertion into a full cache looks at for an expired one, before it drops the oldest. */
const sweepLength = 16

const folded = (scope: string): string => scope.toLowerCase()

/** Scopes that differ in case are one at Entra; elsewhere nobody grants two that do. */
const grants = ({ token }: Entry, scopes: ReadonlyArray<string>): boolean => {
  const granted = new Set(token.scopes.map(folded))
  return scopes.every((scope) => granted.has(folded(scope)))
}

const mostRejections = 10_000
/** No two tokens of one principal end alike: that is their signature, or all of them. */
const tailLength = 43

const rejectionOf = ({ partition }: CacheKey, { accessToken }: AccessToken): string =>
  joinKey(partition, Redacted.value(accessToken).slice(-tailLength))

class Memory implements TokenCacheService {
  /** In the order in which they were written. */
  private readonly entries = new Map<string, Entry>()
  private readonly partitions = new Map<string, Map<string, CacheKey>>()
  private readonly people: Users
  /** What had begun when a token was refused. */
  private readonly rejections = new BoundedMap<number>(mostRejections)
  private started = 0

  constructor(private readonly capacity: number) {
    this.people = new Users(capacity)
  }

  readonly unsafeNextSequence = (): number => ++this.started

  readonly unsafeGet = (key: CacheKey): Entry | undefined => this.entries.get(key.id)

  readonly unsafeFind = (key: CacheKey, scopes: ReadonlyArray<string>, now: number): Entry | undefined => {
    for (const { family, id } of this.partitions.get(key.partition)?.values() ?? []) {
      const entry = family === key.family ? this.entries.get(id) : undefined
      if (entry !== undefined && now < entry.freshUntil && serves(entry, now) && grants(entry, scopes)) return entry
    }
    return undefined
  }

  readonly set = (
    key: CacheKey,
    token: AccessToken,
    sequence: number,
    { claims, endsAt }: AboutToken = {}
  ): Effect.Effect<void> =>
    Effect.zipWith(Clock.currentTimeMillis, Random.next, (now, random) => {
      const lifetime = lifetimeOf(token, now, endsAt)
      const present = this.entries.get(key.id)
      const isLate = present !== undefined && present.sequence > sequence && serves(present, now)
      const isUnwanted =
        this.people.wasRemoved(key.partition, sequence) || this.rejections.get(rejectionOf(key, token)) !== undefined
      if (lifetime === undefined || isLate || isUnwanted) return
      this.drop(key)
      if (this.entries.size >= this.capacity) this.makeRoom(now)
      const renewal = { dueAt: renewalOf(token, lifetime, random), failures: 0 }
      const hit = Exit.succeed(withSource(token, "cache"))
      this.keep({ key, token, sequence, claims, renewal, hit, ...lifetime })
    })

  readonly reject = (key: CacheKey, token: AccessToken): Effect.Effect<number> =>
    Effect.sync(() => {
      for (const other of [...(this.partitions.get(key.partition)?.values() ?? [])])
        if (Equal.equals(this.entries.get(other.id)?.token.accessToken, token.accessToken)) this.drop(other)
      const rejection = rejectionOf(key, token)
      const since = this.rejections.get(rejection) ?? this.started
      this.rejections.set(rejection, since)
      return since
    })

  readonly size: Effect.Effect<number> = Effect.sync(() => this.entries.size)

  readonly user = (key: UserKey): Effect.Effect<User | undefined> => Effect.sync(() => this.people.get(key))

  readonly users = (group: string): Effect.Effect<ReadonlyArray<User>> => Effect.sync(() => this.people.list(group))

  readonly setUser = (key: UserKey, user: User, sequence: number): Effect.Effect<void> =>
    Effect.sync(() => this.people.set(key, user, sequence))

  readonly retire = (key: UserKey, refreshToken: Redacted.Redacted): Effect.Effect<void> =>
    Effect.sync(() => this.people.retire(key, refreshToken))

  readonly removeUser = (key: UserKey): Effect.Effect<boolean> =>
    Effect.sync(() => {
      for (const { id } of this.partitions.get(key.partition)?.values() ?? []) this.entries.delete(id)
      this.partitions.delete(key.partition)
      return this.people.remove(key, this.started)
    })

  private keep(entry: Entry): void {
    const { id, partition } = entry.key
    this.entries.set(id, entry)
    const own = this.partitions.get(partition)
    if (own === undefined) this.partitions.set(partition, new Map([[id, entry.key]]))
    else own.set(id, entry.key)
  }

  private drop({ id, partition }: CacheKey): void {
    this.entries.delete(id)
    const own = this.partitions.get(partition)
    own?.delete(id)
    if (own?.size === 0) this.partitions.delete(partition)
  }

  private makeRoom(now: number): void {
    let victim: Entry | undefined
    let seen = 0
    for (const entry of this.entries.values()) {
      const isOver = !serves(entry, now)
      if (isOver || victim === undefined) victim = entry
      seen += 1
      if (isOver || seen === sweepLength) break
    }
    if (victim !== undefined) this.drop(victim.key)
  }
}

/**
 * Makes a cache in memory.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeMemory = (options: MemoryOptions = {}): Effect.Effect<TokenCacheService, ConfigurationError> => {
  const capacity = options.capacity ?? 100_000
  return Number.isInteger(capacity) && capacity > 0
    ? Effect.sync(() => new Memory(capacity))
    : new ConfigurationError({
        parameter: "capacity",
        expected: "a whole number of at least 1",
        remedy: "Leave it out for the default of 100 000."
      })
}

/**
 * A cache in the memory of this process. Bind the layer to a constant and provide it once: a layer built twice is two caches.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory = (options?: MemoryOptions): Layer.Layer<TokenCache, ConfigurationError> =>
  Layer.effect(TokenCache, makeMemory(options))
