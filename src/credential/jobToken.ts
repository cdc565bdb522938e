import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { parseUrl } from "../core/authorityParts.js"
import { CredentialUnavailable } from "../core/TokenError.js"
import type { Outcome } from "../protocol/classify.js"

interface Variable {
  readonly name: string
  /** What to do where it is not set. */
  readonly remedy: string
}

/**
 * Who runs jobs and makes their tokens.
 *
 * @internal
 */
export interface Runner {
  readonly name: string
  readonly credential: string
  /** The variable that tells a job where to ask, and the one that holds what it asks with. */
  readonly url: Variable
  readonly requestToken: Variable
  /** How the token is found in an answer's body. */
  readonly answer: Schema.Schema<Redacted.Redacted, string>
}

/**
 * A token's text, as a member of an answer.
 *
 * @internal
 */
export const Token = Schema.Redacted(Schema.NonEmptyString)

/**
 * Where a job asks, and what it asks with.
 *
 * @internal
 */
export interface Job {
  readonly url: URL
  readonly requestToken: Redacted.Redacted
}

/** @internal */
export const unavailable = ({ credential }: Runner, reason: string, remedy?: string): CredentialUnavailable =>
  new CredentialUnavailable({ credential, reason, remedy })

const notSet = (runner: Runner, { name, remedy }: Variable) => unavailable(runner, `${name} is not set`, remedy)

/**
 * The job that this process runs in, as its variables tell.
 *
 * @internal
 */
export const jobOf = (runner: Runner): Effect.Effect<Job, CredentialUnavailable> =>
  Effect.gen(function* () {
    const { requestToken, url } = runner
    const text = yield* Effect.mapError(Config.nonEmptyString(url.name), () => notSet(runner, url))
    const held = yield* Effect.mapError(Config.redacted(Config.nonEmptyString(requestToken.name)), () =>
      notSet(runner, requestToken)
    )
    const parsed = yield* Effect.mapError(parseUrl(url.name, text), () =>
      unavailable(runner, `${url.name} is no https URL`)
    )
    return { url: parsed, requestToken: held }
  })

/**
 * Where a job asks, with parameters that are written as a URL has them.
 *
 * @internal
 */
export const addressOf = ({ url }: Job, parameters: string): string =>
  `${url.href}${url.search === "" ? "?" : "&"}${parameters}`

/**
 * The token of an answer, or why there is none: nothing that was answered is shown.
 *
 * @internal
 */
export const tokenOf = (runner: Runner, outcome: Outcome): Effect.Effect<Redacted.Redacted, CredentialUnavailable> => {
  if (outcome._tag === "NoAnswer") return unavailable(runner, outcome.failure.message)
  if (outcome.status !== 200) return unavailable(runner, `${runner.name} answered with HTTP ${outcome.status}`)
  if (outcome._tag === "Partial")
    return unavailable(
      runner,
      outcome.failure === "tooLarge" ? `${runner.name} answered with more than 1 MiB` : outcome.failure.message
    )
  return Effect.mapError(Schema.decode(runner.answer)(outcome.body), () =>
    unavailable(runner, `${runner.name}'s answer holds no token`)
  )
}
