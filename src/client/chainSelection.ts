import * as Effect from "effect/Effect"
import { ConfigurationError } from "../core/TokenError.js"
import { variable } from "./environment.js"

/** The steps of the default chain, in their order. */
export const stepNames = [
  "environment",
  "workloadIdentity",
  "managedIdentity",
  "azureCli",
  "azurePowerShell",
  "azureDeveloperCli"
] as const

/**
 * @since 0.1.0
 * @category models
 */
export type StepName = (typeof stepNames)[number]

const deployed: ReadonlyArray<StepName> = ["environment", "workloadIdentity", "managedIdentity"]
const developers: ReadonlyArray<StepName> = ["azureCli", "azurePowerShell", "azureDeveloperCli"]

/** As Azure SDK spells them, in whatever case. */
const selections: ReadonlyMap<string, ReadonlyArray<StepName>> = new Map([
  ["prod", deployed],
  ["dev", developers],
  ...stepNames.map((name) => [`${name.toLowerCase()}credential`, [name]] as const)
])

const name = "AZURE_TOKEN_CREDENTIALS"

/**
 * Which steps `AZURE_TOKEN_CREDENTIALS` leaves in the chain: all where it is not set.
 *
 * Source: Azure SDK for JavaScript, `DefaultAzureCredential`.
 *
 * @internal
 */
export const selectedSteps: Effect.Effect<ReadonlyArray<StepName>, ConfigurationError> = Effect.flatMap(
  variable(name),
  (value) => {
    if (value === undefined) return Effect.succeed(stepNames)
    const selected = selections.get(value.trim().toLowerCase())
    return selected === undefined
      ? new ConfigurationError({
          parameter: name,
          expected:
            "dev, prod, or one of EnvironmentCredential, WorkloadIdentityCredential, ManagedIdentityCredential, AzureCliCredential, AzurePowerShellCredential, AzureDeveloperCliCredential",
          remedy: "Unset it to try all of them; those of editors and brokers are not offered here."
        })
      : Effect.succeed(selected)
  }
)
