/**
 * What a resource that answers 401 asks for in its `WWW-Authenticate` field: claims (Conditional Access, Continuous Access
 * Evaluation), a stronger sign-in, more scopes, another token. Reading it, and writing it for one's own callers.
 *
 * @since 0.1.0
 */
import * as Inspectable from "effect/Inspectable"
import type * as Redacted from "effect/Redacted"
import { readChallengeClaims, writeChallengeClaims } from "./challengeClaims.js"
import { writeBearer } from "./challengeField.js"
import { resourceOf, tenantOf } from "./challengeHints.js"
import { bearerParameters, descriptionOf, plainParameter } from "./challengeParameters.js"
import { capabilityClaims, mergeClaims } from "./claims.js"
import type { Scopes } from "./scopes.js"
import type { TokenError } from "./TokenError.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Fields {
  /** A claims request (OpenID Connect Core 5.5), decoded, as it was written. */
  readonly claims: string
  /** Usually `insufficient_claims`; `invalid_token` of a session that was revoked. */
  readonly error?: string | undefined
  /** The server's prose, 2 kB at most. */
  readonly description?: Redacted.Redacted | undefined
  readonly scope?: string | undefined
  /** The tenant, or empty. */
  readonly realm?: string | undefined
}

/**
 * A claims challenge: a token with these claims is wanted. Printing it shows the error alone, for claims may hold a user's
 * address (`xms_rp_ipaddr`).
 *
 * @since 0.1.0
 * @category models
 */
export class ClaimsChallenge extends Inspectable.Class implements Fields {
  readonly claims: string
  readonly error: string | undefined
  readonly description: Redacted.Redacted | undefined
  readonly scope: string | undefined
  readonly realm: string | undefined

  constructor(fields: Fields) {
    super()
    this.claims = fields.claims
    this.error = fields.error
    this.description = fields.description
    this.scope = fields.scope
    this.realm = fields.realm
  }

  toJSON(): unknown {
    return { _id: "ClaimsChallenge", error: this.error }
  }
}

const detailsOf = (parameters: Readonly<Record<string, string>>) => ({
  error: plainParameter(parameters, "error"),
  description: descriptionOf(parameters),
  scope: plainParameter(parameters, "scope"),
  realm: plainParameter(parameters, "realm")
})

/**
 * Reads the claims challenge in a `WWW-Authenticate` field; absent where there is none.
 *
 * A Bearer challenge whose `claims` are a JSON object (as base64 or base64url, padded or not, or as it is; 8 kB and 16 levels
 * at most) is one whatever its `error` says. Of several the first one that can be read counts: a call is repeated once, and a
 * resource that asks for more will say so again. That the status is 401 is for the caller to see.
 *
 * Source: Microsoft identity platform, claims challenges, claims requests and client capabilities; RFC 9110 11.6.1.
 *
 * @since 0.1.0
 * @category parsing
 */
export const parse = (header: string | undefined): ClaimsChallenge | undefined => {
  for (const parameters of bearerParameters(header)) {
    const claims = readChallengeClaims(parameters.claims ?? "")
    if (claims !== undefined) return new ClaimsChallenge({ claims, ...detailsOf(parameters) })
  }
  return undefined
}

/**
 * The errors that RFC 6750 3.1 gives to Bearer challenges.
 *
 * @since 0.1.0
 * @category models
 */
export type BearerErrorCode = "invalid_request" | "invalid_token" | "insufficient_scope"

/**
 * Why a resource refused a token.
 *
 * @since 0.1.0
 * @category models
 */
export interface BearerError {
  readonly error: BearerErrorCode
  /** The server's prose, 2 kB at most. */
  readonly description: Redacted.Redacted | undefined
  /** What the token must have, of `insufficient_scope`. */
  readonly scope: string | undefined
}

const isBearerError = (error: string | undefined): error is BearerErrorCode =>
  error === "invalid_request" || error === "invalid_token" || error === "insufficient_scope"

/**
 * Reads the error of RFC 6750 3.1 in a `WWW-Authenticate` field, the first one of several; absent where there is none. A
 * claims challenge may have one too: ask {@link parse} first.
 *
 * @since 0.1.0
 * @category parsing
 */
export const bearerError = (header: string | undefined): BearerError | undefined => {
  for (const parameters of bearerParameters(header)) {
    const { description, error, scope } = detailsOf(parameters)
    if (isBearerError(error)) return { error, description, scope }
  }
  return undefined
}

/**
 * The sign-in that a resource demands (RFC 9470 3). It goes into an authorization request as parameters (RFC 9470 4):
 * `maxAge`, and `parameters: { acr_values: acrValues.join(" ") }`. As a claims request (OpenID Connect Core 5.5.1.1) only the
 * first half can be said, `{"id_token":{"acr":{"essential":true,"values":[...]}}}`: no claim limits the age of a sign-in.
 *
 * @since 0.1.0
 * @category models
 */
