import * as Redacted from "effect/Redacted"
import { type Document, type Entity, edit, entities } from "./msalDocument.js"
import {
  assertionHashFields,
  assertionHashOf,
  type Client,
  hasAny,
  homeAccountIdOf,
  isOf,
  millisOf,
  nonEmptyTextOf,
  ofSameAccount,
  secondsOf,
  textOf,
  withFields
} from "./msalEntity.js"
import { accessTokenKey } from "./msalKeys.js"
import { comparable, scopesOf, targetOf } from "./msalScopes.js"

/**
 * Which access token, and whose.
 *
 * @internal
 */
export interface TokenAddress extends Client {
  /** MSAL's realm: of an app the tenant that was asked, of an account the one it is of (`realmOf`); `adfs` at AD FS. */
  readonly tenantId: string
  /** Empty for an app's own, and on behalf of a caller whose account is not known. */
  readonly homeAccountId: string
  /** SHA-256 of the assertion in base64url: the token was got on its bearer's behalf. */
  readonly assertionHash?: string | undefined
  /** What is asked for. */
  readonly scopes: ReadonlyArray<string>
}

/** @internal */
export interface NewToken {
  readonly accessToken: Redacted.Redacted
  /** What was granted. */
  readonly scopes: ReadonlyArray<string>
  readonly expiresAtMillis: number
  readonly refreshAtMillis: number | undefined
}

/** @internal */
export interface FoundToken extends NewToken {
  readonly cachedAtMillis: number | undefined
}

/** Tokens with one of these are bound to more than their address tells: a key, a claims request, a resource. */
const bonds = [
  "key_id",
  "kid",
  "requestedClaims",
  "requestedClaimsHash",
  "requested_claims_hash",
  "additionalCacheKeyComponents",
  "ext",
  "resource"
] as const

const isBearer = (entity: Entity): boolean =>
  (nonEmptyTextOf(entity, "token_type") ?? "bearer").toLowerCase() === "bearer" &&
  textOf(entity, "credential_type")?.toLowerCase() === "accesstoken" &&
  !hasAny(entity, bonds)

/**
 * Without an account a token on behalf of a caller is kept under the assertion's hash: under no account msal-node would hand
 * it out as the app's own.
 */
const writtenAccountId = ({ assertionHash = "", homeAccountId }: TokenAddress): string =>
  homeAccountId === "" ? assertionHash : homeAccountId

const isInRealm = (entity: Entity, { tenantId }: TokenAddress): boolean =>
  textOf(entity, "realm")?.toLowerCase() === tenantId.toLowerCase()

/**
 * Whoever presents the assertion is who the token is for, whatever the account. Without one, a token that was got with one is
 * none of the account's: it ends with the assertion.
 */
const isFor = (entity: Entity, address: TokenAddress): boolean => {
  const hash = assertionHashOf(entity)
  return address.assertionHash === undefined
    ? hash === "" && homeAccountIdOf(entity) === address.homeAccountId
    : hash !== "" && hash === address.assertionHash
}

const foundIn = (entity: Entity, now: number): ReadonlyArray<FoundToken> => {
  const secret = nonEmptyTextOf(entity, "secret")
  const target = textOf(entity, "target")
  const expiresAtMillis = millisOf(entity, "expires_on")
  if (secret === undefined || target === undefined || expiresAtMillis === undefined || expiresAtMillis <= now) return []
  return [
    {
      accessToken: Redacted.make(secret),
      scopes: scopesOf(target),
      expiresAtMillis,
      refreshAtMillis: millisOf(entity, "refresh_on"),
      cachedAtMillis: millisOf(entity, "cached_at")
    }
  ]
}

/**
 * A token that was granted all scopes asked for and has not ended (`now` in epoch milliseconds): the one for just these, else
 * the one that lives longest. Those that are bound to a key, a claims request or a resource are not looked at.
 *
 * @internal
 */
export const findToken = (document: Document, address: TokenAddress, now: number): FoundToken | undefined => {
  const wanted = [...comparable(address.scopes)]
  const surplus = ({ scopes }: FoundToken) => Math.min(1, comparable(scopes).size - wanted.length)
  const [first] = entities(document, "AccessToken")
    .filter(
      (entity) => isOf(entity, address) && isBearer(entity) && isInRealm(entity, address) && isFor(entity, address)
    )
    .flatMap((entity) => foundIn(entity, now))
    .filter(({ scopes }) => {
      const granted = new Set(scopes.map((scope) => scope.toLowerCase()))
      return wanted.length > 0 && wanted.every((scope) => granted.has(scope))
    })
    .sort((one, other) => surplus(one) - surplus(other) || other.expiresAtMillis - one.expiresAtMillis)
  return first
}

