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
const year = 365 * 86_400_000

/**
 * The margin before the end in which a new token is asked for is the smaller of 300 s and a fifth of the token's life; its
 * last 10 s are never served. A token without an end has no lifetime, nor has one that ends in more than a year: that is
 * a clock or a unit gone wrong.
 *
 * @internal
 */
export const lifetimeOf = (token: AccessToken, now: number): Lifetime | undefined => {
  const expiresAt = token.expiresAtMillis
  if (expiresAt === undefined || expiresAt > now + year) return undefined
  const margin = Math.min(longestMargin, (expiresAt - now) / 5)
  return {
    cachedAt: now,
    freshUntil: expiresAt - Math.max(margin, neverServed),
    servesUntil: expiresAt - neverServed
  }
}

/** An entry of the future was written by a clock that has been set back since: nobody knows its age. */
const isOfThePast = (lifetime: Lifetime, now: number): boolean => lifetime.cachedAt <= now

/** @internal */
export const isFresh = (lifetime: Lifetime, now: number): boolean =>
  now < lifetime.freshUntil && isOfThePast(lifetime, now)

/** @internal */
export const serves = (lifetime: Lifetime, now: number): boolean =>
  now < lifetime.servesUntil && isOfThePast(lifetime, now)
