import * as Redacted from "effect/Redacted"
import type { Account } from "../core/Account.js"
import { accountFields, accountOf, homeRealmOf, realmOf } from "./msalAccount.js"
import { type Document, type Entity, edit, entities, isEntity } from "./msalDocument.js"
import {
  assertionHashFields,
  assertionHashOf,
  type Client,
  isInCloud,
  isOf,
  isOfAccount,
  nonEmptyTextOf,
  ofSameAccount,
  textOf,
  withFields
} from "./msalEntity.js"
import { accountKey, appMetadataKey, idTokenKey, refreshTokenKey } from "./msalKeys.js"

/** @internal */
export interface AccountAddress extends Client {
  readonly homeAccountId: string
}

/** What is known of a user after an exchange. */
export interface NewUser extends Client {
  readonly account: Account
  /** MSAL's name for the kind of authority: Entra and B2C, AD FS, others. */
  readonly authorityType: "MSSTS" | "ADFS" | "Generic"
  /** As the server sent it: msal-node tells `idTokenClaims` by it. */
  readonly idToken?: Redacted.Redacted | undefined
  /** As the server sent it. */
  readonly clientInfo?: Redacted.Redacted | undefined
  /** Absent where the server sent none: the present one stays. */
  readonly refreshToken: Redacted.Redacted | undefined
  /** `foci` of the response: the client's family shares the refresh token. */
  readonly familyId?: string | undefined
}

const familyOf = (document: Document, client: Client): string | undefined =>
  entities(document, "AppMetadata").flatMap((entity) =>
    isOf(entity, client) ? (nonEmptyTextOf(entity, "family_id") ?? []) : []
  )[0]

const isOfFamily = (entity: Entity, client: Client, family: string | undefined): boolean =>
  family !== undefined && nonEmptyTextOf(entity, "family_id") === family && isInCloud(entity, client)

/** What a client may use: its own, and its family's. */
const usableRefreshTokens = (document: Document, client: Client): ReadonlyArray<Entity> => {
  const family = familyOf(document, client)
  return entities(document, "RefreshToken").filter(
    (entity) =>
      (isOf(entity, client) || isOfFamily(entity, client, family)) &&
      nonEmptyTextOf(entity, "secret") !== undefined &&
      assertionHashOf(entity) === ""
  )
}

const byAccount = (all: ReadonlyArray<Entity>): ReadonlyMap<string, ReadonlyArray<Entity>> => {
  const groups = new Map<string, Array<Entity>>()
  for (const entity of all) {
    const homeAccountId = nonEmptyTextOf(entity, "home_account_id")
    if (homeAccountId === undefined) continue
    const group = groups.get(homeAccountId)
    if (group === undefined) groups.set(homeAccountId, [entity])
    else group.push(entity)
  }
  return groups
}

/**
 * The accounts that this client, or its family has a credential for: one for each home account, as it is known in a tenant
 * (`tenantId`) if it is known there, else at home, else elsewhere. Whom msal-node acts on behalf of is among them: it keeps
 * callers as it keeps those who signed in.
 *
 * @internal
 */
export const accounts = (document: Document, client: Client, tenantId?: string): ReadonlyArray<Account> => {
  const isOwn = (entity: Entity) => isOf(entity, client)
  const idTokens = byAccount(entities(document, "IdToken").filter(isOwn))
  const accessTokens = byAccount(entities(document, "AccessToken").filter(isOwn))
  const refreshTokens = byAccount(usableRefreshTokens(document, client))
  const written = byAccount(entities(document, "Account").filter((entity) => isInCloud(entity, client)))
  return [...written]
    .filter(([id]) => idTokens.has(id) || accessTokens.has(id) || refreshTokens.has(id))
    .flatMap(([id, all]) => accountOf(id, all, idTokens.get(id) ?? [], tenantId) ?? [])
}

/**
 * The client's own refresh token; else that of its family.
 *
 * @internal
 */
export const refreshToken = (document: Document, address: AccountAddress): Redacted.Redacted | undefined => {
  const theirs = usableRefreshTokens(document, address).filter(
    (entity) => textOf(entity, "home_account_id") === address.homeAccountId
  )
  const rank = (entity: Entity): number =>
    isOf(entity, address) ? (nonEmptyTextOf(entity, "family_id") === undefined ? 0 : 1) : 2
  const [best] = [...theirs].sort((one, other) => rank(one) - rank(other))
  const secret = best === undefined ? undefined : textOf(best, "secret")
  return secret === undefined ? undefined : Redacted.make(secret)
}

/** An account that is there already stays under its key and its cloud's name, be it another one: there is to be one of it. */
const accountKeyIn = (document: Document, user: NewUser): string => {
  const { account, environments } = user
  const realm = homeRealmOf(account)
  const present = document
    .entries("Account")
    .find(
      ([, value]) =>
        isEntity(value) && isOfAccount(value, user, account.homeAccountId) && textOf(value, "realm") === realm
    )
  return present?.[0] ?? accountKey(account.homeAccountId, environments[0], realm)
}

