/**
 * Sign-in on a device without a browser (RFC 8628): the person reads a code, and types it into a browser elsewhere.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { Scopes } from "../core/TokenProvider.js"

/**
 * What the person has to be shown (RFC 8628 3.3).
 *
 * @since 0.1.0
 * @category models
 */
export interface DeviceCode {
  /** What the person types. */
  readonly userCode: string
  /** Where. */
  readonly verificationUri: string
  /** The same with the code in it, for a QR code; Entra gives none. */
  readonly verificationUriComplete: string | undefined
  /** Both in the authority's words, or in ours where it has none. */
  readonly message: string
  /** When the code runs out. */
  readonly expiresOn: DateTime.Utc
}

/**
 * @since 0.1.0
 * @category models
 */
export interface DeviceCodeRequest<E = never, R = never> {
  readonly scopes: Scopes
  /** Shows the code; its failure ends the sign-in. */
  readonly prompt: (code: DeviceCode) => Effect.Effect<unknown, E, R>
  readonly tenantId?: string | undefined
  /** A claims request as JSON, such as a claims challenge (OpenID Connect Core 5.5). */
  readonly claims?: string | undefined
  readonly correlationId?: string | undefined
}
