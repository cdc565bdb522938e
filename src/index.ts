/**
 * The modules that run everywhere and that a program with a client needs. Those that bring a large table (`Aadsts`), `jose`
 * (`ClientCertificate`, `IdTokenVerifier`, `TokenValidator`, `WebSignIn`, `EntraEmulator`, `DefaultCredential`) or an
 * optional peer (`OnBehalfOfRpc`, `MachineNode`) have entries of their own, so that nobody loads them who does not ask for them.
 *
 * @since 0.1.0
 */

export * as MsalCacheFormat from "./cache/MsalCacheFormat.js"
export * as TokenCache from "./cache/TokenCache.js"
export * as TokenCacheFile from "./cache/TokenCacheFile.js"
export * as TokenCacheRedis from "./cache/TokenCacheRedis.js"
export * as TokenEncryption from "./cache/TokenEncryption.js"
export * as TokenStore from "./cache/TokenStore.js"
export * as AuthorizationCode from "./client/AuthorizationCode.js"
export * as Browser from "./client/Browser.js"
export * as ConfidentialClient from "./client/ConfidentialClient.js"
export * as DeveloperCredential from "./client/DeveloperCredential.js"
export * as DeviceCode from "./client/DeviceCode.js"
export * as Interaction from "./client/Interaction.js"
export * as LoopbackServer from "./client/LoopbackServer.js"
export * as Machine from "./client/Machine.js"
export * as ManagedIdentity from "./client/ManagedIdentity.js"
export * as PublicClient from "./client/PublicClient.js"
export * as Readiness from "./client/Readiness.js"
export * as AccessToken from "./core/AccessToken.js"
export * as Account from "./core/Account.js"
export * as Authority from "./core/Authority.js"
export * as ClaimsChallenge from "./core/ClaimsChallenge.js"
export * as TokenError from "./core/TokenError.js"
export * as TokenMetrics from "./core/TokenMetrics.js"
export * as TokenProvider from "./core/TokenProvider.js"
export * as ClientCredential from "./credential/ClientCredential.js"
export * as FederatedCredential from "./credential/FederatedCredential.js"
export * as BearerHttpClient from "./http/BearerHttpClient.js"
export * as ClaimsChallengeHandler from "./http/ClaimsChallengeHandler.js"
export * as RetryPolicy from "./resilience/RetryPolicy.js"
export * as Caller from "./server/Caller.js"
export * as CallerError from "./server/CallerError.js"
export * as OnBehalfOf from "./server/OnBehalfOf.js"
