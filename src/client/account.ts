import type { UserError } from "../core/TokenError.js"
import { refreshToken } from "../protocol/grants.js"
import { accountHolder, partitionAt } from "./holders.js"
import { type ClientFacts, inTenant, type Principal } from "./principal.js"
import type { Renewal } from "./renewal.js"

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
  holder: () => accountHolder(session, homeAccountId),
  ask: (asking) => renew(partitionAt(client.clientId, asking.authority, accountHolder(session, homeAccountId)), asking)
})
