import type { AccessToken } from "../core/AccessToken.js"

/**
 * Until when a cached token serves, in epoch milliseconds.
 *
 * @internal
 */
export interface Lifetime {
  readonly cachedAt: number
  /** Until here it is handed out without a thought; then a new one is asked for. */
  readonly freshUntil: number
  /** Until here it serves while no new one can be had. */
  readonly servesUntil: number
}

const longestMargin = 300_000
const neverServed = 10_000
const longLife = 7_200_000
const year = 365 * 86_400_000

/**
 * The margin before the end in which a new token is asked for is the smaller of 300 s and a fifth of the token's life; its
 * last 10 s are never served. What it was got with may end earlier (`endsAt`), and ends it. A token that is over, or without
 * an end has no lifetime, nor has one that ends in more than a year: that is a clock or a unit gone wrong.
 *
 * @internal
 */
export const lifetimeOf = (
  token: AccessToken,
  now: number,
  endsAt = Number.POSITIVE_INFINITY
): Lifetime | undefined => {
  if (token.expiresAtMillis === undefined || token.expiresAtMillis > now + year) return undefined
  const expiresAt = Math.min(token.expiresAtMillis, endsAt)
  const servesUntil = expiresAt - neverServed
  if (servesUntil <= now) return undefined
  const margin = Math.min(longestMargin, (expiresAt - now) / 5)
  return {
    cachedAt: now,
    freshUntil: expiresAt - Math.max(margin, neverServed),
    servesUntil
  }
}

/** Renewals of tokens that many replicas hold are spread over this share of the time that is left for them. */
const spread = 0.1
const longestSpread = 300_000

/**
 * When to ask for the next token: after `refresh_in`, or after half of a life of more than 2 h, later by a jitter
 * (`random` from 0 to 1) that is drawn once; at the latest when the margin begins.
 *
 * @internal
 */
export const renewalOf = (token: AccessToken, { cachedAt, freshUntil }: Lifetime, random: number): number => {
  const life = (token.expiresAtMillis ?? freshUntil) - cachedAt
  const advised = token.refreshAtMillis ?? (life > longLife ? cachedAt + life / 2 : freshUntil)
  const jitter = random * Math.min(longestSpread, spread * Math.max(0, freshUntil - advised))
  return Math.min(freshUntil, advised + jitter)
}

const firstPause = 10_000
const longestPause = 300_000

/**
 * When to ask again while a renewal is under way (10 s), or after so many have failed (10 s, 20 s, ... 5 min); at the latest
 * in the middle of the time that the token has left.
 *
 * @internal
 */
export const renewalAfter = (failures: number, { servesUntil }: Lifetime, now: number): number =>
  now + Math.min(firstPause * 2 ** Math.max(0, failures - 1), longestPause, Math.max(0, servesUntil - now) / 2)

/** An entry of the future was written by a clock that has been set back since: nobody knows its age. */
const isOfThePast = (lifetime: Lifetime, now: number): boolean => lifetime.cachedAt <= now

/** @internal */
export const serves = (lifetime: Lifetime, now: number): boolean =>
  now < lifetime.servesUntil && isOfThePast(lifetime, now)
