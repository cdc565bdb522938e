import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import { joinKey, partitionOf, tokenKey, tokenKind } from "../cache/cacheKey.js"
import { TokenCache } from "../cache/TokenCache.js"
import type { Scopes } from "../core/scopes.js"
import { ConfigurationError, type ExchangeError } from "../core/TokenError.js"
import type { ResourceOptions, TokenProvider } from "../core/TokenProvider.js"
import type { TokenResponse } from "../protocol/wire.js"
import type { RetryPolicy } from "../resilience/RetryPolicy.js"
import * as Resilience from "../resilience/resilience.js"
import * as Acquisition from "./acquisition.js"
import { exhausted } from "./app.js"
import { providerOver } from "./provider.js"

/** What an identity was asked for, checked. */
export interface LocalTarget {
  readonly scopes: ReadonlyArray<string>
  /** Empty where none is named. */
  readonly tenantId: string
  /** What stands for it among the identity's targets. */
  readonly key: string
}

/** One request for a target. */
export interface LocalAsking<Target extends LocalTarget = LocalTarget> extends Acquisition.Attempt {
  readonly target: Target
}

/** An identity of this machine or of who develops on it: it proves itself by being here. */
export interface LocalIdentity<Target extends LocalTarget = LocalTarget> {
  /** Who issues its tokens, for people and for the circuit. */
  readonly host: string
  /** Who issues its tokens, and under which name, so that no other identity of this process has the same. */
  readonly environment: string
  readonly id: string
  readonly capabilities: ReadonlyArray<string>
  readonly parse: (scopes: Scopes, options: ResourceOptions) => Either.Either<Target, ConfigurationError>
  readonly ask: (asking: LocalAsking<Target>) => Effect.Effect<TokenResponse, ExchangeError>
}

/** What nobody can be asked for by whom it is not understood. */
const foreign = ["resource", "claims", "parameters"] as const

const refuseForeign = (options: ResourceOptions): Either.Either<void, ConfigurationError> => {
  const parameter = foreign.find((name) => options[name] !== undefined)
  return parameter === undefined
    ? Either.void
    : Either.left(
        new ConfigurationError({
          parameter,
          expected: "nothing: this identity is asked for by scopes alone",
          remedy: "Leave it out, or use a ConfidentialClient."
        })
      )
}

const resourceOf = <Target extends LocalTarget>(
  identity: LocalIdentity<Target>,
  scopes: Scopes,
  options: ResourceOptions
): Either.Either<Acquisition.Resource<ExchangeError>, ConfigurationError> =>
  Either.gen(function* () {
    yield* refuseForeign(options)
    const target = yield* identity.parse(scopes, options)
    const { capabilities, environment, host, id } = identity
    const { key, tenantId } = target
    return {
      key: tokenKey({
        partition: partitionOf({ clientId: "", environment, kind: "local", id, session: "" }),
        kind: tokenKind({ tenantId, capabilities }),
        scopeKey: key,
        target: { tenantId, scopes: target.scopes, isPlain: true }
      }),
      name: { "server.address": host, "entra.scopes": key },
      scope: joinKey(environment, id),
      hosts: Effect.succeed({ host }),
      scopes: target.scopes,
      mayResend: () => true,
      consumes: false,
      exchange: (attempt) => identity.ask({ ...attempt, target })
    }
  })

/**
 * A machine's or a developer's identity as a provider. Its tokens rest in the memory of this process alone: a system-assigned
 * identity has no name, and two machines with one store would share it.
 *
 * @internal
 */
export const make = <Target extends LocalTarget>(
  identity: LocalIdentity<Target>,
  policy: RetryPolicy
): Effect.Effect<
  { readonly provider: TokenProvider<ExchangeError>; readonly health: Effect.Effect<Resilience.Health> },
  never,
  TokenCache | Scope.Scope
> =>
  Effect.gen(function* () {
    const resilience = yield* Resilience.make(policy)
    const acquisition = yield* Acquisition.make<ExchangeError>({
      cache: yield* TokenCache,
      resilience: resilience.forFailures(),
      exhausted
    })
    return {
      health: resilience.health,
      provider: providerOver(acquisition, (scopes, options = {}) => resourceOf(identity, scopes, options))
    }
  })
