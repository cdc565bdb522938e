/** Scripted faults that wait for their turn: each answer takes one. */
import * as Effect from "effect/Effect"
import type { Fault } from "./Fault.js"

export interface FaultQueue {
  readonly script: (faults: ReadonlyArray<Fault>) => Effect.Effect<void>
  readonly pending: Effect.Effect<number>
  readonly next: Effect.Effect<Fault | undefined>
}

const limit = 100_000

export const make = (): FaultQueue => {
  const faults: Array<Fault> = []
  return {
    script: (more) =>
      Effect.suspend(() => {
        if (faults.length + more.length > limit) return Effect.dieMessage(`more than ${limit} faults`)
        for (const fault of more) faults.push(fault)
        return Effect.void
      }),
    pending: Effect.sync(() => faults.length),
    next: Effect.sync(() => faults.shift())
  }
}
