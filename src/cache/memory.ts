import type { AccessToken } from "../core/AccessToken.js"
import { AgedList } from "./agedList.js"
import type { CacheKey } from "./cacheKey.js"
import type { Held } from "./held.js"
import { serves } from "./lifetime.js"
import { ShardedMap } from "./shardedMap.js"

/** Why a token is no longer there. */
export type Loss = "expired" | "evicted"

/** How many entries an insertion looks at for one that has ended: a few each time, more where room is needed. */
const glance = 2
const search = 16

/**
 * Tokens in memory, at most so many and so large. Each operation takes the same time however many there are. Where room is
 * needed, what has ended goes first, then what nobody has asked for since room was made last, the oldest first.
 *
 * @internal
 */
export class Memory {
  private readonly entries: ShardedMap<Held>
  /** The first entry of each partition. */
  private readonly partitions: ShardedMap<Held>
  private readonly byAge = new AgedList<Held>()
  /** Where the search for what has ended goes on, and the one for a group. */
  private cursor: Held | undefined
  private walker: Held | undefined
  private used = 0

  constructor(
    private readonly capacity: number,
    private readonly maxBytes: number,
    private readonly onLoss: (loss: Loss) => void
  ) {
    this.entries = new ShardedMap(capacity)
    this.partitions = new ShardedMap(capacity)
  }

  get size(): number {
    return this.entries.size
  }

  get bytes(): number {
    return this.used
  }

  get(key: CacheKey): Held | undefined {
    return this.entries.get(key.id, key.hash)
  }

  *inPartition(partition: string): Iterable<Held> {
    for (let held = this.partitions.get(partition); held !== undefined; held = held.after) yield held
  }

  add(held: Held, now: number): void {
    if (held.bytes > this.maxBytes) return
    const present = this.entries.get(held.id, held.hash)
    if (present !== undefined) this.remove(present)
    this.sweep(now, glance)
    while (this.size >= this.capacity || this.used + held.bytes > this.maxBytes)
      if (!this.sweep(now, search)) this.evict()
    this.link(held)
  }

  remove(held: Held): void {
    this.entries.delete(held.id, held.hash)
    this.leaveOrder(held)
    this.used -= held.bytes
    const { after, before } = held
    if (after !== undefined) after.before = before
    if (before !== undefined) before.after = after
    else if (after !== undefined) this.partitions.set(held.partition, after)
    else this.partitions.delete(held.partition)
  }

  removePartition(partition: string): void {
    for (const held of [...this.inPartition(partition)]) this.remove(held)
  }

  /** Those of the partition that are this very token. */
  removeToken(partition: string, token: AccessToken): void {
    for (const held of [...this.inPartition(partition)]) if (held.isOf(token)) this.remove(held)
  }

  /** Looks at so many entries for those of a group, from the first on where it `isFirst`; tells whether there are more. */
  removeGroup(group: string, isFirst: boolean, steps: number): boolean {
    if (isFirst) this.walker = this.byAge.oldest
    for (let step = 0; step < steps && this.walker !== undefined; step++) {
      const held = this.walker
      this.walker = held.newer
      if (held.id.startsWith(group)) this.remove(held)
    }
    return this.walker !== undefined
  }

  clear(): void {
    this.entries.clear()
    this.partitions.clear()
    this.byAge.clear()
    this.cursor = undefined
    this.walker = undefined
    this.used = 0
  }

  private leaveOrder(held: Held): void {
    if (this.cursor === held) this.cursor = held.newer
    if (this.walker === held) this.walker = held.newer
    this.byAge.remove(held)
  }

  private link(held: Held): void {
    this.entries.set(held.id, held, held.hash)
    this.byAge.add(held)
    this.used += held.bytes
    const first = this.partitions.get(held.partition)
    held.after = first
    if (first !== undefined) first.before = held
    this.partitions.set(held.partition, held)
  }

  /** Looks at so many entries further on, and drops those that have ended; tells whether there were any. */
  private sweep(now: number, steps: number): boolean {
    const before = this.size
    for (let step = 0; step < steps; step++) {
      const held = this.cursor ?? this.byAge.oldest
      if (held === undefined) break
      this.cursor = held.newer
      if (!serves(held, now)) this.lose(held, "expired")
    }
    return this.size < before
  }

  private evict(): void {
    for (let step = 0; step < search; step++) {
      const { oldest } = this.byAge
      if (oldest === undefined || !oldest.isUsed) break
      oldest.isUsed = false
      this.leaveOrder(oldest)
      this.byAge.add(oldest)
    }
    if (this.byAge.oldest !== undefined) this.lose(this.byAge.oldest, "evicted")
  }

  private lose(held: Held, loss: Loss): void {
    this.remove(held)
    this.onLoss(loss)
  }
}
