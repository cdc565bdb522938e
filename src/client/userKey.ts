import { joinKey } from "../cache/cacheKey.js"
import type { UserKey } from "../cache/TokenCache.js"
import type { ResolvedAuthority } from "../core/Authority.js"

/** Users who are kept apart from others: those who signed in, or whom a long-running process acts for. */
export type UserKind = "account" | "process"

/**
 * What the tokens of a user are kept under, after the client and its environment.
 *
 * @internal
 */
export const userPrincipal = (kind: UserKind, session: string, id: string): ReadonlyArray<string> => [kind, session, id]

/**
 * The users of one client and session.
 *
 * @internal
 */
export const userGroup = (
  clientId: string,
  { environment }: ResolvedAuthority,
  kind: UserKind,
  session: string
): string => joinKey(clientId, environment, kind, session)

/**
 * Where a user is kept: beside the other users of one client and session.
 *
 * @internal
 */
export const userKey = (
  clientId: string,
  authority: ResolvedAuthority,
  kind: UserKind,
  session: string,
  id: string
): UserKey => ({
  group: userGroup(clientId, authority, kind, session),
  partition: joinKey(clientId, authority.environment, ...userPrincipal(kind, session, id))
})
