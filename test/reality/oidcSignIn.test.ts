import { createServer } from "node:http"
import { HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Either, Layer, Redacted, Schema } from "effect"
import Provider, { type Configuration } from "oidc-provider"
import * as TokenCache from "../../src/cache/TokenCache.js"
import { AuthCodeFlow } from "../../src/client/AuthorizationCode.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as IdTokenVerifier from "../../src/client/IdTokenVerifier.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import { listen } from "../protocol/servers.js"

const secret = "a-secret-of-some-length-+/&=%"
const redirectUri = "https://app.example/callback"

const configuration: Configuration = {
  clients: [
    {
      client_id: "web",
      client_secret: secret,
      grant_types: ["authorization_code", "refresh_token", "client_credentials"],
      redirect_uris: [redirectUri],
      response_types: ["code"],
      scope: "openid offline_access api:read api:write",
      token_endpoint_auth_method: "client_secret_post"
    }
  ],
  claims: { openid: ["sub"], "api:read": [], "api:write": [] },
  cookies: { keys: ["a-key-of-a-test"] },
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: true } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  scopes: ["openid", "offline_access", "api:read", "api:write"],
  ttl: {
    AccessToken: 600,
    AuthorizationCode: 60,
    Grant: 3600,
    IdToken: 600,
    Interaction: 600,
    RefreshToken: 3600,
    Session: 600
  }
}

/** A certified OpenID provider whose refresh tokens rotate: one that is offered twice ends its grant. */
const provider = Effect.gen(function* () {
  const server = createServer()
  const { origin } = yield* listen(server)
  const oidc = new Provider(origin, configuration)
  const revoked: Array<string> = []
  oidc.on("grant.revoked", (_, grantId) => revoked.push(grantId))
  server.on("request", oidc.callback())
  return { issuer: origin, revoked }
})

/** A browser that keeps its cookies, and stops where the provider sends it back to the app. */
const browser = () => {
  const jar = new Map<string, string>()
  const send = async (url: string, form?: Readonly<Record<string, string>>) => {
    const response = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form !== undefined && { method: "POST", body: new URLSearchParams(form) })
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ""] = cookie.split(";")
      const [name = "", value = ""] = pair.split("=")
      if (value === "") jar.delete(name)
      else jar.set(name, value)
    }
    return response
  }
  const follow = async (url: string, response: Response): Promise<URLSearchParams> => {
    const location = response.headers.get("location")
    if (location !== null) {
      const next = new URL(location, url)
      return next.href.startsWith(redirectUri) ? next.searchParams : follow(next.href, await send(next.href))
    }
    const page = await response.text()
    const action = new URL(/action="([^"]+)"/.exec(page)?.[1] ?? "", url).href
    const prompt = /name="prompt" value="([^"]+)"/.exec(page)?.[1] ?? ""
    assert.include(["login", "consent"], prompt, page)
    return follow(action, await send(action, { prompt, login: "ada", password: "x" }))
  }
  return (url: URL) => Effect.promise(async () => follow(url.href, await send(url.href)))
}

/** The app, and all that it sends to the token endpoint. */
const prepared = Effect.gen(function* () {
  const { issuer, revoked } = yield* provider
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
    IdTokenVerifier.layer.pipe(Layer.provideMerge(http), Layer.merge(TokenCache.layerMemory()))
  )
  const clientAt = (authority: string) =>
    ConfidentialClient.make({
      authority: Authority.oidc({ issuer: authority }),
      clientId: "web",
      credential: ClientCredential.secret(Redacted.make(secret)),
      retryPolicy: { attempts: 1 }
    }).pipe(Effect.provide(context))
  const client = yield* clientAt(issuer)
  const begin = client.getAuthCodeUrl({
    redirectUri,
    scopes: ["openid", "offline_access", "api:read", "api:write"],
    prompt: "consent"
  })
  const redeem = (request: Parameters<typeof client.acquireTokenByCode>[0]) =>
    Effect.provide(client.acquireTokenByCode(request), context)
  const signIn = Effect.gen(function* () {
    const { flow, url } = yield* begin
    return yield* redeem({ flow, response: yield* browser()(url) })
  })
  const offered = () => posted.flatMap((form) => form.get("refresh_token") ?? [])
  return { begin, client, clientAt, issuer, offered, posted, redeem, revoked, signIn }
})

