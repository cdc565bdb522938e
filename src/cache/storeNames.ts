import * as Effect from "effect/Effect"
import { BoundedMap } from "../resilience/boundedMap.js"
import type { CacheKey, Group, Partition } from "./cacheKey.js"
import type { Cipher } from "./cipher.js"

/** The names of what a store holds. Those of one partition lie together in a cluster: their hash tag is in braces. */
export interface StoreNames {
  readonly partition: (partition: Partition) => Effect.Effect<{ readonly standing: string; readonly user: string }>
  readonly group: (group: Group) => Effect.Effect<{ readonly cleared: string; readonly index: string }>
  readonly token: (key: CacheKey) => Effect.Effect<string>
  readonly lease: (partition: Partition, name: string) => Effect.Effect<string>
}

/** When everything was removed last. */
export const cleared = "cleared"

/** Hashing takes longer than looking up. */
const mostNames = 10_000

/**
 * @internal
 */
export const make = (cipher: Cipher, prefix = ""): StoreNames => {
  const known = new BoundedMap<string>(mostNames)
  const nameOf = (text: string): Effect.Effect<string> =>
    Effect.suspend(() => {
      const name = known.get(text)
      return name === undefined
        ? Effect.tap(cipher.name(text), (made) => Effect.sync(() => known.set(text, made)))
        : Effect.succeed(name)
    })
  const within = (partition: Partition, kind: string, name: string) =>
    Effect.zipWith(nameOf(partition.id), nameOf(name), (tag, part) => `${prefix}{${tag}}:${kind}:${part}`)
  return {
    partition: ({ id }) =>
      Effect.map(nameOf(id), (tag) => ({ standing: `${prefix}{${tag}}:p`, user: `${prefix}{${tag}}:u` })),
    group: ({ id }) =>
      Effect.map(nameOf(id), (tag) => ({ cleared: `${prefix}{${tag}}:c`, index: `${prefix}{${tag}}:i` })),
    token: ({ id, partition }) => within(partition, "t", id),
    lease: (partition, name) => within(partition, "l", name)
  }
}
