import { AccessToken } from "../core/AccessToken.js"
import type { TokenResponse } from "../protocol/wire.js"

/** Epoch seconds where the server gives no lifetime (v1, B2C). */
const expiryOf = (response: TokenResponse, now: number): number | undefined => {
  if (response.expires_in !== undefined) return now + response.expires_in * 1000
  return response.expires_on === undefined ? undefined : response.expires_on * 1000
}

const scopesOf = (response: TokenResponse, asked: ReadonlyArray<string>): ReadonlyArray<string> => {
  const granted = response.scope?.split(" ").filter((scope) => scope.length > 0) ?? []
  return granted.length > 0 ? granted : asked
}

/**
 * The token that a response holds, as of now.
 *
 * @internal
 */
export const issuedToken = (
  response: TokenResponse,
  asked: ReadonlyArray<string>,
  correlationId: string,
  now: number
): AccessToken =>
  new AccessToken({
    accessToken: response.access_token,
    tokenType: response.token_type,
    scopes: scopesOf(response, asked),
    expiresAtMillis: expiryOf(response, now),
    refreshAtMillis: response.refresh_in === undefined ? undefined : now + response.refresh_in * 1000,
    source: "identity_provider",
    correlationId
  })
