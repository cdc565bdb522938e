/**
 * Validates the access tokens that callers send to an API. A module that brings `jose`.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Authority } from "../core/Authority.js"
import { jwtClaims } from "../core/jwtClaims.js"
import { type ConfigurationError, InvalidToken } from "../core/TokenError.js"
import * as Discovery from "../protocol/discovery.js"
import * as JwtVerifier from "../protocol/jwtVerifier.js"
import * as Transport from "../protocol/transport.js"
import * as RetryPolicy from "../resilience/RetryPolicy.js"
import { readValidated } from "./validatedToken.js"
import { TokenValidator, type TokenValidatorService } from "./validator.js"
import * as Settings from "./validatorSettings.js"

export { TokenValidator, type TokenValidatorService, type ValidatedToken } from "./validator.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Whose tokens are accepted: those of its tenant, or of `tenants` at `common` and `organizations`. */
  readonly authority: Authority
  /** Whom tokens must be meant for (`aud`): the API's client id, and its identifier URI where it gets v1 tokens. */
  readonly audience: string | ReadonlyArray<string>
  /** The GUIDs of the tenants whose tokens are accepted, or `any`; demanded where the authority has many, and only there. */
  readonly tenants?: ReadonlyArray<string> | "any" | undefined
  /** The client ids whose tokens are accepted (`azp`, `appid`); all of them where absent. */
  readonly clients?: ReadonlyArray<string> | undefined
  /** The roles of which an app's own token needs one. Where absent, only users are served. */
  readonly appRoles?: ReadonlyArray<string> | undefined
  /** How the authority's metadata and keys are asked for; read once. */
  readonly retryPolicy?: RetryPolicy.Options | undefined
}

const malformed = new InvalidToken({ token: "access token", reason: "malformed" })

/**
 * Makes a validator that lives as long as its scope. It reads metadata and keys when the first token comes, once a day again,
 * and at most once a minute for keys that it doesn't know; what it has read serves while none can be had.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options
): Effect.Effect<TokenValidatorService, ConfigurationError, HttpClient.HttpClient | Scope.Scope> =>
  Effect.gen(function* () {
    const settings = yield* Settings.parse(options)
    const policy = yield* RetryPolicy.make(options.retryPolicy)
    const transport = Transport.make(yield* HttpClient.HttpClient)
    const discovery = yield* Discovery.make(transport)
    const verifier = yield* JwtVerifier.make(transport)
    const { audience, authorizationUri } = settings

    const verify = (token: string, version: unknown) =>
      RetryPolicy.read(policy, (timeout) =>
        Effect.gen(function* () {
          const { issuer, jwksUri } = yield* discovery.metadata(Settings.authorityOf(settings, version), timeout)
          if (jwksUri === undefined) return yield* Settings.noKeys
          return yield* verifier.verify(token, { token: "access token", jwksUri, issuer, audience, timeout })
        })
      )

    return {
      authorizationUri,
      validate: (redacted) =>
        Effect.suspend(() => {
          const token = Redacted.value(redacted)
          const unproven = jwtClaims(token)
          return unproven === undefined
            ? Effect.fail(malformed)
            : Effect.flatMap(verify(token, unproven.ver), (claims) => readValidated(settings, claims))
        })
    }
  })

/**
 * A validator for a program's layers. Bind it to a constant and provide it once.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<TokenValidator, ConfigurationError, HttpClient.HttpClient> =>
  Layer.scoped(TokenValidator, make(options))
