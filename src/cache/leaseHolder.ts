import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { makeGuid } from "../core/guid.js"
import { monotonicMillis } from "../resilience/monotonic.js"
import { inOwnFiber } from "../resilience/ownFiber.js"
import type { Leases } from "./backing.js"
import { joinKey, type Partition } from "./cacheKey.js"
import type { Outbox } from "./outbox.js"
import type { StoreHealth } from "./storeHealth.js"

/** What is done by one of all processes at a time. */
export interface Exclusive<A, E, R> {
  readonly partition: Partition
  readonly name: string
  /** How long others are waited for. */
  readonly patience: Duration.Duration
  /** Whether it has been done meanwhile: asked while others do it, and once more before it is done here. */
  readonly look: Effect.Effect<Option.Option<A>>
  readonly tooLate: Effect.Effect<A, E, R>
  readonly use: Effect.Effect<A, E, R>
}

const firstPause = 15
const longestPause = 200

/** `unknown`: the store tells nothing, so nobody is waited for. */
type Turn = "taken" | "other" | "unknown"

/**
 * Runs an effect under a lease of the store. The lease is renewed while it runs; who crashed with it blocks the others until it
 * ends, and no longer. Where the store can't be asked, each process goes its own way.
 *
 * @internal
 */
export const make =
  (leases: Leases, health: StoreHealth, outbox: Outbox, life: Duration.Duration) =>
  <A, E, R>({ look, name, partition, patience, tooLate, use }: Exclusive<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.gen(function* () {
      const holder = yield* makeGuid
      /** What is given back late keeps nobody from the rest of the partition. */
      const leaseKey = joinKey(partition.id, name, holder)
      const waitUntil = (yield* monotonicMillis) + Duration.toMillis(patience)

      /** Who was not told in time, or is interrupted while the store is asked, may have got it. */
      let mayHold = false
      const asked = Effect.suspend(() => {
        mayHold = true
        return leases.take(partition, name, holder, life)
      })
      const take: Effect.Effect<Turn> = Effect.map(health.ask("compareAndSet", asked), (answer) => {
        if (Option.isNone(answer)) return "unknown"
        mayHold = answer.value
        return mayHold ? "taken" : "other"
      })

      const keep = Effect.forever(
        Effect.zipRight(
          Effect.sleep(Duration.times(life, 1 / 3)),
          health.ask("compareAndSet", leases.keep(partition, name, holder, life))
        )
      )

      const give = Effect.suspend(() =>
        mayHold ? inOwnFiber(outbox.send(leaseKey, leases.give(partition, name, holder))) : Effect.void
      )

      const done = (or: Effect.Effect<A, E, R>) =>
        Effect.flatMap(look, Option.match({ onNone: () => or, onSome: (value) => Effect.succeed(value) }))

      const held = Effect.flatMap(Effect.fork(keep), (keeping) =>
        Effect.ensuring(done(use), Fiber.interruptFork(keeping))
      )

      const waited = (pause: number): Effect.Effect<A, E, R> =>
        Effect.flatMap(take, (turn): Effect.Effect<A, E, R> => {
          if (turn === "taken") return held
          if (turn === "unknown") return use
          return done(
            Effect.flatMap(monotonicMillis, (now) =>
              now >= waitUntil
                ? tooLate
                : Effect.zipRight(spreadSleep(pause), waited(Math.min(longestPause, pause * 1.5)))
            )
          )
        })

      return yield* Effect.ensuring(waited(firstPause), give)
    })

/** Who waits for the same thing does not wake up in step. */
const spreadSleep = (pause: number): Effect.Effect<void> =>
  Effect.flatMap(Random.next, (random) => Effect.sleep(Duration.millis(pause * (0.5 + random))))
