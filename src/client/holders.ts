import { type HolderName, type Partition, partitionOf } from "../cache/cacheKey.js"
import type { ResolvedAuthority } from "../core/Authority.js"

/**
 * A user who has signed in, as one session knows them.
 *
 * @internal
 */
export const accountHolder = (session: string, homeAccountId: string): HolderName => ({
  kind: "account",
  id: homeAccountId,
  session
})

/**
 * The user whom a long-running process acts for.
 *
 * @internal
 */
export const processHolder = (process: string): HolderName => ({ kind: "process", id: process, session: "" })

/**
 * The app itself, in one tenant.
 *
 * @internal
 */
export const appHolder = (tenantId: string): HolderName => ({ kind: "app", id: tenantId, session: "" })

/**
 * Where the tokens of one of a client's holders are kept.
 *
 * @internal
 */
export const partitionAt = (clientId: string, { environment }: ResolvedAuthority, holder: HolderName): Partition =>
  partitionOf({ clientId, environment, ...holder })
