import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { isGuid } from "../core/guid.js"
import type { Leases } from "./backing.js"
import type { Partition } from "./cacheKey.js"
import type { StoreNames } from "./storeNames.js"
import type { StoreError, TokenStore } from "./TokenStore.js"

/** What is given back ends at once, where the store knows ends: there is no operation that removes what is expected. */
const over = Duration.millis(1)
const givenBack = "-"

/** What names no holder is no lease, whoever wrote it. */
const isFree = (present: string): boolean => !isGuid(present)

/**
 * Leases as entries of a store: none becomes the holder's name, and the holder's name itself again.
 *
 * @internal
 */
export const leasesIn = (store: TokenStore, names: StoreNames): Leases | undefined => {
  const compareAndSet = store.compareAndSet?.bind(store)
  if (compareAndSet === undefined) return undefined
  const changed = (
    partition: Partition,
    name: string,
    from: Option.Option<string>,
    to: string,
    life: Duration.Duration
  ): Effect.Effect<boolean, StoreError> =>
    Effect.flatMap(names.lease(partition, name), (key) => compareAndSet(key, from, to, life))
  const takeFrom =
    (from: Option.Option<string>): Leases["take"] =>
    (partition, name, holder, life) =>
      changed(partition, name, from, holder, life)
  return {
    take: (partition, name, holder, life) =>
      Effect.flatMap(takeFrom(Option.none())(partition, name, holder, life), (isTaken) =>
        isTaken
          ? Effect.succeed(true)
          : Effect.flatMap(
              Effect.flatMap(names.lease(partition, name), (key) => store.get(key)),
              (present) => {
                // A connection that broke off may have sent it twice, and have been told of the second time.
                if (Option.contains(present, holder)) return Effect.succeed(true)
                return Option.exists(present, isFree)
                  ? takeFrom(present)(partition, name, holder, life)
                  : Effect.succeed(false)
              }
            )
      ),
    keep: (partition, name, holder, life) => changed(partition, name, Option.some(holder), holder, life),
    give: (partition, name, holder) => Effect.asVoid(changed(partition, name, Option.some(holder), givenBack, over))
  }
}
