import type * as FileSystem from "@effect/platform/FileSystem"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import { ConfigurationError, CredentialUnavailable } from "../core/TokenError.js"
import * as ClientCertificateNode from "../credential/ClientCertificateNode.js"
import type { ClientSettings } from "../credential/clientVariables.js"
import * as FederatedCredential from "../credential/FederatedCredential.js"
import * as ConfidentialClient from "./ConfidentialClient.js"
import { variables, variablesOf } from "./environment.js"

type Settings = Effect.Effect<ClientSettings, CredentialUnavailable | ConfigurationError, FileSystem.FileSystem>

/** What is not set, and what made anybody think of this credential: names alone. */
const notSet = (credential: string, missing: ReadonlyArray<string>, present: ReadonlyArray<string>, remedy: string) =>
  new CredentialUnavailable({
    credential,
    reason: `not set: ${missing.join(", ")}${present.length === 0 ? "" : ` (set: ${present.join(", ")})`}`,
    remedy
  })

const unreadable = (error: ConfigError.ConfigError) =>
  new ConfigurationError({
    parameter: variablesOf(error).join(", "),
    expected: "a value that can be read",
    remedy: "Correct the variable."
  })

/** An app as the environment describes it. */
export interface AppEnvironment {
  /** The variables that are set of it, if one of them tells it from others. */
  readonly present: Effect.Effect<ReadonlyArray<string>>
  readonly settings: Settings
}

const app = <const Name extends string>(description: {
  readonly title: string
  /** All of these, */
  readonly wanted: ReadonlyArray<Name>
  /** and one of these. */
  readonly proofs: ReadonlyArray<Name>
  readonly remedy: string
  readonly settings: (
    found: Readonly<Record<Name, string | undefined>>
  ) => Effect.Effect<ClientSettings, ConfigError.ConfigError, FileSystem.FileSystem>
}): AppEnvironment => {
  const { proofs, remedy, settings, title, wanted } = description
  const found = variables([...wanted, ...proofs])
  const presentIn = (values: Readonly<Record<Name, string | undefined>>) =>
    [...wanted, ...proofs].filter((name) => values[name] !== undefined)
  return {
    present: Effect.map(found, (values) => {
      const present = presentIn(values)
      return present.some((name) => proofs.includes(name)) ? present : []
    }),
    settings: Effect.flatMap(found, (values): Settings => {
      const present = presentIn(values)
      const lacking = wanted.filter((name) => values[name] === undefined)
      const missing = proofs.some((name) => present.includes(name)) ? lacking : [...lacking, proofs.join(" or ")]
      return missing.length > 0
        ? notSet(title, missing, present, remedy)
        : Effect.mapError(settings(values), unreadable)
    })
  }
}

/**
 * By a secret, else by a certificate.
 *
 * Source: Azure SDK, `EnvironmentCredential`.
 *
 * @internal
 */
export const environment: AppEnvironment = app({
  title: "environment",
  wanted: ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"],
  proofs: ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"],
  remedy: "Set all of them to authenticate as an app registration.",
  settings: ({ AZURE_CLIENT_SECRET: secret }) =>
    secret === undefined ? ClientCertificateNode.environment : ConfidentialClient.config
})

/**
 * A workload of Kubernetes, as its webhook describes it.
 *
 * @internal
 */
export const workload: AppEnvironment = app({
  title: "workload identity",
  wanted: ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"],
  proofs: ["AZURE_FEDERATED_TOKEN_FILE"],
  remedy: "Label the pod with azure.workload.identity/use, and annotate its service account.",
  settings: () => FederatedCredential.workloadIdentity
})
