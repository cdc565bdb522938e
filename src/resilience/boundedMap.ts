/**
 * A map that strangers can't fill: beyond its capacity the entry that was written longest ago goes.
 *
 * @internal
 */
export class BoundedMap<V> {
  private readonly entries = new Map<string, V>()

  constructor(private readonly capacity: number) {}

  get(key: string): V | undefined {
    return this.entries.get(key)
  }

  set(key: string, value: V): void {
    this.entries.delete(key)
    this.entries.set(key, value)
    if (this.entries.size <= this.capacity) return
    for (const oldest of this.entries.keys()) {
      this.entries.delete(oldest)
      return
    }
  }

  delete(key: string): void {
    this.entries.delete(key)
  }

  get size(): number {
    return this.entries.size
  }

  [Symbol.iterator](): Iterator<readonly [string, V]> {
    return this.entries[Symbol.iterator]()
  }
}
