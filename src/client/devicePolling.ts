import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { DeviceCodeExpired, type SignInError } from "../core/TokenError.js"

/** How a device's polls can fail. */
export type PollFailure = SignInError | DeviceCodeExpired

/** RFC 8628 3.5. */
const slowerBy = 5000
/** Where nobody answers, the wait grows up to this (milliseconds). */
const longestWait = 60_000

/** How long to wait, in milliseconds: while all is well, and next. */
interface Pace {
  readonly interval: number
  readonly wait: number
}

const steady = (interval: number): Pace => ({ interval, wait: interval })

/** RFC 8628 3.5: `slow_down` is for good; who gets no answer asks less often. Nothing where polling is over. */
const paceAfter = (failure: PollFailure, { interval, wait }: Pace): Pace | undefined => {
  if (failure._tag === "RequestRejected") {
    if (failure.error === "authorization_pending") return steady(interval)
    return failure.error === "slow_down" ? steady(interval + slowerBy) : undefined
  }
  if (!failure.isRetryable) return undefined
  const asked = "retryAfter" in failure && failure.retryAfter !== undefined ? Duration.toMillis(failure.retryAfter) : 0
  return { interval, wait: Math.max(asked, Math.min(wait * 2, Math.max(interval, longestWait))) }
}

const expired = new DeviceCodeExpired({ source: "local", error: "expired_token", errorCodes: [] })

/**
 * Polls until the person has decided, or the code has run out (RFC 8628 3.4, 3.5). Times in milliseconds, the end by the
 * clock's epoch.
 *
 * @internal
 */
export const polling =
  (interval: number, expiresAt: number) =>
  <A>(once: Effect.Effect<A, PollFailure>): Effect.Effect<A, PollFailure> => {
    const poll = (pace: Pace): Effect.Effect<A, PollFailure> =>
      Effect.gen(function* () {
        const left = expiresAt - (yield* Clock.currentTimeMillis)
        yield* Effect.sleep(Duration.millis(Math.max(0, Math.min(pace.wait, left))))
        if (pace.wait >= left) return yield* expired
        return yield* Effect.catchAll(once, (failure) => {
          const next = paceAfter(failure, pace)
          return next === undefined ? Effect.fail(failure) : poll(next)
        })
      })
    return poll(steady(interval))
  }
