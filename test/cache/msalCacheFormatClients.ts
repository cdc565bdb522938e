import {
  type AuthenticationResult,
  ConfidentialClientApplication,
  type ICachePlugin,
  type INetworkModule
} from "@azure/msal-node"
import { HttpClient, HttpClientRequest, type HttpClientResponse } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import * as Undici from "@effect/platform-node/Undici"
import { Context, Effect, Layer, Logger, LogLevel, Redacted, Runtime } from "effect"
import type { TokenCache } from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as IdTokenVerifier from "../../src/client/IdTokenVerifier.js"
import * as Authority from "../../src/core/Authority.js"
import type * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { inProcess, publicOrigin } from "../emulator/helpers.js"
import { defaults, options, tokenRequests } from "../support/emulated.js"
import { visit } from "../support/people.js"
import { attempt, present } from "./msalClients.js"

/** Where both clients ask. */
export class Origin extends Context.Tag("test/msalCacheFormat/Origin")<Origin, string>() {}

/** Entra's public cloud, played in this process: a document names it by its cache's name. */
export const publicCloud = (emulator?: EntraEmulator.Options) =>
  IdTokenVerifier.layer.pipe(Layer.merge(Layer.succeed(Origin, publicOrigin)), Layer.provideMerge(inProcess(emulator)))

/** A client that trusts the emulator's certificate, and verifies it. */
const trusting = Layer.scoped(
  NodeHttpClient.Dispatcher,
  Effect.flatMap(EntraEmulatorNode.Address, ({ certificate }) =>
    Effect.acquireRelease(
      Effect.sync(() => new Undici.Agent({ connect: certificate === undefined ? {} : { ca: certificate } })),
      (agent) => Effect.promise(() => agent.destroy())
    )
  )
)

/** A server of its own, asked over TLS: a document names it by its host. */
export const ownHost = (emulator?: EntraEmulator.Options) =>
  IdTokenVerifier.layer.pipe(
    Layer.provideMerge(NodeHttpClient.layerUndiciWithoutDispatcher),
    Layer.merge(
      Layer.effect(
        Origin,
        Effect.map(EntraEmulatorNode.Address, ({ origin }) => origin)
      )
    ),
    Layer.provide(trusting),
    Layer.provideMerge(EntraEmulatorNode.layer({ tls: true, ...emulator }))
  )

export const worlds = { "Entra's public cloud": publicCloud, "a host of its own, over TLS": ownHost }

/** Our client over a cache, as another process would make it. */
export const ours = <E, R>(cache: Layer.Layer<TokenCache, E, R>, change: Partial<ConfidentialClient.Options> = {}) =>
  Effect.gen(function* () {
    const authority = Authority.entra({ tenantId: defaults.tenantId, host: yield* Origin })
    const context = yield* Layer.build(cache)
    return yield* Effect.provide(ConfidentialClient.make({ ...options, authority, ...change }), context)
  })

const answer = (response: HttpClientResponse.HttpClientResponse) =>
  Effect.map(response.json, (json) => ({
    status: response.status,
    headers: { ...response.headers },
    // biome-ignore lint/suspicious/noExplicitAny: MSAL says what it expects
    body: json as any
  }))

const network = Effect.map(Effect.runtime<HttpClient.HttpClient>(), (runtime): INetworkModule => {
  const run = (request: HttpClientRequest.HttpClientRequest) =>
    Runtime.runPromise(runtime)(Effect.flatMap(HttpClient.execute(request), answer))
  return {
    sendGetRequestAsync: (url) => run(HttpClientRequest.get(url)),
    sendPostRequestAsync: (url, options) =>
      run(
        HttpClientRequest.post(url).pipe(
          HttpClientRequest.bodyText(options?.body ?? "", "application/x-www-form-urlencoded")
        )
      )
  }
})

/** msal-node as the same application, as another process would make it. */
export const msal = (cachePlugin?: ICachePlugin, document = "", path: string = defaults.tenantId) =>
  Effect.gen(function* () {
    const origin = yield* Origin
    const application = new ConfidentialClientApplication({
      auth: {
        clientId: defaults.clientId,
        clientSecret: Redacted.value(defaults.clientSecret),
        authority: `${origin}/${path}`,
        knownAuthorities: origin === publicOrigin ? [] : [new URL(origin).host]
      },
      system: { networkClient: yield* network },
      ...(cachePlugin === undefined ? {} : { cache: { cachePlugin } })
    })
    application.getTokenCache().deserialize(document)
    return application
  })

