import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type ResolvedAuthority, resolve } from "../core/Authority.js"
import type { UserError } from "../core/TokenError.js"
import type { TokenProvider } from "../core/TokenProvider.js"
import * as Accounts from "./accounts.js"
import * as Assertions from "./assertions.js"
import type { ConfidentialClientService } from "./ConfidentialClient.js"
import { partitionAt, processHolder } from "./holders.js"
import * as LongRunning from "./longRunning.js"
import * as OnBehalfOf from "./onBehalfOf.js"
import { provider, providerOf, remembering } from "./provider.js"

/** What a client that can keep a secret does for users. */
export type Users = Accounts.AccountOperations &
  Pick<ConfidentialClientService, "onBehalfOf" | "longRunningOnBehalfOf" | "getAuthCodeUrl" | "acquireTokenByCode">

/**
 * @internal
 */
export const make = (parts: Accounts.Parts): Effect.Effect<Users, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { ask, cache, client } = parts
    const { acquisition, operations, renewal, signIn } = yield* Accounts.make(parts)
    const assertions = Assertions.make()
    const callers = new WeakMap<Assertions.Assertion, TokenProvider<UserError>>()

    /** The keys of a caller's sources are made once, however often it calls. */
    const caller = (assertion: Assertions.Assertion): TokenProvider<UserError> => {
      const known = callers.get(assertion)
      if (known !== undefined) return known
      const made = remembering(provider(client, acquisition, OnBehalfOf.make(client, ask, assertion)))
      callers.set(assertion, made)
      return made
    }

    const onBehalfOf = (assertion: Redacted.Redacted): TokenProvider<UserError> =>
      providerOf(
        () => {
          const known = assertions.known(assertion)
          return known === undefined ? undefined : caller(known)
        },
        Effect.map(assertions.read(assertion), caller)
      )

    const processAt = (authority: ResolvedAuthority, process: string) =>
      partitionAt(client.clientId, authority, processHolder(process))

    const longRunningOnBehalfOf: Users["longRunningOnBehalfOf"] = {
      initiate: ({ assertion, parameters, process, resource, scopes, tenantId, ...request }) =>
        Effect.gen(function* () {
          const read = yield* assertions.read(assertion)
          yield* LongRunning.claim(cache, processAt(yield* resolve(client.authority), process), read)
          return yield* provider(client, acquisition, LongRunning.begin(client, ask, renewal, process, read))
            .forScopes(scopes, { tenantId, resource, parameters })
            .getToken({ ...request, forceRefresh: true })
        }),
      acquire: (process) => provider(client, acquisition, LongRunning.make(client, renewal, process)),
      stop: (process) =>
        Either.match(resolve(client.authority), {
          onLeft: () => Effect.succeed(false),
          onRight: (authority) => cache.remove(processAt(authority, process))
        })
    }

    return {
      ...operations,
      onBehalfOf,
      longRunningOnBehalfOf,
      getAuthCodeUrl: signIn.begin,
      acquireTokenByCode: signIn.redeem
    }
  })
