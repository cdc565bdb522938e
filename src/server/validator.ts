import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { InvalidToken } from "../core/TokenError.js"
import type { DocumentFailure } from "../protocol/documents.js"
import type { Forbidden } from "./callerFailures.js"

/**
 * What a token tells that holds.
 *
 * @since 0.1.0
 * @category models
 */
export interface ValidatedToken {
  /** The tenant's GUID (`tid`), lower-case: with `objectId` it is who calls. Empty where the authority knows no tenants. */
  readonly tenantId: string
  /** The user's or the app's id in its tenant (`oid`), never a name or an address; `sub` at authorities that have no `oid`. */
  readonly objectId: string
  /** The client that got the token (`azp`, `appid`; RFC 9068 `client_id`). */
  readonly clientId: string
  /** Whether nobody but the app itself is there. */
  readonly isApp: boolean
  readonly scopes: ReadonlyArray<string>
  readonly roles: ReadonlyArray<string>
  /** When it ends, in epoch milliseconds. */
  readonly expiresAtMillis: number
  /** All claims, without prototype. */
  readonly claims: Readonly<Record<string, unknown>>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface TokenValidatorService {
  /**
   * What a token tells if it holds. `Forbidden` is an app whose own token has none of the wanted roles; document failures
   * mean that the authority's metadata or keys can't be had.
   */
  readonly validate: (
    token: Redacted.Redacted
  ) => Effect.Effect<ValidatedToken, InvalidToken | Forbidden | DocumentFailure>
  /** Where callers get tokens, for challenges. */
  readonly authorizationUri: string | undefined
}

/**
 * Validates access tokens: signature (RS256, PS256 or ES256), issuer, tenant, audience, times (5 minutes of tolerance), the
 * client that got it, scopes or an app's roles. Entra's v2 and v1 tokens are both known, each by its own metadata.
 *
 * Sources: Microsoft identity platform, access tokens (validation) and secure applications by claims validation; RFC 8725 3;
 * RFC 9068 4.
 *
 * @since 0.1.0
 * @category tags
 */
export class TokenValidator extends Context.Tag("effect-entra/TokenValidator")<
  TokenValidator,
  TokenValidatorService
>() {}
