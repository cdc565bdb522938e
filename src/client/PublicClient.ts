/**
 * A client that can keep no secret: a command-line tool, a desktop program. People sign in to it.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { TokenCache } from "../cache/TokenCache.js"
import type { AccessToken } from "../core/AccessToken.js"
import type { Account } from "../core/Account.js"
import * as Authority from "../core/Authority.js"
import { isMultiTenant } from "../core/resolvedAuthority.js"
import {
  ClientClosed,
  type ConfigurationError,
  type DeviceCodeExpired,
  type ExchangeError,
  type SignInError,
  type UserError
} from "../core/TokenError.js"
import type { TokenProvider } from "../core/TokenProvider.js"
import { constant } from "../credential/ClientCredential.js"
import * as Discovery from "../protocol/discovery.js"
import * as Transport from "../protocol/transport.js"
import * as RetryPolicy from "../resilience/RetryPolicy.js"
import * as Resilience from "../resilience/resilience.js"
import type { AuthCodeUrlRequest, AuthenticationResult } from "./AuthorizationCode.js"
import * as Accounts from "./accounts.js"
import type { Browser } from "./Browser.js"
import type { RefreshTokenRequest } from "./ConfidentialClient.js"
import { factsOf } from "./clientFacts.js"
import type { DeviceCodeRequest } from "./DeviceCode.js"
import * as DeviceSignIn from "./deviceSignIn.js"
import { Interaction, type InteractionError } from "./Interaction.js"
import type { IdTokenVerifier } from "./idToken.js"
import * as InteractiveSignIn from "./interactiveSignIn.js"
import type { LoopbackServer } from "./LoopbackServer.js"
import * as NewUser from "./newUser.js"
import * as PersonFlow from "./personFlow.js"
import { getToken, type ResourceRequest } from "./provider.js"
import * as TokenRequests from "./tokenRequest.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly authority: Authority.Authority
  /** The application (client) id of the app registration, which allows public client flows. */
  readonly clientId: string
  /** How failed requests are sent again; read once. */
  readonly retryPolicy?: RetryPolicy.Options | undefined
  /** `cp1` if the program answers claims challenges (Continuous Access Evaluation), those of all its APIs. */
  readonly clientCapabilities?: ReadonlyArray<string> | undefined
  /** The tenants (GUIDs) whose users may sign in beside the authority's own; `any` where absent. */
  readonly allowedTenants?: ReadonlyArray<string> | "any" | undefined
}

/**
 * A sign-in by the browser of this machine.
 *
 * @since 0.1.0
 * @category models
 */
