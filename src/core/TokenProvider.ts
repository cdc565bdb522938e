/**
 * What every capability of the library is made of: a provider is one identity, a source is that identity for one resource.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { AccessToken } from "./AccessToken.js"
import type { Scopes } from "./scopes.js"
import type { TokenError } from "./TokenError.js"

export {
  /**
   * @since 0.1.0
   * @category combinators
   */
  firstOf,
  /**
   * @since 0.1.0
   * @category models
   */
  type Step
} from "./firstOf.js"

export type {
  /**
   * @since 0.1.0
   * @category models
   */
  Scopes
} from "./scopes.js"

/**
 * What one call may ask beyond the token.
 *
 * @since 0.1.0
 * @category models
 */
export interface TokenRequest {
  /** A claims request as JSON (OpenID Connect Core 5.5): skips the cached access token. */
  readonly claims?: string | undefined
  /** The token that the resource refused: it is not handed out again. */
  readonly rejected?: AccessToken | undefined
  /** Skips the cached access token. */
  readonly forceRefresh?: boolean | undefined
  /** A GUID to find this exchange by in the authority's logs; made anew for each exchange when absent. */
  readonly correlationId?: string | undefined
}

/**
 * What tells the tokens of one resource from each other, beyond their scopes.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResourceOptions {
  /** The tenant in which to act, when it is not the authority's. */
  readonly tenantId?: string | undefined
  /** The resource by its URI (RFC 8707 2), for authorities that want it beside the scopes. */
  readonly resource?: string | undefined
  /** A claims request of the program's own (OpenID Connect Core 5.5) as JSON; a challenge is merged into it. */
  readonly claims?: string | undefined
  /** Further parameters of the request. Tokens that were got with others are others, unless `isKeyPart` is false. */
  readonly parameters?: Readonly<Record<string, ExtraParameter>> | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export type ExtraParameter = string | { readonly value: string; readonly isKeyPart: boolean }

/**
 * One identity, one resource, its key made once: hold it as long as you need tokens, and ask it each time.
 *
 * @since 0.1.0
 * @category models
 */
export interface TokenSource<out E = TokenError> {
  readonly getToken: (request?: TokenRequest) => Effect.Effect<AccessToken, E>
}

/**
 * One identity, any resource: an app, an account, a caller, a managed identity or a chain of them.
 *
 * @since 0.1.0
 * @category models
 */
export interface TokenProvider<out E = TokenError> {
  /** Never fails by itself: what is wrong with the scopes, each `getToken` tells. */
  readonly forScopes: (scopes: Scopes, options?: ResourceOptions) => TokenSource<E>
}

const constant = <E>(result: Effect.Effect<AccessToken, E>): TokenProvider<E> => ({
  forScopes: () => ({ getToken: () => result })
})

/**
 * A provider that always has this token: for unit tests.
 *
 * @since 0.1.0
 * @category constructors
 */
export const succeed = (token: AccessToken): TokenProvider<never> => constant(Effect.succeed(token))

/**
 * A provider that always fails so: for unit tests.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fail = <E>(error: E): TokenProvider<E> => constant(Effect.fail(error))
