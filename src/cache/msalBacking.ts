import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { make as makeToken } from "../core/AccessToken.js"
import type { Account } from "../core/Account.js"
import { namesOf } from "../core/clouds.js"
import { isGuid } from "../core/guid.js"
import type { Backing, Found, Leases, ModifiedUser, NextUser, Standing } from "./backing.js"
import type { CacheKey, Group, Holder, Partition } from "./cacheKey.js"
import { realmOf } from "./msalAccount.js"
import { type Document, emptied } from "./msalDocument.js"
import type { Client } from "./msalEntity.js"
import type { MsalPlace } from "./msalPlace.js"
import {
  type FoundToken,
  findToken,
  putToken,
  removeAppTokens,
  removeEndedTokens,
  removeToken,
  type TokenAddress
} from "./msalTokens.js"
import { accounts, putUser, refreshToken, removeUser, retire } from "./msalUsers.js"
import type { User } from "./TokenCache.js"
import type { StoreError } from "./TokenStore.js"

/**
 * Whether MSAL has a place for a holder: it knows no sessions and no processes; AD FS and servers of others it keeps under
 * names of its own.
 *
 * @internal
 */
export const isMsals = ({ environment, kind, session }: Omit<Holder, "id">): boolean =>
  !environment.includes("://") && (kind === "app" || kind === "assertion" || (kind === "account" && session === ""))

/**
 * A client as MSAL names it: of a policy of B2C by its host alone.
 *
 * @internal
 */
export const clientOf = ({ clientId, environment }: Omit<Holder, "id">): Client => {
  const [host = environment] = environment.split("/")
  return { clientId, environments: [host, ...namesOf(host).filter((name) => name !== host)] }
}

const never = Number.NEGATIVE_INFINITY
/** Apps and callers are there without being written down; accounts are if they are. */
const present = "present"
const absent = "absent"

const standingOf = (epoch: string): Standing => ({ epoch, clearedAt: never, rejected: new Set() })

const accountIn = (document: Document, { holder }: Partition): Account | undefined =>
  accounts(document, clientOf(holder)).find(({ homeAccountId }) => homeAccountId === holder.id)

/** @internal */
export const userOf = (document: Document, client: Client, account: Account): User => ({
  account,
  tenantId: account.tenantId,
  refreshToken: refreshToken(document, { ...client, homeAccountId: account.homeAccountId })
})

const userIn = (document: Document, partition: Partition): User | undefined => {
  const account = partition.holder.kind === "account" ? accountIn(document, partition) : undefined
  return account && userOf(document, clientOf(partition.holder), account)
}

const epochIn = (document: Document, partition: Partition): string =>
  partition.holder.kind !== "account" || accountIn(document, partition) !== undefined ? present : absent

/** MSAL's realm: the tenant that was asked; where an account's request names none by its id, the account's own. */
const realmIn = (document: Document, { partition, target }: CacheKey): string => {
  if (partition.holder.kind !== "account" || isGuid(target.tenantId)) return target.tenantId
  const account = accountIn(document, partition)
  return account === undefined ? target.tenantId : realmOf(account)
}

const addressIn = (document: Document, key: CacheKey): TokenAddress => {
  const { holder } = key.partition
  return {
    ...clientOf(holder),
    tenantId: realmIn(document, key),
    homeAccountId: holder.kind === "account" ? holder.id : "",
    assertionHash: holder.kind === "assertion" ? holder.id : undefined,
    scopes: key.target.scopes
  }
}

/** @internal */
export const foundOf = ({ accessToken, cachedAtMillis = 0, ...found }: FoundToken): Found => ({
  token: makeToken({ ...found, accessToken, source: "cache" }),
  cachedAt: cachedAtMillis,
  claims: undefined
})

const versionOf = (token: FoundToken | undefined): string | undefined =>
  token && `${token.cachedAtMillis} ${token.expiresAtMillis} ${Redacted.value(token.accessToken).length}`

/**
 * What becomes of a user in a document.
 *
 * @internal
 */
export const withUser = (document: Document, client: Client, known: User | undefined, user: User): Document => {
  const { account } = user
  if (account === undefined) return document
  const kept = putUser(document, { ...client, account, authorityType: "MSSTS", refreshToken: user.refreshToken })
  const retired = user.refreshToken === undefined ? known?.refreshToken : undefined
  return retired === undefined
    ? kept
    : retire(kept, { ...client, homeAccountId: account.homeAccountId, refreshToken: retired })
}

/**
 * A cache's entries in the document that MSALs share. What it has no place for stays in memory: tokens that were asked for with
 * claims, a resource or parameters of the program's own.
 *
 * @internal
 */
export const make = ({
  leases,
  place
}: {
  readonly place: MsalPlace
  readonly leases: Leases | undefined
}): Backing => {
  const edited = (change: (document: Document) => Document): Effect.Effect<void, StoreError> =>
    place.update((document) => [undefined, change(document)])

  const modifyUser: Backing["modifyUser"] = (partition, _, __, next: NextUser) =>
    place.update((document): readonly [ModifiedUser, Document] => {
      const known = userIn(document, partition)
      const user = next(known)
      if (user === undefined) return [{ epoch: epochIn(document, partition), user: known, isNew: false }, document]
      const changed = withUser(document, clientOf(partition.holder), known, user)
      return [{ epoch: epochIn(changed, partition), user, isNew: known === undefined }, changed]
    })

  return {
    holds: ({ holder }) => isMsals(holder),
    leases,
    modifyUser,
    standing: (partition) => Effect.map(place.read, (document) => standingOf(epochIn(document, partition))),
    read: (key) =>
      Effect.zipWith(place.read, Clock.currentTimeMillis, (document, now) => {
        const token = key.target.isPlain ? findToken(document, addressIn(document, key), now) : undefined
        return {
          standing: standingOf(epochIn(document, key.partition)),
          found: token && foundOf(token),
          version: versionOf(token)
        }
      }),
    write: (key, { token }, version) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        place.update((document) => {
          const epoch = epochIn(document, key.partition)
          const address = addressIn(document, key)
          const { accessToken, expiresAtMillis, refreshAtMillis, scopes } = token
          const isKept = key.target.isPlain && expiresAtMillis !== undefined && epoch === present
          if (!isKept || versionOf(findToken(document, address, now)) !== version) return [epoch, document]
          const without = removeEndedTokens(document, address, now)
          return [epoch, putToken(without, address, { accessToken, scopes, expiresAtMillis, refreshAtMillis }, now)]
        })
      ),
    reject: (_, { accessToken }) => edited((document) => removeToken(document, accessToken)),
    user: (partition) =>
      Effect.map(place.read, (document) => ({
        standing: standingOf(epochIn(document, partition)),
        user: userIn(document, partition)
      })),
    users: ({ holders }) =>
      Effect.map(place.read, (document) => {
        const client = clientOf(holders)
        const known = holders.kind === "account" ? accounts(document, client) : []
        return Effect.succeed(known.map((account) => userOf(document, client, account)))
      }),
    enlist: () => Effect.void,
    remove: ({ holder }) =>
      edited((document) =>
        holder.kind === "account" ? removeUser(document, { ...clientOf(holder), homeAccountId: holder.id }) : document
      ),
    removeGroup: ({ holders }: Group) =>
      edited((document) => {
        const client = clientOf(holders)
        if (holders.kind === "app") return removeAppTokens(document, client)
        if (holders.kind !== "account") return document
        return accounts(document, client).reduce(
          (left, { homeAccountId }) => removeUser(left, { ...client, homeAccountId }),
          document
        )
      }),
    clear: () => edited(emptied)
  }
}
