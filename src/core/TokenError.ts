/**
 * Every way to fail, as tagged errors: one tag for one remedy, RFC 6749's word where it has one.
 *
 * No error ever holds a request, a response, a token or a secret; what a server said in prose is kept `Redacted`.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { details, diagnostics, refusal, retryAfter, source, status, waitOf } from "./answerFields.js"

/**
 * What all failures of the library tell.
 *
 * @since 0.1.0
 * @category models
 */
export interface Failure {
  /** Whether the same request may succeed later, nothing else being changed. */
  readonly isRetryable: boolean
  /** How long the server asked to wait. */
  readonly retryAfter?: Duration.Duration | undefined
  readonly message: string
}

/**
 * Why no answer arrived. The server saw nothing of `refused`, `unresolved`, `unreachable`, `certificate` and `handshake`;
 * of the others nobody knows.
 *
 * @since 0.1.0
 * @category models
 */
export const TransportReason = Schema.Literal(
  "refused",
  "unresolved",
  "unreachable",
  "certificate",
  "handshake",
  "reset",
  "timeout",
  "cutOff",
  "opaque"
)

/**
 * @since 0.1.0
 * @category models
 */
export type TransportReason = typeof TransportReason.Type

const transportText: Record<TransportReason, string> = {
  refused: "refused the connection",
  unresolved: "could not be resolved",
  unreachable: "could not be reached",
  certificate: "showed a certificate that is not trusted",
  handshake: "failed the TLS handshake",
  reset: "closed the connection without an answer",
  timeout: "did not answer in time",
  cutOff: "broke off in the middle of its answer",
  opaque: "could not be reached (the HTTP client tells no reason)"
}

const notSent: ReadonlySet<TransportReason> = new Set([
  "refused",
  "unresolved",
  "unreachable",
  "certificate",
  "handshake"
])

/**
 * No complete answer arrived. Retryable, except when the server's certificate is not trusted.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransportError extends Schema.TaggedError<TransportError>("effect-entra/TokenError/TransportError")(
  "TransportError",
  {
    reason: TransportReason,
    host: Schema.String,
    /** The system's code, such as `ECONNRESET`. */
    code: Schema.optional(Schema.String)
  }
) {
  /** Whether the server can have seen the request. */
  get phase(): "notSent" | "unknown" {
    return notSent.has(this.reason) ? "notSent" : "unknown"
  }
  get isRetryable(): boolean {
    return this.reason !== "certificate"
  }
  override get message(): string {
    return `${this.host} ${transportText[this.reason]}${this.code === undefined ? "" : ` (${this.code})`}`
  }
}

/**
 * The service asks for patience (429), or a wait that it asked for is longer than the policy allows. Come back at `until`.
 *
 * @since 0.1.0
 * @category errors
 */
export class Throttled extends Schema.TaggedError<Throttled>("effect-entra/TokenError/Throttled")("Throttled", {
  source,
  /** When to come back; absent when the server named no time. */
  until: Schema.optional(Schema.DateTimeUtc),
  retryAfter,
  status: Schema.optional(status),
  error: Schema.optional(Schema.String),
  ...diagnostics
}) {
  get isRetryable(): boolean {
    return true
  }
  override get message(): string {
    return `The authority throttles this client${waitOf(this)}${details(this)}`
  }
}

/**
 * The authority is down or overloaded: 408, 5xx, `temporarily_unavailable`, `server_error`; or it was so often that it is
 * not asked until `until` (`source` is `local`).
 *
 * @since 0.1.0
 * @category errors
 */
export class AuthorityUnavailable extends Schema.TaggedError<AuthorityUnavailable>(
  "effect-entra/TokenError/AuthorityUnavailable"
)("AuthorityUnavailable", {
  source,
  /** Absent when nothing was sent. */
  status: Schema.optional(status),
  /** When to come back, where the server or its circuit tells. */
  until: Schema.optional(Schema.DateTimeUtc),
  retryAfter,
  error: Schema.optional(Schema.String),
  ...diagnostics
}) {
  get isRetryable(): boolean {
    return this.status !== 501 && this.status !== 505
  }
  override get message(): string {
    return `The authority is unavailable${waitOf(this)}${details(this)}`
  }
}

/**
 * What is wrong with an answer.
 *
 * @since 0.1.0
 * @category models
 */
export const MalformedReason = Schema.Literal(
  "redirect",
  "notJson",
  "truncated",
  "unexpectedShape",
  "tooLarge",
  "otherIdentity"
)

