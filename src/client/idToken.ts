import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Metadata, ResolvedAuthority } from "../core/Authority.js"
import type { InvalidToken } from "../core/TokenError.js"
import type { DocumentFailure } from "../protocol/documents.js"

/**
 * The sign-in that an id token must answer.
 *
 * @since 0.1.0
 * @category models
 */
export interface Expectation {
  readonly clientId: string
  readonly authority: ResolvedAuthority
  readonly metadata: Metadata
  /** Absent where the request could carry none. */
  readonly nonce: string | undefined
  /** The longest time since the user's authentication, in seconds, if one was asked for. */
  readonly maxAge: number | undefined
  /** The tenants whose users may sign in; all of them where absent. */
  readonly tenants: ReadonlySet<string> | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface IdTokenVerifierService {
  /** The claims of an id token that holds. */
  readonly verify: (
    idToken: string,
    expectation: Expectation
  ) => Effect.Effect<Readonly<Record<string, unknown>>, InvalidToken | DocumentFailure>
}

/**
 * Validates id tokens (OpenID Connect Core 3.1.3.7).
 *
 * @since 0.1.0
 * @category tags
 */
export class IdTokenVerifier extends Context.Tag("effect-entra/IdTokenVerifier")<
  IdTokenVerifier,
  IdTokenVerifierService
>() {}
