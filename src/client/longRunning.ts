import * as Effect from "effect/Effect"
import type { Partition } from "../cache/cacheKey.js"
import type { TokenCacheService } from "../cache/TokenCache.js"
import { resolve } from "../core/Authority.js"
import type { UserError } from "../core/TokenError.js"
import { onBehalfOf, refreshToken } from "../protocol/grants.js"
import type { Assertion } from "./assertions.js"
import { partitionAt, processHolder } from "./holders.js"
import { exchange, tenantOf } from "./onBehalfOf.js"
import { type ClientFacts, inTenant, type Principal, requireAllowed } from "./principal.js"
import type { Renewal } from "./renewal.js"
import type { Ask } from "./tokenRequest.js"

/**
 * A process that goes on for a caller when the caller's token is over: it keeps a refresh token under the program's own key.
 *
 * @internal
 */
export const make = (client: ClientFacts, { renew }: Renewal, process: string): Principal<UserError> => ({
  grant: refreshToken,
  at: inTenant(client, undefined),
  holder: () => processHolder(process),
  ask: (asking) => renew(partitionAt(client.clientId, asking.authority, processHolder(process)), asking)
})

const ownerOf = ({ hash, tenantId, userId }: Assertion): string =>
  tenantId === undefined || userId === undefined ? hash : `${userId}.${tenantId}`

/**
 * Drops what is kept of a process if it was another user's: a key that is used again must not mix the two.
 *
 * @internal
 */
export const claim = (cache: TokenCacheService, partition: Partition, assertion: Assertion): Effect.Effect<void> =>
  cache.user(partition).pipe(
    Effect.map((known) => known !== undefined && known.owner !== ownerOf(assertion)),
    // Whose it is nobody can tell.
    Effect.orElseSucceed(() => true),
    Effect.flatMap((isAnothers) => (isAnothers ? Effect.asVoid(cache.remove(partition)) : Effect.void))
  )

/**
 * The same process at its beginning, while the caller's token is there.
 *
 * @internal
 */
export const begin = (
  client: ClientFacts,
  ask: Ask,
  { remember }: Renewal,
  process: string,
  assertion: Assertion
): Principal<UserError> => ({
  grant: onBehalfOf,
  isLasting: true,
  with: assertion.hash,
  at: inTenant(client, undefined),
  holder: () => processHolder(process),
  ask: (asking) =>
    Effect.gen(function* () {
      const authority = yield* tenantOf(client, assertion)(asking.authority)
      yield* requireAllowed(client, yield* resolve(client.authority), authority)
      const response = yield* exchange(ask, assertion, { ...asking, authority }, [...asking.scopes, "offline_access"])
      yield* remember(partitionAt(client.clientId, asking.authority, processHolder(process)), response, {
        account: undefined,
        owner: ownerOf(assertion),
        offered: undefined,
        sequence: asking.sequence,
        tenantId: authority.tenantId
      })
      return response
    })
})
