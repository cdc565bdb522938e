import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { CredentialUnavailable } from "../core/TokenError.js"
import type { Transport } from "../protocol/transport.js"
import type { Authentication } from "./ClientCredential.js"
import * as JobToken from "./jobToken.js"

const remedy = "Grant the job `permissions: id-token: write` (a pull request from a fork has none)."

const runner: JobToken.Runner = {
  name: "GitHub",
  credential: "GitHub Actions token",
  url: { name: "ACTIONS_ID_TOKEN_REQUEST_URL", remedy },
  requestToken: { name: "ACTIONS_ID_TOKEN_REQUEST_TOKEN", remedy },
  answer: Schema.parseJson(Schema.pluck(Schema.Struct({ value: JobToken.Token }), "value"))
}

/**
 * The job that this process runs in.
 *
 * @internal
 */
export const job: Effect.Effect<JobToken.Job, CredentialUnavailable> = JobToken.jobOf(runner)

/**
 * Asks for a job's token (GitHub, OpenID Connect reference; `@actions/core`, `getIDToken`).
 *
 * @internal
 */
export const ask = (
  transport: Transport,
  here: JobToken.Job,
  audience: string,
  { timeout }: Authentication
): Effect.Effect<Redacted.Redacted, CredentialUnavailable> =>
  Effect.flatMap(
    transport.get({
      url: JobToken.addressOf(here, `audience=${encodeURIComponent(audience)}`),
      host: here.url.host,
      headers: {
        accept: "application/json",
        authorization: Redacted.make(`bearer ${Redacted.value(here.requestToken)}`)
      },
      timeout
    }),
    (outcome) => JobToken.tokenOf(runner, outcome)
  )
