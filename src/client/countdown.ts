import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { TransportError } from "../core/TokenError.js"
import { monotonicMillis } from "../resilience/monotonic.js"

/**
 * One time for everything that an attempt does: what is left of it, each time that it is asked.
 *
 * @internal
 */
export const countdown = (
  host: string,
  timeout: Duration.Duration
): Effect.Effect<Effect.Effect<Duration.Duration, TransportError>> =>
  Effect.map(monotonicMillis, (start) =>
    Effect.flatMap(monotonicMillis, (now) => {
      const left = Duration.toMillis(timeout) - (now - start)
      return left > 0 ? Effect.succeed(Duration.millis(left)) : new TransportError({ reason: "timeout", host })
    })
  )
