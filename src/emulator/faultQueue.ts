/** Scripted faults that wait for their turn: each answer takes one, but none while there is an outage. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Fault, unavailable } from "./Fault.js"

export interface FaultQueue {
  readonly script: (faults: ReadonlyArray<Fault>) => Effect.Effect<void>
  readonly pending: Effect.Effect<number>
  /** Those that wait, the next one first. */
  readonly waiting: Effect.Effect<ReadonlyArray<Fault>>
  readonly next: Effect.Effect<Fault | undefined>
  /** Forgets what waits, and ends an outage. */
  readonly clear: Effect.Effect<void>
  /** From now on and for so long every answer is 503, with a Retry-After that names the end. */
  readonly downFor: (duration: Duration.DurationInput) => Effect.Effect<void>
  /** Milliseconds until the outage ends, 0 when there is none. */
  readonly outage: Effect.Effect<number>
}

/** What has faults of its own: the token endpoint, the APIs, the endpoints of managed identities. */
export type Endpoint = "token" | "api" | "identity"

/** The queue of each. */
export interface FaultQueues {
  readonly faults: FaultQueue
  readonly apiFaults: FaultQueue
  readonly identityFaults: FaultQueue
}

export const of = ({ faults, apiFaults, identityFaults }: FaultQueues, endpoint: Endpoint): FaultQueue =>
  ({ token: faults, api: apiFaults, identity: identityFaults })[endpoint]

const limit = 100_000

export const make = (): FaultQueue => {
  const faults: Array<Fault> = []
  // By the clock itself: an emulator that is made to go wrong about the time is down no longer for it.
  let downUntil = 0
  const outage = Effect.map(Clock.currentTimeMillis, (now) => Math.max(0, downUntil - now))
  return {
    script: (more) =>
      Effect.suspend(() => {
        if (faults.length + more.length > limit) return Effect.dieMessage(`more than ${limit} faults`)
        for (const fault of more) faults.push(fault)
        return Effect.void
      }),
    pending: Effect.sync(() => faults.length),
    waiting: Effect.sync(() => [...faults]),
    next: Effect.map(outage, (left) => (left > 0 ? unavailable(String(Math.ceil(left / 1000))) : faults.shift())),
    clear: Effect.sync(() => {
      faults.length = 0
      downUntil = 0
    }),
    downFor: (duration) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        downUntil = now + Duration.toMillis(duration)
      }),
    outage
  }
}
