/**
 * Who answers when an API demands claims of a token (Conditional Access, Continuous Access Evaluation).
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { AccessToken } from "../core/AccessToken.js"
import { ClaimsChallengeRequired, InteractionRequired, InvalidGrant } from "../core/TokenError.js"
import type { TokenSource } from "../core/TokenProvider.js"

/**
 * An API's refusal of a token.
 *
 * @since 0.1.0
 * @category models
 */
export interface Challenge<E> {
  /** The claims request as JSON, as it came. */
  readonly claims: string
  readonly rejected: AccessToken
  /** Where the rejected token is from. */
  readonly source: TokenSource<E>
  /** The API that was called. */
  readonly resource: URL
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ClaimsChallengeHandlerService {
  /** Gives a token that satisfies the claims. */
  readonly answer: <E>(challenge: Challenge<E>) => Effect.Effect<AccessToken, E | ClaimsChallengeRequired>
}

/**
 * Provide it by a layer for the whole program, or by `Effect.provideService` for one request. Where nobody does, challenges
 * are answered silently.
 *
 * @since 0.1.0
 * @category tags
 */
export class ClaimsChallengeHandler extends Context.Tag("effect-entra/ClaimsChallengeHandler")<
  ClaimsChallengeHandler,
  ClaimsChallengeHandlerService
>() {}

const again = <E>({ claims, rejected, source }: Challenge<E>): Effect.Effect<AccessToken, E> =>
  source.getToken({ claims, rejected })

/**
 * Asks the authority for a token with the claims, by what the source has (a refresh token, the caller's assertion, the app's
 * credential). However many calls were refused with one token, one exchange answers them all.
 *
 * @since 0.1.0
 * @category constructors
 */
export const silent: ClaimsChallengeHandlerService = { answer: again }

/**
 * @since 0.1.0
 * @category layers
 */
export const layerSilent: Layer.Layer<ClaimsChallengeHandler> = Layer.succeed(ClaimsChallengeHandler, silent)

type Interaction = InteractionRequired | InvalidGrant

/** Only the user goes on from there: a policy wants more, or what was kept of the sign-in is over. */
const needsUser = (error: unknown): error is Interaction =>
  error instanceof InteractionRequired || error instanceof InvalidGrant

/** What the authority asks for wins over what the API asked for: it knows both. */
const demanded = ({ claims }: Challenge<unknown>, error: Interaction): string =>
  (error._tag === "InteractionRequired" ? error.claims : undefined) ?? claims

/**
 * @since 0.1.0
 * @category models
 */
export interface InteractionRequest {
  /** The claims that the user must satisfy, as JSON. */
  readonly claims: string
  /** The API that was called. */
  readonly resource: URL
  /** Why it can't be done without the user. */
  readonly error: InteractionRequired | InvalidGrant
}

/**
 * Silently where that is enough; else `ask` has the user satisfy the claims (by browser, device code or an Effect of one's
 * own), and gives the token that came of it. One user is asked at a time: who waited meanwhile tries silently first, and
 * shares the failure of an asking that failed, which is passed on as `ClaimsChallengeRequired` with the failure as its `cause`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerInteractive = <E2>(
  ask: (interaction: InteractionRequest) => Effect.Effect<AccessToken, E2>
): Layer.Layer<ClaimsChallengeHandler> =>
  Layer.effect(
    ClaimsChallengeHandler,
    Effect.map(Effect.makeSemaphore(1), (turn) => {
      let arrivals = 0
      let failed: { readonly arrivals: number; readonly failure: ClaimsChallengeRequired } | undefined

      const asked = (challenge: Challenge<unknown>, error: Interaction) => {
        const claims = demanded(challenge, error)
        return ask({ claims, resource: challenge.resource, error }).pipe(
          Effect.mapError(
            (cause) => new ClaimsChallengeRequired({ claims, reason: "interaction", cause: Redacted.make(cause) })
          ),
          Effect.tapError((failure) =>
            Effect.sync(() => {
              failed = { arrivals, failure }
            })
          )
        )
      }

      const inTurn = <E>(challenge: Challenge<E>): Effect.Effect<AccessToken, E | ClaimsChallengeRequired> =>
        Effect.suspend(() => {
          arrivals += 1
          const arrival = arrivals
          return turn.withPermits(1)(
            Effect.suspend(() =>
              failed !== undefined && arrival <= failed.arrivals
                ? Effect.fail(failed.failure)
                : orElse(challenge, (error) => asked(challenge, error))
            )
          )
        })

      return { answer: (challenge) => orElse(challenge, () => inTurn(challenge)) }
    })
  )

/** Tries silently, and otherwise where only the user goes on. */
const orElse = <E, E2>(
  challenge: Challenge<E>,
  then: (error: Interaction) => Effect.Effect<AccessToken, E2>
): Effect.Effect<AccessToken, E | E2> =>
  Effect.catchAll(
    again(challenge),
    (error): Effect.Effect<AccessToken, E | E2> => (needsUser(error) ? then(error) : Effect.fail(error))
  )

/**
 * For servers that act on behalf of a caller: on-behalf-of once more with the claims; what the authority itself refuses for
 * want of claims only the caller's own client can mend, and goes up as `ClaimsChallengeRequired`.
 *
 * Source: Microsoft identity platform, Conditional Access developer guidance (on-behalf-of).
 *
 * @since 0.1.0
 * @category layers
 */
export const layerPropagate: Layer.Layer<ClaimsChallengeHandler> = Layer.succeed(ClaimsChallengeHandler, {
  answer: (challenge) =>
    orElse(challenge, (error) => {
      const claims = demanded(challenge, error)
      return new ClaimsChallengeRequired({ claims, reason: "interaction" })
    })
})
