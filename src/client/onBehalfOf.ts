import type * as Effect from "effect/Effect"
import type { UserError } from "../core/TokenError.js"
import { onBehalfOf as grant } from "../protocol/grants.js"
import type { TokenResponse } from "../protocol/wire.js"
import type { Assertion } from "./assertions.js"
import { type Asking, type ClientFacts, inTenant, type Principal } from "./principal.js"
import { anchorOf } from "./renewal.js"
import type { Ask } from "./tokenRequest.js"

/**
 * Exchanges a caller's token for one of another API (Microsoft identity platform, on-behalf-of; RFC 7523 2.1).
 *
 * @internal
 */
export const exchange = (
  ask: Ask,
  assertion: Assertion,
  asking: Asking,
  scopes: ReadonlyArray<string>
): Effect.Effect<TokenResponse, UserError> =>
  ask({
    authority: asking.authority,
    grant,
    parameters: {
      ...asking.parameters,
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      requested_token_use: "on_behalf_of",
      assertion: assertion.value,
      scope: scopes.join(" ")
    },
    claims: asking.claims,
    correlationId: asking.correlationId,
    timeout: asking.timeout,
    anchor: anchorOf(assertion.userId, assertion.tenantId)
  })

/**
 * A caller on whose behalf the app acts: known by the token that it sent, and gone when that token ends.
 *
 * @internal
 */
export const make = (client: ClientFacts, ask: Ask, assertion: Assertion): Principal<UserError> => ({
  grant,
  at: inTenant(client, assertion.tenantId),
  key: ({ tenantId }) => ["assertion", tenantId, assertion.hash],
  endsAt: assertion.endsAt,
  ask: (asking) => exchange(ask, assertion, asking, asking.scopes)
})
