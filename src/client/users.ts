import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { TokenCacheService } from "../cache/TokenCache.js"
import { type ResolvedAuthority, resolve } from "../core/Authority.js"
import { ConfigurationError, InteractionRequired, type UserError } from "../core/TokenError.js"
import type { TokenProvider } from "../core/TokenProvider.js"
import type { Discovery } from "../protocol/discovery.js"
import * as RetryPolicy from "../resilience/RetryPolicy.js"
import type { Shared } from "../resilience/resilience.js"
import * as Account from "./account.js"
import * as Acquisition from "./acquisition.js"
import * as Assertions from "./assertions.js"
import type { ConfidentialClientService } from "./ConfidentialClient.js"
import { accountHolder, partitionAt, processHolder } from "./holders.js"
import * as LongRunning from "./longRunning.js"
import * as NewUser from "./newUser.js"
import * as OnBehalfOf from "./onBehalfOf.js"
import type { ClientFacts } from "./principal.js"
import { provider, providerOf, remembering } from "./provider.js"
import * as Renewal from "./renewal.js"
import * as SignIn from "./signIn.js"
import type { Ask } from "./tokenRequest.js"

/** What a client does for users. */
export type Users = Pick<
  ConfidentialClientService,
  | "onBehalfOf"
  | "account"
  | "longRunningOnBehalfOf"
  | "getAuthCodeUrl"
  | "acquireTokenByCode"
  | "acquireTokenByRefreshToken"
  | "getAccounts"
  | "removeAccount"
  | "getLogoutUrl"
>

/**
 * @internal
 */
export const make = (options: {
  readonly ask: Ask
  readonly cache: TokenCacheService
  readonly client: ClientFacts
  readonly discovery: Discovery
  readonly policy: RetryPolicy.RetryPolicy
  readonly resilience: Shared
}): Effect.Effect<Users, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { ask, cache, client, discovery, policy, resilience } = options
    const acquisition = yield* Acquisition.make<UserError>({
      cache,
      resilience: resilience.forFailures(),
      exhausted
    })
    const renewal = yield* Renewal.make(client, ask, cache)
    const assertions = Assertions.make()

    const metadataOf = (authority: ResolvedAuthority) =>
      RetryPolicy.read(policy, (timeout) => discovery.metadata(authority, timeout))

    const admission = NewUser.make({ ask, cache, client, renewal, resilience: resilience.forFailures() })
    const signIn = yield* SignIn.make({ client, metadataOf, admission })

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

    const accountAt = (authority: ResolvedAuthority, session: string, homeAccountId: string) =>
      partitionAt(client.clientId, authority, accountHolder(session, homeAccountId))

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
      onBehalfOf,
      longRunningOnBehalfOf,
      account: (homeAccountId, { session = "" } = {}) =>
        provider(client, acquisition, Account.make(client, renewal, homeAccountId, session)),
      getAuthCodeUrl: signIn.begin,
      acquireTokenByCode: signIn.redeem,
      acquireTokenByRefreshToken: signIn.takeOver,
      getAccounts: ({ session }) =>
        Effect.flatMap(resolve(client.authority), (authority) =>
          Effect.map(cache.users(accountAt(authority, session, "").group), (users) =>
            users.flatMap(({ account }) => account ?? [])
          )
        ),
      removeAccount: ({ account, session = "" }) =>
        Effect.flatMap(resolve(client.authority), (authority) =>
          cache.remove(accountAt(authority, session, account.homeAccountId))
        ),
      getLogoutUrl: ({ logoutHint, postLogoutRedirectUri } = {}) =>
        Effect.gen(function* () {
          const authority = yield* resolve(client.authority)
          const endpoint = authority.endpoints?.endSession ?? (yield* metadataOf(authority)).endSessionEndpoint
          if (endpoint === undefined) return yield* noSignOut
          const url = new URL(endpoint)
          url.searchParams.set("client_id", client.clientId)
          if (postLogoutRedirectUri !== undefined)
            url.searchParams.set("post_logout_redirect_uri", postLogoutRedirectUri)
          if (logoutHint !== undefined) url.searchParams.set("logout_hint", logoutHint)
          return url
        })
    }
  })

/** Claims with which a token had been won, and which were demanded of it again: there is nothing left to try without the user. */
const exhausted = (claims: string): UserError =>
  new InteractionRequired({
    source: "local",
    error: "insufficient_claims",
    classification: "none",
    errorCodes: [],
    claims
  })

const noSignOut = new ConfigurationError({
  parameter: "authority",
  expected: "one where users sign out",
  remedy: "Supply its endSessionEndpoint."
})
