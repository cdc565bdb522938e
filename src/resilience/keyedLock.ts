import * as Effect from "effect/Effect"

/** Who holds a key, and how many wait for it. */
interface Held {
  readonly semaphore: Effect.Semaphore
  users: number
}

/**
 * One effect at a time for each key; a key that nobody asks for takes no room.
 *
 * @internal
 */
export const make = (): (<A, E, R>(key: string, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) => {
  const held = new Map<string, Held>()
  const enter = (key: string) =>
    Effect.sync(() => {
      const present = held.get(key) ?? { semaphore: Effect.unsafeMakeSemaphore(1), users: 0 }
      present.users += 1
      held.set(key, present)
      return present
    })
  const leave = (key: string, present: Held) =>
    Effect.sync(() => {
      present.users -= 1
      if (present.users === 0) held.delete(key)
    })
  return (key, effect) =>
    Effect.acquireUseRelease(
      enter(key),
      ({ semaphore }) => semaphore.withPermits(1)(effect),
      (present) => leave(key, present)
    )
}
