import { NodeHttpClient } from "@effect/platform-node"
import {
  Array as Arr,
  Context,
  type Duration,
  Effect,
  FiberRef,
  HashMap,
  HashSet,
  Layer,
  Logger,
  Option,
  Redacted,
  type Scope
} from "effect"
import type { RedisClient } from "../../src/cache/redisClient.js"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as TokenCacheRedis from "../../src/cache/TokenCacheRedis.js"
import type { TokenStore } from "../../src/cache/TokenStore.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as IdTokenVerifier from "../../src/client/IdTokenVerifier.js"
import type { AccessToken } from "../../src/core/AccessToken.js"
import * as Authority from "../../src/core/Authority.js"
import type { TokenProvider, TokenSource } from "../../src/core/TokenProvider.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { shiftedClock } from "../support/shiftedClock.js"

export const { defaults } = EntraEmulator

/** How many different tokens there are of each kind. */
export const width = 50

const guid = (first: string, index: number) => `${first}-0000-4000-8000-${`${index}`.padStart(12, "0")}`

export const apiIds = Arr.makeBy(width, (index) => guid("a0000000", index))
export const tenantIds = Arr.makeBy(width, (index) => guid("b0000000", index))
export const usernames = Arr.makeBy(width, (index) => `person${index}@${defaults.domain}`)

const [home] = EntraEmulator.defaultDirectory.tenants
const apps = home?.apps ?? []
const apis = home?.apis ?? []

const more: Partial<EntraEmulator.Tenant> = {
  apis: [...apis, ...apiIds.map((appId) => ({ identifierUri: `api://${appId}`, appId }))],
  users: [
    ...(home?.users ?? []),
    ...usernames.map((username, index) => ({
      objectId: guid("d0000000", index),
      username,
      displayName: `Person ${index}`
    }))
  ]
}

/** The default directory with many APIs and people in its first tenant, and many tenants beside it. */
const directory: EntraEmulator.Directory = {
  tenants: [
    ...EntraEmulator.defaultDirectory.tenants.map((tenant) => (tenant === home ? { ...tenant, ...more } : tenant)),
    ...tenantIds.map((id, index) => ({
      id,
      domains: [],
      apps: apps.map((app) => ({ ...app, objectId: guid("c0000000", index) })),
      apis
    }))
  ]
}

export type Kind = "scopes" | "tenants"

/** The ways in which one client's tokens differ. */
export const keysOf: Record<Kind, <E>(app: TokenProvider<E>) => ReadonlyArray<TokenSource<E>>> = {
  scopes: (app) => Arr.map(apiIds, (id) => app.forScopes(`api://${id}/.default`)),
  tenants: (app) => Arr.map(tenantIds, (tenantId) => app.forScopes(defaults.apiScope, { tenantId }))
}

export interface Entra {
  readonly origin: string
  readonly emulator: EntraEmulator.Service
  /** How many requests for a token it was sent. */
  readonly count: Effect.Effect<number>
}

/** Entra on loopback, which counts. */
export const authority = (options: EntraEmulatorNode.Options = {}): Effect.Effect<Entra, never, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Layer.build(EntraEmulatorNode.layer({ directory, ...options }))
    const emulator = Context.get(context, EntraEmulator.EntraEmulator)
    return {
      origin: Context.get(context, EntraEmulatorNode.Address).origin,
      emulator,
      count: Effect.map(
        emulator.requests,
        (requests) => requests.filter(({ method, path }) => method === "POST" && path.endsWith("/token")).length
      )
    }
  }).pipe(Effect.orDie)

type Within = <A, E>(effect: Effect.Effect<A, E, IdTokenVerifier.IdTokenVerifier>) => Effect.Effect<A, E>

export interface Replica {
  readonly client: ConfidentialClient.ConfidentialClientService
  readonly cache: TokenCache.TokenCacheService
  /** What its cache, and whoever runs within, says. */
  readonly lines: ReadonlyArray<string>
  /** Runs an effect as this replica does: with its clock, its HTTP and its logs. */
  readonly within: Within
  /** Lets time pass for this replica alone. */
  readonly pass: (time: Duration.DurationInput) => void
}

