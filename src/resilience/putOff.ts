import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type AuthorityUnavailable, Throttled } from "../core/TokenError.js"

/**
 * Fails with the time to come back, and with what the authority told when it asked for this wait.
 *
 * @internal
 */
export const putOff = (
  failure: Throttled | AuthorityUnavailable,
  wait: Duration.Duration,
  source: Throttled["source"]
): Effect.Effect<never, Throttled> => {
  const { correlationId, description, error, errorCodes, status, timestamp, traceId } = failure
  const details = { correlationId, description, error, errorCodes, status, timestamp, traceId }
  return Effect.flatMap(
    DateTime.now,
    (now) => new Throttled({ source, retryAfter: wait, until: DateTime.addDuration(now, wait), ...details })
  )
}
