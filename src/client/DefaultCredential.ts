/**
 * One line for a program that runs on a laptop, in a pipeline and in a cluster: the credentials that are tried, and in which
 * order, are those of Azure SDK's `DefaultAzureCredential`.
 *
 * For Node, Bun and Deno: it reads files and starts tools.
 *
 * @since 0.1.0
 */
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { TokenCache } from "../cache/TokenCache.js"
import type { ConfigurationError, ExchangeError } from "../core/TokenError.js"
import * as TokenProvider from "../core/TokenProvider.js"
import * as ConfidentialClient from "./ConfidentialClient.js"
import { type StepName, selectedSteps } from "./chainSelection.js"
import * as DeveloperCredential from "./DeveloperCredential.js"
import { variable } from "./environment.js"
import type { AppEnvironment } from "./environmentStep.js"
import * as EnvironmentStep from "./environmentStep.js"
import type { Machine } from "./Machine.js"
import * as ManagedIdentity from "./ManagedIdentity.js"

export type { StepName } from "./chainSelection.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Whose tenant the developer tools ask in; `AZURE_TENANT_ID` where absent, else their own. */
  readonly tenantId?: string | undefined
  /** The machine's user-assigned identity; that of `AZURE_CLIENT_ID` where absent, else the system-assigned one. */
  readonly userAssigned?: ManagedIdentity.UserAssignedOptions | undefined
  /**
   * The tenants (GUIDs) that may be asked beside a credential's own, or `any`; those of `AZURE_ADDITIONALLY_ALLOWED_TENANTS` (apart by
   * semicolons, `*` for any) where absent, else none.
   */
  readonly additionallyAllowedTenants?: ReadonlyArray<string> | "any" | undefined
  /** How long a developer tool may take; the default is 13 seconds. */
  readonly processTimeout?: Duration.DurationInput | undefined
  /** `cp1` if the program answers claims challenges (Continuous Access Evaluation). */
  readonly clientCapabilities?: ReadonlyArray<string> | undefined
}

/**
 * One credential of the chain.
 *
 * @since 0.1.0
 * @category models
 */
export interface DefaultStep extends TokenProvider.Step<ExchangeError> {
  /** What speaks for it here, in words: variables by their names, the host of an endpoint; absent where nothing does. */
  readonly found: string | undefined
  /** Whether it is a developer's tool. */
  readonly isTool: boolean
}

/**
 * @since 0.1.0
 * @category models
 */
