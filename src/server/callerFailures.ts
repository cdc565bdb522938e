import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"

/** To find the case in the authority's logs, and in those of whoever runs the server. */
const correlationId = Schema.optional(Schema.String)

/**
 * Why a caller has to come with another token: it brought none; what it brought does not hold, or does no longer; or the
 * authority demands claims of it.
 *
 * @since 0.1.0
 * @category models
 */
export const UnauthorizedReason = Schema.Literal("no_token", "invalid_token", "insufficient_claims")

/**
 * @since 0.1.0
 * @category models
 */
export type UnauthorizedReason = typeof UnauthorizedReason.Type

const unauthorizedText: Record<UnauthorizedReason, string> = {
  no_token: "The caller sent no Bearer token",
  invalid_token: "The caller's token does not hold, or does no longer",
  insufficient_claims: "The caller's token lacks claims that are demanded"
}

/**
 * 401: the caller has to come with another token (RFC 6750 3.1).
 *
 * @since 0.1.0
 * @category errors
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>("effect-entra/CallerError/Unauthorized")(
  "Unauthorized",
  {
    reason: UnauthorizedReason,
    /** The claims request (OpenID Connect Core 5.5) that the caller's next token has to satisfy, as it came. */
    claims: Schema.optional(Schema.String),
    correlationId
  },
  HttpApiSchema.annotations({ status: 401 })
) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return unauthorizedText[this.reason]
  }
}

/**
 * Why a caller is known and may not: it lacks a scope or role; somebody has to consent first; the authority lets this user
 * not through; it has to be a user, and is an app; or the user must take part, and the caller's client has not said that it can
 * be told so (`cp1`).
 *
 * @since 0.1.0
 * @category models
 */
export const ForbiddenReason = Schema.Literal(
  "insufficient_scope",
  "consent_required",
  "access_denied",
  "user_required",
  "interaction_required"
)

/**
 * @since 0.1.0
 * @category models
 */
export type ForbiddenReason = typeof ForbiddenReason.Type

const forbiddenText: Record<ForbiddenReason, string> = {
  insufficient_scope: "The caller's token has none of the scopes or roles that are wanted",
  consent_required: "Nobody has consented yet that this server asks for these scopes in the caller's name",
  access_denied: "The authority does not let this user through",
  user_required: "The caller is an app, where only users are served",
  interaction_required: "The user has to take part, and the caller's client has not said that it can be told so"
}

/**
 * 403: another token of the same kind won't help.
 *
 * @since 0.1.0
 * @category errors
 */
export class Forbidden extends Schema.TaggedError<Forbidden>("effect-entra/CallerError/Forbidden")(
  "Forbidden",
  {
    reason: ForbiddenReason,
    /** What is wanted, any of it, or has to be consented to, separated by spaces. */
    scope: Schema.optional(Schema.String),
    correlationId
  },
  HttpApiSchema.annotations({ status: 403 })
) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return forbiddenText[this.reason]
  }
}

/**
 * Why it can't be done now: the authority asks for patience, or does not answer; or this server is not set up as it should be.
 *
 * @since 0.1.0
 * @category models
 */
export const UnavailableReason = Schema.Literal("throttled", "unavailable", "server_error")

/**
 * @since 0.1.0
 * @category models
 */
export type UnavailableReason = typeof UnavailableReason.Type

const unavailableText: Record<UnavailableReason, string> = {
  throttled: "The authority asks this server for patience",
  unavailable: "The authority does not answer",
  server_error: "This server is not set up as the authority wants it"
}

/**
 * 503: nothing is wrong with the caller.
 *
 * @since 0.1.0
 * @category errors
 */
export class Unavailable extends Schema.TaggedError<Unavailable>("effect-entra/CallerError/Unavailable")(
  "Unavailable",
  {
    reason: UnavailableReason,
    /** In milliseconds on the wire. */
    retryAfter: Schema.optional(Schema.DurationFromMillis),
    correlationId
  },
  HttpApiSchema.annotations({ status: 503 })
) {
  get isRetryable(): boolean {
    return this.reason !== "server_error"
  }
  override get message(): string {
    return unavailableText[this.reason]
  }
}

/**
 * All that a server tells its callers: declare it as the failure of endpoints and of rpcs.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CallerError = Schema.Union(Unauthorized, Forbidden, Unavailable)

/**
 * @since 0.1.0
 * @category schemas
 */
export type CallerError = typeof CallerError.Type

/**
 * @since 0.1.0
 * @category guards
 */
export const isCallerError = (value: unknown): value is CallerError =>
  value instanceof Unauthorized || value instanceof Forbidden || value instanceof Unavailable
