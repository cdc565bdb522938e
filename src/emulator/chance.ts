/** What differs from answer to answer, all of it from the `Random` service, so that a seed repeats a run. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Random from "effect/Random"
import type { Json } from "./Fault.js"

export type Members = Readonly<Record<string, Json>>

const words = Effect.replicateEffect(Random.nextIntBetween(0, 0x1_0000_0000), 4)

/** A version 4 GUID. */
export const guid: Effect.Effect<string> = Effect.map(words, (numbers) => {
  const hex = numbers.map((word) => word.toString(16).padStart(8, "0")).join("")
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join("-")
})

/** The shape of the `uti` claim: 16 bytes as base64url. */
export const uti: Effect.Effect<string> = Effect.map(words, (numbers) =>
  Encoding.encodeBase64Url(new Uint8Array(Uint32Array.from(numbers).buffer))
)

/** Far too long to be guessed: the value of a code, a refresh token, a session. */
export const opaque: Effect.Effect<string> = Effect.map(Effect.replicateEffect(uti, 4), (parts) => parts.join(""))

/** Letters without vowels, that spell nothing and are not taken for one another (RFC 8628 6.1). */
const plainLetters = "BCDFGHJKLMNPQRSTVWXZ"

const several = (count: number, from: string): Effect.Effect<string> =>
  Effect.map(Effect.replicateEffect(Random.nextIntBetween(0, from.length), count), (indices) =>
    indices.map((index) => from.charAt(index)).join("")
  )

/** For people to read and to type. */
export const letters = (count: number): Effect.Effect<string> => several(count, plainLetters)

export const digits = (count: number): Effect.Effect<string> => several(count, "0123456789")

/** The same strings in another order, each in its own case or in lower case. */
export const shuffled = (words: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.flatMap(Random.shuffle(words), (order) =>
    Effect.forEach(order, (word) => Effect.map(Random.nextBoolean, (lower) => (lower ? word.toLowerCase() : word)))
  )

export const coin: Effect.Effect<boolean> = Random.nextBoolean

/** Other orders, numbers as strings, absent optional members: all of this has been seen on the wire or is allowed. */
export const vary = (members: Members, optional: ReadonlyArray<string>): Effect.Effect<Members> =>
  Effect.gen(function* () {
    const kept: Array<[string, Json]> = []
    for (const [name, value] of Object.entries(members)) {
      if (optional.includes(name) && (yield* coin)) continue
      kept.push([name, typeof value === "number" && (yield* coin) ? String(value) : value])
    }
    return Object.fromEntries(Chunk.toReadonlyArray(yield* Random.shuffle(kept)))
  })