const putAccount = (document: Document, user: NewUser): Document => {
  const { account, clientInfo } = user
  return edit(document, "Account", {
    put: {
      key: accountKeyIn(document, user),
      entity: (other) => {
        const present = ofSameAccount(other, account.homeAccountId)
        return withFields(present, {
          ...accountFields(present, user),
          ...(clientInfo === undefined ? {} : { client_info: Redacted.value(clientInfo) })
        })
      }
    }
  })
}

const putIdToken = (document: Document, user: NewUser): Document => {
  const { account, clientId, environments, idToken } = user
  if (idToken === undefined) return document
  const [environment] = environments
  const { homeAccountId } = account
  const realm = realmOf(account)
  return edit(document, "IdToken", {
    drop: (entity) =>
      isOf(entity, user) &&
      isOfAccount(entity, user, homeAccountId) &&
      textOf(entity, "realm")?.toLowerCase() === realm.toLowerCase(),
    put: {
      key: idTokenKey({ homeAccountId, environment, owner: clientId, realm }),
      entity: (present) =>
        withFields(ofSameAccount(present, homeAccountId), {
          home_account_id: homeAccountId,
          environment,
          credential_type: "IdToken",
          client_id: clientId,
          secret: Redacted.value(idToken),
          realm
        })
    }
  })
}

/** One that is replaced goes under whatever key, or it would be found first. */
const putRefreshToken = (document: Document, user: NewUser): Document => {
  const { account, clientId, environments, familyId, refreshToken } = user
  if (refreshToken === undefined) return document
  const [environment] = environments
  const { homeAccountId } = account
  return edit(document, "RefreshToken", {
    drop: (entity) =>
      isOfAccount(entity, user, homeAccountId) &&
      assertionHashOf(entity) === "" &&
      (isOfFamily(entity, user, familyId) || (isOf(entity, user) && nonEmptyTextOf(entity, "family_id") === undefined)),
    put: {
      key: refreshTokenKey({ homeAccountId, environment, owner: familyId ?? clientId }),
      entity: (present) =>
        withFields(ofSameAccount(present, homeAccountId), {
          ...Object.fromEntries([...assertionHashFields, "expires_on"].map((field) => [field, undefined])),
          home_account_id: homeAccountId,
          environment,
          credential_type: "RefreshToken",
          client_id: clientId,
          secret: Redacted.value(refreshToken),
          family_id: familyId
        })
    }
  })
}

const putAppMetadata = (document: Document, { clientId, environments, familyId }: NewUser): Document => {
  if (familyId === undefined) return document
  const [environment] = environments
  return edit(document, "AppMetadata", {
    put: {
      key: appMetadataKey(environment, clientId),
      entity: (present) => withFields(present, { client_id: clientId, environment, family_id: familyId })
    }
  })
}

/**
 * Keeps an account with what came with it.
 *
 * @internal
 */
export const putUser = (document: Document, user: NewUser): Document =>
  [putAccount, putIdToken, putRefreshToken, putAppMetadata].reduce((before, put) => put(before, user), document)

/**
 * Drops this very refresh token of an account, whichever client's it is; one that has replaced it stays.
 *
 * @internal
 */
export const retire = (
  document: Document,
  address: AccountAddress & { readonly refreshToken: Redacted.Redacted }
): Document =>
  edit(document, "RefreshToken", {
    drop: (entity) =>
      isOfAccount(entity, address, address.homeAccountId) &&
      textOf(entity, "secret") === Redacted.value(address.refreshToken)
  })

/**
 * Drops what this client has of an account, and what its family shares, or the user would still be signed in. The account
 * itself goes with the last credential of any client; msal-node's `removeAccount` goes further, and takes every client's.
 *
 * @internal
 */
export const removeUser = (document: Document, address: AccountAddress): Document => {
  const { homeAccountId } = address
  const family = familyOf(document, address)
  const isTheirs = (entity: Entity) => isOfAccount(entity, address, homeAccountId)
  const isOwn = (entity: Entity) => isTheirs(entity) && isOf(entity, address)
  const withoutTokens = edit(edit(document, "IdToken", { drop: isOwn }), "AccessToken", { drop: isOwn })
  const without = edit(withoutTokens, "RefreshToken", {
    drop: (entity) => isOwn(entity) || (isTheirs(entity) && isOfFamily(entity, address, family))
  })
  const isStillUsed = (["IdToken", "AccessToken", "RefreshToken"] as const).some((section) =>
    entities(without, section).some(isTheirs)
  )
  return isStillUsed ? without : edit(without, "Account", { drop: isTheirs })
}