layer(Layer.empty, { excludeTestServices: true })("oidc-provider, discovered", (it) => {
  it.scoped("issues a token to the app itself", () =>
    Effect.gen(function* () {
      const { client } = yield* prepared
      const api = client.app.forScopes(["api:write", "api:read"])
      const token = yield* api.getToken()
      assert.sameMembers([...token.scopes], ["api:read", "api:write"])
      assert.strictEqual((yield* api.getToken()).source, "cache")
    })
  )

  it.scoped("is refused under another issuer, and gets no secret then", () =>
    Effect.gen(function* () {
      const { clientAt, issuer, posted } = yield* prepared
      const stranger = yield* clientAt(`${issuer}/`)
      const failure = yield* Effect.flip(stranger.app.forScopes("api:read").getToken())
      assert.strictEqual(failure._tag, "ConfigurationError")
      assert.lengthOf(posted, 0)
    })
  )

  it.scoped("signs a person in by code and PKCE, through its own pages", () =>
    Effect.gen(function* () {
      const { begin, client, issuer, posted, redeem } = yield* prepared
      const { flow, url } = yield* begin
      assert.isTrue(flow.isIssuerReturned, "it advertises RFC 9207")
      const response = yield* browser()(url)
      assert.strictEqual(response.get("iss"), issuer)
      const kept = yield* Schema.decode(AuthCodeFlow)(yield* Schema.encode(AuthCodeFlow)(flow))
      const { account, token } = yield* redeem({ flow: kept, response })
      assert.strictEqual(account.homeAccountId, "ada")
      assert.strictEqual(account.idTokenClaims.iss, issuer)
      assert.sameMembers([...token.scopes], ["openid", "offline_access", "api:read", "api:write"])
      assert.deepStrictEqual(
        posted.map((form) => form.get("grant_type")),
        ["authorization_code"]
      )
      const again = yield* client.acquireTokenSilent({
        account,
        scopes: ["openid", "offline_access", "api:read", "api:write"]
      })
      assert.strictEqual(again.source, "cache")
      assert.strictEqual(Redacted.value(again.accessToken), Redacted.value(token.accessToken))
    })
  )

  it.scoped("is not believed when its response says another issuer, none, or another state", () =>
    Effect.gen(function* () {
      const { begin, posted, redeem } = yield* prepared
      const { flow, url } = yield* begin
      const response = yield* browser()(url)
      const changed = (name: string, value: string | undefined) => {
        const copy = new URLSearchParams(response)
        if (value === undefined) copy.delete(name)
        else copy.set(name, value)
        return Effect.flip(redeem({ flow, response: copy }))
      }
      for (const failure of [
        yield* changed("iss", "https://evil.example"),
        yield* changed("iss", undefined),
        yield* changed("state", "x")
      ])
        assert.strictEqual(failure._tag, "InvalidAuthorizationResponse")
      assert.lengthOf(posted, 0)
      yield* redeem({ flow, response })
    })
  )

  it.scoped("refuses a code whose verifier is another sign-in's, and one that was redeemed", () =>
    Effect.gen(function* () {
      const { begin, client, redeem } = yield* prepared
      const [one, other] = yield* Effect.all([begin, begin])
      const swapped = new AuthCodeFlow({ ...one.flow, codeVerifier: other.flow.codeVerifier })
      const wrong = yield* Effect.flip(redeem({ flow: swapped, response: yield* browser()(one.url) }))
      assert.strictEqual(wrong._tag, "InvalidGrant")
      const response = yield* browser()(other.url)
      yield* redeem({ flow: other.flow, response })
      const again = yield* Effect.flip(redeem({ flow: other.flow, response }))
      assert.strictEqual(again._tag === "InvalidAuthorizationResponse" && again.reason, "used")
      assert.lengthOf(yield* client.getAccounts({ session: "" }), 1)
    })
  )

  it.scoped("tells that nobody is signed in (prompt=none)", () =>
    Effect.gen(function* () {
      const { client, redeem } = yield* prepared
      const { flow, url } = yield* client.getAuthCodeUrl({ redirectUri, scopes: ["openid"], prompt: "none" })
      const failure = yield* Effect.flip(redeem({ flow, response: yield* browser()(url) }))
      assert.strictEqual(failure._tag === "InteractionRequired" && failure.error, "login_required")
    })
  )

  it.scoped("renews again and again by refresh tokens that rotate, none of them offered twice", () =>
    Effect.gen(function* () {
      const { client, offered, revoked, signIn } = yield* prepared
      const { account } = yield* signIn
      const tokens: Array<string> = []
      for (let times = 0; times < 5; times += 1) {
        const token = yield* client.acquireTokenSilent({ account, scopes: ["api:read"], forceRefresh: true })
        assert.deepStrictEqual(token.scopes, ["api:read"])
        tokens.push(Redacted.value(token.accessToken))
      }
      assert.strictEqual(new Set(tokens).size, 5)
      assert.strictEqual(new Set(offered()).size, 5)
      assert.lengthOf(offered(), 5)
      assert.deepStrictEqual(revoked, [])
    })
  )

  it.scoped("renews for different scopes at once, one after the other, and the grant stays alive", () =>
    Effect.gen(function* () {
      const { client, offered, revoked, signIn } = yield* prepared
      const { account } = yield* signIn
      const renew = (scope: string) =>
        Effect.either(client.acquireTokenSilent({ account, scopes: [scope], forceRefresh: true }))
      for (let times = 0; times < 4; times += 1) {
        const results = yield* Effect.all(
          ["api:read", "api:write", "api:read", "api:write"].map((scope) => renew(scope)),
          { concurrency: "unbounded" }
        )
        for (const result of results) assert.isTrue(Either.isRight(result), JSON.stringify(result))
      }
      assert.strictEqual(new Set(offered()).size, offered().length)
      assert.isAtLeast(offered().length, 8)
      assert.deepStrictEqual(revoked, [])
    })
  )

  it.scoped("ends a grant whose refresh token comes twice, of which our user is told", () =>
    Effect.gen(function* () {
      const { client, offered, revoked, signIn } = yield* prepared
      const { account } = yield* signIn
      const renew = client.acquireTokenSilent({ account, scopes: ["api:read"], forceRefresh: true })
      yield* renew
      const [old = ""] = offered()
      const theft = yield* Effect.flip(
        client.acquireTokenByRefreshToken({ refreshToken: Redacted.make(old), scopes: ["api:read"] })
      )
      assert.strictEqual(theft._tag, "InvalidGrant")
      assert.lengthOf(revoked, 1)
      assert.strictEqual((yield* Effect.flip(renew))._tag, "InvalidGrant")
      assert.strictEqual((yield* Effect.flip(renew))._tag, "InteractionRequired", "the token is not kept")
    })
  )
})
