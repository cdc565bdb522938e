import * as Effect from "effect/Effect"
import { type ResolvedAuthority, requireTenant } from "../core/Authority.js"
import { inRegion } from "../core/resolvedAuthority.js"
import { type ExchangeError, RequestRejected } from "../core/TokenError.js"
import { clientCredentials } from "../protocol/grants.js"
import { appHolder } from "./holders.js"
import type { Principal } from "./principal.js"
import type { Region } from "./region.js"
import type { Ask } from "./tokenRequest.js"

/**
 * An app has nobody who could satisfy claims that its own exchange could not.
 *
 * @internal
 */
export const exhausted = (claims: string | undefined): ExchangeError =>
  new RequestRejected({ source: "local", error: "insufficient_claims", errorCodes: [], claims })

/**
 * The app itself (RFC 6749 4.4): it acts in one tenant at a time, and may ask the service of its region.
 *
 * @internal
 */
export const make = (ask: Ask, region: Region): Principal<ExchangeError> => {
  const regional = (authority: ResolvedAuthority) =>
    Effect.map(region, (name) => (name === undefined ? undefined : inRegion(authority, name)))
  return {
    grant: clientCredentials,
    at: requireTenant,
    holder: ({ tenantId }) => appHolder(tenantId),
    hosts: (authority) =>
      Effect.map(regional(authority), (near) =>
        near === undefined ? { host: authority.host } : { host: near.host, fallbackHost: authority.host }
      ),
    ask: ({ authority, claims, correlationId, host, parameters, scopes, timeout }) =>
      Effect.flatMap(regional(authority), (near) =>
        ask({
          authority: near?.host === host ? near : authority,
          grant: clientCredentials,
          parameters: { ...parameters, grant_type: "client_credentials", scope: scopes.join(" ") },
          claims,
          correlationId,
          timeout
        })
      )
  }
}