export type Ours = ConfidentialClient.ConfidentialClientService
export type Msal = ConfidentialClientApplication

interface Wanted {
  readonly username?: string
  readonly scope?: string
}

/** A whole sign-in with us. */
export const signInOurs = (client: Ours, { scope = defaults.apiUserScope, username }: Wanted = {}) =>
  Effect.gen(function* () {
    const { flow, url } = yield* client.getAuthCodeUrl({ redirectUri: defaults.redirectUri, scopes: [scope] })
    return yield* client.acquireTokenByCode({ flow, response: yield* visit(url, username) })
  })

/** A whole sign-in with msal-node. */
export const signInMsal = (application: Msal, { scope = defaults.apiUserScope, username }: Wanted = {}) =>
  Effect.gen(function* () {
    const request = { redirectUri: defaults.redirectUri, scopes: [scope] }
    const url = yield* attempt(() => application.getAuthCodeUrl(request))
    const code = (yield* visit(new URL(url), username)).get("code") ?? ""
    return present(yield* attempt(() => application.acquireTokenByCode({ ...request, code })))
  })

export const accountsOfMsal = (application: Msal) => attempt(() => application.getTokenCache().getAllAccounts())

/** Finds the account, and asks for its token, as the documentation of msal-node tells. */
export const silentlyMsal = (
  application: Msal,
  homeAccountId: string,
  scope: string = defaults.apiUserScope
): Effect.Effect<AuthenticationResult, unknown> =>
  Effect.gen(function* () {
    const account = (yield* accountsOfMsal(application)).find((known) => known.homeAccountId === homeAccountId)
    if (account === undefined) return yield* Effect.fail("msal-node knows no such account")
    return present(yield* attempt(() => application.acquireTokenSilent({ account, scopes: [scope] })))
  })

export const appMsal = (application: Msal, scope: string = defaults.apiScope) =>
  Effect.map(
    attempt(() => application.acquireTokenByClientCredential({ scopes: [scope] })),
    present
  )

export const onBehalfMsal = (application: Msal, assertion: Redacted.Redacted, scope: string = defaults.apiUserScope) =>
  Effect.map(
    attempt(() => application.acquireTokenOnBehalfOf({ oboAssertion: Redacted.value(assertion), scopes: [scope] })),
    present
  )

/** What came of it, and what was sent to the token endpoint for it. */
export const asking = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = (yield* tokenRequests).length
    const value = yield* effect
    return { value, sent: (yield* tokenRequests).slice(before).map(({ form }) => form) }
  })

/** What comes without asking the authority. */
export const unasked = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(asking(effect), ({ sent, value }) =>
    sent.length === 0
      ? Effect.succeed(value)
      : Effect.dieMessage(`the authority was asked: ${sent.map(({ grant_type }) => grant_type)}`)
  )

export const alice = `${defaults.userObjectId}.${defaults.tenantId}`
export const bob = `${defaults.secondUserObjectId}.${defaults.tenantId}`
export const carol = `${defaults.otherUserObjectId}.${defaults.otherTenantId}`

/** What is logged as a warning, or worse. */
export const warnings = () => {
  const lines: Array<string> = []
  const layer = Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ logLevel, message }) => {
      if (LogLevel.greaterThanEqual(logLevel, LogLevel.Warning)) lines.push(String(message))
    })
  )
  return { lines, layer }
}

/** What a document holds, by section. */
export const sectionsOf = (text: string): Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>> =>
  JSON.parse(text)

export const entitiesOf = (text: string, section: string) => Object.values(sectionsOf(text)[section] ?? {})

/** The same document, all access tokens in it over. */
export const aged = (text: string): string => {
  const { AccessToken = {}, ...others } = sectionsOf(text)
  const over = String(Math.floor(Date.now() / 1000) - 10)
  const tokens = Object.entries(AccessToken).map(([key, entity]) => [
    key,
    { ...entity, expires_on: over, extended_expires_on: over, refresh_on: undefined }
  ])
  return JSON.stringify({ ...others, AccessToken: Object.fromEntries(tokens) })
}
