import { createServer } from "node:http"
import { HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Either, Layer, Redacted } from "effect"
import { Redis as Ioredis } from "ioredis"
import Provider from "oidc-provider"
import * as TokenCacheRedis from "../../src/cache/TokenCacheRedis.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as IdTokenVerifier from "../../src/client/IdTokenVerifier.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import { listen } from "../protocol/servers.js"
import * as Redis from "../support/redis.js"

const secret = "a-secret-of-some-length-+/&=%"
const redirectUri = "https://app.example/callback"
const scopes = ["openid", "offline_access", "api:read", "api:write"]

/** A certified OpenID provider whose refresh tokens rotate: one that is offered twice ends its grant. */
const provider = Effect.gen(function* () {
  const server = createServer()
  const { origin } = yield* listen(server)
  const oidc = new Provider(origin, {
    clients: [
      {
        client_id: "web",
        client_secret: secret,
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: [redirectUri],
        response_types: ["code"],
        scope: scopes.join(" "),
        token_endpoint_auth_method: "client_secret_post"
      }
    ],
    claims: { openid: ["sub"], "api:read": [], "api:write": [] },
    cookies: { keys: ["a-key-of-a-test"] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    scopes,
    ttl: { AccessToken: 600, Grant: 3600, IdToken: 600, Interaction: 600, RefreshToken: 3600, Session: 600 }
  })
  const revoked: Array<string> = []
  oidc.on("grant.revoked", (_, grantId) => revoked.push(grantId))
  server.on("request", oidc.callback())
  return { issuer: origin, revoked }
})

/** A browser that keeps its cookies, and stops where the provider sends it back to the app. */
const browse = async (start: URL): Promise<URLSearchParams> => {
  const jar = new Map<string, string>()
  let url = start.href
  let form: Readonly<Record<string, string>> | undefined
  while (!url.startsWith(redirectUri)) {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form !== undefined && { method: "POST", body: new URLSearchParams(form) })
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [name = "", value = ""] = (cookie.split(";")[0] ?? "").split("=")
      if (value === "") jar.delete(name)
      else jar.set(name, value)
    }
    const location = response.headers.get("location")
    const page = location === null ? await response.text() : ""
    const prompt = /name="prompt" value="([^"]+)"/.exec(page)?.[1] ?? ""
    form = location === null ? { prompt, login: "ada", password: "x" } : undefined
    url = new URL(location ?? /action="([^"]+)"/.exec(page)?.[1] ?? "", url).href
  }
  return new URL(url).searchParams
}

/** A replica, and the refresh tokens that it offers. */
const replica = (issuer: string, url: string, offered: Array<string>) =>
  Effect.gen(function* () {
    const recording = Effect.map(HttpClient.HttpClient, (client) =>
      HttpClient.make((request) => {
        const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
        offered.push(...new URLSearchParams(body).getAll("refresh_token"))
        return client.execute(request)
      })
    )
    const http = Layer.effect(HttpClient.HttpClient, recording).pipe(Layer.provide(NodeHttpClient.layerUndici))
    const context = yield* ConfidentialClient.layer({
      authority: Authority.oidc({ issuer }),
      clientId: "web",
      credential: ClientCredential.secret(Redacted.make(secret)),
      retryPolicy: { attempts: 1 }
    }).pipe(
      Layer.provide(TokenCacheRedis.layer({ client: () => new Ioredis(url), timeout: "5 seconds" })),
      Layer.merge(IdTokenVerifier.layer),
      Layer.provide(http),
      Layer.build
    )
    return { client: Context.get(context, ConfidentialClient.ConfidentialClient), context }
  })

describe("two replicas before a Redis", () => {
  it.scopedLive(
    "never offer a refresh token twice that serves once, however many of their callers want a new token",
    () =>
      Effect.gen(function* () {
        const [redis, { issuer, revoked }] = yield* Effect.all([Redis.start(), provider])
        const offered: Array<string> = []
        const connected = replica(issuer, redis.url, offered)
        const [one, two] = yield* Effect.all([connected, connected])
        const { flow, url } = yield* one.client.getAuthCodeUrl({ redirectUri, scopes, prompt: "consent" })
        const response = yield* Effect.promise(() => browse(url))
        const { account } = yield* Effect.provide(one.client.acquireTokenByCode({ flow, response }), one.context)

        const renew = ({ client }: typeof one, scope: string) =>
          Effect.either(client.acquireTokenSilent({ account, scopes: [scope], forceRefresh: true }))
        for (let round = 0; round < 5; round += 1) {
          const results = yield* Effect.all(
            [one, two].flatMap((each) => [renew(each, "api:read"), renew(each, "api:write"), renew(each, "openid")]),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual(results.filter(Either.isLeft), [])
        }
        assert.isAtLeast(offered.length, 15)
        assert.isTrue(new Set(offered).size === offered.length, "none is offered twice")
        assert.deepStrictEqual(revoked, [])
      }),
    60_000
  )
})
