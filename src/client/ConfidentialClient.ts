/**
 * A client that can keep a secret: a server, a daemon, a web API.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { TokenCache } from "../cache/TokenCache.js"
import type { AccessToken } from "../core/AccessToken.js"
import type { Account } from "../core/Account.js"
import * as Authority from "../core/Authority.js"
import { isMultiTenant } from "../core/resolvedAuthority.js"
import type { Scopes } from "../core/scopes.js"
import type { ConfigurationError, ExchangeError, SignInError, UserError } from "../core/TokenError.js"
import type { TokenProvider } from "../core/TokenProvider.js"
import * as ClientCredential from "../credential/ClientCredential.js"
import * as Discovery from "../protocol/discovery.js"
import * as Transport from "../protocol/transport.js"
import * as RetryPolicy from "../resilience/RetryPolicy.js"
import * as Resilience from "../resilience/resilience.js"
import type {
  AuthCodeUrl,
  AuthCodeUrlRequest,
  AuthenticationResult,
  AuthorizationCodeRequest
} from "./AuthorizationCode.js"
import * as Acquisition from "./acquisition.js"
import * as App from "./app.js"
import { factsOf } from "./clientFacts.js"
import { appHolder, partitionAt } from "./holders.js"
import type { IdTokenVerifier } from "./idToken.js"
import { getToken, provider, type ResourceRequest } from "./provider.js"
import * as Region from "./region.js"
import * as TokenRequests from "./tokenRequest.js"
import * as Users from "./users.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly authority: Authority.Authority
  /** The application (client) id of the app registration. */
  readonly clientId: string
  readonly credential: ClientCredential.ClientCredential
  /** How failed requests are sent again; read once. */
  readonly retryPolicy?: RetryPolicy.Options | undefined
  /**
   * What the client can do, told with each request: `cp1` if it answers claims challenges (Continuous Access Evaluation),
   * those of all its APIs. No reason by itself to ask for a new token.
   */
  readonly clientCapabilities?: ReadonlyArray<string> | undefined
  /**
   * The tenants (GUIDs) that are served beside the authority's own, or `any`. Where absent, tenants that the program names are asked,
   * and nobody signs in at `common` or `organizations`.
   */
  readonly allowedTenants?: ReadonlyArray<string> | "any" | undefined
  /**
   * The region whose service issues the app's own tokens, by name, or `auto`: from `AZURE_REGIONAL_AUTHORITY_NAME`,
   * `MSAL_FORCE_REGION`, `REGION_NAME`, else from the machine. While its circuit is open the global service is asked.
   */
  readonly azureRegion?: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export type ClientCredentialRequest = ResourceRequest

/**
 * @since 0.1.0
 * @category models
 */
export interface OnBehalfOfRequest extends ResourceRequest {
  /** The access token that the caller sent to this API. */
  readonly assertion: Redacted.Redacted
}

/**
 * @since 0.1.0
 * @category models
 */