export interface InteractiveRequest extends Omit<AuthCodeUrlRequest, "redirectUri" | "responseMode"> {
  /** Where the browser comes back to, as `http://localhost:{port}`; any free port where absent, which Entra allows. */
  readonly port?: number | undefined
  /** How long the person may take; the default is 5 minutes. */
  readonly browserTimeout?: Duration.DurationInput | undefined
  readonly correlationId?: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface SilentRequest extends ResourceRequest {
  readonly account: Pick<Account, "homeAccountId"> & { readonly tenantId?: string | undefined }
}

/**
 * @since 0.1.0
 * @category models
 */
export interface TokenRequest extends InteractiveRequest {
  /** Whose token; where absent the only account there is, and where there are none or several the person is asked. */
  readonly account?: SilentRequest["account"] | undefined
  /** Skips the cached access token. */
  readonly forceRefresh?: boolean | undefined
  /** The token that the resource refused: it is not handed out again. */
  readonly rejected?: AccessToken | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface PublicClientService {
  /** Somebody who has signed in. */
  readonly account: (homeAccountId: string) => TokenProvider<UserError>
  /**
   * Silently for an account that is there; where that needs the person, by `Interaction`, one at a time however many ask.
   * Another account than the one that was named is `InvalidAuthorizationResponse` (it is kept all the same).
   */
  readonly acquireToken: (request: TokenRequest) => Effect.Effect<AuthenticationResult, InteractionError, Interaction>
  /** MSAL's name for `account(homeAccountId).forScopes(scopes, options).getToken(request)`: never asks the person. */
  readonly acquireTokenSilent: (request: SilentRequest) => Effect.Effect<AccessToken, UserError>
  /** Sends the browser of this machine to the authority (RFC 8252, RFC 7636), and waits for it to come back. */
  readonly acquireTokenInteractive: (
    request: InteractiveRequest
  ) => Effect.Effect<AuthenticationResult, SignInError, Browser | IdTokenVerifier | LoopbackServer>
  /** Has the person type a code into a browser elsewhere (RFC 8628), and polls until that is done. Interruption ends it at once. */
  readonly acquireTokenByDeviceCode: <E = never, R = never>(
    request: DeviceCodeRequest<E, R>
  ) => Effect.Effect<AuthenticationResult, SignInError | DeviceCodeExpired | E, IdTokenVerifier | R>
  /** Takes over a refresh token that was won elsewhere (RFC 6749 6), and keeps its account. */
  readonly acquireTokenByRefreshToken: (
    request: Omit<RefreshTokenRequest, "session">
  ) => Effect.Effect<AuthenticationResult, SignInError>
  /** Those who have signed in. */
  readonly getAccounts: Effect.Effect<ReadonlyArray<Account>, ConfigurationError>
  /** Forgets an account with all its tokens; tells whether it was there. */
  readonly removeAccount: (account: Pick<Account, "homeAccountId">) => Effect.Effect<boolean, ConfigurationError>
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
export class PublicClient extends Context.Tag("effect-entra/PublicClient")<PublicClient, PublicClientService>() {}

/** It says who it is, and proves nothing (RFC 6749 2.1). */
const unproven = constant("public client", () => Effect.succeed({}))

const browserTimeout = Duration.minutes(5)

/**
 * Makes a client that lives as long as its scope. Nothing is sent until somebody signs in or a token is asked for.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<PublicClientService, ConfigurationError, HttpClient.HttpClient | TokenCache | Scope.Scope> =>
  Effect.gen(function* () {
    const client = yield* factsOf({ ...options, allowedTenants: options.allowedTenants ?? "any" })
    const isForMany = isMultiTenant(yield* Authority.resolve(options.authority))
    const cache = yield* TokenCache
    const policy = yield* RetryPolicy.make(options.retryPolicy)
    const transport = Transport.make(yield* HttpClient.HttpClient)
    const discovery = yield* Discovery.make(transport)
    const ask = TokenRequests.make({ ...client, credential: unproven, discovery, transport })
    const resilience = yield* Resilience.make(policy)
    const accounts = yield* Accounts.make({ ask, cache, client, discovery, policy, resilience })
    const { metadataOf, operations, renewal, signIn } = accounts
    const admission = NewUser.make<DeviceCodeExpired>({
      ask,
      cache,
      client,
      renewal,
      resilience: resilience.forFailures()
    })

    const acquireTokenSilent: PublicClientService["acquireTokenSilent"] = ({ account, ...request }) =>
      getToken(operations.account(account.homeAccountId), {
        ...request,
        tenantId: request.tenantId ?? (isForMany ? account.tenantId : undefined)
      })

    const getAccounts = operations.getAccounts({ session: "" })

    const closed = yield* Deferred.make<never, ClientClosed>()
    yield* Effect.addFinalizer(() => Deferred.fail(closed, new ClientClosed()))
    /** A sign-in runs in its caller's fiber, and ends with the client. */
    const whileOpen = <A, E, R>(signIn: Effect.Effect<A, E, R>): Effect.Effect<A, E | ClientClosed, R> =>
      Effect.raceFirst(signIn, Deferred.await(closed))
    const byBrowser = InteractiveSignIn.make(signIn, browserTimeout)
    const byDevice = DeviceSignIn.make({ admission, client, metadataOf, policy, transport })

    const service: PublicClientService = {
      account: (homeAccountId) => operations.account(homeAccountId),
      acquireTokenSilent,
      acquireTokenInteractive: (request) => whileOpen(byBrowser(request)),
      acquireTokenByDeviceCode: (request) => whileOpen(byDevice(request)),
      acquireTokenByRefreshToken: operations.acquireTokenByRefreshToken,
      acquireToken: (request) => Effect.flatMap(Interaction, (interaction) => acquire(interaction, request)),
      getAccounts,
      removeAccount: (account) => operations.removeAccount({ account }),
      getLogoutUrl: operations.getLogoutUrl,
      health: resilience.health
    }
    const acquire = PersonFlow.make({
      getAccounts,
      silently: acquireTokenSilent,
      signIn: (interaction, request) => interaction.signIn(service, request)
    })
    return service
  })

/**
 * A client for a program's layers. Bind it to a constant and provide it once.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<PublicClient, ConfigurationError, HttpClient.HttpClient | TokenCache> =>
  Layer.scoped(PublicClient, make(options))

/**
 * A client from `AZURE_CLIENT_ID` and, where they are set, `AZURE_TENANT_ID` (else `organizations`) and `AZURE_AUTHORITY_HOST`.
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Options> = Config.all({
  clientId: Config.string("AZURE_CLIENT_ID"),
  tenantId: Config.withDefault(Config.string("AZURE_TENANT_ID"), "organizations"),
  host: Config.withDefault(Config.string("AZURE_AUTHORITY_HOST"), undefined)
}).pipe(Config.map(({ clientId, host, tenantId }) => ({ clientId, authority: Authority.entra({ tenantId, host }) })))

/**
 * A client as the environment describes it: {@link config}, unless told otherwise.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config<Options> = config
): Layer.Layer<PublicClient, ConfigurationError | ConfigError.ConfigError, HttpClient.HttpClient | TokenCache> =>
  Layer.unwrapEffect(Effect.map(options, layer))
