/**
 * Another identity provider's token as a client's credential (workload identity federation): no secret to keep.
 *
 * @since 0.1.0
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Cloud } from "../core/Authority.js"
import { CredentialUnavailable } from "../core/TokenError.js"
import type { TokenProvider } from "../core/TokenProvider.js"
import * as Transport from "../protocol/transport.js"
import * as AzurePipelines from "./azurePipelines.js"
import * as ClientCredential from "./ClientCredential.js"
import { type ClientSettings, clientVariables, settings } from "./clientVariables.js"
import * as GithubActions from "./githubActions.js"
import { readSmall } from "./smallFile.js"

const unavailable = (reason: string) => new CredentialUnavailable({ credential: "federated token file", reason })

const readToken = (fs: FileSystem.FileSystem, path: string) =>
  readSmall(fs, path).pipe(
    Effect.map((bytes) => new TextDecoder().decode(bytes).trim()),
    Effect.filterOrFail(
      (token) => token.length > 0,
      () => "is empty"
    ),
    Effect.mapBoth({ onFailure: (reason) => unavailable(`${path} ${reason}`), onSuccess: Redacted.make })
  )

const fromFile = (fs: FileSystem.FileSystem, path: string): ClientCredential.ClientCredential => ({
  prepare: Effect.succeed(
    ClientCredential.constant(path, (authentication) =>
      Effect.map(ClientCredential.inTime(authentication)(readToken(fs, path)), ClientCredential.assertionParameters)
    )
  )
})

/**
 * The token in a file that someone else renews, such as `AZURE_FEDERATED_TOKEN_FILE` in Kubernetes: read for each request
 * that is really sent, for it changes.
 *
 * Source: Microsoft Entra Workload ID.
 *
 * @since 0.1.0
 * @category constructors
 */
export const tokenFile = (
  path: string
): Effect.Effect<ClientCredential.ClientCredential, never, FileSystem.FileSystem> =>
  Effect.map(FileSystem.FileSystem, (fs) => fromFile(fs, path))

/**
 * What a client of a workload is made of, as Kubernetes tells it (Microsoft Entra Workload ID's webhook): from
 * `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_FEDERATED_TOKEN_FILE` and, where it is set, `AZURE_AUTHORITY_HOST`. All names
 * that are missing are reported at once; the file is read as by {@link tokenFile}.
 *
 * @since 0.1.0
 * @category config
 */
export const workloadIdentity: Effect.Effect<ClientSettings, ConfigError.ConfigError, FileSystem.FileSystem> =
  Effect.zipWith(
    Config.all({ ...clientVariables, path: Config.nonEmptyString("AZURE_FEDERATED_TOKEN_FILE") }),
    FileSystem.FileSystem,
    (variables, fs) => settings(variables, fromFile(fs, variables.path))
  )

/**
 * The audience of tokens that each cloud takes as an app's credential.
 *
 * Sources: Microsoft Graph, `federatedIdentityCredential` (`public`); microsoft-identity-web, issue 2749 (`usGovernment`,
 * `china`); Azure SDK for JavaScript, `GitHubActionsCredential` (all). Those beside `public` stand in no document that was
 * found, and none was tried here against a cloud itself.
 *
 * @since 0.1.0
 * @category constants
 */
export const audiences = {
  public: "api://AzureADTokenExchange",
  usGovernment: "api://AzureADTokenExchangeUSGov",
  china: "api://AzureADTokenExchangeChina",
  sovereignFrance: "api://AzureADTokenExchangeFrance",
  sovereignGermany: "api://AzureADTokenExchangeGermany",
  sovereignSingapore: "api://AzureADTokenExchangeGovSG"
} as const satisfies Partial<Record<Cloud, string>>

/**
 * For whom another identity provider's token is made: a cloud (`public` unless told), or what the federated credential of the
 * app registration names.
 *
 * @since 0.1.0
 * @category models
 */
export interface AudienceOptions {
  readonly cloud?: keyof typeof audiences | undefined
  /** Wins over `cloud`. */
  readonly audience?: string | undefined
}

const audienceOf = ({ audience, cloud = "public" }: AudienceOptions): string => audience ?? audiences[cloud]

/**
 * Another identity's token as the app's credential, such as a managed identity's.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromTokenProvider = <E>(
  provider: TokenProvider<E>,
  options: AudienceOptions = {}
): ClientCredential.ClientCredential => {
  const source = provider.forScopes(`${audienceOf(options)}/.default`)
  return ClientCredential.assertion(() => Effect.map(source.getToken(), ({ accessToken }) => accessToken))
}

const ofJob = (
  name: string,
  ask: (authentication: ClientCredential.Authentication) => Effect.Effect<Redacted.Redacted, CredentialUnavailable>
): ClientCredential.PreparedCredential =>
  ClientCredential.constant(name, (authentication) =>
    Effect.map(ask(authentication), ClientCredential.assertionParameters)
  )

/**
 * The token of the GitHub Actions job that this process runs in, which needs `permissions: id-token: write`: asked for at each
 * request that is really sent, from where `ACTIONS_ID_TOKEN_REQUEST_URL` says, with `ACTIONS_ID_TOKEN_REQUEST_TOKEN`. Outside
 * of such a job each request is `CredentialUnavailable`.
 *
 * Source: GitHub, OpenID Connect reference.
 *
 * @since 0.1.0
 * @category constructors
 */
export const githubActions = (
  options: AudienceOptions = {}
): Effect.Effect<ClientCredential.ClientCredential, never, HttpClient.HttpClient> =>
  Effect.zipWith(HttpClient.HttpClient, Effect.either(GithubActions.job), (client, job) => {
    const transport = Transport.make(client)
    const audience = audienceOf(options)
    return {
      prepare: Effect.succeed(
        ofJob(`GitHub Actions ${audience}`, (authentication) =>
          Effect.flatMap(job, (here) => GithubActions.ask(transport, here, audience, authentication))
        )
      )
    }
  })

/**
 * Which service connection a job's token is made for.
 *
 * @since 0.1.0
 * @category models
 */
export interface AzurePipelinesOptions {
  /** A GUID: `resourceId` in the address of the service connection's page in Azure DevOps. */
  readonly serviceConnectionId: string
}

/**
 * The token of the Azure Pipelines job that this process runs in, for a service connection with workload identity federation:
 * asked for at each request that is really sent, from where `SYSTEM_OIDCREQUESTURI` says, with `SYSTEM_ACCESSTOKEN`, which the
 * pipeline has to map into the task's env (`SYSTEM_ACCESSTOKEN: $(System.AccessToken)`). Outside of such a job, and where Azure
 * DevOps does not take the token, each request is `CredentialUnavailable`; a `serviceConnectionId` that is no GUID is
 * `ConfigurationError` when a client is made.
 *
 * Source: Azure DevOps REST API, Oidctoken - Create.
 *
 * @since 0.1.0
 * @category constructors
 */
export const azurePipelines = ({
  serviceConnectionId
}: AzurePipelinesOptions): Effect.Effect<ClientCredential.ClientCredential, never, HttpClient.HttpClient> =>
  Effect.zipWith(HttpClient.HttpClient, Effect.either(AzurePipelines.job), (client, job) => {
    const transport = Transport.make(client)
    return {
      prepare: Effect.map(AzurePipelines.parseServiceConnectionId(serviceConnectionId), (id) =>
        ofJob(`Azure Pipelines ${id}`, (authentication) =>
          Effect.flatMap(job, (here) => AzurePipelines.ask(transport, here, id, authentication))
        )
      )
    }
  })
