import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { BoundedMap } from "../resilience/boundedMap.js"
import * as KeyedLock from "../resilience/keyedLock.js"
import { inOwnFiber } from "../resilience/ownFiber.js"
import * as Seldom from "./seldom.js"
import type { StoreHealth } from "./storeHealth.js"
import type { StoreError } from "./TokenStore.js"

/** What a store is told, which may be told again. */
export type Message = Effect.Effect<void, StoreError>

/** What a store could not be told, and is to be told yet. */
export interface Outbox {
  /** Tells it now, or else later: in the order of each key. One that still waits says what a later one of its kind would. */
  readonly send: (key: string, message: Message, kind?: string) => Effect.Effect<void>
  readonly isWaiting: (key: string) => boolean
  /** Whether the store knows everything of this key; what waits is told first, if it can be. */
  readonly isSent: (key: string) => Effect.Effect<boolean>
}

interface Waiting {
  readonly message: Message
  readonly kind: string | undefined
}

const capacity = 10_000
const overflow = Effect.logWarning(
  "More changes wait for the token store than are kept in memory: the oldest ones are given up"
)
/** Tells the store, and whether that was done. */
type Tell = (message: Message) => Effect.Effect<boolean>
const pause = "2 seconds"
const lastTry = "1 second"

/**
 * Refresh tokens and removals must not get lost because the store is away for a while: they wait here, in memory. While there
 * are any they are tried again every few seconds, and once more when the scope closes.
 *
 * @internal
 */
export const make = (health: StoreHealth): Effect.Effect<Outbox, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const waiting = new BoundedMap<ReadonlyArray<Waiting>>(capacity)
    const turn = KeyedLock.make()
    const seldom = Seldom.make()
    let isTrying = false

    /** A message goes out of the box only when it has been delivered. */
    const emptied = (key: string, tell: Tell): Effect.Effect<boolean> =>
      Effect.suspend(() => {
        const first = waiting.get(key)?.[0]
        if (first === undefined) return Effect.succeed(true)
        return Effect.flatMap(tell(first.message), (isTold) => {
          if (!isTold) return Effect.succeed(false)
          const later = waiting.get(key)?.slice(1) ?? []
          if (later.length === 0) waiting.delete(key)
          else waiting.set(key, later)
          return emptied(key, tell)
        })
      })

    const isSent = (key: string, tell: Tell = (message) => Effect.map(health.ask("set", message), Option.isSome)) =>
      Effect.suspend(() => (waiting.get(key) === undefined ? Effect.succeed(true) : turn(key, emptied(key, tell))))

    const emptyAll = (tell?: Tell) =>
      Effect.suspend(() => Effect.forEach([...waiting], ([key]) => isSent(key, tell), { discard: true }))

    const keepTrying: Effect.Effect<void> = Effect.suspend(() =>
      waiting.size === 0
        ? Effect.sync(() => {
            isTrying = false
          })
        : Effect.zipRight(Effect.sleep(pause), Effect.zipRight(emptyAll(), keepTrying))
    )

    /** Whether or not the store has answered lately. */
    yield* Effect.addFinalizer(() => inOwnFiber(Effect.timeoutOption(emptyAll(Effect.isSuccess), lastTry)))

    return {
      isWaiting: (key) => waiting.get(key) !== undefined,
      isSent: (key) => isSent(key),
      send: (key, message, kind) =>
        Effect.gen(function* () {
          const before = waiting.get(key) ?? []
          if (waiting.size >= capacity && before.length === 0) yield* seldom(overflow)
          // The first may be on its way already, and know nothing of what has come since.
          const isSaid = kind !== undefined && before.length > 1 && before.at(-1)?.kind === kind
          if (!isSaid) waiting.set(key, [...before, { message, kind }])
          if ((yield* isSent(key)) || isTrying) return
          isTrying = true
          yield* Effect.forkIn(keepTrying, scope)
        })
    }
  })
