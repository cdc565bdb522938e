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
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { appKey, joinKey } from "../cache/cacheKey.js"
import { TokenCache } from "../cache/TokenCache.js"
import type { AccessToken } from "../core/AccessToken.js"
import * as Authority from "../core/Authority.js"
import { parseScopes, type Scopes } from "../core/scopes.js"
import { ConfigurationError, type ExchangeError } from "../core/TokenError.js"
import type { TokenProvider, TokenRequest } from "../core/TokenProvider.js"
import * as ClientCredential from "../credential/ClientCredential.js"
import { clientCredentials } from "../protocol/grants.js"
import { mayResend } from "../protocol/resend.js"
import { exchange } from "../protocol/tokenEndpoint.js"
import * as Transport from "../protocol/transport.js"
import * as RetryPolicy from "../resilience/RetryPolicy.js"
import type { Health } from "../resilience/resilience.js"
import * as Acquisition from "./acquisition.js"

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
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ClientCredentialRequest extends TokenRequest {
  readonly scopes: Scopes
  /** The tenant in which the app acts, when it is not the authority's. */
  readonly tenantId?: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ConfidentialClientService {
  /** The app itself. */
  readonly app: TokenProvider<ExchangeError>
  /** MSAL's name for `app.forScopes(scopes, { tenantId }).getToken(request)` (RFC 6749 4.4). */
  readonly acquireTokenByClientCredential: (
    request: ClientCredentialRequest
  ) => Effect.Effect<AccessToken, ExchangeError>
  /** How the client and its authorities are doing; asks nobody. */
  readonly health: Effect.Effect<Health>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class ConfidentialClient extends Context.Tag("effect-entra/ConfidentialClient")<
  ConfidentialClient,
  ConfidentialClientService
>() {}

const requireClientId = (clientId: string): Either.Either<string, ConfigurationError> =>
  clientId.trim().length > 0
    ? Either.right(clientId)
    : Either.left(
        new ConfigurationError({
          parameter: "clientId",
          expected: "the application (client) id of the app registration",
          remedy: "Copy it from the registration's overview."
        })
      )

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
    const { authority, credential } = options
    const clientId = yield* requireClientId(options.clientId)
    const isEntra = (yield* Authority.resolve(authority)).kind === "entra"
    const policy = yield* RetryPolicy.make(options.retryPolicy)
    const prepared = yield* credential.prepare
    const transport = Transport.make(yield* HttpClient.HttpClient)
    const acquisition = yield* Acquisition.make<ExchangeError>({ cache: yield* TokenCache, policy })

    const appResource = (
      scopes: Scopes,
      tenantId: string | undefined
    ): Either.Either<Acquisition.Resource<ExchangeError>, ConfigurationError> =>
      Either.gen(function* () {
        const set = yield* parseScopes(scopes, { isEntra })
        const resolved = yield* Authority.requireTenant(yield* Authority.resolve(authority, { tenantId }))
        const { audience, kind, tokenEndpoint } = resolved
        const asked = { clientId, authority: kind, tenantId: resolved.tenantId, tokenEndpoint, audience }
        return {
          key: appKey({ clientId, environment: resolved.environment, tenantId: resolved.tenantId, scopeKey: set.key }),
          name: { "server.address": resolved.host, "entra.tenant_id": resolved.tenantId, "entra.scopes": set.key },
          scope: joinKey(clientId, resolved.environment, resolved.tenantId),
          host: resolved.host,
          scopes: set.scopes,
          mayResend: mayResend(clientCredentials, resolved.kind),
          consumes: clientCredentials.consumes(),
          exchange: ({ claims, correlationId, timeout }) =>
            prepared.authenticate({ ...asked, claims, correlationId, timeout }, (parameters) =>
              exchange(transport, {
                authority: resolved,
                grant: clientCredentials,
                correlationId,
                timeout,
                form: {
                  grant_type: "client_credentials",
                  client_id: clientId,
                  scope: set.scopes.join(" "),
                  ...(claims !== undefined && { claims }),
                  ...parameters
                }
              })
            )
        }
      })

    const app: TokenProvider<ExchangeError> = {
      forScopes: (scopes, forTenant) =>
        Either.match(appResource(scopes, forTenant?.tenantId), {
          onLeft: (error) => ({ getToken: () => Effect.fail(error) }),
          onRight: acquisition.source
        })
    }

    return {
      app,
      health: acquisition.health,
      acquireTokenByClientCredential: ({ scopes, tenantId, ...request }) =>
        app.forScopes(scopes, { tenantId }).getToken(request)
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
 * A client as the environment describes it; `Config.map` over {@link config} changes the rest.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config<Options> = config
): Layer.Layer<ConfidentialClient, ConfigurationError | ConfigError.ConfigError, HttpClient.HttpClient | TokenCache> =>
  Layer.unwrapEffect(Effect.map(options, layer))
