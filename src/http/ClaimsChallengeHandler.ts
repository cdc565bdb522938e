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
  (error instanceof InteractionRequired && error.classification !== "message_only") || error instanceof InvalidGrant

/** No claims stand for a consent: whoever gives it is asked otherwise. */
const needsClaims = (error: unknown): error is Interaction =>
  needsUser(error) && !(error instanceof InteractionRequired && error.classification === "consent_required")

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

/** Tries silently, and otherwise where that failed of what `then` is for. */
const orElse = <E, E2>(
  challenge: Challenge<E>,
  isFor: (error: unknown) => error is Interaction,
  then: (error: Interaction) => Effect.Effect<AccessToken, E2>
): Effect.Effect<AccessToken, E | E2> =>
  Effect.catchAll(
    again(challenge),
    (error): Effect.Effect<AccessToken, E | E2> => (isFor(error) ? then(error) : Effect.fail(error))
  )

/** One of the calls that wait for a user. */
interface Waiter {
  readonly claims: string
  /** Of an asking for the same claims, for which it waited. */
  failure: ClaimsChallengeRequired | undefined
}

/** The calls that were refused with one token, of which one at a time asks its user. */
interface Queue {
  readonly turn: Effect.Semaphore
  readonly waiters: Set<Waiter>
}

/** The queue of each rejected token, as long as a call waits in it: one user's answer is no other's. */
const makeQueues = () => {
  const queues = new Map<string, Queue>()

  const enter = ({ claims, rejected }: Challenge<unknown>) =>
    Effect.sync(() => {
      const key = Redacted.value(rejected.accessToken)
      const queue = queues.get(key) ?? { turn: Effect.unsafeMakeSemaphore(1), waiters: new Set() }
      const waiter: Waiter = { claims, failure: undefined }
      queues.set(key, queue)
      queue.waiters.add(waiter)
      return { key, queue, waiter }
    })

  const leave = ({ key, queue, waiter }: Effect.Effect.Success<ReturnType<typeof enter>>) =>
    Effect.sync(() => {
      queue.waiters.delete(waiter)
      if (queue.waiters.size === 0) queues.delete(key)
    })

  /** Waits for its turn; `asking` is given what tells its failure to those who wait for the same. */
  return <A, E>(
    challenge: Challenge<unknown>,
    asking: (tell: (failure: ClaimsChallengeRequired) => Effect.Effect<void>) => Effect.Effect<A, E>
  ): Effect.Effect<A, E | ClaimsChallengeRequired> =>
    Effect.acquireUseRelease(
      enter(challenge),
      ({ queue: { turn, waiters }, waiter }) => {
        const tell = (failure: ClaimsChallengeRequired) =>
          Effect.sync(() => {
            for (const each of waiters) if (each.claims === challenge.claims) each.failure = failure
          })
        return turn.withPermits(1)(
          Effect.suspend((): Effect.Effect<A, E | ClaimsChallengeRequired> => waiter.failure ?? asking(tell))
        )
      },
      leave
    )
}

/**
 * Silently where that is enough; else `ask` has the user satisfy the claims (by browser, device code or an Effect of one's
 * own), and gives the token that came of it. For each token that was rejected the user is asked once at a time: who waited
 * meanwhile with the same token tries silently first, and, if it was for the same claims, shares the failure of an asking that
 * failed, which is passed on as `ClaimsChallengeRequired` with the failure as its `cause`. Calls with other tokens, of other
 * users for instance, neither wait nor share; where only one can be asked at a time, `ask` has to see to that.
 *
 * A consent that is missing is asked for too, by an `error` whose `classification` is `consent_required`; what the user can
 * only be told of (`message_only`) stays the source's own failure.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerInteractive = <E2>(
  ask: (interaction: InteractionRequest) => Effect.Effect<AccessToken, E2>
): Layer.Layer<ClaimsChallengeHandler> =>
  Layer.sync(ClaimsChallengeHandler, () => {
    const inTurn = makeQueues()

    const asked = (challenge: Challenge<unknown>, error: Interaction) => {
      const claims = demanded(challenge, error)
      return Effect.mapError(
        ask({ claims, resource: challenge.resource, error }),
        (cause) => new ClaimsChallengeRequired({ claims, reason: "interaction", cause: Redacted.make(cause) })
      )
    }

    return {
      answer: (challenge) =>
        orElse(challenge, needsUser, () =>
          inTurn(challenge, (tell) =>
            orElse(challenge, needsUser, (error) => Effect.tapError(asked(challenge, error), tell))
          )
        )
    }
  })

/**
 * For servers that act on behalf of a caller: on-behalf-of once more with the claims; what the authority itself refuses for
 * want of claims only the caller's own client can mend, and goes up as `ClaimsChallengeRequired`. A consent that is missing
 * (`consent_required`), and what the user can only be told of (`message_only`), no claims mend: they stay the source's own
 * failure, which a server answers with 403.
 *
 * Source: Microsoft identity platform, Conditional Access developer guidance (on-behalf-of).
 *
 * @since 0.1.0
 * @category layers
 */
export const layerPropagate: Layer.Layer<ClaimsChallengeHandler> = Layer.succeed(ClaimsChallengeHandler, {
  answer: (challenge) =>
    orElse(challenge, needsClaims, (error) => {
      const claims = demanded(challenge, error)
      return new ClaimsChallengeRequired({ claims, reason: "interaction" })
    })
})
