/**
 * How a client proves to the authority who it is.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { ConfigurationError, type CredentialUnavailable } from "../core/TokenError.js"

/**
 * The parameters that authenticate one request (RFC 6749 2.3.1).
 *
 * @since 0.1.0
 * @category models
 */
export type Parameters = Readonly<Record<string, string | Redacted.Redacted>>

/**
 * A credential that was checked: asked only when a request is really sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface PreparedCredential {
  readonly parameters: Effect.Effect<Parameters, CredentialUnavailable>
}

/**
 * A credential as it was given; it is prepared once, when a client is made of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientCredential {
  readonly prepare: Effect.Effect<PreparedCredential, ConfigurationError>
}

/**
 * A client secret, sent as `client_secret` in the body (`client_secret_post`, as MSAL does).
 *
 * @since 0.1.0
 * @category constructors
 */
export const secret = (value: Redacted.Redacted): ClientCredential => ({
  prepare: Effect.suspend(() =>
    Redacted.value(value).length === 0
      ? new ConfigurationError({
          parameter: "credential",
          expected: "a client secret that is not empty",
          remedy: "Give the secret's value (not its id), for instance by AZURE_CLIENT_SECRET."
        })
      : Effect.succeed({ parameters: Effect.succeed({ client_secret: value }) })
  )
})