export interface DefaultCredentialService {
  /** The first of the steps that has a token; that one alone from then on. */
  readonly identity: TokenProvider.TokenProvider<ExchangeError>
  /** Each by itself, in their order. */
  readonly steps: ReadonlyArray<DefaultStep>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class DefaultCredential extends Context.Tag("effect-entra/DefaultCredential")<
  DefaultCredential,
  DefaultCredentialService
>() {}

/**
 * What the steps need of their surroundings.
 *
 * @since 0.1.0
 * @category models
 */
export type Requirements =
  | CommandExecutor.CommandExecutor
  | FileSystem.FileSystem
  | HttpClient.HttpClient
  | Machine
  | TokenCache

type Provider = TokenProvider.TokenProvider<ExchangeError>

/** What speaks for a credential here, and the credential itself, or why it can't be had. */
interface Found {
  readonly found: string | undefined
  readonly provider: Provider
}

type Finding = Effect.Effect<Found, never, Requirements | Scope.Scope>

type Settled = Omit<Options, "additionallyAllowedTenants"> & {
  readonly additionallyAllowedTenants: ReadonlyArray<string> | "any"
}

const orFailing = <R>(provider: Effect.Effect<Provider, ExchangeError, R>): Effect.Effect<Provider, never, R> =>
  Effect.catchAll(provider, (failure) => Effect.succeed(TokenProvider.fail(failure)))

const appOf = ({ present, settings }: AppEnvironment, options: Settled): Finding => {
  const { additionallyAllowedTenants: allowedTenants, clientCapabilities } = options
  const client = Effect.flatMap(settings, (described) =>
    ConfidentialClient.make({ ...described, allowedTenants, clientCapabilities })
  )
  return Effect.zipWith(present, orFailing(Effect.map(client, ({ app }) => app)), (names, provider) => ({
    found: names.length === 0 ? undefined : names.join(", "),
    provider
  }))
}

/** Who names it alone means it: its service may take its time. */

/** That of a virtual machine is asked where nothing speaks for another. */
const managed = ({ clientCapabilities, userAssigned }: Settled, isAlone: boolean): Finding =>
  ManagedIdentity.make({ userAssigned, clientCapabilities, probe: !isAlone }).pipe(
    Effect.match({
      onFailure: (failure): Found => ({ found: undefined, provider: TokenProvider.fail(failure) }),
      onSuccess: ({ identity, source }) => ({ found: source === "imds" ? undefined : source, provider: identity })
    })
  )

/** Whether a tool is there and knows anybody is found out by starting it. */
const tool = (
  make: (
    options: DeveloperCredential.Options
  ) => Effect.Effect<Provider, ConfigurationError, Requirements | Scope.Scope>,
  { additionallyAllowedTenants, processTimeout: timeout, tenantId }: Settled
): Finding =>
  Effect.map(orFailing(make({ additionallyAllowedTenants, timeout, tenantId })), (provider) => ({
    found: undefined,
    provider
  }))

const find = (name: StepName, options: Settled, isAlone: boolean): Finding => {
  switch (name) {
    case "environment":
      return appOf(EnvironmentStep.environment, options)
    case "workloadIdentity":
      return appOf(EnvironmentStep.workload, options)
    case "managedIdentity":
      return managed(options, isAlone)
    case "azureCli":
      return tool(DeveloperCredential.azureCli, options)
    case "azurePowerShell":
      return tool(DeveloperCredential.azurePowerShell, options)
    case "azureDeveloperCli":
      return tool(DeveloperCredential.azureDeveloperCli, options)
  }
}

const titles: Readonly<Record<StepName, string>> = {
  environment: "environment",
  workloadIdentity: "workload identity",
  managedIdentity: "managed identity",
  azureCli: "Azure CLI",
  azurePowerShell: "Azure PowerShell",
  azureDeveloperCli: "Azure Developer CLI"
}

/** An app that is configured and refused is the program's mistake; a machine or a tool that fails is passed over. */
const isConfigured = (name: StepName): boolean => name === "environment" || name === "workloadIdentity"

const stepOf = (
  name: StepName,
  options: Settled,
  isAlone: boolean
): Effect.Effect<DefaultStep, never, Requirements | Scope.Scope> =>
  Effect.map(find(name, options, isAlone), (found) => ({
    ...found,
    name: titles[name],
    isTool: name.startsWith("azure"),
    movesOnAfter: isConfigured(name) ? "unavailable" : "anyFailure"
  }))

const allowedTenants = Effect.map(variable("AZURE_ADDITIONALLY_ALLOWED_TENANTS"), (text = "") => {
  const tenants = text.split(";").flatMap((tenant) => (tenant.trim() === "" ? [] : [tenant.trim()]))
  return tenants.includes("*") ? "any" : tenants
})

const settled = (options: Options): Effect.Effect<Settled> =>
  Effect.gen(function* () {
    const clientId = yield* variable("AZURE_CLIENT_ID")
    return {
      ...options,
      tenantId: options.tenantId ?? (yield* variable("AZURE_TENANT_ID")),
      userAssigned: options.userAssigned ?? (clientId === undefined ? undefined : { clientId }),
      additionallyAllowedTenants: options.additionallyAllowedTenants ?? (yield* allowedTenants)
    }
  })

/**
 * Makes the chain, which lives as long as its scope: environment (`AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, and `AZURE_CLIENT_SECRET`
 * or `AZURE_CLIENT_CERTIFICATE_PATH`), workload identity, managed identity, Azure CLI, Azure PowerShell, Azure Developer CLI.
 * `AZURE_TOKEN_CREDENTIALS` leaves in `prod` the first three, in `dev` the last three, or the one that it names
 * (`AzureCliCredential`). Nothing is sent or started until a token is asked for.
 *
 * An app of the environment that is refused is the chain's failure; a managed identity or a tool that fails is passed over.
 * A virtual machine's metadata service is looked for within 1 second, unless managed identity is the only step.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<DefaultCredentialService, ConfigurationError, Requirements | Scope.Scope> =>
  Effect.gen(function* () {
    const names = yield* selectedSteps
    const settings = yield* settled(options)
    const steps = yield* Effect.forEach(names, (name) => stepOf(name, settings, names.length === 1))
    return { identity: TokenProvider.firstOf(steps), steps }
  })

/**
 * The default chain for a program's layers. Bind it to a constant and provide it once.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<DefaultCredential, ConfigurationError, Requirements> =>
  Layer.scoped(DefaultCredential, make(options))
