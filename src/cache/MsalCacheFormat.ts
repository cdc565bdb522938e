/**
 * The cache document that MSALs share (their unified cache schema): to move over from MSAL without a new sign-in, and to share
 * tokens with programs that use it.
 *
 * Of Entra, External ID and B2C. MSAL knows no sessions, so that of users those without one are shared, and no long-running
 * processes. The document holds refresh tokens as they are: whoever reads it has them.
 *
 * @since 0.1.0
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type Authority, resolve } from "../core/Authority.js"
import type { ConfigurationError } from "../core/TokenError.js"
import { type HolderName, type Partition, partitionOf, plainTenantOf, tokenKey, tokenKind } from "./cacheKey.js"
import { plain } from "./cipher.js"
import * as MsalBacking from "./msalBacking.js"
import * as MsalDocument from "./msalDocument.js"
import * as MsalPlace from "./msalPlace.js"
import { type ListedToken, listTokens, putToken } from "./msalTokens.js"
import { accounts } from "./msalUsers.js"
import { leasesIn } from "./storeLeases.js"
import * as StoreNames from "./storeNames.js"
import * as TokenCache from "./TokenCache.js"
import type { TokenStore } from "./TokenStore.js"

/**
 * A text is none of MSAL's cache documents. Nothing of it is told.
 *
 * @since 0.1.0
 * @category errors
 */
export class MalformedDocument extends Schema.TaggedError<MalformedDocument>(
  "effect-entra/MsalCacheFormat/MalformedDocument"
)("MalformedDocument", {
  /** It is no JSON; its parts are not where MSAL has them; it is longer than 64 MiB. */
  reason: Schema.Literal("json", "shape", "size")
}) {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `The text is none of MSAL's cache documents (${this.reason}): pass what its serialize() returned`
  }
}

/**
 * Whose tokens are moved.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientOptions {
  readonly clientId: string
  readonly authority: Authority
  /** Those of the client that is to find the tokens. */
  readonly clientCapabilities?: ReadonlyArray<string> | undefined
  /** The session whose users they are here; the default is that of users without one. */
  readonly session?: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Imported {
  readonly accounts: number
  readonly accessTokens: number
}

const holderOf = ({ assertionHash, homeAccountId, realm }: ListedToken, session: string): HolderName => {
  if (assertionHash !== "") return { kind: "assertion", id: assertionHash, session: "" }
  return homeAccountId === ""
    ? { kind: "app", id: realm.toLowerCase(), session: "" }
    : { kind: "account", id: homeAccountId, session }
}

/**
 * Takes what a client has in a document into the cache: accounts with their refresh tokens, and access tokens that have not ended.
 * An account that is there with a refresh token stays as it is.
 *
 * @since 0.1.0
 * @category conversions
 */
export const importDocument = (
  text: string,
  { authority, clientCapabilities = [], clientId, session = "" }: ClientOptions
): Effect.Effect<Imported, ConfigurationError | MalformedDocument, TokenCache.TokenCache> =>
  Effect.gen(function* () {
    const cache = yield* TokenCache.TokenCache
    const { environment } = yield* resolve(authority)
    const document = yield* Effect.mapError(MsalDocument.parse(text), (malformed) => new MalformedDocument(malformed))
    const holders = { clientId, environment, kind: "account", session } as const
    const client = MsalBacking.clientOf(holders)
    const users = accounts(document, client).map((account) => MsalBacking.userOf(document, client, account))
    for (const user of users)
      yield* cache.modifyUser(
        partitionOf({ ...holders, id: user.account?.homeAccountId ?? "" }),
        cache.unsafeNextSequence(),
        (known) => (known?.refreshToken === undefined ? user : undefined)
      )
    const tokens = listTokens(document, client, yield* Clock.currentTimeMillis)
    for (const token of tokens) {
      const tenantId = token.realm.toLowerCase()
      const partition = partitionOf({ clientId, environment, ...holderOf(token, session) })
      const key = tokenKey({
        partition,
        kind: tokenKind({ tenantId, capabilities: clientCapabilities }),
        scopeKey: [...token.scopes]
          .map((scope) => scope.toLowerCase())
          .sort()
          .join(" "),
        target: { tenantId, scopes: token.scopes, isPlain: true }
      })
      yield* cache.set(key, MsalBacking.foundOf(token).token, cache.unsafeNextSequence())
    }
    return { accounts: users.length, accessTokens: tokens.length }
  })

