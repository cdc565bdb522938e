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
import { type AccessToken, withSource } from "../core/AccessToken.js"
import { ConfigurationError } from "../core/TokenError.js"
import type { CacheKey } from "./cacheKey.js"
import { type Lifetime, lifetimeOf, serves } from "./lifetime.js"

/**
 * A cached token with everything that a hit needs made beforehand.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry extends Lifetime {
  readonly token: AccessToken
  /** The result of a hit. */
  readonly hit: Exit.Exit<AccessToken>
  /** Exchanges are numbered as they start: an older one never replaces what a newer one has won. */
  readonly sequence: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface TokenCacheService {
  /** The entry as it stands, fresh or not; two look-ups in memory. */
  readonly unsafeGet: (key: CacheKey) => Entry | undefined
  /** Keeps a token, unless it has no usable end or a newer exchange's is there. */
  readonly set: (key: CacheKey, token: AccessToken, sequence: number) => Effect.Effect<void>
  /** Drops this very token; one that has replaced it stays. */
  readonly removeToken: (key: CacheKey, token: AccessToken) => Effect.Effect<void>
  /** How many entries there are, expired ones included. */
  readonly size: Effect.Effect<number>
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

type Partition = Map<string, Entry>

/** How many entries an insertion into a full cache looks at for an expired one, before it drops the oldest. */
const sweepLength = 16

class Memory implements TokenCacheService {
  private readonly partitions = new Map<string, Partition>()
  private count = 0

  constructor(private readonly capacity: number) {}

  readonly unsafeGet = ({ entry, partition }: CacheKey): Entry | undefined => this.partitions.get(partition)?.get(entry)

  readonly set = (key: CacheKey, token: AccessToken, sequence: number): Effect.Effect<void> =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const lifetime = lifetimeOf(token, now)
      const present = this.unsafeGet(key)
      if (lifetime === undefined || (present !== undefined && present.sequence > sequence)) return
      this.remove(key)
      const victim = this.count < this.capacity ? undefined : this.expiredOrOldest(now)
      if (victim !== undefined) this.remove(victim)
      this.insert(key, { token, sequence, ...lifetime, hit: Exit.succeed(withSource(token, "cache")) })
    })

  readonly removeToken = (key: CacheKey, token: AccessToken): Effect.Effect<void> =>
    Effect.sync(() => {
      const present = this.unsafeGet(key)
      if (present !== undefined && Equal.equals(present.token.accessToken, token.accessToken)) this.remove(key)
    })

  readonly size: Effect.Effect<number> = Effect.sync(() => this.count)

  private insert(key: CacheKey, entry: Entry): void {
    const partition = this.partitions.get(key.partition) ?? new Map<string, Entry>()
    this.partitions.set(key.partition, partition)
    partition.set(key.entry, entry)
    this.count += 1
  }

  private remove(key: CacheKey): void {
    const partition = this.partitions.get(key.partition)
    if (partition?.delete(key.entry) !== true) return
    this.count -= 1
    if (partition.size === 0) this.partitions.delete(key.partition)
  }

  /** Maps keep the order of insertion: the first entries are the oldest. */
  private *oldestFirst(): Iterable<readonly [CacheKey, Entry]> {
    for (const [partition, entries] of this.partitions)
      for (const [entry, value] of entries) yield [{ partition, entry }, value]
  }

  private expiredOrOldest(now: number): CacheKey | undefined {
    let oldest: CacheKey | undefined
    let seen = 0
    for (const [key, entry] of this.oldestFirst()) {
      if (!serves(entry, now)) return key
      oldest ??= key
      seen += 1
      if (seen === sweepLength) break
    }
    return oldest
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
