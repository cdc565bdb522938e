import * as Effect from "effect/Effect"
import type { AccessToken } from "./AccessToken.js"
import { remedyOf } from "./remedies.js"
import { CredentialUnavailable, type FailedStep, type TokenError } from "./TokenError.js"
import type { TokenProvider, TokenRequest, TokenSource } from "./TokenProvider.js"

/**
 * One identity that a chain tries.
 *
 * @since 0.1.0
 * @category models
 */
export interface Step<out E extends TokenError = TokenError> {
  /** For people. */
  readonly name: string
  readonly provider: TokenProvider<E>
  /**
   * After which failure the next step is tried: only when the credential is not there at all (`CredentialUnavailable`), which
   * is the default, or after any.
   */
  readonly movesOnAfter?: "unavailable" | "anyFailure" | undefined
}

/**
 * Whether a chain goes on after such a failure of this step.
 *
 * @internal
 */
export const movesOn = ({ movesOnAfter = "unavailable" }: Pick<Step, "movesOnAfter">, failure: TokenError): boolean =>
  failure._tag === "CredentialUnavailable" || (movesOnAfter === "anyFailure" && failure._tag !== "ClientClosed")

const allFailed = (steps: ReadonlyArray<FailedStep>) =>
  new CredentialUnavailable({
    credential: "each step of the chain",
    reason:
      steps.length === 0 ? "there is none" : steps.map(({ failure, name }) => `${name}: ${failure.message}`).join("; "),
    isTransient: steps.some(({ failure }) => failure.isRetryable),
    steps
  })

/**
 * The first identity that has a token: the steps are tried in their order, and the first one to succeed is asked from then on,
 * alone, for whatever resource. Where none succeeds, `CredentialUnavailable` tells of each step its failure and what to do.
 * A failure after which a step does not move on is the chain's own.
 *
 * @since 0.1.0
 * @category combinators
 */
export const firstOf = <E extends TokenError>(
  steps: ReadonlyArray<Step<E>>
): TokenProvider<E | CredentialUnavailable> => {
  let winner: number | undefined

  const search = (
    sources: ReadonlyArray<TokenSource<E>>,
    request: TokenRequest | undefined,
    failed: ReadonlyArray<FailedStep>
  ): Effect.Effect<AccessToken, E | CredentialUnavailable> => {
    const index = winner ?? failed.length
    const step = steps[index]
    const source = sources[index]
    if (step === undefined || source === undefined) return allFailed(failed)
    return source.getToken(request).pipe(
      Effect.tap(() => {
        winner ??= index
      }),
      Effect.catchAll((failure) =>
        winner !== index && movesOn(step, failure)
          ? search(sources, request, [...failed, { name: step.name, failure, remedy: remedyOf(failure) }])
          : Effect.fail(failure)
      )
    )
  }

  return {
    forScopes: (scopes, options) => {
      const known = winner === undefined ? undefined : steps[winner]
      if (known !== undefined) return known.provider.forScopes(scopes, options)
      const sources = steps.map(({ provider }) => provider.forScopes(scopes, options))
      return {
        getToken: (request) =>
          (winner === undefined ? undefined : sources[winner]?.getToken(request)) ??
          Effect.suspend(() => search(sources, request, []))
      }
    }
  }
}