/**
 * @since 0.1.0
 * @category models
 */
export type MalformedReason = typeof MalformedReason.Type

const malformedText: Record<MalformedReason, string> = {
  redirect: "with a redirect, which is never followed",
  notJson: "with something that is not JSON",
  truncated: "with JSON that breaks off",
  unexpectedShape: "with JSON that is neither a token nor an error",
  tooLarge: "with more than 1 MiB",
  otherIdentity: "with a token that it does not confirm to be of the identity that was asked for"
}

/**
 * An answer that is neither a token response (RFC 6749 5.1) nor an error response (5.2): usually something between us and
 * the authority. Retryable when it broke off, or when its status promised a token.
 *
 * @since 0.1.0
 * @category errors
 */
export class MalformedResponse extends Schema.TaggedError<MalformedResponse>(
  "effect-entra/TokenError/MalformedResponse"
)("MalformedResponse", { reason: MalformedReason, status }) {
  get isRetryable(): boolean {
    if (this.reason === "redirect" || this.reason === "tooLarge" || this.reason === "otherIdentity") return false
    return this.reason === "truncated" || (this.status >= 200 && this.status < 300)
  }
  override get message(): string {
    return `The authority answered ${malformedText[this.reason]} (HTTP ${this.status})`
  }
}

/**
 * `invalid_client` (RFC 6749 5.2): the authority does not accept the client's secret, certificate or assertion.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidClient extends Schema.TaggedError<InvalidClient>("effect-entra/TokenError/InvalidClient")(
  "InvalidClient",
  refusal
) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `The authority refused the client's credential${details(this)}`
  }
}

/**
 * All other protocol errors (`invalid_request`, `invalid_scope`, `unauthorized_client`, ...): the program or the app
 * registration must change.
 *
 * @since 0.1.0
 * @category errors
 */
export class RequestRejected extends Schema.TaggedError<RequestRejected>("effect-entra/TokenError/RequestRejected")(
  "RequestRejected",
  {
    ...refusal,
    /** The claims that the authority asked for, as JSON: an app has nobody who could satisfy them. */
    claims: Schema.optional(Schema.String)
  }
) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `The authority rejected the request${details(this)}`
  }
}

/**
 * `invalid_grant` that no interaction mends by itself: the refresh token, code or assertion is used up, revoked or
 * expired. Get a new one.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidGrant extends Schema.TaggedError<InvalidGrant>("effect-entra/TokenError/InvalidGrant")(
  "InvalidGrant",
  refusal
) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `The grant is no longer valid${details(this)}`
  }
}

/**
 * What the user will meet, by `suberror` (MSAL: classification); `none` when the authority does not say.
 *
 * @since 0.1.0
 * @category models
 */
export const Classification = Schema.Literal(
  "basic_action",
  "additional_action",
  "message_only",
  "consent_required",
  "user_password_expired",
  "none"
)

/**
 * @since 0.1.0
 * @category models
 */
export type Classification = typeof Classification.Type

/**
 * Only the user can go on: sign in, consent, second factor. Ask interactively, with `claims` when they are there.
 *
 * @since 0.1.0
 * @category errors
 */
export class InteractionRequired extends Schema.TaggedError<InteractionRequired>(
  "effect-entra/TokenError/InteractionRequired"
)("InteractionRequired", {
  ...refusal,
  classification: Classification,
  /** The claims request (OpenID Connect Core 5.5) as the authority wrote it. */
  claims: Schema.optional(Schema.String)
}) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `The user has to take part${details(this)}`
  }
}

/**
 * Why a claims challenge can't be answered here: the user must take part; the token that was refused had been acquired with
 * these very claims; the API demanded other claims of the new token, which nobody has tried, for a call is repeated once; or
 * the call's body can't be sent again.
 *
 * @since 0.1.0
 * @category models
 */
export const ClaimsChallengeReason = Schema.Literal("interaction", "repeated", "another", "body")

/**
 * @since 0.1.0
 * @category models
 */
export type ClaimsChallengeReason = typeof ClaimsChallengeReason.Type

const claimsChallengeText: Record<ClaimsChallengeReason, string> = {
  interaction: "The resource demands claims that only its caller's client can satisfy",
  repeated: "The resource demands claims with which the token that it refused had been acquired",
  another: "The resource demands other claims of the token that it got for its first ones: call again with these",
  body: "The resource demands claims, and the call's body can't be sent again: use bytes or text, or call again"
}

