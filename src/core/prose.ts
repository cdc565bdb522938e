import * as Redacted from "effect/Redacted"

/** Of what a server says to people no more is looked at. */
export const longestProse = 2048
/** Control characters, and the half of a pair that a cut leaves. */
const unprintable = /\p{Cc}+|[\ud800-\udbff]$/gu

/**
 * What a server says to people: `Redacted`, 2 kB at most, without control characters.
 *
 * @internal
 */
export const redactedProse = (text: string): Redacted.Redacted =>
  Redacted.make(text.slice(0, longestProse).replace(unprintable, " "))
