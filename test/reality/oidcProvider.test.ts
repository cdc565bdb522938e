import { createServer } from "node:http"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import Provider from "oidc-provider"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"

const secret = "a-secret-of-some-length-+/&=%"

/** A certified OpenID provider on an ephemeral port. */
const provider = Effect.acquireRelease(
  Effect.async<{ readonly issuer: string; readonly close: Effect.Effect<void> }>((resume) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const issuer = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
      const oidc = new Provider(issuer, {
        clients: [
          {
            client_id: "daemon",
            client_secret: secret,
            grant_types: ["client_credentials"],
            redirect_uris: [],
            response_types: [],
            scope: "api:read api:write",
            token_endpoint_auth_method: "client_secret_post"
          }
        ],
        features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
        scopes: ["api:read", "api:write", "api:admin"],
        ttl: { ClientCredentials: 600 }
      })
      server.on("request", oidc.callback())
      const close = Effect.async<void>((done) => {
        server.close(() => done(Effect.void))
        server.closeAllConnections()
      })
      resume(Effect.succeed({ issuer, close }))
    })
  }),
  ({ close }) => close
)

const clientOf = (issuer: string, change: Partial<ConfidentialClient.Options> = {}) =>
  ConfidentialClient.make({
    authority: Authority.custom({ issuer, tokenEndpoint: `${issuer}/token` }),
    clientId: "daemon",
    credential: ClientCredential.secret(Redacted.make(secret)),
    ...change
  })

layer(Layer.merge(TokenCache.layerMemory(), NodeHttpClient.layerUndici), { excludeTestServices: true })(
  "oidc-provider",
  (it) => {
    it.scoped("issues a token by client_secret_post, which is then cached", () =>
      Effect.gen(function* () {
        const { issuer } = yield* provider
        const { app } = yield* clientOf(issuer)
        const api = app.forScopes(["api:write", "api:read"])
        const token = yield* api.getToken()
        assert.isAbove(Redacted.value(token.accessToken).length, 20)
        assert.sameMembers([...token.scopes], ["api:read", "api:write"])
        assert.strictEqual((yield* api.getToken()).source, "cache")
      })
    )

    it.scoped("refuses a wrong secret and an unknown client: InvalidClient", () =>
      Effect.gen(function* () {
        const { issuer } = yield* provider
        const strangers = yield* Effect.all([
          clientOf(issuer, { credential: ClientCredential.secret(Redacted.make("wrong")) }),
          clientOf(issuer, { clientId: "nobody" })
        ])
        const errors = yield* Effect.forEach(strangers, ({ app }) => Effect.flip(app.forScopes("api:read").getToken()))
        assert.deepStrictEqual(
          errors.map(({ _tag }) => _tag),
          ["InvalidClient", "InvalidClient"]
        )
      })
    )

    it.scoped("refuses a scope that is not the client's: RequestRejected with its error", () =>
      Effect.gen(function* () {
        const { issuer } = yield* provider
        const { app } = yield* clientOf(issuer)
        const error = yield* Effect.flip(app.forScopes("api:admin").getToken())
        assert.strictEqual(error._tag === "RequestRejected" && error.error, "invalid_scope")
      })
    )

    it.scoped("has no token at a wrong endpoint: RequestRejected or MalformedResponse, never a token", () =>
      Effect.gen(function* () {
        const { issuer } = yield* provider
        const { app } = yield* clientOf(issuer, {
          authority: Authority.custom({ issuer, tokenEndpoint: `${issuer}/nowhere` })
        })
        const error = yield* Effect.flip(app.forScopes("api:read").getToken())
        assert.include(["RequestRejected", "MalformedResponse"], error._tag)
      })
    )
  }
)
