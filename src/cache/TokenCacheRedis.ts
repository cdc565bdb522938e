/**
 * A token cache that a fleet of servers shares through Redis (or Valkey), a cluster included.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { ConfigurationError } from "../core/TokenError.js"
import type { RedisClient } from "./redisClient.js"
import * as RedisStore from "./redisStore.js"
import * as TokenCache from "./TokenCache.js"
import type { TokenStore } from "./TokenStore.js"

export type {
  /**
   * What is used of a client of `ioredis` 5.
   *
   * @since 0.1.0
   * @category models
   */
  IoredisLike,
  /**
   * What is used of a client of `redis` (node-redis).
   *
   * @since 0.1.0
   * @category models
   */
  NodeRedisLike,
  /**
   * A client of `ioredis` or of `redis`; neither is loaded by this library.
   *
   * @since 0.1.0
   * @category models
   */
  RedisClient
} from "./redisClient.js"

/**
 * Which Redis.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConnectionOptions {
  /**
   * A connection that the program has, and closes; or a function that makes one of the cache's own, which ends with its scope
   * and connects again by itself.
   */
  readonly client: RedisClient | (() => RedisClient)
  /** What all keys begin with; the default is `entra:`. Programs that share their tokens share it. */
  readonly prefix?: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends TokenCache.StoreOptions, ConnectionOptions {}

/**
 * Redis as a store of texts, for programs that put something of their own around it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeStore: (options: ConnectionOptions) => Effect.Effect<TokenStore, ConfigurationError, Scope.Scope> =
  RedisStore.make

/** A connection takes longer to be made than an answer: who starts waits for the first one, for a second at most. */
const answered = (store: TokenStore): Effect.Effect<void> =>
  Effect.ignore(Effect.timeout(store.get("hello"), "1 second"))

/**
 * Makes a cache in memory with Redis behind it. Of all processes one asks for a token that none has; what one removes the
 * others drop within a minute; while Redis is away each goes on in memory. Entries end with their tokens, those of users after
 * 90 days without use.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<TokenCache.TokenCacheService, ConfigurationError, Scope.Scope> =>
  Effect.flatMap(RedisStore.make(options), (store) => Effect.zipRight(answered(store), TokenCache.make(store, options)))

/**
 * The same for a program's layers. Bind it to a constant and provide it once.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<TokenCache.TokenCache, ConfigurationError> =>
  Layer.scoped(TokenCache.TokenCache, make(options))
