import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Backing } from "./backing.js"
import type { LocalCache } from "./localCache.js"
import * as SharedTokens from "./sharedTokens.js"
import * as SharedUsers from "./sharedUsers.js"
import * as Sharing from "./sharing.js"
import type { TokenCacheService } from "./TokenCache.js"

/**
 * A cache whose memory is in front of something that other processes share. Memory answers; what lies behind is asked where
 * memory has nothing, told what was won, and looked at once a minute for what others have removed. Where it fails, memory goes
 * on alone.
 *
 * @internal
 */
export const make = (
  local: LocalCache,
  backing: Backing,
  manners: Sharing.Manners
): Effect.Effect<TokenCacheService, never, Scope.Scope> =>
  Effect.map(Sharing.make(local, backing, manners), (sharing) => ({
    unsafeNextSequence: local.unsafeNextSequence,
    unsafeGet: local.unsafeGet,
    unsafeFind: local.unsafeFind,
    unsafeEntries: local.unsafeEntries,
    statistics: local.statistics,
    ...SharedTokens.make(sharing),
    ...SharedUsers.make(sharing)
  }))
