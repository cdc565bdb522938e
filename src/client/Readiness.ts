/**
 * Tokens that are there before anyone asks, for servers that must never wait.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { AccessToken } from "../core/AccessToken.js"
import type { TokenSource } from "../core/TokenProvider.js"

/**
 * What a readiness probe wants to know.
 *
 * @since 0.1.0
 * @category models
 */
export interface Readiness<Name extends string> {
  /** How much life the token of each source has left: zero where there is none, infinity where none was told. */
  readonly runway: Effect.Effect<Readonly<Record<Name, Duration.Duration>>>
  /** Whether every source has a token that is alive. */
  readonly isReady: Effect.Effect<boolean>
}

const lifeLeft = (token: AccessToken | undefined, now: number): Duration.Duration => {
  if (token === undefined) return Duration.zero
  return token.expiresAtMillis === undefined
    ? Duration.infinity
    : Duration.millis(Math.max(0, token.expiresAtMillis - now))
}

/**
 * Asks each source again and again, as long as the scope lives: the first time at once, then every few seconds (5 unless
 * told), which is a look into memory until a token is due for renewal. A failure is left to the next time; it shows as a
 * runway that gets shorter, and as the library's metrics.
 *
 * @since 0.1.0
 * @category constructors
 */
export const keepFresh = <Name extends string>(
  sources: Readonly<Record<Name, TokenSource<unknown>>>,
  options?: { readonly every?: Duration.DurationInput | undefined }
): Effect.Effect<Readiness<Name>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const tokens = new Map<string, AccessToken>()
    const renew = (source: TokenSource<unknown>, name: string) =>
      Effect.catchAllCause(
        Effect.map(source.getToken(), (token) => tokens.set(name, token)),
        () => Effect.void
      )
    for (const [name, source] of Record.toEntries(sources))
      yield* Effect.forkScoped(Effect.repeat(renew(source, name), Schedule.spaced(options?.every ?? "5 seconds")))

    const runway = Effect.map(Clock.currentTimeMillis, (now) =>
      Record.map(sources, (_, name) => lifeLeft(tokens.get(name), now))
    )
    return {
      runway,
      isReady: Effect.map(runway, (left) =>
        Object.values<Duration.Duration>(left).every((life) => Duration.greaterThan(life, Duration.zero))
      )
    }
  })
