import { get } from "node:http"
import { FetchHttpClient } from "@effect/platform"
import { Effect, Layer, Ref } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import { Browser } from "../../src/client/Browser.js"
import * as IdTokenVerifier from "../../src/client/IdTokenVerifier.js"
import * as LoopbackServerNode from "../../src/client/LoopbackServerNode.js"
import * as PublicClient from "../../src/client/PublicClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"

export const { defaults } = EntraEmulator

export const scope = defaults.apiUserScope

/** What a browser did, whose person signs in by itself. */
export interface Visit {
  readonly url: URL
  readonly title: string
}

/** A navigation as browsers make it; `fetch` says of itself that it is none. */
const visited = (url: URL) =>
  new Promise<{ readonly location: string | undefined; readonly body: string }>((resolve, reject) => {
    get(url, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (part) => {
        body += part
      })
      response.on("end", () => resolve({ location: response.headers.location, body }))
    }).on("error", reject)
  })

/** Follows what it is sent to until it sees a page. */
const walk = async (url: URL): Promise<string> => {
  let next = url
  for (let step = 0; step < 10; step += 1) {
    const { body, location } = await visited(next)
    if (location === undefined) return /<title>(.*?)<\/title>/.exec(body)?.[1] ?? ""
    next = new URL(location, next)
  }
  return "too many redirects"
}

/** A browser that notes where it was sent, and what it saw in the end. */
export const walker = Effect.map(Ref.make<ReadonlyArray<Visit>>([]), (visits) => ({
  visits,
  layer: Layer.succeed(Browser, {
    open: (url) =>
      Effect.promise(() => walk(url)).pipe(
        Effect.flatMap((title) => Ref.update(visits, (all) => [...all, { url, title }])),
        Effect.forkDaemon,
        Effect.asVoid
      )
  })
}))

/** What people sign in with, over real HTTP. */
export const surroundings = (options: EntraEmulator.Options = {}) =>
  Layer.mergeAll(
    EntraEmulatorNode.layer(options),
    LoopbackServerNode.layer,
    IdTokenVerifier.layer.pipe(Layer.provideMerge(FetchHttpClient.layer)),
    TokenCache.layerMemory()
  ).pipe(Layer.orDie)

export const makeClient = (change: Partial<PublicClient.Options> = {}) =>
  Effect.flatMap(EntraEmulatorNode.Address, ({ origin }) =>
    PublicClient.make({
      authority: Authority.entra({ tenantId: defaults.tenantId, host: origin }),
      clientId: defaults.publicClientId,
      ...change
    })
  )

/** Who sits at every browser. */
export const atBrowser = (username: string | undefined) =>
  Effect.flatMap(EntraEmulator.EntraEmulator, ({ signIn }) => signIn(username))
