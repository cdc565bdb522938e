import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { AccessToken } from "../core/AccessToken.js"
import { Account } from "../core/Account.js"
import type { User } from "./TokenCache.js"

/** A token as other processes are to find it. */
export interface StoredToken {
  readonly token: AccessToken
  /** Epoch milliseconds, by the clock of the process that won it. */
  readonly cachedAt: number
  readonly claims: string | undefined
  /** Of its partition, when it was won. */
  readonly epoch: string
}

/** A user as other processes are to find them. */
export interface StoredUser {
  readonly user: User
  readonly savedAt: number
  readonly epoch: string
}

const Text = Schema.NonEmptyString
const Millis = Schema.Number.pipe(Schema.finite())

const Token = Schema.Struct({
  token: Text,
  type: Text,
  scopes: Schema.Array(Schema.String),
  expires: Schema.optional(Millis),
  refresh: Schema.optional(Millis),
  correlationId: Schema.optional(Schema.String),
  cached: Millis,
  claims: Schema.optional(Schema.String),
  epoch: Text
})
const TokenJson = Schema.parseJson(Token)
const decodeToken = Schema.decodeUnknownOption(TokenJson)
const encodeToken = Schema.encodeSync(TokenJson)

/** @internal */
export const tokenText = ({ cachedAt, claims, epoch, token }: StoredToken): string =>
  encodeToken({
    token: Redacted.value(token.accessToken),
    type: token.tokenType,
    scopes: token.scopes,
    expires: token.expiresAtMillis,
    refresh: token.refreshAtMillis,
    correlationId: token.correlationId,
    cached: cachedAt,
    claims,
    epoch
  })

/** @internal */
export const tokenIn = (text: string): StoredToken | undefined =>
  Option.getOrUndefined(
    Option.map(
      decodeToken(text),
      ({ cached, claims, correlationId, epoch, expires, refresh, scopes, token, type }) => ({
        token: new AccessToken({
          accessToken: Redacted.make(token),
          tokenType: type,
          scopes,
          expiresAtMillis: expires,
          refreshAtMillis: refresh,
          source: "cache",
          correlationId
        }),
        cachedAt: cached,
        claims,
        epoch
      })
    )
  )

const UserJson = Schema.parseJson(
  Schema.Struct({
    account: Schema.optional(
      Schema.Struct({
        homeAccountId: Text,
        localAccountId: Schema.String,
        tenantId: Schema.String,
        username: Schema.optional(Schema.String),
        name: Schema.optional(Schema.String),
        idTokenClaims: Schema.Record({ key: Schema.String, value: Schema.Unknown })
      })
    ),
    owner: Schema.optional(Schema.String),
    tenantId: Schema.String,
    refreshToken: Schema.optional(Text),
    saved: Millis,
    epoch: Text
  })
)
const decodeUser = Schema.decodeUnknownOption(UserJson)
const encodeUser = Schema.encodeSync(UserJson)

/** @internal */
export const userText = ({ epoch, savedAt, user }: StoredUser): string => {
  const { account, owner, refreshToken, tenantId } = user
  return encodeUser({
    account: account && {
      homeAccountId: account.homeAccountId,
      localAccountId: account.localAccountId,
      tenantId: account.tenantId,
      username: account.username,
      name: account.name,
      idTokenClaims: account.idTokenClaims
    },
    owner,
    tenantId,
    refreshToken: refreshToken && Redacted.value(refreshToken),
    saved: savedAt,
    epoch
  })
}

/** @internal */
export const userIn = (text: string): StoredUser | undefined =>
  Option.getOrUndefined(
    Option.map(decodeUser(text), ({ account, epoch, owner, refreshToken, saved, tenantId }) => ({
      user: {
        account: account && new Account({ username: undefined, name: undefined, ...account }),
        owner,
        tenantId,
        refreshToken: refreshToken === undefined ? undefined : Redacted.make(refreshToken)
      },
      savedAt: saved,
      epoch
    }))
  )

/** What all processes know of a partition. */
export interface StoredPartition {
  /** Another one after each removal. */
  readonly epoch: string
  /** Tokens that their resources have refused, by their SHA-256, and when they end (epoch milliseconds). */
  readonly rejected: ReadonlyArray<readonly [hash: string, until: number]>
}

const PartitionJson = Schema.parseJson(
  Schema.Struct({
    v: Schema.Literal(1),
    epoch: Text,
    rejected: Schema.Array(Schema.Tuple(Text, Millis))
  })
)
const decodePartition = Schema.decodeUnknownOption(PartitionJson)

/** @internal */
export const partitionText = ({ epoch, rejected }: StoredPartition): string => JSON.stringify({ v: 1, epoch, rejected })

/** @internal */
export const recordIn = (text: string): StoredPartition | undefined => Option.getOrUndefined(decodePartition(text))

/**
 * Whether a later version wrote it, which may mean more by it.
 *
 * @internal
 */
export const isNewerRecord = (text: string): boolean => Number(/^\{"v":(\d{1,4}),/.exec(text)?.[1] ?? 1) > 1

const decodeList = Schema.decodeUnknownOption(Schema.parseJson(Schema.Array(Text)))

/** @internal */
export const listIn = (text: string): ReadonlyArray<string> | undefined => Option.getOrUndefined(decodeList(text))
