import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Partition } from "../cache/cacheKey.js"
import type { TokenCacheService } from "../cache/TokenCache.js"
import { ClientClosed, TransportError, type UserError } from "../core/TokenError.js"
import { BoundedMap } from "../resilience/boundedMap.js"
import * as KeyedLock from "../resilience/keyedLock.js"
import { monotonicMillis } from "../resilience/monotonic.js"
import type { Asking } from "./principal.js"

/** The use of refresh tokens that serve once. */
export interface Rotation {
  /** Runs one exchange of a user at a time, within the time that its flight has. */
  readonly inTurn: <A>(
    partition: Partition,
    asking: Asking,
    use: (asking: Asking) => Effect.Effect<A, UserError>
  ) => Effect.Effect<A, UserError>
  /** Offers a token, unless it may have been taken since the asking began: then that exchange's failure is this one's too. */
  readonly offer: <A>(
    partition: string,
    refreshToken: Redacted.Redacted,
    asking: Asking,
    exchange: Effect.Effect<A, UserError>
  ) => Effect.Effect<A, UserError>
}

/** A token that may have been taken, with nothing to show for it. */
interface Loss {
  readonly refreshToken: Redacted.Redacted
  readonly failure: UserError
  /** The last exchange that had begun by then. */
  readonly sequence: number
}

const capacity = 10_000

/** The time that its flight has. */
const left = ({ deadline }: Asking): Effect.Effect<Duration.Duration> =>
  Effect.map(monotonicMillis, (now) => Duration.millis(deadline - now))

/**
 * Where refresh tokens rotate, one that is offered twice can revoke the whole grant: one request of a user is under way at a
 * time, whatever its scopes, and it offers the newest. Who waits when the client is closed does not begin.
 *
 * @internal
 */
export const make = (
  cache: TokenCacheService,
  wasTaken: (failure: UserError) => boolean
): Effect.Effect<Rotation, never, Scope.Scope> =>
  Effect.gen(function* () {
    const lock = KeyedLock.make()
    const losses = new BoundedMap<Loss>(capacity)
    let isClosed = false
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        isClosed = true
      })
    )

    const begin = <A>(asking: Asking, use: (asking: Asking) => Effect.Effect<A, UserError>) =>
      Effect.flatMap(
        left(asking),
        (rest): Effect.Effect<A, UserError> =>
          isClosed ? new ClientClosed() : use({ ...asking, timeout: Duration.min(asking.timeout, rest) })
      )

    return {
      inTurn: (partition, asking, use) =>
        Effect.flatMap(left(asking), (patience) => {
          const tooLate = new TransportError({ reason: "timeout", host: asking.host })
          const alone = Effect.flatMap(left(asking), (rest) =>
            cache.inTurn(partition, rest, tooLate, begin(asking, use))
          )
          return KeyedLock.within(lock, patience, tooLate)(partition.id, alone)
        }),
      offer: (partition, refreshToken, asking, exchange) =>
        Effect.suspend(() => {
          const loss = losses.get(partition)
          if (loss !== undefined && Equal.equals(loss.refreshToken, refreshToken) && asking.sequence <= loss.sequence)
            return Effect.fail(loss.failure)
          return Effect.tapError(exchange, (failure) =>
            Effect.sync(() => {
              if (wasTaken(failure))
                losses.set(partition, { refreshToken, failure, sequence: cache.unsafeNextSequence() })
            })
          )
        })
    }
  })
