/**
 * The identity that Azure gives a machine, an app or a function: no secret to keep.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { TokenCache } from "../cache/TokenCache.js"
import type { AccessToken } from "../core/AccessToken.js"
import { AuthorityUnavailable, ConfigurationError, type ExchangeError, type Failure } from "../core/TokenError.js"
import type { ResourceOptions, TokenProvider, TokenRequest } from "../core/TokenProvider.js"
import * as Transport from "../protocol/transport.js"
import * as RetryPolicy from "../resilience/RetryPolicy.js"
import type { Health } from "../resilience/resilience.js"
import { detectSource } from "./detectSource.js"
import * as IdentityEndpoint from "./identityEndpoint.js"
import { identityResource } from "./identityResource.js"
import { type Detected, manners, type Source } from "./identitySource.js"
import * as LocalProvider from "./localProvider.js"
import { Machine, type MachineService } from "./Machine.js"
import { parseUserAssigned, type UserAssigned, type UserAssignedOptions } from "./userAssigned.js"

export type {
  /**
   * @since 0.1.0
   * @category models
   */
  Source
} from "./identitySource.js"

export type {
  /**
   * @since 0.1.0
   * @category models
   */
  UserAssignedOptions
} from "./userAssigned.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** One of the machine's user-assigned identities, by one of its ids; where absent, the system-assigned one. */
  readonly userAssigned?: UserAssignedOptions | undefined
  /**
   * How failed requests are sent again; read once. What differs from `RetryPolicy`'s defaults at IMDS: 8 attempts, backoff from
   * 1 second on, a deadline of 100 seconds, so that an update of the service (410, up to 70 seconds) is lived through.
   */
  readonly retryPolicy?: RetryPolicy.Options | undefined
  /** `cp1` if the program answers claims challenges (Continuous Access Evaluation); told to the sources that take it. */
  readonly clientCapabilities?: ReadonlyArray<string> | undefined
  /**
   * Where nothing speaks for another host: looks for a second whether there is a virtual machine's metadata service, until it
   * has answered once; its absence is `CredentialUnavailable`. `false` asks at once, and waits for it as long as for any.
   */
  readonly probe?: boolean | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ManagedIdentityRequest extends TokenRequest {
  /** The API by its URI, such as `https://vault.azure.net`, or its `/.default` scope. */
  readonly resource: string
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ManagedIdentityService {
  /** Where its tokens come from, as found when it was made. */
  readonly source: Source
  readonly identity: TokenProvider<ExchangeError>
  /** MSAL's name for `identity.forScopes(resource).getToken(request)`. */
  readonly acquireToken: (request: ManagedIdentityRequest) => Effect.Effect<AccessToken, ExchangeError>
  /** How its source is doing; asks nobody. */
  readonly health: Effect.Effect<Health>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class ManagedIdentity extends Context.Tag("effect-entra/ManagedIdentity")<
  ManagedIdentity,
  ManagedIdentityService
>() {}

const requireTaken = (
  { source }: Detected,
  identity: UserAssigned | undefined
): Either.Either<void, ConfigurationError> => {
  const { identity: names, title } = manners[source]
  if (identity === undefined || names[identity.kind] !== undefined) return Either.void
  const taken = Object.keys(names)
  return Either.left(
    new ConfigurationError({
      parameter: `userAssigned.${identity.kind}`,
      expected: taken.length === 0 ? `nothing: ${title} knows no user-assigned identities` : `${taken} at ${title}`,
      remedy:
        taken.length === 0
          ? "Leave userAssigned out: its own identity is meant."
          : "Take that id from the identity's overview in the portal."
    })
  )
}

const refuseTenant = ({ tenantId }: ResourceOptions): Either.Either<void, ConfigurationError> =>
  tenantId === undefined
    ? Either.void
    : Either.left(
        new ConfigurationError({
          parameter: "tenantId",
          expected: "nothing: a managed identity is of one tenant alone",
          remedy: "Leave it out, or use a credential of the other tenant."
        })
      )

const patient = ({ attempts, backoff, deadline, ...options }: RetryPolicy.Options): RetryPolicy.Options => ({
  ...options,
  attempts: attempts ?? 8,
  backoff: backoff ?? "1 second",
  deadline: deadline ?? "100 seconds"
})

/** Microsoft, "How to use managed identities on an Azure VM", error handling: 410 ends within 70 seconds. */
const imdsWait = (failure: Failure): Duration.Duration | undefined => {
  if (!(failure instanceof AuthorityUnavailable) || failure.status === undefined) return undefined
  if (failure.status === 410) return Duration.seconds(10)
  if (failure.status === 404) return Duration.zero
  return failure.status >= 500 ? Duration.seconds(1) : undefined
}

const policyFor = (
  { source }: Detected,
  options: RetryPolicy.Options = {}
): Either.Either<RetryPolicy.RetryPolicy, ConfigurationError> =>
  source === "imds"
    ? Either.map(RetryPolicy.make(patient(options)), (policy) => ({ ...policy, documentedWait: imdsWait }))
    : RetryPolicy.make(options)

const transportFor = (machine: MachineService, { thumbprint }: Detected) =>
  Effect.map(thumbprint === undefined ? Effect.succeed(machine.direct) : machine.pinned(thumbprint), Transport.make)

/**
 * Finds out which of Azure's hosts this is, by environment and files, and makes the identity's provider; it lives as long as
 * its scope. Nothing is sent until a token is asked for. Half of an environment is a `ConfigurationError` that names the
 * variable which is missing, and the one which made us think of that host.
 *
 * Tokens rest in this process's memory alone, whatever store the cache has.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<ManagedIdentityService, ConfigurationError, Machine | TokenCache | Scope.Scope> =>
  Effect.gen(function* () {
    const machine = yield* Machine
    const identity = yield* parseUserAssigned(options.userAssigned)
    const detected = yield* detectSource(machine)
    const isProbed = detected.isGuess === true && options.probe !== false
    yield* requireTaken(detected, identity)
    const { endpoint, source } = detected
    const capabilities = options.clientCapabilities ?? []
    const transport = yield* transportFor(machine, detected)
    const { health, provider } = yield* LocalProvider.make(
      {
        host: endpoint.host,
        environment: `${source} ${endpoint.href}`,
        id: identity === undefined ? "" : `${identity.kind} ${identity.id.toLowerCase()}`,
        capabilities,
        parse: (scopes, resourceOptions) =>
          Either.flatMap(refuseTenant(resourceOptions), () =>
            Either.map(identityResource(scopes), (target) => ({ ...target, tenantId: "" }))
          ),
        ask: IdentityEndpoint.make({ capabilities, detected, identity, isProbed, machine, transport })
      },
      yield* policyFor(detected, options.retryPolicy)
    )
    return {
      source,
      identity: provider,
      acquireToken: ({ resource, ...request }) => provider.forScopes(resource).getToken(request),
      health
    }
  })

/**
 * A managed identity for a program's layers. Bind it to a constant and provide it once, with `MachineNode.layer` beneath it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<ManagedIdentity, ConfigurationError, Machine | TokenCache> =>
  Layer.scoped(ManagedIdentity, make(options))

/**
 * The user-assigned identity of `AZURE_CLIENT_ID`, or where that is not set the system-assigned one.
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Options> = Config.map(
  Config.withDefault(Config.string("AZURE_CLIENT_ID"), ""),
  (clientId) => ({ userAssigned: clientId.trim() === "" ? undefined : { clientId } })
)

/**
 * A managed identity as the environment describes it: {@link config}, unless told otherwise.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config<Options> = config
): Layer.Layer<ManagedIdentity, ConfigurationError | ConfigError.ConfigError, Machine | TokenCache> =>
  Layer.unwrapEffect(Effect.map(options, layer))
