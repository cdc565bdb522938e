import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { Backing } from "./backing.js"
import type { Group, Partition } from "./cacheKey.js"
import * as LeaseHolder from "./leaseHolder.js"
import type { LocalCache } from "./localCache.js"
import * as Outbox from "./outbox.js"
import { everything, Standings } from "./standings.js"
import * as StoreHealth from "./storeHealth.js"
import type { Operation, StoreError } from "./TokenStore.js"

/** How a shared cache deals with what lies behind it. */
export interface Manners {
  /** How long one look at the store may take. */
  readonly timeout: Duration.Duration
  /** How long others wait for a process that has crashed. */
  readonly lease: Duration.Duration
}

/** Memory, and what lies behind it. */
export interface Sharing {
  readonly local: LocalCache
  readonly backing: Backing
  readonly outbox: Outbox.Outbox
  readonly standings: Standings
  /** Absent where processes can't agree on who does something. */
  readonly leased: ReturnType<typeof LeaseHolder.make> | undefined
  /** Whether the store has been told what became of a group, or of a partition; what it has not is told first. */
  readonly isTold: (group: Group, ...partitions: ReadonlyArray<string>) => Effect.Effect<boolean>
  /** Whose tokens stay in memory. */
  readonly isLocal: (partition: Partition) => boolean
  /** What the store answers in time of a partition; none, too, while it has not been told all of it, and knows it wrongly. */
  readonly ask: <A>(
    partition: Partition,
    operation: Operation,
    question: Effect.Effect<A, StoreError>
  ) => Effect.Effect<Option.Option<A>>
  /** The same of several partitions. */
  readonly askOfMany: StoreHealth.StoreHealth["ask"]
}

/**
 * @internal
 */
export const make = (
  local: LocalCache,
  backing: Backing,
  manners: Manners
): Effect.Effect<Sharing, never, Scope.Scope> =>
  Effect.gen(function* () {
    const health = StoreHealth.make(manners.timeout)
    const outbox = yield* Outbox.make(health)
    const isTold: Sharing["isTold"] = (group, ...others) =>
      Effect.map(Effect.forEach([everything, group.id, ...others], outbox.isSent), (all) =>
        all.every((isSent) => isSent)
      )
    return {
      local,
      backing,
      outbox,
      standings: new Standings(local),
      leased: backing.leases && LeaseHolder.make(backing.leases, health, outbox, manners.lease),
      isLocal: (partition) => !backing.holds(partition),
      isTold,
      ask: (partition, operation, question) =>
        Effect.flatMap(isTold(partition.group, partition.id), (isSent) =>
          isSent ? health.ask(operation, question) : Effect.succeedNone
        ),
      askOfMany: health.ask
    }
  })