/** The lines of one replica, each with its level first. */
const keeping = (lines: Array<string>) =>
  Effect.locally(
    FiberRef.currentLoggers,
    HashSet.make(
      Logger.make(({ annotations, logLevel, message }) => {
        const isOurs = Option.contains(HashMap.get(annotations, "package"), "effect-entra")
        if (isOurs) lines.push(`${logLevel.label} ${Arr.ensure(message).join(" ")}`)
      })
    )
  )

/** How a replica's client is to be. */
export type ClientChange = Partial<ConfidentialClient.Options>

/** One server of a fleet: a client with a cache of its own before a store that all share. */
export const replicaOver = (
  origin: string,
  cache: Layer.Layer<TokenCache.TokenCache, unknown>,
  change: ClientChange = {}
): Effect.Effect<Replica, never, Scope.Scope> =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const { clock, pass } = shiftedClock()
    const kept = keeping(lines)
    const watched = <A, E, R>(effect: Effect.Effect<A, E, R>) => kept(Effect.withClock(effect, clock))
    const context = yield* ConfidentialClient.layer({
      authority: Authority.entra({ tenantId: defaults.tenantId, host: origin }),
      clientId: defaults.clientId,
      credential: ClientCredential.secret(defaults.clientSecret),
      ...change
    }).pipe(
      Layer.provideMerge(cache),
      Layer.merge(IdTokenVerifier.layer),
      Layer.provide(NodeHttpClient.layerUndici),
      Layer.build,
      watched
    )
    const within: Within = (effect) => watched(Effect.provide(effect, context))
    return {
      client: Context.get(context, ConfidentialClient.ConfidentialClient),
      cache: Context.get(context, TokenCache.TokenCache),
      lines,
      within,
      pass
    }
  }).pipe(Effect.orDie)

/** The same over Redis. */
export const replica = (
  origin: string,
  client: () => RedisClient,
  options: TokenCache.StoreOptions = {},
  change: ClientChange = {}
): Effect.Effect<Replica, never, Scope.Scope> =>
  replicaOver(origin, TokenCacheRedis.layer({ client, ...options }), change)

/** The same over a Redis of which a test decides more. */
export const replicaOfStore = (
  origin: string,
  client: () => RedisClient,
  change: (store: TokenStore) => TokenStore,
  options: TokenCache.StoreOptions = {}
): Effect.Effect<Replica, never, Scope.Scope> =>
  replicaOver(
    origin,
    Layer.scoped(
      TokenCache.TokenCache,
      Effect.flatMap(TokenCacheRedis.makeStore({ client }), (store) => TokenCache.make(change(store), options))
    )
  )

export const textOf = ({ accessToken }: AccessToken): string => Redacted.value(accessToken)

/** Sends a browser there whose user is signed in, and gives what it comes back with. */
export const visit = (emulator: EntraEmulator.Service, url: URL, username: string) =>
  Effect.zipRight(
    emulator.signIn(username),
    Effect.promise(async () => {
      const { headers } = await fetch(url, { redirect: "manual" })
      return new URL(headers.get("location") ?? "").searchParams
    })
  )

/** A whole sign-in at one replica. */
export const signIn = (at: Replica, { emulator }: Entra, username: string = defaults.username) =>
  Effect.gen(function* () {
    const { flow, url } = yield* at.within(
      at.client.getAuthCodeUrl({ redirectUri: defaults.redirectUri, scopes: [defaults.apiUserScope] })
    )
    const response = yield* visit(emulator, url, username)
    return yield* at.within(at.client.acquireTokenByCode({ flow, response }))
  })

/** Looks again and again until what it sees is so; dies when that takes too long. */
export const eventually = <A, E>(
  look: Effect.Effect<A, E>,
  holds: (seen: A) => boolean,
  within: Duration.DurationInput = "20 seconds"
): Effect.Effect<A, E> => {
  const again: Effect.Effect<A, E> = Effect.flatMap(look, (seen) =>
    holds(seen) ? Effect.succeed(seen) : Effect.zipRight(Effect.sleep("50 millis"), again)
  )
  return Effect.flatMap(
    Effect.timeoutOption(again, within),
    Option.match({ onNone: () => Effect.dieMessage("it did not come to that"), onSome: Effect.succeed })
  )
}
