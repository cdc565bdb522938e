import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ResolvedAuthority } from "../core/Authority.js"
import { isMultiTenant } from "../core/resolvedAuthority.js"
import { ConfigurationError, type UserError } from "../core/TokenError.js"
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
 * The tenant that an assertion names, where the client's authority is for users of many; one that names none can't be
 * exchanged there.
 *
 * @internal
 */
export const tenantOf =
  (client: ClientFacts, { tenantId }: Assertion) =>
  (named: ResolvedAuthority): Either.Either<ResolvedAuthority, ConfigurationError> =>
    tenantId === undefined && isMultiTenant(named)
      ? Either.left(
          new ConfigurationError({
            parameter: "tenantId",
            expected: `the tenant of this assertion, which can't be read, not ${named.tenantId}`,
            remedy: "Name it for this call, or on the authority."
          })
        )
      : inTenant(client, tenantId)(named)

/**
 * A caller on whose behalf the app acts: known by the token that it sent, and gone when that token ends.
 *
 * @internal
 */
export const make = (client: ClientFacts, ask: Ask, assertion: Assertion): Principal<UserError> => ({
  grant,
  at: tenantOf(client, assertion),
  holder: () => ({ kind: "assertion", id: assertion.hash, session: "" }),
  endsAt: assertion.endsAt,
  ask: (asking) => exchange(ask, assertion, asking, asking.scopes)
})
