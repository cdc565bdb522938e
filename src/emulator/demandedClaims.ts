/** Claims requests as a challenge or a refusal makes them, for the client to send back as they are. */

type Demand = Readonly<
  Record<string, { readonly essential?: boolean; readonly value?: string; readonly values?: unknown }>
>

const ofAccessToken = (demand: Demand): string => JSON.stringify({ access_token: demand })

/** One claim that has to be there (OpenID Connect Core 5.5.1). */
export const essential = (
  claim: string,
  wanted: { readonly value?: string; readonly values?: ReadonlyArray<string> }
) => ofAccessToken({ [claim]: { essential: true, ...wanted } })

const notBefore = (millis: number) => ({ essential: true, value: String(Math.floor(millis / 1000)) })

/**
 * The demand of an API that was told of a revocation, in seconds as a string:
 * https://learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation, and "sessions revoked"
 * in sdk/azcore/arm/runtime/policy_bearer_token_test.go of https://github.com/Azure/azure-sdk-for-go.
 */
export const newerThan = (millis: number): string => ofAccessToken({ nbf: notBefore(millis) })

/** The demand of an API that saw the caller at another address: "IP policy" in that file. */
export const from = (address: string, millis: number): string =>
  ofAccessToken({ nbf: notBefore(millis), xms_rp_ipaddr: { value: address } })
