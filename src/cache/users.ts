import { BoundedMap } from "../resilience/boundedMap.js"
import { type Aged, AgedList } from "./agedList.js"
import type { Group, Partition } from "./cacheKey.js"
import { ShardedMap } from "./shardedMap.js"
import type { User } from "./TokenCache.js"

class Kept implements Aged<Kept> {
  older: Kept | undefined
  newer: Kept | undefined
  constructor(
    readonly partition: Partition,
    readonly user: User
  ) {}
}

/**
 * The users of all clients, in memory. Beyond the capacity whoever was written longest ago goes.
 *
 * @internal
 */
export class Users {
  /** By partition. */
  private readonly all: ShardedMap<Kept>
  private readonly byAge = new AgedList<Kept>()
  /** The partitions of each group. */
  private readonly groups = new Map<string, Set<string>>()
  /** The last exchange that had begun when a partition, or a group, was removed. */
  private readonly removals: BoundedMap<number>
  private cleared = -1

  constructor(private readonly capacity: number) {
    this.all = new ShardedMap(capacity)
    this.removals = new BoundedMap(capacity)
  }

  get size(): number {
    return this.all.size
  }

  get(partition: string): User | undefined {
    return this.all.get(partition)?.user
  }

  list({ id }: Group): ReadonlyArray<User> {
    return [...(this.groups.get(id) ?? [])].flatMap((partition) => this.get(partition) ?? [])
  }

  set(partition: Partition, user: User): void {
    this.forget(partition.id)
    const kept = new Kept(partition, user)
    this.all.set(partition.id, kept)
    this.byAge.add(kept)
    const group = partition.group.id
    this.groups.set(group, (this.groups.get(group) ?? new Set()).add(partition.id))
    if (this.all.size > this.capacity && this.byAge.oldest !== undefined) this.forget(this.byAge.oldest.partition.id)
  }

  remove({ id }: Partition, sequence: number): boolean {
    this.removals.set(id, sequence)
    return this.forget(id)
  }

  removeGroup({ id }: Group, sequence: number): void {
    this.removals.set(id, sequence)
    for (const partition of [...(this.groups.get(id) ?? [])]) this.forget(partition)
  }

  clear(sequence: number): void {
    this.cleared = sequence
    this.all.clear()
    this.byAge.clear()
    this.groups.clear()
  }

  /** Whether the holder was removed while an exchange was under way. */
  wasRemoved({ group, id }: Partition, sequence: number): boolean {
    return sequence <= Math.max(this.cleared, this.removals.get(id) ?? -1, this.removals.get(group.id) ?? -1)
  }

  forget(partition: string): boolean {
    const kept = this.all.get(partition)
    if (kept === undefined) return false
    this.all.delete(partition)
    this.byAge.remove(kept)
    const { id } = kept.partition.group
    const partitions = this.groups.get(id)
    partitions?.delete(partition)
    if (partitions?.size === 0) this.groups.delete(id)
    return true
  }
}
