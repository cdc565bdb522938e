/** Tokens of managed identities, and the cache that each kind of host has in front of Entra. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import type { Refusal } from "./answers.js"
import { Asked } from "./asked.js"
import * as Chance from "./chance.js"
import * as ContinuousAccess from "./continuousAccess.js"
import { type Api, findApi, findTenant, type ManagedIdentity } from "./directory.js"
import * as Entra from "./entra.js"
import type { IdentityToken } from "./memory.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

export interface Wanted {
  /** The kind of host: each has a cache of its own. */
  readonly host: string
  readonly identity: ManagedIdentity
  readonly resource: string
  /** Of `xms_cc`. */
  readonly capabilities: ReadonlyArray<string>
  /** The SHA-256 of a token, as hex, that the client no longer wants. */
  readonly rejected: string | undefined
}

/** Where the metadata service of a machine is, its tokens are not from. */
const linkLocal = "169.254.169.254"

const originOf = ({ hostname, origin }: URL) => (hostname === linkLocal ? "https://login.microsoftonline.com" : origin)

/** An app token as any other, in which the resource is named that the identity belongs to. */
const make = (
  world: World,
  { capabilities, identity }: Wanted,
  api: Api
): Effect.Effect<IdentityToken, Refusal, Asked> =>
  Effect.gen(function* () {
    const { url } = yield* Asked
    const realm = yield* Entra.authority(world, identity.tenantId).realm
    const tenant = yield* Entra.tenantOf(realm)
    const issuedAt = yield* world.now
    const expiresAt = issuedAt + Duration.toMillis(world.identityTokenLifetime)
    const uti = yield* Chance.uti
    const claims = Entra.manners.appClaims({
      origin: originOf(url),
      realm,
      tenant,
      app: { ...identity, displayName: identity.resourceId, secrets: [] },
      proof: "2",
      now: Math.floor(issuedAt / 1000),
      expires: Math.floor(expiresAt / 1000),
      uti,
      api,
      capabilities
    })
    world.memory.appTokens.set(uti, { clientId: identity.clientId, revokedAt: undefined })
    const accessToken = yield* world.key.sign({ ...claims, xms_mirid: identity.resourceId })
    return { accessToken, issuedAt, expiresAt }
  })

const sha256 = (text: string) =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
    (digest) => Encoding.encodeHex(new Uint8Array(digest))
  )

/** Hosts are known to keep tokens for hours; until when, each says otherwise. Here for half of their life. */
const isYoung = ({ expiresAt, issuedAt }: IdentityToken, now: number) =>
  now >= issuedAt && now - issuedAt < (expiresAt - issuedAt) / 2

/**
 * The token in the cache, or a new one; the cached one is dropped for who rejects it: docs/msiv1_token_revocation.md of
 * https://github.com/AzureAD/microsoft-authentication-library-for-dotnet
 */
export const get = (world: World, wanted: Wanted): Effect.Effect<IdentityToken, Refusal, Asked> =>
  Effect.gen(function* () {
    const { identity, rejected, resource } = wanted
    const tenant = findTenant(world.directory, identity.tenantId)
    const api = tenant === undefined ? undefined : findApi(tenant, resource)
    if (api === undefined) return yield* Refusals.unknownResource(resource, identity.tenantId)
    const key = JSON.stringify([wanted.host, identity.clientId, identity.tenantId, resource, wanted.capabilities])
    const cached = world.memory.identityTokens.get(key)
    const isWanted =
      cached !== undefined && (rejected === undefined || (yield* sha256(cached.accessToken)) !== rejected)
    if (isWanted && isYoung(cached, yield* world.now)) return cached
    const fresh = yield* make(world, wanted, api)
    world.memory.identityTokens.set(key, fresh)
    return fresh
  }).pipe(world.memory.identityTokenLock.withPermits(1))

/** `cp1` and what else is separated by commas; the others change nothing. */
export const capabilitiesOf = (text: string): ReadonlyArray<string> => {
  const names = text.split(",").map((name) => name.trim().toLowerCase())
  return ContinuousAccess.isCapable(names) ? ["cp1"] : []
}
