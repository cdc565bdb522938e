import { spread } from "./cacheKey.js"

/** A map that doubles copies itself in one go: one of so many entries does it within a millisecond. */
const shardSize = 4096
const mostShards = 1024

/**
 * A map in parts, none of which ever grows large: an insertion never stops the program for the copy of a large table.
 *
 * @internal
 */
export class ShardedMap<V> {
  private readonly shards: ReadonlyArray<Map<string, V>>
  private readonly mask: number
  private count = 0

  constructor(capacity: number) {
    const wanted = Math.min(mostShards, capacity / shardSize)
    const length = 2 ** Math.max(0, Math.ceil(Math.log2(wanted)))
    this.shards = Array.from({ length }, () => new Map<string, V>())
    this.mask = length - 1
  }

  get size(): number {
    return this.count
  }

  /** `hash` is the key's {@link spread}. */
  get(key: string, hash = spread(key)): V | undefined {
    return this.shards[hash & this.mask]?.get(key)
  }

  set(key: string, value: V, hash = spread(key)): void {
    const shard = this.shards[hash & this.mask]
    if (shard === undefined) return
    if (!shard.has(key)) this.count += 1
    shard.set(key, value)
  }

  delete(key: string, hash = spread(key)): void {
    if (this.shards[hash & this.mask]?.delete(key)) this.count -= 1
  }

  clear(): void {
    for (const shard of this.shards) shard.clear()
    this.count = 0
  }
}
