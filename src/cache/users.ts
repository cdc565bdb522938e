import * as Equal from "effect/Equal"
import type * as Redacted from "effect/Redacted"
import { BoundedMap } from "../resilience/boundedMap.js"
import type { User, UserKey } from "./TokenCache.js"

interface Kept {
  readonly key: UserKey
  readonly user: User
}

/**
 * The users of all clients, in memory. Beyond the capacity whoever was written longest ago goes.
 *
 * @internal
 */
export class Users {
  /** By partition, in the order in which they were written. */
  private readonly all = new Map<string, Kept>()
  /** The partitions of each group. */
  private readonly groups = new Map<string, Set<string>>()
  /** The last exchange that had begun when a user was removed. */
  private readonly removals: BoundedMap<number>

  constructor(private readonly capacity: number) {
    this.removals = new BoundedMap(capacity)
  }

  get({ partition }: UserKey): User | undefined {
    return this.all.get(partition)?.user
  }

  list(group: string): ReadonlyArray<User> {
    return [...(this.groups.get(group) ?? [])].flatMap((partition) => this.all.get(partition)?.user ?? [])
  }

  set(key: UserKey, user: User, sequence: number): void {
    if (this.wasRemoved(key.partition, sequence)) return
    this.forget(key)
    this.all.set(key.partition, { key, user })
    this.groups.set(key.group, (this.groups.get(key.group) ?? new Set()).add(key.partition))
    if (this.all.size <= this.capacity) return
    const [oldest] = this.all.values()
    if (oldest !== undefined) this.forget(oldest.key)
  }

  retire(key: UserKey, refreshToken: Redacted.Redacted): void {
    const kept = this.all.get(key.partition)
    if (kept !== undefined && Equal.equals(kept.user.refreshToken, refreshToken))
      this.all.set(key.partition, { key, user: { ...kept.user, refreshToken: undefined } })
  }

  remove(key: UserKey, sequence: number): boolean {
    this.removals.set(key.partition, sequence)
    const wasThere = this.all.has(key.partition)
    this.forget(key)
    return wasThere
  }

  /** Whether the user was removed while an exchange was under way. */
  wasRemoved(partition: string, sequence: number): boolean {
    return sequence <= (this.removals.get(partition) ?? -1)
  }

  private forget({ group, partition }: UserKey): void {
    this.all.delete(partition)
    const partitions = this.groups.get(group)
    partitions?.delete(partition)
    if (partitions?.size === 0) this.groups.delete(group)
  }
}
