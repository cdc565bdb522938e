/**
 * Where tokens rest between calls.
 *
 * @since 0.1.0
 */
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { AccessToken } from "../core/AccessToken.js"
import type { Account } from "../core/Account.js"
import type { CacheUnavailable, ConfigurationError } from "../core/TokenError.js"
import * as Settings from "../resilience/settings.js"
import type { Backing } from "./backing.js"
import type { CacheKey, Group, Partition } from "./cacheKey.js"
import { encrypted, plain } from "./cipher.js"
import { keyValueStore } from "./keyValueStore.js"
import type { Lifetime } from "./lifetime.js"
import { LocalCache } from "./localCache.js"
import * as SharedCache from "./sharedCache.js"
import * as StoreBacking from "./storeBacking.js"
import * as TokenEncryption from "./TokenEncryption.js"
import type { TokenStore } from "./TokenStore.js"
import * as UnreadableEntries from "./unreadableEntries.js"

/**
 * A cached token with everything that a hit needs made beforehand.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry extends Lifetime {
  /** That of its key. */
  readonly id: string
  readonly token: AccessToken
  /** The result of a hit. */
  readonly hit: Exit.Exit<AccessToken>
  /** Exchanges are numbered as they start: an older one never replaces what a newer one has won. */
  readonly sequence: number
  /** The claims request that it was won with, as the challenge wrote it. */
  readonly claims: string | undefined
  /** Until here it is handed out without a thought (epoch milliseconds). */
  readonly quickUntil: number
  /** When the next token is to be asked for (epoch milliseconds): moves on with each failure. */
  readonly dueAt: number
  /** How many renewals have failed. */
  failures: number
  readonly postpone: (dueAt: number) => void
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
 * What an exchange is to bring.
 *
 * @since 0.1.0
 * @category models
 */
export interface Asked extends AboutToken {
  /** The number of the exchange. */
  readonly sequence: number
  /** Whether only a token will do that is won after this was asked. */
  readonly isAnew: boolean
  /** When the token in hand, or the one that was refused, was cached (epoch milliseconds): only a later one will do. */
  readonly after: number | undefined
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
 * What is in the memory of a cache.
 *
 * @since 0.1.0
 * @category models
 */
export interface Statistics {
  /** Tokens, those included that have ended and were not looked at since. */
  readonly entries: number
  /** About what they take. */
  readonly bytes: number
  readonly users: number
  /** Tokens that had to go for others before their end. */
  readonly evicted: number
  /** Tokens that went after their end. */
  readonly expired: number
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
  /** What memory holds of a holder. */
  readonly unsafeEntries: (partition: Partition) => Iterable<Entry>
  /** Learns what others have removed and rejected, when it is time to: at least once a minute for each partition in use. */
  readonly confirm: (key: CacheKey) => Effect.Effect<void>
  /**
   * What another process has won, else what this exchange wins; where a store is shared that can hold leases, one of all
   * processes makes the exchange. The token is kept as {@link TokenCacheService.set} keeps it.
   */
  readonly obtain: <E, R>(
    key: CacheKey,
    asked: Asked,
    exchange: Effect.Effect<AccessToken, E, R>
  ) => Effect.Effect<AccessToken, E, R>
  /**
   * Keeps a token, unless it has no usable end, its resource has refused it, a newer exchange's is there, or
   * its holder has been removed since the exchange began.
   */
  readonly set: (
    key: CacheKey,
    token: AccessToken,
    sequence: number,
    about?: AboutToken | undefined
  ) => Effect.Effect<void>
  /** Has an entry serve another key too, in this process. */
  readonly alias: (key: CacheKey, entry: Entry, endsAt: number | undefined) => Effect.Effect<void>
  /**
   * Remembers that a resource refused this very token: it is dropped wherever it rests in its partition, and not kept again.
   * Tells which exchange had begun last when it was refused first: only what came of a later one is newer.
   */
  readonly reject: (key: Pick<CacheKey, "partition">, token: AccessToken) => Effect.Effect<number>
  /** Fails where the store can't be reached, and memory knows nothing of this user. */
  readonly user: (partition: Partition) => Effect.Effect<User | undefined, CacheUnavailable>
  /** The users of a group, newest last: those in memory where the store can't be reached, and at most 1 000 of a store's. */
  readonly users: (group: Group) => Effect.Effect<ReadonlyArray<User>>
  /**
   * Keeps what becomes of a user, in one step with reading it (`next` may be called again, and leaves things as they are by
   * `undefined`), unless the user has been removed since the exchange began.
   */
  readonly modifyUser: (
    partition: Partition,
    sequence: number,
    next: (known: User | undefined) => User | undefined
  ) => Effect.Effect<void>
  /** Drops a holder with all tokens, those included that are on their way; tells whether there was a user. */
  readonly remove: (partition: Partition) => Effect.Effect<boolean>
  /** Drops all holders of a group, with all tokens; other processes go by the time at which it was, as their clocks tell it. */
  readonly removeGroup: (group: Group) => Effect.Effect<void>
  /** Drops everything, of all clients. */
  readonly clear: Effect.Effect<void>
  /** Runs an effect of one process at a time for this holder; whose turn has not come after so long fails instead. */
  readonly inTurn: <A, E, R>(
    partition: Partition,
    patience: Duration.Duration,
    tooLate: E,
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  readonly statistics: Effect.Effect<Statistics>
}

/**
 * The cache that the clients of a program share.
 *
 * @since 0.1.0
 * @category tags
 */
export class TokenCache extends Context.Tag("effect-entra/TokenCache")<TokenCache, TokenCacheService>() {}

/**
 * How much is kept in memory at most. Where room is needed, tokens go that have ended, then those that nobody has asked for
 * lately.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryOptions {
  /** How many tokens, and how many users; the default is 100 000. */
  readonly capacity?: number | undefined
  /** How many bytes the tokens may take, by estimate; the default is 256 MiB. */
  readonly maxBytes?: number | undefined
}

const makeLocal = (options: MemoryOptions): Effect.Effect<LocalCache, ConfigurationError> =>
  Effect.gen(function* () {
    const capacity = yield* Settings.count("capacity", options.capacity ?? 100_000)
    const maxBytes = yield* Settings.count("maxBytes", options.maxBytes ?? 256 * 1024 * 1024)
    return new LocalCache(capacity, maxBytes)
  })

/**
 * Makes a cache in memory.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeMemory = (options: MemoryOptions = {}): Effect.Effect<TokenCacheService, ConfigurationError> =>
  makeLocal(options)

/**
 * A cache in the memory of this process. Bind the layer to a constant and provide it once: a layer built twice is two caches.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory = (options?: MemoryOptions): Layer.Layer<TokenCache, ConfigurationError> =>
  Layer.effect(TokenCache, makeMemory(options))

/**
 * How a cache deals with the store behind it.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoreOptions extends MemoryOptions {
  /** Keys that encrypt what is written; where absent, whoever reads the store reads the tokens. */
  readonly encryption?: TokenEncryption.Options | undefined
  /** How long an acquisition waits for the store at most, each time that it needs it; the default is 250 ms. */
  readonly timeout?: Duration.DurationInput | undefined
  /**
   * How long other processes wait for one that crashes while it asks for a token, where the store can hold leases; the
   * default is 15 s, longer than an attempt takes.
   */
  readonly lease?: Duration.DurationInput | undefined
}

