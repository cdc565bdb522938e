import * as Redacted from "effect/Redacted"

/** Of what a server says to people no more is looked at. */
export const longestProse = 2048
/** Control and bidirectional characters could rewrite what a person reads. */
const misleading = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu

/**
 * What a terminal can show of what a server says.
 *
 * @internal
 */
export const printable = (text: string): string => text.replace(misleading, " ").trim()

/** Control characters, and the half of a pair that a cut leaves. */
const unprintable = /\p{Cc}+|[\ud800-\udbff]$/gu

/**
 * What a server says to people: `Redacted`, 2 kB at most, without control characters.
 *
 * @internal
 */
export const redactedProse = (text: string): Redacted.Redacted =>
  Redacted.make(text.slice(0, longestProse).replace(unprintable, " "))