/** What memory holds of a holder that MSAL has a place for. */
const withTokens = (
  document: MsalDocument.Document,
  cache: TokenCache.TokenCacheService,
  partition: Partition,
  now: number
): MsalDocument.Document => {
  const { holder } = partition
  let left = document
  for (const { id, token } of cache.unsafeEntries(partition)) {
    const tenantId = plainTenantOf(id, partition)
    const { accessToken, expiresAtMillis, refreshAtMillis, scopes } = token
    if (tenantId === undefined || expiresAtMillis === undefined) continue
    const address = {
      ...MsalBacking.clientOf(holder),
      tenantId,
      homeAccountId: holder.kind === "account" ? holder.id : "",
      scopes
    }
    left = putToken(left, address, { accessToken, scopes, expiresAtMillis, refreshAtMillis }, now)
  }
  return left
}

/**
 * A document of what the cache has of a client: the accounts of a session with their refresh tokens, and the access tokens in
 * memory of these accounts and of the app in its own tenant. MSAL's `deserialize` takes it. It is a secret.
 *
 * @since 0.1.0
 * @category conversions
 */
export const exportDocument = ({
  authority,
  clientId,
  session = ""
}: ClientOptions): Effect.Effect<Redacted.Redacted, ConfigurationError, TokenCache.TokenCache> =>
  Effect.gen(function* () {
    const cache = yield* TokenCache.TokenCache
    const { environment, tenantId } = yield* resolve(authority)
    const now = yield* Clock.currentTimeMillis
    const app = partitionOf({ clientId, environment, kind: "app", id: tenantId, session: "" })
    const holders = { clientId, environment, kind: "account", session } as const
    const client = MsalBacking.clientOf(holders)
    let document = withTokens(MsalDocument.empty, cache, app, now)
    for (const user of yield* cache.users(partitionOf({ ...holders, id: "" }).group)) {
      if (user.account === undefined) continue
      document = MsalBacking.withUser(document, client, undefined, user)
      document = withTokens(document, cache, partitionOf({ ...holders, id: user.account.homeAccountId }), now)
    }
    return Redacted.make(MsalDocument.print(document))
  })

/**
 * How a cache deals with the document behind it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends Omit<TokenCache.StoreOptions, "encryption"> {}

/**
 * A cache that lives in a file of MSAL's: each finds what the other has won, and a sign-out there is seen here within a minute.
 * The file is locked as MSAL's extensions do it (`<path>.lockfile`), replaced in one step, and refused where others may read it.
 * What is in it and not understood stays as it is. Refused tokens and tokens that were removed leave the file; other processes
 * keep what they hold in memory of them, for the document has no place to say so.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFile = (
  options: Options & { readonly path: string }
): Layer.Layer<TokenCache.TokenCache, ConfigurationError, FileSystem.FileSystem | Path.Path> =>
  Layer.scoped(
    TokenCache.TokenCache,
    Effect.flatMap(MsalPlace.filePlace(options.path), (place) =>
      TokenCache.makeOver(MsalBacking.make({ place, leases: undefined }), { timeout: "2 seconds", ...options })
    )
  )

/**
 * A cache that lives in one entry of a store, where MSAL's cache plugin keeps its document: `TokenCacheRedis.makeStore` with an
 * empty prefix reaches any key. MSAL itself reads and writes the entry as a whole: what it writes at the same moment wins. Of
 * what is said of a file the same holds here.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerStore = <R>(
  store: Effect.Effect<TokenStore, ConfigurationError, R>,
  options: Options & { readonly key: string }
): Layer.Layer<TokenCache.TokenCache, ConfigurationError, Exclude<R, Scope.Scope>> =>
  Layer.scoped(
    TokenCache.TokenCache,
    Effect.flatMap(store, (made) => {
      const place = MsalPlace.storePlace(made, options.key)
      return TokenCache.makeOver(
        MsalBacking.make({ place, leases: leasesIn(made, StoreNames.make(plain, `${options.key}:`)) }),
        options
      )
    })
  )
