/**
 * What authorities have answered, as the public record has it. Ids and policy names are made up.
 */

export const traceId = "0f5d4e1a-8c55-4b0a-9d0d-2a6b1f3c5e00"
export const correlationId = "1a2b3c4d-5e6f-4a0b-8c9d-0e1f2a3b4c5d"
export const timestamp = "2025-06-30 11:22:33Z"

const tail = (separator: string) =>
  [`Trace ID: ${traceId}`, `Correlation ID: ${correlationId}`, `Timestamp: ${timestamp}`].join(separator)

/** An answer as Entra writes it. */
export const entraError = (
  error: string,
  code: number,
  extra: Readonly<Record<string, unknown>> = {}
): Readonly<Record<string, unknown>> => ({
  error,
  error_description: `AADSTS${code}: What is wrong, in prose.\r\n${tail("\r\n")}`,
  error_codes: [code],
  timestamp,
  trace_id: traceId,
  correlation_id: correlationId,
  error_uri: `https://login.microsoftonline.com/error?code=${code}`,
  ...extra
})

/** azure-docs: v2-oauth2-client-creds-grant-flow. */
export const appToken = {
  token_type: "Bearer",
  expires_in: 3599,
  ext_expires_in: 3599,
  access_token: "eyJ0eXAi.e30.sig"
}

/** v1 and AD FS: numbers as strings, no scope. */
export const v1Token = {
  token_type: "Bearer",
  expires_in: "3599",
  ext_expires_in: "3599",
  expires_on: "1735693199",
  not_before: "1735689300",
  resource: "https://graph.windows.net",
  access_token: "eyJ0eXAi.e30.sig"
}

/** azure-docs: v2-oauth2-auth-code-flow. */
export const userToken = {
  ...appToken,
  scope: "https://graph.microsoft.com/Mail.Read openid profile",
  refresh_token: "0.refresh",
  id_token: "eyJ0eXAi.e30.id",
  client_info: "eyJ1aWQiOiJ1IiwidXRpZCI6InQifQ"
}

/** msal-js#5491: claims come with `invalid_grant`, and under their newer name. */
export const capolids = '{"access_token":{"capolids":{"essential":true,"values":["policy"]}}}'
/** azure-docs: v2-conditional-access-dev-guide. */
export const polids = '{"access_token":{"polids":{"essential":true,"Values":["policy"]}}}'

/** msal-js#4019: the backup authentication service has no prefix, and no members beside. */
export const backupService = {
  error: "temporarily_unavailable",
  error_description: "50033 - [6/1/2021 8:35:00 AM]: CCS could not serve the request."
}

/** Old answers carried two codes, the specific one last. */
export const twoCodes = {
  ...entraError("invalid_grant", 70002),
  error_description: `AADSTS70002: Error validating credentials. AADSTS500133: Assertion is not within its valid time range. ${tail(" ")}`,
  error_codes: [70002, 500133]
}

/** Newer answers separate by single spaces; this one has nothing but its description. */
export const descriptionOnly = {
  error: "invalid_grant",
  error_description: `AADSTS50076: You must use multi-factor authentication. ${tail(" ")}`
}

/** Azure AD B2C, msal-android#2257. */
export const b2c = {
  error: "invalid_grant",
  error_description: `AADB2C90080: The provided grant has expired.\r\nCorrelation ID: ${correlationId}\r\nTimestamp: ${timestamp}\r\n`
}

/** AD FS, msal-dotnet#1483. */
export const adfs = {
  error: "invalid_client",
  error_description: "MSIS9605: The client is not allowed to access the requested resource."
}

export const html = "<!DOCTYPE html><html><head><title>Service Unavailable</title></head><body>503</body></html>"
