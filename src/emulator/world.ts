/** What lasts from one request to the next. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { AssertionKeys } from "./assertionKeys.js"
import type { Directory } from "./directory.js"
import type { Fault } from "./Fault.js"
import * as Memory from "./memory.js"
import type { SigningKey } from "./signingKey.js"

export interface World {
  readonly directory: Directory
  readonly key: SigningKey
  readonly assertionKeys: AssertionKeys
  readonly tokenLifetime: Duration.Duration
  readonly refreshIn: Duration.Duration | undefined
  readonly refreshTokens: "multi" | "rotating"
  readonly memory: Memory.Memory
  /** Whether answers differ where Entra's differ. */
  readonly varies: boolean
  /** Epoch milliseconds by the emulator's own clock. */
  readonly now: Effect.Effect<number>
  readonly skew: (milliseconds: number) => Effect.Effect<void>
  readonly script: (faults: ReadonlyArray<Fault>) => Effect.Effect<void>
  readonly pendingFaults: Effect.Effect<number>
  readonly nextFault: Effect.Effect<Fault | undefined>
}

const faultLimit = 100_000

export const make = (
  options: Pick<
    World,
    "directory" | "key" | "assertionKeys" | "tokenLifetime" | "refreshIn" | "refreshTokens" | "varies"
  >
): World => {
  const faults: Array<Fault> = []
  let ahead = 0
  return {
    ...options,
    memory: Memory.make(),
    now: Effect.map(Clock.currentTimeMillis, (now) => now + ahead),
    skew: (milliseconds) =>
      Effect.sync(() => {
        ahead = milliseconds
      }),
    script: (more) =>
      Effect.suspend(() => {
        if (faults.length + more.length > faultLimit) return Effect.dieMessage(`more than ${faultLimit} faults`)
        for (const fault of more) faults.push(fault)
        return Effect.void
      }),
    pendingFaults: Effect.sync(() => faults.length),
    nextFault: Effect.sync(() => faults.shift())
  }
}