/**
 * A resource demands claims that this program can't satisfy: pass them up to the caller's own client.
 *
 * @since 0.1.0
 * @category errors
 */
export class ClaimsChallengeRequired extends Schema.TaggedError<ClaimsChallengeRequired>(
  "effect-entra/TokenError/ClaimsChallengeRequired"
)("ClaimsChallengeRequired", {
  /** The claims request (OpenID Connect Core 5.5) as it came. */
  claims: Schema.String,
  reason: Schema.propertySignature(ClaimsChallengeReason).pipe(
    Schema.withConstructorDefault(() => "interaction" as const)
  ),
  /** The failure of who was to ask the user. */
  cause: Schema.optional(Schema.RedactedFromSelf(Schema.Unknown))
}) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return claimsChallengeText[this.reason]
  }
}

/**
 * Misuse: a parameter is wrong. Raised before any request.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConfigurationError extends Schema.TaggedError<ConfigurationError>(
  "effect-entra/TokenError/ConfigurationError"
)("ConfigurationError", {
  parameter: Schema.String,
  /** What was expected, and of what. Never the value of a secret. */
  expected: Schema.String,
  remedy: Schema.String
}) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `${this.parameter}: expected ${this.expected}. ${this.remedy}`
  }
}

/**
 * What became of one step of a chain.
 *
 * @since 0.1.0
 * @category models
 */
export interface FailedStep {
  readonly name: string
  readonly failure: TokenError
  /** What to do about it. */
  readonly remedy: string
}

const isFailedStep = (value: unknown): value is FailedStep =>
  typeof value === "object" && value !== null && "failure" in value && isTokenError(value.failure)

/**
 * The client's credential can't be produced here and now (a file is missing, a tool is not signed in).
 *
 * @since 0.1.0
 * @category errors
 */
export class CredentialUnavailable extends Schema.TaggedError<CredentialUnavailable>(
  "effect-entra/TokenError/CredentialUnavailable"
)("CredentialUnavailable", {
  credential: Schema.String,
  reason: Schema.String,
  /** What to do about it, where that is known. */
  remedy: Schema.optional(Schema.String),
  /** Whether it may pass by itself. */
  isTransient: Schema.optional(Schema.Boolean),
  /** Of a chain of credentials: what became of each. */
  steps: Schema.optional(Schema.Array(Schema.declare(isFailedStep))),
  /** The error of the caller's own Effect. */
  cause: Schema.optional(Schema.RedactedFromSelf(Schema.Unknown))
}) {
  get isRetryable(): boolean {
    return this.isTransient === true
  }
  override get message(): string {
    return `${this.credential} is unavailable: ${this.reason}${this.remedy === undefined ? "" : `. ${this.remedy}`}`
  }
}

/**
 * The client's scope was closed while the call waited, or before it.
 *
 * @since 0.1.0
 * @category errors
 */
export class ClientClosed extends Schema.TaggedError<ClientClosed>("effect-entra/TokenError/ClientClosed")(
  "ClientClosed",
  {}
) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return "The client's scope is closed: use the client within the layer or scope that made it"
  }
}

/**
 * The device code ran out before the user entered it (RFC 8628 3.5 `expired_token`): start again.
 *
 * @since 0.1.0
 * @category errors
 */
export class DeviceCodeExpired extends Schema.TaggedError<DeviceCodeExpired>(
  "effect-entra/TokenError/DeviceCodeExpired"
)("DeviceCodeExpired", refusal) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `The device code has expired${details(this)}`
  }
}

/**
 * The user or an administrator said no (`authorization_declined`, `access_denied`).
 *
 * @since 0.1.0
 * @category errors
 */
export class AuthorizationDeclined extends Schema.TaggedError<AuthorizationDeclined>(
  "effect-entra/TokenError/AuthorizationDeclined"
)("AuthorizationDeclined", refusal) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `The authorization was declined${details(this)}`
  }
}

/**
 * What is wrong with a token that was handed to us.
 *
 * @since 0.1.0
 * @category models
 */
export const InvalidTokenReason = Schema.Literal(
  "malformed",
  "bound",
  "algorithm",
  "key",
  "signature",
  "issuer",
  "tenant",
  "policy",
  "audience",
  "authorizedParty",
  "expired",
  "notYetValid",
  "nonce",
  "authenticationTime"
)

/**
 * @since 0.1.0
 * @category models
 */
export type InvalidTokenReason = typeof InvalidTokenReason.Type

