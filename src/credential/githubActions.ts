import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { parseUrl } from "../core/authorityParts.js"
import { CredentialUnavailable } from "../core/TokenError.js"
import type { Outcome } from "../protocol/classify.js"
import type { Transport } from "../protocol/transport.js"
import type { Authentication } from "./ClientCredential.js"

const unavailable = (reason: string) => new CredentialUnavailable({ credential: "GitHub Actions token", reason })

const notGranted = () =>
  unavailable(
    "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not both set: grant the job `permissions: id-token: write` (a pull request from a fork has none)"
  )

const notTrusted = () => unavailable("ACTIONS_ID_TOKEN_REQUEST_URL is no https URL")

/** Where a job asks, and what it asks with. */
interface Job {
  readonly url: URL
  readonly requestToken: Redacted.Redacted
}

/**
 * The job that this process runs in, as its variables tell.
 *
 * @internal
 */
export const job: Effect.Effect<Job, CredentialUnavailable> = Config.all({
  url: Config.nonEmptyString("ACTIONS_ID_TOKEN_REQUEST_URL"),
  requestToken: Config.redacted(Config.nonEmptyString("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
}).pipe(
  Effect.mapError(notGranted),
  Effect.flatMap(({ requestToken, url }) =>
    Effect.mapBoth(parseUrl("ACTIONS_ID_TOKEN_REQUEST_URL", url), {
      onFailure: notTrusted,
      onSuccess: (parsed) => ({ url: parsed, requestToken })
    })
  )
)

const Answer = Schema.parseJson(Schema.Struct({ value: Schema.Redacted(Schema.NonEmptyString) }))

const unexpected = () => unavailable("GitHub's answer holds no token")

const tokenOf = (outcome: Outcome): Effect.Effect<Redacted.Redacted, CredentialUnavailable> => {
  if (outcome._tag === "NoAnswer") return unavailable(outcome.failure.message)
  if (outcome.status !== 200) return unavailable(`GitHub answered with HTTP ${outcome.status}`)
  if (outcome._tag === "Partial")
    return unavailable(
      outcome.failure === "tooLarge" ? "GitHub answered with more than 1 MiB" : outcome.failure.message
    )
  return Effect.mapBoth(Schema.decode(Answer)(outcome.body), {
    onFailure: unexpected,
    onSuccess: ({ value }) => value
  })
}

/**
 * Asks for a job's token (GitHub, OpenID Connect reference; `@actions/core`, `getIDToken`).
 *
 * @internal
 */
export const ask = (
  transport: Transport,
  { requestToken, url }: Job,
  audience: string,
  { timeout }: Authentication
): Effect.Effect<Redacted.Redacted, CredentialUnavailable> =>
  Effect.flatMap(
    transport.get({
      url: `${url.href}${url.search === "" ? "?" : "&"}audience=${encodeURIComponent(audience)}`,
      host: url.host,
      headers: { accept: "application/json", authorization: Redacted.make(`bearer ${Redacted.value(requestToken)}`) },
      timeout
    }),
    tokenOf
  )
