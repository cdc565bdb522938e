/**
 * Who sent the current request, and what may be done in their name.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { TokenError } from "../core/TokenError.js"
import type { TokenProvider } from "../core/TokenProvider.js"
import type { CallerError } from "./callerFailures.js"

/**
 * An authentication context, as Conditional Access numbers them: `c1` to `c99`.
 *
 * @since 0.1.0
 * @category models
 */
export type AuthenticationContext = `c${number}`

/**
 * @since 0.1.0
 * @category models
 */
export interface CallerService {
  /** The tenant's GUID: with `objectId` it is who calls. */
  readonly tenantId: string
  /** The user's or the app's id in its tenant, never a name or an address. */
  readonly objectId: string
  /** The client that sent the request. */
  readonly clientId: string
  /** Whether nobody but the app itself is there: it has roles, and no scopes. */
  readonly isApp: boolean
  readonly scopes: ReadonlyArray<string>
  readonly roles: ReadonlyArray<string>
  /** All claims of the caller's token, without prototype. */
  readonly claims: Readonly<Record<string, unknown>>
  /**
   * The caller's tokens for other APIs (on-behalf-of), to be had as long as its own token holds. They fail with what the
   * caller has to be told; an app has none.
   */
  readonly tokens: TokenProvider<CallerError>
  /** Goes on if the caller's token has one of these scopes; 403 else, for an app too. */
  readonly requireScope: (...anyOf: readonly [string, ...ReadonlyArray<string>]) => Effect.Effect<void, CallerError>
  /** Goes on if the caller, a user or an app, has one of these roles; 403 else. */
  readonly requireRole: (...anyOf: readonly [string, ...ReadonlyArray<string>]) => Effect.Effect<void, CallerError>
  /**
   * Goes on if the user's sign-in has satisfied this authentication context (`acrs`). Else 401 with the claims to satisfy it,
   * where the caller's client can be told so (`cp1`), and 403 where not.
   */
  readonly requireAuthenticationContext: (id: AuthenticationContext) => Effect.Effect<void, CallerError>
  /** Tells the caller of another failure, such as the `ClaimsChallengeRequired` of a call to an API with one of its tokens. */
  readonly refuse: (error: TokenError) => Effect.Effect<never, CallerError>
}

/**
 * The caller of the current request; `OnBehalfOf` provides it.
 *
 * @since 0.1.0
 * @category tags
 */
export class Caller extends Context.Tag("effect-entra/Caller")<Caller, CallerService>() {}
