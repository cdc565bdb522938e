import type { UserError } from "../core/TokenError.js"
import { refreshToken } from "../protocol/grants.js"
import { type ClientFacts, inTenant, type Principal } from "./principal.js"
import type { Renewal } from "./renewal.js"
import { userKey, userPrincipal } from "./userKey.js"

/**
 * A user who has signed in, as one session knows them (RFC 6749 6).
 *
 * @internal
 */
export const make = (
  client: ClientFacts,
  { renew }: Renewal,
  homeAccountId: string,
  session: string
): Principal<UserError> => ({
  grant: refreshToken,
  at: inTenant(client, homeAccountId.split(".")[1]),
  key: () => userPrincipal("account", session, homeAccountId),
  ask: (asking) => renew(userKey(client.clientId, asking.authority, "account", session, homeAccountId), asking)
})
