import { readFileSync, writeFileSync } from "node:fs"
import * as Effect from "effect/Effect"

/** Adds one to the number in a file, as slowly as whoever is in a hurry to lose one. */
export const addOne = (path: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    const found = Number(readFileSync(path, "utf8"))
    yield* Effect.sleep("2 millis")
    writeFileSync(path, String(found + 1))
  })
