/** How an API refuses a token: 401 and why, in `WWW-Authenticate`. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Encoding from "effect/Encoding"

const refused = (challenge: string) =>
  HttpServerResponse.empty({ status: 401, headers: { "www-authenticate": challenge } })

/**
 * The header that Azure Resource Manager sends: sdk/core/Azure.Core/tests/AuthorizationChallengeParserTests.cs of
 * https://github.com/Azure/azure-sdk-for-net. `reason` is ours, without quotes.
 */
export const invalidToken = (authority: string, reason: string) =>
  refused(`Bearer authorization_uri="${authority}", error="invalid_token", error_description="${reason}"`)

/**
 * A claims challenge as Microsoft Graph sends it, by the same tests, where `client_id` is Graph's own; `realm` has to be
 * empty with the endpoint for everybody (https://learn.microsoft.com/entra/identity-platform/claims-challenge).
 */
export const insufficientClaims = (origin: string, appId: string, claims: string) =>
  refused(
    `Bearer realm="", authorization_uri="${origin}/common/oauth2/authorize", client_id="${appId}", ` +
      `error="insufficient_claims", claims="${Encoding.encodeBase64(claims)}"`
  )
