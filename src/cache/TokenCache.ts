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
import { type AccessToken, withSource } from "../core/AccessToken.js"
import { ConfigurationError } from "../core/TokenError.js"
import type { CacheKey } from "./cacheKey.js"
import { type Lifetime, lifetimeOf, renewalOf, serves } from "./lifetime.js"

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
  readonly renewal: Renewal
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
  /** The number of an exchange that starts now, whichever client's it is. */
  readonly unsafeNextSequence: () => number
  /** The entry as it stands, fresh or not; one look-up in memory. */
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

/** How many entries an insertion into a full cache looks at for an expired one, before it drops the oldest. */
const sweepLength = 16

class Memory implements TokenCacheService {
  /** In the order in which they were written. */
  private readonly entries = new Map<string, Entry>()

  private started = 0

  constructor(private readonly capacity: number) {}

  readonly unsafeNextSequence = (): number => ++this.started

  readonly unsafeGet = (key: CacheKey): Entry | undefined => this.entries.get(key.id)

  readonly set = (key: CacheKey, token: AccessToken, sequence: number): Effect.Effect<void> =>
    Effect.zipWith(Clock.currentTimeMillis, Random.next, (now, random) => {
      const lifetime = lifetimeOf(token, now)
      const present = this.entries.get(key.id)
      const isLate = present !== undefined && present.sequence > sequence && serves(present, now)
      if (lifetime === undefined || isLate) return
      this.entries.delete(key.id)
      if (this.entries.size >= this.capacity) this.makeRoom(now)
      const renewal = { dueAt: renewalOf(token, lifetime, random), failures: 0 }
      const hit = Exit.succeed(withSource(token, "cache"))
      this.entries.set(key.id, { token, sequence, renewal, hit, ...lifetime })
    })

  readonly removeToken = (key: CacheKey, token: AccessToken): Effect.Effect<void> =>
    Effect.sync(() => {
      const present = this.entries.get(key.id)
      if (present !== undefined && Equal.equals(present.token.accessToken, token.accessToken))
        this.entries.delete(key.id)
    })

  readonly size: Effect.Effect<number> = Effect.sync(() => this.entries.size)

  private makeRoom(now: number): void {
    let victim: string | undefined
    let seen = 0
    for (const [id, entry] of this.entries) {
      const isOver = !serves(entry, now)
      if (isOver || victim === undefined) victim = id
      seen += 1
      if (isOver || seen === sweepLength) break
    }
    if (victim !== undefined) this.entries.delete(victim)
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
