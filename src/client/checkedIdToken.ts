import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Metadata, ResolvedAuthority } from "../core/Authority.js"
import { isMultiTenant } from "../core/resolvedAuthority.js"
import { type ExchangeError, InvalidToken } from "../core/TokenError.js"
import type { TokenResponse } from "../protocol/wire.js"
import type { Expectation, IdTokenVerifierService } from "./idToken.js"
import type { ClientFacts } from "./principal.js"

/** Who checks, and for whom. */
export interface Check {
  readonly client: ClientFacts
  readonly metadataOf: (authority: ResolvedAuthority) => Effect.Effect<Metadata, ExchangeError>
  readonly verifier: IdTokenVerifierService
  readonly authority: ResolvedAuthority
}

/** At an authority of one tenant its issuer tells enough. */
const tenantsOf = ({ allowedTenants }: ClientFacts, authority: ResolvedAuthority): ReadonlySet<string> | undefined =>
  isMultiTenant(authority) && allowedTenants !== "any" ? allowedTenants : undefined

/**
 * Whether the id token of a response holds; one that is absent does not.
 *
 * @internal
 */
export const checkedIdToken = (
  { authority, client, metadataOf, verifier }: Check,
  { id_token }: TokenResponse,
  expected: Pick<Expectation, "nonce" | "maxAge">
): Effect.Effect<void, ExchangeError | InvalidToken> =>
  id_token === undefined
    ? new InvalidToken({ token: "id token", reason: "malformed" })
    : Effect.flatMap(metadataOf(authority), (metadata) =>
        verifier.verify(Redacted.value(id_token), {
          ...expected,
          clientId: client.clientId,
          authority,
          metadata,
          tenants: tenantsOf(client, authority)
        })
      )