export interface SilentRequest extends ResourceRequest {
  /** In the tenant to which it signed in, where the authority is for users of many. */
  readonly account: Pick<Account, "homeAccountId"> & { readonly tenantId?: string | undefined }
  /** The session in which the account signed in. */
  readonly session?: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface RefreshTokenRequest {
  readonly refreshToken: Redacted.Redacted
  readonly scopes: Scopes
  /** Whose it is, for authorities whose answer doesn't tell; otherwise such an account gets a name of its own. */
  readonly homeAccountId?: string | undefined
  readonly tenantId?: string | undefined
  /** Whose accounts the user's is kept among. */
  readonly session?: string | undefined
  readonly correlationId?: string | undefined
}

/**
 * The processes that go on for a caller when its token is over, each under a key of the program's own.
 *
 * @since 0.1.0
 * @category models
 */
export interface LongRunningOnBehalfOf {
  /** Exchanges the caller's token, and keeps a refresh token for the process. */
  readonly initiate: (
    request: OnBehalfOfRequest & { readonly process: string }
  ) => Effect.Effect<AccessToken, UserError>
  readonly acquire: (process: string) => TokenProvider<UserError>
  /** Forgets everything of the process; tells whether there was anything. */
  readonly stop: (process: string) => Effect.Effect<boolean>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ConfidentialClientService {
  /** The app itself. */
  readonly app: TokenProvider<ExchangeError>
  /** The caller that sent this access token, on whose behalf the app asks; its tokens end when that one does. */
  readonly onBehalfOf: (assertion: Redacted.Redacted) => TokenProvider<UserError>
  /** A user who has signed in, in the session that is named. */
  readonly account: (
    homeAccountId: string,
    options?: { readonly session?: string | undefined }
  ) => TokenProvider<UserError>
  readonly longRunningOnBehalfOf: LongRunningOnBehalfOf
  /** MSAL's name for `app.forScopes(scopes, options).getToken(request)` (RFC 6749 4.4). */
  readonly acquireTokenByClientCredential: (
    request: ClientCredentialRequest
  ) => Effect.Effect<AccessToken, ExchangeError>
  /** MSAL's name for `onBehalfOf(assertion).forScopes(scopes, options).getToken(request)`. */
  readonly acquireTokenOnBehalfOf: (request: OnBehalfOfRequest) => Effect.Effect<AccessToken, UserError>
  /** MSAL's name for `account(homeAccountId).forScopes(scopes, options).getToken(request)`: never asks the user. */
  readonly acquireTokenSilent: (request: SilentRequest) => Effect.Effect<AccessToken, UserError>
  /** Begins a sign-in (RFC 6749 4.1, RFC 7636): where to send the browser, and what to keep until it is back. */
  readonly getAuthCodeUrl: (request: AuthCodeUrlRequest) => Effect.Effect<AuthCodeUrl, ExchangeError>
  /** Ends a sign-in: checks the response, redeems its code, validates the id token, and keeps the account. */
  readonly acquireTokenByCode: (
    request: AuthorizationCodeRequest
  ) => Effect.Effect<AuthenticationResult, SignInError, IdTokenVerifier>
  /** Takes over a refresh token that was won elsewhere (RFC 6749 6), and keeps its account. */
  readonly acquireTokenByRefreshToken: (
    request: RefreshTokenRequest
  ) => Effect.Effect<AuthenticationResult, SignInError>
  /**
   * Those who have signed in within a session; `""` is the one of sign-ins that named none. Where a store is shared and can't be
   * reached, those whom this process knows; of a session's users a store lists the last 1 000.
   */
  readonly getAccounts: (options: {
    readonly session: string
  }) => Effect.Effect<ReadonlyArray<Account>, ConfigurationError>
  /**
   * Forgets an account with all its tokens, those on their way included; tells whether it was there. Processes that share a
   * store with this one drop what they hold of it within a minute.
   */
  readonly removeAccount: (request: {
    readonly account: Pick<Account, "homeAccountId">
    readonly session?: string | undefined
  }) => Effect.Effect<boolean, ConfigurationError>
  /** Forgets the app's own tokens, those of all tenants: after its permissions have changed, for instance. */
  readonly removeTokensForClient: Effect.Effect<void, ConfigurationError>
  /** Where a browser signs out of the authority too (OpenID Connect RP-Initiated Logout 2). */
  readonly getLogoutUrl: (options?: {
    readonly postLogoutRedirectUri?: string | undefined
    readonly logoutHint?: string | undefined
  }) => Effect.Effect<URL, ExchangeError>
  /** How the client and its authorities are doing; asks nobody. */
  readonly health: Effect.Effect<Resilience.Health>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class ConfidentialClient extends Context.Tag("effect-entra/ConfidentialClient")<
  ConfidentialClient,
  ConfidentialClientService
>() {}

/**
 * Makes a client that lives as long as its scope. Nothing is sent until a token is asked for.
 *
 * Flights run in the context in which the client is made: provide loggers and tracers beneath it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<ConfidentialClientService, ConfigurationError, HttpClient.HttpClient | TokenCache | Scope.Scope> =>
  Effect.gen(function* () {
    const client = yield* factsOf(options)
    const isForMany = isMultiTenant(yield* Authority.resolve(options.authority))
    const cache = yield* TokenCache
    const policy = yield* RetryPolicy.make(options.retryPolicy)
    const credential = yield* options.credential.prepare
    const transport = Transport.make(yield* HttpClient.HttpClient)
    const discovery = yield* Discovery.make(transport)
    const region = yield* Region.make(options.azureRegion, transport)
    const ask = TokenRequests.make({ ...client, credential, discovery, transport })
    const resilience = yield* Resilience.make(policy)
    const acquisition = yield* Acquisition.make<ExchangeError>({
      cache,
      resilience: resilience.forFailures(),
      exhausted: App.exhausted
    })
    const users = yield* Users.make({ ask, cache, client, discovery, policy, resilience })
    const app = provider(client, acquisition, App.make(ask, region))

    return {
      app,
      ...users,
      health: resilience.health,
      removeTokensForClient: Effect.flatMap(Authority.resolve(client.authority), (authority) =>
        cache.removeGroup(partitionAt(client.clientId, authority, appHolder(authority.tenantId)).group)
      ),
      acquireTokenByClientCredential: (request) => getToken(app, request),
      acquireTokenOnBehalfOf: ({ assertion, ...request }) => getToken(users.onBehalfOf(assertion), request),
      acquireTokenSilent: ({ account, session, ...request }) =>
        getToken(users.account(account.homeAccountId, { session }), {
          ...request,
          tenantId: request.tenantId ?? (isForMany ? account.tenantId : undefined)
        })
    }
  })

/**
 * A client for a program's layers. Bind it to a constant and provide it once.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<ConfidentialClient, ConfigurationError, HttpClient.HttpClient | TokenCache> =>
  Layer.scoped(ConfidentialClient, make(options))

/**
 * A client with a secret from `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET` and, for other clouds,
 * `AZURE_AUTHORITY_HOST`. All names that are missing are reported at once.
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Options> = Config.all({
  tenantId: Config.string("AZURE_TENANT_ID"),
  clientId: Config.string("AZURE_CLIENT_ID"),
  clientSecret: Config.redacted("AZURE_CLIENT_SECRET"),
  host: Config.withDefault(Config.string("AZURE_AUTHORITY_HOST"), undefined)
}).pipe(
  Config.map(({ clientId, clientSecret, host, tenantId }) => ({
    authority: Authority.entra({ tenantId, host }),
    clientId,
    credential: ClientCredential.secret(clientSecret)
  }))
)

/**
 * A client as the environment describes it: {@link config}, or another Effect that reads it, such as
 * `FederatedCredential.workloadIdentity` and `ClientCertificateNode.environment`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = <R = never>(
  options: Effect.Effect<Options, ConfigError.ConfigError, R> = config
): Layer.Layer<
  ConfidentialClient,
  ConfigurationError | ConfigError.ConfigError,
  HttpClient.HttpClient | TokenCache | R
> => Layer.unwrapEffect(Effect.map(options, layer))
