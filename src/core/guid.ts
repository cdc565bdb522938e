import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** @internal */
export const isGuid = (text: string): boolean => pattern.test(text)

const word = Random.nextIntBetween(0, 2 ** 32)

/**
 * A version 4 UUID (RFC 9562 5.4) for correlation; its randomness is Effect's, so it is no secret.
 *
 * @internal
 */
export const makeGuid: Effect.Effect<string> = Effect.map(Effect.replicateEffect(word, 4), (words) => {
  const hex = words.map((value) => value.toString(16).padStart(8, "0")).join("")
  const variant = (8 + (Number.parseInt(hex.charAt(16), 16) & 3)).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20)
  ].join("-")
})
