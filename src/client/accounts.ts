import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { TokenCacheService } from "../cache/TokenCache.js"
import { type Metadata, type ResolvedAuthority, resolve } from "../core/Authority.js"
import { ConfigurationError, type ExchangeError, InteractionRequired, type UserError } from "../core/TokenError.js"
import type { Discovery } from "../protocol/discovery.js"
import * as RetryPolicy from "../resilience/RetryPolicy.js"
import type { Shared } from "../resilience/resilience.js"
import * as Account from "./account.js"
import * as Acquisition from "./acquisition.js"
import type { ConfidentialClientService } from "./ConfidentialClient.js"
import { accountHolder, partitionAt } from "./holders.js"
import * as NewUser from "./newUser.js"
import type { ClientFacts } from "./principal.js"
import { provider } from "./provider.js"
import * as Renewal from "./renewal.js"
import * as SignIn from "./signIn.js"
import type { Ask } from "./tokenRequest.js"

/** What every client does for people who have signed in. */
export type AccountOperations = Pick<
  ConfidentialClientService,
  "account" | "acquireTokenByRefreshToken" | "getAccounts" | "removeAccount" | "getLogoutUrl"
>

/** The same, and what it is made of. */
export interface Accounts {
  readonly operations: AccountOperations
  readonly acquisition: Acquisition.Acquisition<UserError>
  readonly metadataOf: (authority: ResolvedAuthority) => Effect.Effect<Metadata, ExchangeError>
  readonly renewal: Renewal.Renewal
  readonly signIn: SignIn.SignIn
}

/** What a client is made of. */
export interface Parts {
  readonly ask: Ask
  readonly cache: TokenCacheService
  readonly client: ClientFacts
  readonly discovery: Discovery
  readonly policy: RetryPolicy.RetryPolicy
  readonly resilience: Shared
}

/** Claims with which a token had been won, and which were demanded of it again: there is nothing left to try without the user. */
const exhausted = (claims: string | undefined): UserError =>
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

/**
 * @internal
 */
export const make = ({
  ask,
  cache,
  client,
  discovery,
  policy,
  resilience
}: Parts): Effect.Effect<Accounts, never, Scope.Scope> =>
  Effect.gen(function* () {
    const acquisition = yield* Acquisition.make<UserError>({
      cache,
      resilience: resilience.forFailures(),
      exhausted
    })
    const renewal = yield* Renewal.make(client, ask, cache)

    const metadataOf: Accounts["metadataOf"] = (authority) =>
      RetryPolicy.read(policy, (timeout) => discovery.metadata(authority, timeout))

    const admission = NewUser.make<never>({ ask, cache, client, renewal, resilience: resilience.forFailures() })
    const signIn = yield* SignIn.make({ client, metadataOf, admission })

    const accountAt = (authority: ResolvedAuthority, session: string, homeAccountId: string) =>
      partitionAt(client.clientId, authority, accountHolder(session, homeAccountId))

    const operations: AccountOperations = {
      account: (homeAccountId, { session = "" } = {}) =>
        provider(client, acquisition, Account.make(client, renewal, homeAccountId, session)),
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
    return { operations, acquisition, metadataOf, renewal, signIn }
  })
