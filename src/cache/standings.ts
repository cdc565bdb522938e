import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { sha256 } from "../core/digest.js"
import { BoundedMap } from "../resilience/boundedMap.js"
import type { Standing } from "./backing.js"
import type { Partition } from "./cacheKey.js"
import type { LocalCache } from "./localCache.js"

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
/** A look that failed is not waited for as long. */
const retryEvery = 1000
const never = Number.NEGATIVE_INFINITY
const unknown: Known = { epoch: undefined, clearedAt: never, checkAt: 0 }

/** What stands for all groups: no group has this id. */
export const everything = "*"

/**
 * How the partitions in memory stand with other processes.
 *
 * @internal
 */
export class Standings {
  private readonly known = new BoundedMap<Known>(mostKnown)
  /** When this process has removed groups itself. */
  private readonly cleared = new BoundedMap<number>(mostKnown)

  constructor(private readonly local: LocalCache) {}

  epochOf({ id }: Partition): string | undefined {
    return this.of(id).epoch
  }

  checkAt({ id }: Partition): number {
    return this.of(id).checkAt
  }

  /** When what is kept now is to be looked at: soon where nothing is known of its partition. */
  nextLook({ id }: Partition): number {
    const known = this.of(id)
    this.known.set(id, known)
    return known.checkAt
  }

  /** Memory goes by what stands: what others have removed or rejected is no longer there. */
  learn(partition: Partition, { clearedAt, epoch, rejected }: Standing): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const before = this.of(partition.id)
      const isForgotten = this.known.get(partition.id) === undefined
      const isRemoved = isForgotten || (before.epoch !== undefined && epoch !== undefined && before.epoch !== epoch)
      const isCleared = clearedAt > Math.max(before.clearedAt, this.clearedHere(partition))
      if (isRemoved || isCleared) this.local.forget(partition)
      const checkAt = (yield* Clock.currentTimeMillis) + checkEvery
      this.known.set(partition.id, { epoch: epoch ?? before.epoch, clearedAt, checkAt })
      for (const held of [...this.local.unsafeEntries(partition)]) {
        held.checkedUntil(checkAt)
        if (rejected.size > 0 && rejected.has(yield* sha256(Redacted.value(held.token.accessToken))))
          yield* this.local.reject({ partition }, held.token)
      }
    })
  }

  /** This epoch has been made the one that stands, here or elsewhere. */
  settle(partition: Partition, epoch: string): void {
    const before = this.of(partition.id)
    if (before.epoch !== undefined && before.epoch !== epoch) this.local.forget(partition)
    this.known.set(partition.id, { ...before, epoch })
  }

  /** Others go on while one looks. */
  beginLook(partition: Partition, now: number): void {
    this.known.set(partition.id, { ...this.of(partition.id), checkAt: now + checkEvery })
  }

  failLook(partition: Partition, now: number): void {
    const checkAt = now + retryEvery
    this.known.set(partition.id, { ...this.of(partition.id), checkAt })
    for (const held of this.local.unsafeEntries(partition)) held.checkedUntil(checkAt)
  }

  clearHere(group: string, at: number): void {
    this.cleared.set(group, at)
  }

  private of(partition: string): Known {
    return this.known.get(partition) ?? unknown
  }

  private clearedHere({ group }: Partition): number {
    return Math.max(this.cleared.get(group.id) ?? never, this.cleared.get(everything) ?? never)
  }
}
