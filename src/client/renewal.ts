import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Partition } from "../cache/cacheKey.js"
import type { TokenCacheService, User } from "../cache/TokenCache.js"
import { type Account, homeAccountIdOf } from "../core/Account.js"
import type { Kind } from "../core/Authority.js"
import { isGuid } from "../core/guid.js"
import { InteractionRequired, InvalidGrant, type UserError } from "../core/TokenError.js"
import { refreshToken as grant } from "../protocol/grants.js"
import { mayResend } from "../protocol/resend.js"
import type { TokenResponse } from "../protocol/wire.js"
import { type Asking, type ClientFacts, inTenant } from "./principal.js"
import * as Rotation from "./rotation.js"
import type { Ask } from "./tokenRequest.js"

/** What is known of a response's user besides. */
export interface About {
  readonly sequence: number
  /** The tenant that was asked. */
  readonly tenantId: string
  readonly account: Account | undefined
  readonly owner?: string | undefined
  /** The refresh token that the response is for: it replaces that one, and no other that has come meanwhile. */
  readonly offered: Redacted.Redacted | undefined
}

/** How users' tokens are renewed: by the refresh token that is kept for them. */
export interface Renewal {
  readonly renew: (partition: Partition, asking: Asking) => Effect.Effect<TokenResponse, UserError>
  /** Keeps what a response tells of a user, the new refresh token in the place of the old one. */
  readonly remember: (partition: Partition, response: TokenResponse, about: About) => Effect.Effect<void>
}

const signInScopes = ["openid", "profile", "offline_access"]

/**
 * The scopes of a user's request: Microsoft's authorities want those of the sign-in beside the resource's, as MSAL sends
 * them; of others the caller knows what they understand.
 *
 * @internal
 */
export const userScopes = (kind: Kind, scopes: ReadonlyArray<string>): string =>
  [...new Set(kind === "custom" ? scopes : [...scopes, ...signInScopes])].join(" ")

/**
 * Asks for `client_info`, by which Entra names the account.
 *
 * @internal
 */
export const clientInfo = (kind: Kind): Readonly<Record<string, string>> =>
  kind === "custom" ? {} : { client_info: "1" }

const signedOut = new InteractionRequired({
  source: "local",
  error: "login_required",
  classification: "none",
  errorCodes: []
})

/** Whether the refresh token itself is over; else what was refused was only this use of it. */
const isOver = (failure: UserError, kind: Kind): boolean =>
  failure instanceof InvalidGrant && (kind !== "entra" || failure.suberror === "bad_token")

/**
 * `Oid:{uid}@{utid}` of an Entra account: its backup authentication service finds the user's session by it.
 *
 * @internal
 */
export const anchorOf = (uid: string | undefined, utid: string | undefined): string | undefined =>
  isGuid(uid ?? "") && isGuid(utid ?? "") ? `Oid:${uid}@${utid}` : undefined

const anchorOfAccount = (homeAccountId: string | undefined): string | undefined => {
  const [uid, utid] = homeAccountId?.split(".") ?? []
  return anchorOf(uid, utid)
}

/**
 * The same, of the user whom an authorization response tells of.
 *
 * @internal
 */
export const anchorOfClientInfo = (clientInfo: string | undefined): string | undefined =>
  anchorOfAccount(homeAccountIdOf(clientInfo))

/** Nobody knows what became of the request; a refusal takes nothing. */
const mayBeTaken = (failure: UserError): boolean =>
  ["TransportError", "AuthorityUnavailable", "MalformedResponse"].includes(failure._tag) &&
  !mayResend(grant, "custom")(failure)

/**
 * The new refresh token is kept in the same step in which it arrives, before anything else is done with the response.
 *
 * @internal
 */
export const make = (
  client: ClientFacts,
  ask: Ask,
  cache: TokenCacheService
): Effect.Effect<Renewal, never, Scope.Scope> =>
  Effect.gen(function* () {
    const rotation = yield* Rotation.make(cache, mayBeTaken)

    const remember: Renewal["remember"] = (partition, response, { account, offered, owner, sequence, tenantId }) =>
      cache.modifyUser(partition, sequence, (known) => {
        const kept = known?.refreshToken
        const isGone = known === undefined
        const isOvertaken = offered !== undefined && (isGone || (kept !== undefined && !Equal.equals(kept, offered)))
        const refreshToken = response.refresh_token ?? offered ?? kept
        return isOvertaken ? undefined : { account, owner, tenantId, refreshToken }
      })

    const retire = (partition: Partition, refreshToken: Redacted.Redacted, sequence: number) =>
      cache.modifyUser(partition, sequence, (known) =>
        known !== undefined && Equal.equals(known.refreshToken, refreshToken)
          ? { ...known, refreshToken: undefined }
          : undefined
      )

    const exchanged = (partition: Partition, user: User, refreshToken: Redacted.Redacted, asking: Asking) =>
      Effect.gen(function* () {
        const authority = yield* inTenant(client, user.tenantId)(asking.authority)
        const { kind } = authority
        return yield* ask({
          authority,
          grant,
          parameters: {
            ...asking.parameters,
            ...clientInfo(kind),
            grant_type: "refresh_token",
            refresh_token: refreshToken,
            scope: userScopes(kind, asking.scopes)
          },
          claims: asking.claims,
          correlationId: asking.correlationId,
          timeout: asking.timeout,
          anchor: anchorOfAccount(user.account?.homeAccountId)
        }).pipe(
          Effect.tapError((failure) =>
            isOver(failure, kind) ? retire(partition, refreshToken, asking.sequence) : Effect.void
          ),
          Effect.tap((response) =>
            remember(partition, response, { ...user, offered: refreshToken, sequence: asking.sequence })
          )
        )
      })

    const renewed =
      (partition: Partition, rotates: boolean) =>
      (asking: Asking): Effect.Effect<TokenResponse, UserError> =>
        Effect.flatMap(cache.user(partition), (user) => {
          const refreshToken = user?.refreshToken
          if (user === undefined || refreshToken === undefined) return signedOut
          const exchange = exchanged(partition, user, refreshToken, asking)
          return rotates ? rotation.offer(partition.id, refreshToken, asking, exchange) : exchange
        })

    return {
      remember,
      renew: (partition, asking) =>
        grant.consumes(asking.authority.kind)
          ? rotation.inTurn(partition, asking, renewed(partition, true))
          : renewed(partition, false)(asking)
    }
  })