export interface StepUp {
  /** Authentication context class references, the preferred one first; empty where any will do. */
  readonly acrValues: ReadonlyArray<string>
  /** The longest time since the user's last authentication, in seconds. */
  readonly maxAge: number | undefined
  readonly scope: string | undefined
  /** The server's prose, 2 kB at most. */
  readonly description: Redacted.Redacted | undefined
}

const digits = /^\d{1,9}$/

/**
 * Reads the demand for a stronger or a fresher sign-in (`insufficient_user_authentication`) in a `WWW-Authenticate` field,
 * the first one of several; absent where there is none.
 *
 * Source: RFC 9470 3.
 *
 * @since 0.1.0
 * @category parsing
 */
export const stepUp = (header: string | undefined): StepUp | undefined => {
  for (const parameters of bearerParameters(header)) {
    const { description, error, scope } = detailsOf(parameters)
    if (error !== "insufficient_user_authentication") continue
    const acrValues = (plainParameter(parameters, "acr_values") ?? "").split(" ").filter((value) => value !== "")
    const age = parameters.max_age ?? ""
    return { acrValues, maxAge: digits.test(age) ? Number(age) : undefined, scope, description }
  }
  return undefined
}

/**
 * What a challenge teaches about the resource that sent it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Hints {
  /** The tenant's GUID, lower-case. Whether it may be asked for tokens is not the resource's to say. */
  readonly tenantId: string | undefined
  /** Append `/.default` for a scope. */
  readonly resource: string | undefined
}

/**
 * Reads what Bearer challenges teach of tenant and resource: ARM, Key Vault and Storage name them in three ways. Never a host
 * to send anything to: of an authority only a tenant's GUID is taken, and a resource only where `url`, which was asked, has the
 * resource's host or one beneath it. Storage's and ARM's resources have other hosts than their services, and stay unknown.
 *
 * Source: Azure Key Vault, authentication, requests and responses; Azure Storage, authorize with Microsoft Entra ID (bearer
 * challenge).
 *
 * @since 0.1.0
 * @category parsing
 */
export const hints = (header: string | undefined, url: URL): Hints => {
  const challenges = bearerParameters(header)
  return {
    tenantId: challenges.map(tenantOf).find((tenantId) => tenantId !== undefined),
    resource: challenges.map((parameters) => resourceOf(parameters, url)).find((resource) => resource !== undefined)
  }
}

/**
 * The claims request that answers a challenge: what it asks for, and what the client can do (`cp1`). The challenge wins, except
 * that capabilities are united. Absent where there is neither.
 *
 * @since 0.1.0
 * @category combinators
 */
export const merge = (claims: string | undefined, capabilities: ReadonlyArray<string>): string | undefined =>
  mergeClaims(capabilityClaims(capabilities), claims)

/**
 * What to tell a caller.
 *
 * @since 0.1.0
 * @category models
 */
export interface FormatOptions {
  /** Where the caller's client gets tokens, such as `https://login.microsoftonline.com/common/oauth2/authorize`. */
  readonly authorizationUri?: string | undefined
  /** Empty beside claims, else absent, unless it is told. */
  readonly realm?: string | undefined
  /** Absent where no token came (RFC 6750 3.1). Claims have an error of their own. */
  readonly error?: BearerErrorCode | undefined
  /** What the token must have, of `insufficient_scope`. */
  readonly scope?: Scopes | undefined
  /** A claims request as JSON, handed on byte by byte: the error is `insufficient_claims` then. */
  readonly claims?: string | undefined
}

/**
 * Writes the `WWW-Authenticate` value of a server's 401, or of its 403 `insufficient_scope`:
 * `Bearer realm="", authorization_uri="...", error="insufficient_claims", claims="<base64>"` and parts of it.
 *
 * Total, and safe whatever goes in: a value with a quote, a backslash, a control character or a character beyond ASCII is left
 * out, and so are scopes that are none, a URI that is no https URL and claims that {@link parse} would not read.
 *
 * Source: Microsoft identity platform, claims challenge header format; RFC 6750 3.
 *
 * @since 0.1.0
 * @category formatting
 */
export const format = (options: FormatOptions): string => writeBearer(options)

/**
 * The challenge that a failed exchange stands for, such as on-behalf-of where Conditional Access demands claims of the user:
 * its claims as they came, nothing of the authority's prose. Absent for errors without claims that {@link parse} would read.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromTokenError = (error: TokenError): ClaimsChallenge | undefined => {
  const claims = "claims" in error ? error.claims : undefined
  return claims === undefined || writeChallengeClaims(claims) === undefined
    ? undefined
    : new ClaimsChallenge({ claims, error: "insufficient_claims", realm: "" })
}