/** @internal */
export interface ListedToken extends FoundToken {
  readonly realm: string
  /** Empty for an app's own. */
  readonly homeAccountId: string
  /** Empty where it was not got on somebody's behalf. */
  readonly assertionHash: string
}

/**
 * All of a client's tokens that have not ended and are bound to nothing but their scopes.
 *
 * @internal
 */
export const listTokens = (document: Document, client: Client, now: number): ReadonlyArray<ListedToken> =>
  entities(document, "AccessToken")
    .filter((entity) => isOf(entity, client) && isBearer(entity))
    .flatMap((entity) => {
      const [realm, homeAccountId, assertionHash] = [
        textOf(entity, "realm"),
        homeAccountIdOf(entity),
        assertionHashOf(entity)
      ]
      if (realm === undefined || homeAccountId === undefined || assertionHash === undefined) return []
      return foundIn(entity, now).map((found) => ({ ...found, realm, homeAccountId, assertionHash }))
    })

/**
 * Puts a token where msal-node would, and drops what msal-node would: plain tokens of the same account and realm that share a
 * scope, for where two tokens answer one question msal-node fails (`multiple_matching_tokens`) or forgets both. It does not
 * look at the assertion's hash there, so that of two sessions of one user the last one wins.
 *
 * A token that has ended, or is for no scope is not written.
 *
 * @internal
 */
export const putToken = (document: Document, address: TokenAddress, token: NewToken, now: number): Document => {
  const target = targetOf(token.scopes, address.scopes)
  const expiresOn = secondsOf(token.expiresAtMillis)
  if (target === "" || expiresOn === undefined || token.expiresAtMillis <= now) return document
  const { assertionHash, clientId, environments, tenantId: realm } = address
  const [environment] = environments
  const homeAccountId = writtenAccountId(address)
  const scopes = comparable(scopesOf(target))
  const fields: Entity = {
    ...Object.fromEntries([...assertionHashFields, ...bonds].map((field) => [field, undefined])),
    home_account_id: homeAccountId,
    environment,
    credential_type: "AccessToken",
    client_id: clientId,
    secret: Redacted.value(token.accessToken),
    realm,
    target,
    cached_at: secondsOf(now),
    expires_on: expiresOn,
    extended_expires_on: expiresOn,
    refresh_on: secondsOf(token.refreshAtMillis),
    token_type: "Bearer",
    userAssertionHash: assertionHash
  }
  return edit(document, "AccessToken", {
    drop: (entity) =>
      isOf(entity, address) &&
      isBearer(entity) &&
      isInRealm(entity, address) &&
      homeAccountIdOf(entity) === homeAccountId &&
      [...comparable(scopesOf(textOf(entity, "target") ?? ""))].some((scope) => scopes.has(scope)),
    put: {
      key: accessTokenKey({ homeAccountId, environment, owner: clientId, realm, target }),
      entity: (present) => withFields(ofSameAccount(present, homeAccountId), fields)
    }
  })
}

/**
 * Drops this very token, wherever it is.
 *
 * @internal
 */
export const removeToken = (document: Document, accessToken: Redacted.Redacted): Document =>
  edit(document, "AccessToken", { drop: (entity) => textOf(entity, "secret") === Redacted.value(accessToken) })

/**
 * Drops all tokens that an app got for itself, the bound ones too.
 *
 * @internal
 */
export const removeAppTokens = (document: Document, client: Client): Document =>
  edit(document, "AccessToken", {
    drop: (entity) => isOf(entity, client) && homeAccountIdOf(entity) === "" && assertionHashOf(entity) === ""
  })

/**
 * Drops a client's tokens that have ended, their extended life included; msal-node leaves them for ever.
 *
 * @internal
 */
export const removeEndedTokens = (document: Document, client: Client, now: number): Document =>
  edit(document, "AccessToken", {
    drop: (entity) => {
      const expiresAt = millisOf(entity, "expires_on")
      const extended = millisOf(entity, "extended_expires_on") ?? 0
      return isOf(entity, client) && expiresAt !== undefined && Math.max(expiresAt, extended) <= now
    }
  })
