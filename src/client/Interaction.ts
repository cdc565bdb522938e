/**
 * How a program asks the person who sits before it, where a token can't be had without.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { CredentialUnavailable, type DeviceCodeExpired, type SignInError } from "../core/TokenError.js"
import type { AuthenticationResult } from "./AuthorizationCode.js"
import type { Browser } from "./Browser.js"
import type { DeviceCode } from "./DeviceCode.js"
import type { IdTokenVerifier } from "./idToken.js"
import type { LoopbackServer } from "./LoopbackServer.js"
import type { InteractiveRequest, PublicClientService } from "./PublicClient.js"

/**
 * How asking a person can fail.
 *
 * @since 0.1.0
 * @category models
 */
export type InteractionError = SignInError | DeviceCodeExpired

/**
 * @since 0.1.0
 * @category models
 */
export interface InteractionService {
  /** Has somebody sign in to a client. */
  readonly signIn: (
    client: Pick<PublicClientService, "acquireTokenInteractive" | "acquireTokenByDeviceCode">,
    request: InteractiveRequest
  ) => Effect.Effect<AuthenticationResult, InteractionError>
}

/**
 * What `PublicClient.acquireToken` falls back on.
 *
 * @since 0.1.0
 * @category tags
 */
export class Interaction extends Context.Tag("effect-entra/Interaction")<Interaction, InteractionService>() {}

/**
 * By the browser of this machine.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerBrowser: Layer.Layer<Interaction, never, Browser | IdTokenVerifier | LoopbackServer> = Layer.effect(
  Interaction,
  Effect.map(Effect.context<Browser | IdTokenVerifier | LoopbackServer>(), (context) => ({
    signIn: (client, request) => Effect.provide(client.acquireTokenInteractive(request), context)
  }))
)

/**
 * By a code that the person types into a browser elsewhere. What a browser alone understands (`prompt`, `loginHint`, ...) is
 * left out.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerDeviceCode = <E extends InteractionError, R>(
  prompt: (code: DeviceCode) => Effect.Effect<unknown, E, R>
): Layer.Layer<Interaction, never, IdTokenVerifier | R> =>
  Layer.effect(
    Interaction,
    Effect.map(Effect.context<IdTokenVerifier | R>(), (context) => ({
      signIn: (client, { claims, correlationId, scopes, tenantId }) =>
        Effect.provide(client.acquireTokenByDeviceCode({ scopes, claims, tenantId, correlationId, prompt }), context)
    }))
  )

/**
 * There is nobody to ask: `CredentialUnavailable`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerNone: Layer.Layer<Interaction> = Layer.succeed(Interaction, {
  signIn: () =>
    new CredentialUnavailable({
      credential: "a signed-in user",
      reason: "nobody is signed in, and this program asks nobody",
      remedy: "Sign in with a program that does, and share its cache."
    })
})
