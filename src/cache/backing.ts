import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { AccessToken } from "../core/AccessToken.js"
import type { CacheKey, Group, Partition } from "./cacheKey.js"
import type { User } from "./TokenCache.js"
import type { StoreError } from "./TokenStore.js"

/** How a partition stands with all processes. */
export interface Standing {
  /** Another one after each removal; absent while nobody has written anything. */
  readonly epoch: string | undefined
  /** When all partitions of its group were removed last (epoch milliseconds). */
  readonly clearedAt: number
  /** Tokens that their resources have refused, by their SHA-256. */
  readonly rejected: ReadonlySet<string>
}

/** A token that another process has left, or an earlier one. */
export interface Found {
  readonly token: AccessToken
  /** Epoch milliseconds, by the clock of the process that won it. */
  readonly cachedAt: number
  readonly claims: string | undefined
}

/** What was there when it was looked for. */
export interface Reading {
  readonly standing: Standing
  readonly found: Found | undefined
  /** Tells whether something has been written since: equal ones mean that nothing was. */
  readonly version: string | undefined
}

/** What becomes of a user. */
export type NextUser = (known: User | undefined) => User | undefined

/** What is there now. */
export interface ModifiedUser {
  readonly epoch: string
  readonly user: User | undefined
  /** Whether nobody was there before. */
  readonly isNew: boolean
}

/** One of all processes has the right to do something. */
export interface Leases {
  readonly take: (
    partition: Partition,
    name: string,
    holder: string,
    life: Duration.Duration
  ) => Effect.Effect<boolean, StoreError>
  /** Tells whether the holder still had it. */
  readonly keep: (
    partition: Partition,
    name: string,
    holder: string,
    life: Duration.Duration
  ) => Effect.Effect<boolean, StoreError>
  readonly give: (partition: Partition, name: string, holder: string) => Effect.Effect<void, StoreError>
}

/**
 * What lies behind the memory of a cache, shared with other processes. All of it may fail, or take its time: the cache bounds
 * it, and goes on without.
 */
export interface Backing {
  /** Whose tokens have a place here; those of others stay in memory. */
  readonly holds: (partition: Partition) => boolean
  readonly standing: (partition: Partition) => Effect.Effect<Standing, StoreError>
  readonly read: (key: CacheKey) => Effect.Effect<Reading, StoreError>
  /**
   * Keeps a token under an epoch, unless something else has been written since there was this version. Where no epoch stands
   * it is made the one, where none is given a new one; tells which stands.
   */
  readonly write: (
    key: CacheKey,
    token: Found,
    version: string | undefined,
    epoch: string | undefined
  ) => Effect.Effect<string, StoreError>
  readonly reject: (
    key: Pick<CacheKey, "partition">,
    token: AccessToken,
    epoch: string | undefined
  ) => Effect.Effect<void, StoreError>
  /** The user under the epoch that stands. */
  readonly user: (
    partition: Partition
  ) => Effect.Effect<{ readonly standing: Standing; readonly user: User | undefined }, StoreError>
  /**
   * In one step with reading what is there. `mine` is what memory holds under the epoch: it stands in for what the store has
   * lost. Tells what is there now, and under which epoch.
   */
  readonly modifyUser: (
    partition: Partition,
    epoch: string | undefined,
    mine: User | undefined,
    next: NextUser
  ) => Effect.Effect<ModifiedUser, StoreError>
  /** Lists a user with the others of the group. */
  readonly enlist: (partition: Partition) => Effect.Effect<void, StoreError>
  /** How to read the users of a group, which may take longer than to know who they are. */
  readonly users: (group: Group) => Effect.Effect<Effect.Effect<ReadonlyArray<User>, StoreError>, StoreError>
  /** Puts a new epoch in the place of whatever is there. */
  readonly remove: (partition: Partition, epoch: string) => Effect.Effect<void, StoreError>
  readonly removeGroup: (group: Group, at: number) => Effect.Effect<void, StoreError>
  readonly clear: (at: number) => Effect.Effect<void, StoreError>
  /** Absent where processes can't agree on who does something. */
  readonly leases: Leases | undefined
}
