/**
 * The authorization code flow with PKCE: a browser is sent to the authority, and comes back with a code.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type { AccessToken } from "../core/AccessToken.js"
import type { Account } from "../core/Account.js"
import type { Scopes } from "../core/TokenProvider.js"

/**
 * One sign-in under way: made by `getAuthCodeUrl`, taken by `acquireTokenByCode`, and kept by the program between the two
 * requests, where only this browser gets at it (an encrypted cookie, a session). It serves once, and for 10 minutes.
 *
 * Encoded it holds the PKCE verifier in clear.
 *
 * @since 0.1.0
 * @category models
 */
export class AuthCodeFlow extends Schema.Class<AuthCodeFlow>("effect-entra/AuthCodeFlow")({
  state: Schema.Redacted(Schema.NonEmptyString),
  nonce: Schema.Redacted(Schema.NonEmptyString),
  codeVerifier: Schema.Redacted(Schema.NonEmptyString),
  redirectUri: Schema.NonEmptyString,
  scopes: Schema.Array(Schema.String),
  /** The tenant that was asked, when it was not the authority's. */
  tenantId: Schema.optional(Schema.String),
  /** The issuer as the authority's metadata names it. */
  issuer: Schema.String,
  /** Whether the response must name its issuer (RFC 9207 2.4). */
  isIssuerReturned: Schema.Boolean,
  claims: Schema.optional(Schema.String),
  maxAge: Schema.optional(Schema.Number),
  /** Epoch milliseconds. */
  startedAt: Schema.Number
}) {}

/**
 * How the user is asked (OpenID Connect Core 3.1.2.1).
 *
 * @since 0.1.0
 * @category models
 */
export type Prompt = "none" | "login" | "consent" | "select_account" | "create"

/**
 * @since 0.1.0
 * @category models
 */
export interface AuthCodeUrlRequest {
  /** As registered, character by character. */
  readonly redirectUri: string
  readonly scopes: Scopes
  /** Scopes of other resources, which the user consents to at the same time. */
  readonly extraScopesToConsent?: Scopes | undefined
  readonly tenantId?: string | undefined
  readonly prompt?: Prompt | undefined
  /** The user's name at the authority, to fill in. */
  readonly loginHint?: string | undefined
  /** The user's domain, to skip the choice of account. */
  readonly domainHint?: string | undefined
  /** A claims request as JSON, such as a claims challenge (OpenID Connect Core 5.5). */
  readonly claims?: string | undefined
  /** `form_post` keeps the code out of URLs; the default is the authority's, `query`. */
  readonly responseMode?: "query" | "form_post" | undefined
  /** The longest time since the user's last authentication, in seconds. */
  readonly maxAge?: number | undefined
  /** Further parameters of the authorization request. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface AuthCodeUrl {
  /** Where to send the browser. */
  readonly url: URL
  readonly flow: AuthCodeFlow
}

/**
 * @since 0.1.0
 * @category models
 */
export interface AuthorizationCodeRequest {
  readonly flow: AuthCodeFlow
  /** The parameters of the redirect: its query, or the posted form. */
  readonly response: URLSearchParams | Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** Whose accounts the user's is kept among; a server gives the id of the browser's session. */
  readonly session?: string | undefined
  readonly correlationId?: string | undefined
}

/**
 * A user who has signed in, with the first token.
 *
 * @since 0.1.0
 * @category models
 */
export interface AuthenticationResult {
  readonly account: Account
  readonly token: AccessToken
}
