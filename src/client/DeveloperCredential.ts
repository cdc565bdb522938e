/**
 * The tokens of who develops, by the tool in which they are signed in: no secret, and nothing to configure. For the machines
 * of people alone; a server has an identity of its own.
 *
 * Each tool is started anew for a token, and its tokens are kept in the memory of this process until they run out. A failure
 * is a `CredentialUnavailable` with what to do about it.
 *
 * @since 0.1.0
 */
import * as CommandExecutor from "@effect/platform/CommandExecutor"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import type { TokenCache } from "../cache/TokenCache.js"
import type { ScopeSet, Scopes } from "../core/scopes.js"
import { ConfigurationError, type ExchangeError } from "../core/TokenError.js"
import type { TokenProvider } from "../core/TokenProvider.js"
import * as RetryPolicy from "../resilience/RetryPolicy.js"
import { azureCliTool } from "./azureCli.js"
import { azureDeveloperCliTool } from "./azureDeveloperCli.js"
import { azurePowerShellTool } from "./azurePowerShell.js"
import {
  argumentScopes,
  type Options,
  parseSubscription,
  resourceScope,
  type Settled,
  settle,
  targetWith
} from "./developerTarget.js"
import { askTool, type DeveloperTool } from "./developerTool.js"
import * as LocalProvider from "./localProvider.js"
import { Machine } from "./Machine.js"

export type {
  /**
   * @since 0.1.0
   * @category models
   */
  Options
} from "./developerTarget.js"

/**
 * What differs from the default for Azure CLI.
 *
 * @since 0.1.0
 * @category models
 */
export interface AzureCliOptions extends Options {
  /** The subscription, by id or name, whose tenant and account are meant; the tool's own when absent. It excludes a tenant. */
  readonly subscription?: string | undefined
}

/**
 * What asks a developer's tool: where its tokens rest, and what it is started by and from.
 *
 * @since 0.1.0
 * @category models
 */
export type Requirements = TokenCache | CommandExecutor.CommandExecutor | Machine | Scope.Scope

/** What is left to end a tool, and what it has started, when its time is up. */
const endTime = Duration.seconds(5)

/** A tool does its own retries, and a person's slip is not mended by another try. */
const policyFor = ({ timeout }: Settled): Either.Either<RetryPolicy.RetryPolicy, ConfigurationError> =>
  RetryPolicy.make({ attempts: 1, attemptTimeout: timeout, deadline: Duration.sum(timeout, endTime) })

const make = (
  tool: DeveloperTool,
  settled: Settled,
  asked: {
    readonly id: string
    readonly scopes: (scopes: Scopes) => Either.Either<ScopeSet, ConfigurationError>
  }
): Effect.Effect<TokenProvider<ExchangeError>, ConfigurationError, Requirements> =>
  Effect.gen(function* () {
    const workshop = { executor: yield* CommandExecutor.CommandExecutor, machine: yield* Machine }
    const identity: LocalProvider.LocalIdentity = {
      host: tool.name,
      environment: tool.name,
      id: asked.id,
      capabilities: [],
      parse: targetWith(settled, asked.scopes),
      ask: askTool(workshop, tool)
    }
    const { provider } = yield* LocalProvider.make(identity, yield* policyFor(settled))
    return provider
  })

const oneOfBoth = new ConfigurationError({
  parameter: "subscription",
  expected: "a subscription or a tenant: Azure CLI refuses both at once",
  remedy: "Leave out tenantId and additionallyAllowedTenants; a subscription has one tenant."
})

const namesTenant = ({ allowedTenants, tenantId }: Settled): boolean =>
  tenantId !== "" || allowedTenants === "any" || allowedTenants.size > 0

const settleCli = ({ subscription, ...options }: AzureCliOptions) =>
  Either.gen(function* () {
    const settled = yield* settle(options)
    if (subscription === undefined) return { settled, subscription }
    if (namesTenant(settled)) return yield* Either.left(oneOfBoth)
    return { settled, subscription: yield* parseSubscription(subscription) }
  })

/**
 * Who is signed in to Azure CLI (`az login`). Ask for `<resource>/.default`.
 *
 * It can't satisfy a claims challenge by itself: the error then tells the command by which the developer can.
 *
 * Source: learn.microsoft.com/cli/azure/account, `az account get-access-token`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const azureCli = (
  options: AzureCliOptions = {}
): Effect.Effect<TokenProvider<ExchangeError>, ConfigurationError, Requirements> =>
  Effect.flatMap(settleCli(options), ({ settled, subscription }) =>
    make(azureCliTool(subscription), settled, { id: subscription ?? "", scopes: resourceScope })
  )

/**
 * Who is signed in to Azure Developer CLI (`azd auth login`).
 *
 * Claims that a resource demands are passed on to it (version 1.18.1 or later); where it can't satisfy them it remembers them,
 * and the developer does by `azd auth login`.
 *
 * Source: Azure/azure-dev, `azd auth token`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const azureDeveloperCli = (
  options: Options = {}
): Effect.Effect<TokenProvider<ExchangeError>, ConfigurationError, Requirements> =>
  Effect.flatMap(settle(options), (settled) => make(azureDeveloperCliTool, settled, { id: "", scopes: argumentScopes }))

/**
 * Who is signed in to Azure PowerShell (`Connect-AzAccount`), by its module Az.Accounts 2.2.0 or later. Ask for
 * `<resource>/.default`.
 *
 * It can't satisfy a claims challenge by itself: the error then tells the command by which the developer can.
 *
 * Source: learn.microsoft.com/powershell/module/az.accounts/get-azaccesstoken.
 *
 * @since 0.1.0
 * @category constructors
 */
export const azurePowerShell = (
  options: Options = {}
): Effect.Effect<TokenProvider<ExchangeError>, ConfigurationError, Requirements> =>
  Effect.flatMap(settle(options), (settled) => make(azurePowerShellTool, settled, { id: "", scopes: resourceScope }))