/**
 * Puts memory in front of what processes share.
 *
 * @internal
 */
export const makeOver = (
  backing: Backing,
  options: Omit<StoreOptions, "encryption">
): Effect.Effect<TokenCacheService, ConfigurationError, Scope.Scope> =>
  Effect.gen(function* () {
    const timeout = yield* Settings.duration("timeout", options.timeout ?? "250 millis")
    const lease = yield* Settings.duration("lease", options.lease ?? "15 seconds")
    return yield* SharedCache.make(yield* makeLocal(options), backing, { timeout, lease })
  })

/**
 * Makes a cache in memory with a store behind it, which other processes share. Memory answers; the store is asked where memory
 * has nothing, and looked at once a minute for what others have removed. While it fails, memory goes on alone.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  store: TokenStore,
  options: StoreOptions = {}
): Effect.Effect<TokenCacheService, ConfigurationError, Scope.Scope> =>
  Effect.gen(function* () {
    const cipher = options.encryption === undefined ? plain : encrypted(yield* TokenEncryption.make(options.encryption))
    const backing = StoreBacking.make({ store, cipher, onUnreadable: UnreadableEntries.make() })
    return yield* makeOver(backing, options)
  })

/**
 * A cache with a store of your own behind it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerStore = (store: TokenStore, options?: StoreOptions): Layer.Layer<TokenCache, ConfigurationError> =>
  Layer.scoped(TokenCache, make(store, options))

/**
 * A cache with a `KeyValueStore` behind it: files, SQL, Lmdb, a browser's storage. Such a store knows neither ends nor leases:
 * what has ended goes when it is read, and each process asks for itself. `KeyValueStore.prefix` keeps it apart from others.
 *
 * Of its file store's folder, anybody on the machine reads the files: take `TokenCacheFile` there.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerKeyValueStore = (
  options?: StoreOptions
): Layer.Layer<TokenCache, ConfigurationError, KeyValueStore.KeyValueStore> =>
  Layer.scoped(
    TokenCache,
    Effect.flatMap(KeyValueStore.KeyValueStore, (store) => make(keyValueStore(store), options))
  )
