/**
 * What a server that acts on behalf of its callers answers where it can't: 401, 403 or 503, and nothing of what the authority
 * said but its claims and a correlation id.
 *
 * @since 0.1.0
 */
import type { TokenError } from "../core/TokenError.js"
import type { Scopes } from "../core/TokenProvider.js"
import { answerTo } from "./answer.js"
import { headersOf } from "./answerHeaders.js"
import type { CallerError } from "./callerFailures.js"

export {
  CallerError,
  Forbidden,
  ForbiddenReason,
  isCallerError,
  Unauthorized,
  UnauthorizedReason,
  Unavailable,
  UnavailableReason
} from "./callerFailures.js"

/**
 * What was asked for when it failed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Asked {
  readonly scopes?: Scopes | undefined
  /** The claims that were to be satisfied; they go up where the authority names none of its own. */
  readonly claims?: string | undefined
  /** Whether the caller may be told of claims: `true` unless given. */
  readonly isChallenged?: boolean | undefined
  /** Epoch milliseconds, for failures that tell until when there is no use in asking. */
  readonly now?: number | undefined
}

/**
 * What the caller is told of a failure: 401 for what its own client can mend, 403 for what only people can, 503 for the
 * rest. Nothing of the authority's text is in it.
 *
 * Sources: Microsoft identity platform, Conditional Access developer guidance (on-behalf-of); RFC 6750 3.1.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromTokenError = (error: TokenError, asked?: Asked): CallerError => answerTo(error, asked)

/**
 * The headers of an answer: `WWW-Authenticate` of a 401, as `ClaimsChallenge.format` writes it, and `Retry-After` (whole
 * seconds) of a 503 whose time is known. `authorizationUri` is where the caller's client gets tokens.
 *
 * @since 0.1.0
 * @category getters
 */
export const headers = (
  error: CallerError,
  options?: { readonly authorizationUri?: string | undefined }
): Readonly<Record<string, string>> => headersOf(error, options?.authorizationUri)
