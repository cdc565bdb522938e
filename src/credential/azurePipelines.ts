import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { isGuid } from "../core/guid.js"
import { ConfigurationError, type CredentialUnavailable } from "../core/TokenError.js"
import type { Outcome } from "../protocol/classify.js"
import type { Transport } from "../protocol/transport.js"
import type { Authentication } from "./ClientCredential.js"
import * as JobToken from "./jobToken.js"

const mapToken = "Map it into the task's env, `SYSTEM_ACCESSTOKEN: $(System.AccessToken)`"

const runner: JobToken.Runner = {
  name: "Azure DevOps",
  credential: "Azure Pipelines token",
  url: { name: "SYSTEM_OIDCREQUESTURI", remedy: "Run the program in a job of Azure Pipelines." },
  requestToken: { name: "SYSTEM_ACCESSTOKEN", remedy: `${mapToken}: no task has it otherwise.` },
  answer: Schema.parseJson(Schema.pluck(Schema.Struct({ oidcToken: JobToken.Token }), "oidcToken"))
}

/**
 * The job that this process runs in.
 *
 * @internal
 */
export const job: Effect.Effect<JobToken.Job, CredentialUnavailable> = JobToken.jobOf(runner)

/** @internal */
export const parseServiceConnectionId = (text: string): Either.Either<string, ConfigurationError> =>
  isGuid(text)
    ? Either.right(text)
    : Either.left(
        new ConfigurationError({
          parameter: "serviceConnectionId",
          expected: "the GUID of a service connection",
          remedy: "Copy `resourceId` from the address of the service connection's page in Azure DevOps."
        })
      )

const refusals: ReadonlySet<number> = new Set([401, 403])
/** A sign-in page comes with 203, or behind a redirect. */
const signIns: ReadonlySet<number> = new Set([203, 302])

/** What Azure DevOps answers whose token it does not take (Azure SDK for C++, issue 5786; for .NET, pull request 46135). */
const refusalOf = (outcome: Outcome): string | undefined => {
  if (outcome._tag === "NoAnswer") return undefined
  const { headers, status } = outcome
  if (refusals.has(status)) return `refused the request (HTTP ${status})`
  const isPage = headers["content-type"]?.trim().toLowerCase().startsWith("text/html") === true
  return signIns.has(status) || (status === 200 && isPage)
    ? `asks to sign in instead of taking SYSTEM_ACCESSTOKEN (HTTP ${status})`
    : undefined
}

const refusedRemedy = `${mapToken}, as it is, and let the pipeline use the service connection.`

const tokenOf = (outcome: Outcome): Effect.Effect<Redacted.Redacted, CredentialUnavailable> => {
  const refusal = refusalOf(outcome)
  return refusal === undefined
    ? JobToken.tokenOf(runner, outcome)
    : JobToken.unavailable(runner, `${runner.name} ${refusal}`, refusedRemedy)
}

/**
 * Asks for a job's token (Azure DevOps REST API, Oidctoken - Create; Azure SDK for JavaScript,
 * `AzurePipelinesCredential`).
 *
 * @internal
 */
export const ask = (
  transport: Transport,
  here: JobToken.Job,
  serviceConnectionId: string,
  { timeout }: Authentication
): Effect.Effect<Redacted.Redacted, CredentialUnavailable> =>
  Effect.flatMap(
    transport.post({
      url: JobToken.addressOf(here, `api-version=7.1&serviceConnectionId=${serviceConnectionId}`),
      host: here.url.host,
      headers: {
        accept: "application/json",
        authorization: Redacted.make(`Bearer ${Redacted.value(here.requestToken)}`),
        "content-type": "application/json",
        // Asks for a refusal by its status in the place of a redirect to the sign-in page.
        "x-tfs-fedauthredirect": "Suppress"
      },
      form: undefined,
      timeout
    }),
    tokenOf
  )
