/** A map that forgets its oldest entry when it is full: a run may be long. */
export interface Bounded<V> {
  readonly get: (key: string) => V | undefined
  readonly set: (key: string, value: V) => void
  readonly removeIf: (isGone: (value: V) => boolean) => void
  readonly values: () => ReadonlyArray<V>
}

export const make = <V>(limit = 10_000): Bounded<V> => {
  const entries = new Map<string, V>()
  return {
    get: (key) => entries.get(key),
    set: (key, value) => {
      entries.set(key, value)
      if (entries.size <= limit) return
      for (const oldest of entries.keys()) {
        entries.delete(oldest)
        return
      }
    },
    removeIf: (isGone) => {
      for (const [key, value] of entries) if (isGone(value)) entries.delete(key)
    },
    values: () => [...entries.values()]
  }
}
