import * as Effect from "effect/Effect"
import type { TokenCacheService, UserKey } from "../cache/TokenCache.js"
import { type Account, homeAccountIdOf } from "../core/Account.js"
import type { Kind } from "../core/Authority.js"
import { InteractionRequired, InvalidGrant, type UserError } from "../core/TokenError.js"
import { refreshToken as grant } from "../protocol/grants.js"
import type { TokenResponse } from "../protocol/wire.js"
import * as KeyedLock from "../resilience/keyedLock.js"
import { type Asking, type ClientFacts, inTenant } from "./principal.js"
import type { Ask } from "./tokenRequest.js"

/** What is known of a response's user besides. */
export interface About {
  readonly sequence: number
  /** The tenant that was asked. */
  readonly tenantId: string
  readonly account: Account | undefined
}

/** How users' tokens are renewed: by the refresh token that is kept for them. */
export interface Renewal {
  readonly renew: (key: UserKey, asking: Asking) => Effect.Effect<TokenResponse, UserError>
  /** Keeps what a response tells of a user, the new refresh token in the place of the old one. */
  readonly remember: (key: UserKey, response: TokenResponse, about: About) => Effect.Effect<void>
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

const guid = /^[0-9a-f-]{36}$/i

/**
 * `Oid:{uid}@{utid}` of an Entra account: its backup authentication service finds the user's session by it.
 *
 * @internal
 */
export const anchorOf = (uid: string | undefined, utid: string | undefined): string | undefined =>
  guid.test(uid ?? "") && guid.test(utid ?? "") ? `Oid:${uid}@${utid}` : undefined

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

/**
 * Where refresh tokens rotate, one that is offered twice can revoke the whole grant: there one request of a user is under
 * way at a time, whatever its scopes, and it offers the newest. The new token is kept in the same step in which it arrives.
 *
 * @internal
 */
export const make = (client: ClientFacts, ask: Ask, cache: TokenCacheService): Renewal => {
  const lock = KeyedLock.make()

  const remember: Renewal["remember"] = (key, response, { account, sequence, tenantId }) =>
    Effect.flatMap(cache.user(key), (known) => {
      const refreshToken = response.refresh_token ?? known?.refreshToken
      return cache.setUser(key, { account: account ?? known?.account, tenantId, refreshToken }, sequence)
    })

  const renewed = (key: UserKey, asking: Asking): Effect.Effect<TokenResponse, UserError> =>
    Effect.gen(function* () {
      const user = yield* cache.user(key)
      const refreshToken = user?.refreshToken
      if (user === undefined || refreshToken === undefined) return yield* signedOut
      const authority = yield* inTenant(client, user.tenantId)(asking.authority)
      const { kind } = authority
      const response = yield* ask({
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
        Effect.tapError((failure) => (isOver(failure, kind) ? cache.retire(key, refreshToken) : Effect.void)),
        Effect.tap((response) => remember(key, response, { ...user, sequence: asking.sequence }))
      )
      return response
    })

  return {
    remember,
    renew: (key, asking) =>
      grant.consumes(asking.authority.kind) ? lock(key.partition, renewed(key, asking)) : renewed(key, asking)
  }
}
