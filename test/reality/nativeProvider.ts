import { createServer } from "node:http"
import { HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import Provider, { type Configuration } from "oidc-provider"
import type { Page } from "playwright-core"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as IdTokenVerifier from "../../src/client/IdTokenVerifier.js"
import * as LoopbackServerNode from "../../src/client/LoopbackServerNode.js"
import * as PublicClient from "../../src/client/PublicClient.js"
import * as Authority from "../../src/core/Authority.js"
import { listen } from "../protocol/servers.js"
import { newTab, play, pressing } from "./personAtTab.js"

const scopes = ["openid", "profile", "offline_access", "api:read", "api:write"]

const configuration: Configuration = {
  clients: [
    {
      client_id: "desktop",
      application_type: "native",
      grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
      redirect_uris: ["http://localhost"],
      response_types: ["code"],
      scope: scopes.join(" "),
      token_endpoint_auth_method: "none"
    }
  ],
  claims: { openid: ["sub"], profile: ["name"], "api:read": [], "api:write": [] },
  cookies: { keys: ["a-key-of-a-test"] },
  features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: "Ada" }) }),
  scopes,
  ttl: {
    AccessToken: 600,
    AuthorizationCode: 60,
    DeviceCode: 600,
    Grant: 3600,
    IdToken: 600,
    Interaction: 600,
    RefreshToken: 3600,
    Session: 600
  }
}

/** Changes the parameters that a browser brings back to the program. */
export type Tampering = (response: URLSearchParams) => void

/** A certified OpenID provider; the refresh tokens of programs without a secret rotate, as it has it unless told otherwise. */
const provider = (tamper: Tampering) =>
  Effect.gen(function* () {
    const server = createServer()
    const { origin } = yield* listen(server)
    const oidc = new Provider(origin, configuration)
    const revoked: Array<string> = []
    oidc.on("grant.revoked", (_, grantId) => revoked.push(grantId))
    oidc.use(async (context, next) => {
      await next()
      const location = context.res.getHeader("location")
      if (typeof location !== "string" || !location.startsWith("http://localhost:")) return
      const url = new URL(location)
      tamper(url.searchParams)
      context.set("location", url.href)
    })
    server.on("request", oidc.callback())
    return { issuer: origin, revoked }
  })

/** A program without a secret at a provider, and all that it posts. */
export const prepared = (tamper: Tampering = () => undefined) =>
  Effect.gen(function* () {
    const { issuer, revoked } = yield* provider(tamper)
    const posted: Array<URLSearchParams> = []
    const recording = Effect.map(HttpClient.HttpClient, (client) =>
      HttpClient.make((request) => {
        if (request.method === "POST" && request.body._tag === "Uint8Array")
          posted.push(new URLSearchParams(new TextDecoder().decode(request.body.body)))
        return client.execute(request)
      })
    )
    const http = Layer.effect(HttpClient.HttpClient, recording).pipe(Layer.provide(NodeHttpClient.layerUndici))
    const context = yield* Layer.build(
      IdTokenVerifier.layer.pipe(
        Layer.provideMerge(http),
        Layer.merge(TokenCache.layerMemory()),
        Layer.merge(LoopbackServerNode.layer)
      )
    )
    const client = yield* PublicClient.make({
      authority: Authority.oidc({ issuer }),
      clientId: "desktop",
      retryPolicy: { attempts: 1 }
    }).pipe(Effect.provide(context))
    const offered = () => posted.flatMap((form) => form.get("refresh_token") ?? [])
    const granted = (type: string) => posted.filter((form) => form.get("grant_type") === type)
    return { client, context, granted, issuer, offered, posted, revoked }
  })

/** A tab that loads nothing from the net: the provider's pages ask for a font. */
export const offlineTab = Effect.tap(newTab, (tab) =>
  play(() =>
    tab.route(
      ({ hostname }) => hostname !== "127.0.0.1" && hostname !== "localhost",
      (route) => route.abort()
    )
  )
)

export const logIn = async (tab: Page) => {
  await tab.getByPlaceholder("Enter any login").fill("ada")
  await tab.getByPlaceholder("and password").fill("x")
  await pressing(tab)("Sign-in")
}

export const goOn = (tab: Page) => pressing(tab)("Continue")

export const cancel = (tab: Page) => tab.getByText("[ Cancel ]").click()