const invalidTokenText: Record<InvalidTokenReason, string> = {
  malformed: "is no signed JWT with the claims that it must have",
  bound: "is bound to a key (cnf): as a bearer token it does not count",
  algorithm: "is signed with an algorithm that is not allowed",
  key: "is signed with a key that its issuer does not publish",
  signature: "has a signature that does not fit",
  issuer: "is from another issuer",
  tenant: "is from a tenant that is not allowed",
  policy: "is from another policy",
  audience: "is meant for someone else",
  authorizedParty: "was issued to another client",
  expired: "has expired",
  notYetValid: "is not valid yet",
  nonce: "answers another request",
  authenticationTime: "tells of a sign-in that is too long ago, or not when it was"
}

/**
 * A token that was handed to us does not hold (RFC 6750 3.1 `invalid_token`; OpenID Connect Core 3.1.3.7). Don't believe it.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidToken extends Schema.TaggedError<InvalidToken>("effect-entra/TokenError/InvalidToken")(
  "InvalidToken",
  { token: Schema.Literal("id token", "access token"), reason: InvalidTokenReason }
) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `The ${this.token} ${invalidTokenText[this.reason]}`
  }
}

/**
 * What is wrong with an authorization response.
 *
 * @since 0.1.0
 * @category models
 */
export const AuthorizationResponseReason = Schema.Literal(
  "state",
  "issuer",
  "expired",
  "used",
  "malformed",
  "timeout",
  "account"
)

/**
 * @since 0.1.0
 * @category models
 */
export type AuthorizationResponseReason = typeof AuthorizationResponseReason.Type

const authorizationResponseText: Record<AuthorizationResponseReason, string> = {
  state: "answers another sign-in (state)",
  issuer: "is from another issuer (iss), or does not name it",
  expired: "comes more than 10 minutes after its sign-in began",
  used: "was taken already",
  malformed: "holds neither a code nor an error",
  timeout: "did not come in time",
  account: "is of another account than was asked for"
}

/**
 * A redirect back to the program that does not belong to the sign-in it is held against (RFC 6749 4.1.2, RFC 9207). Begin
 * anew.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidAuthorizationResponse extends Schema.TaggedError<InvalidAuthorizationResponse>(
  "effect-entra/TokenError/InvalidAuthorizationResponse"
)("InvalidAuthorizationResponse", { reason: AuthorizationResponseReason }) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `The authorization response ${authorizationResponseText[this.reason]}`
  }
}

/**
 * The store behind the cache can't be reached, and this user is known there alone. Ask again later.
 *
 * @since 0.1.0
 * @category errors
 */
export class CacheUnavailable extends Schema.TaggedError<CacheUnavailable>("effect-entra/TokenError/CacheUnavailable")(
  "CacheUnavailable",
  {}
) {
  get isRetryable(): boolean {
    return true
  }
  override get message(): string {
    return "The store of the token cache can't be reached, and this user is known there alone"
  }
}

/**
 * How an app's own exchange can fail.
 *
 * @since 0.1.0
 * @category models
 */
export type ExchangeError =
  | TransportError
  | Throttled
  | AuthorityUnavailable
  | MalformedResponse
  | InvalidClient
  | RequestRejected
  | ConfigurationError
  | CredentialUnavailable
  | ClientClosed

/**
 * How an exchange for a user can fail: adds what only a person can mend.
 *
 * @since 0.1.0
 * @category models
 */
export type UserError = ExchangeError | InvalidGrant | InteractionRequired | CacheUnavailable

/**
 * How a sign-in can fail.
 *
 * @since 0.1.0
 * @category models
 */
export type SignInError = UserError | AuthorizationDeclined | InvalidToken | InvalidAuthorizationResponse

/**
 * How any acquisition can fail.
 *
 * @since 0.1.0
 * @category models
 */
export type TokenError = SignInError | ClaimsChallengeRequired | DeviceCodeExpired

const tags = [
  TransportError,
  Throttled,
  AuthorityUnavailable,
  MalformedResponse,
  InvalidClient,
  RequestRejected,
  ConfigurationError,
  CredentialUnavailable,
  ClientClosed,
  InvalidGrant,
  InteractionRequired,
  CacheUnavailable,
  AuthorizationDeclined,
  InvalidToken,
  InvalidAuthorizationResponse,
  ClaimsChallengeRequired,
  DeviceCodeExpired
]

/**
 * @since 0.1.0
 * @category guards
 */
export const isTokenError = (value: unknown): value is TokenError => tags.some((tag) => value instanceof tag)
