import { createServer } from "node:http"
import { FetchHttpClient, HttpClient, HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer, Redacted, Schema } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import { type Benchmark, type Candidate, compare, type Row } from "./measure.js"

const tenantId = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
const clientId = "00001111-aaaa-2222-bbbb-3333cccc4444"
const scope = "api://resource/.default"

/** A token endpoint that costs as little as a server can. */
const endpoint = Effect.acquireRelease(
  Effect.async<{ readonly origin: string; readonly close: Effect.Effect<void> }>((resume) => {
    const body = JSON.stringify({ token_type: "Bearer", expires_in: 3599, access_token: "x".repeat(1500) })
    const server = createServer((request, response) => {
      const headers = { "content-type": "application/json", "content-length": String(body.length) }
      request.resume().on("end", () => response.writeHead(200, headers).end(body))
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const close = Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
      resume(Effect.succeed({ origin: `http://127.0.0.1:${port}`, close }))
    })
  }),
  ({ close }) => close
)

const Token = Schema.Struct({ access_token: Schema.String, token_type: Schema.String, expires_in: Schema.Number })

/** The same form by HttpClient alone, its answer decoded. */
const bare = (origin: string) =>
  Effect.map(HttpClient.HttpClient, (client) =>
    HttpClientRequest.post(`${origin}/${tenantId}/oauth2/v2.0/token`).pipe(
      HttpClientRequest.bodyUrlParams({
        grant_type: "client_credentials",
        client_id: clientId,
        scope,
        client_secret: "s"
      }),
      client.execute,
      Effect.flatMap(HttpClientResponse.schemaBodyJson(Token)),
      Effect.scoped
    )
  )

/** Everything that the library does for a token that is not there. */
const ours = (origin: string) =>
  Effect.map(
    ConfidentialClient.make({
      authority: Authority.entra({ tenantId, host: origin }),
      clientId,
      credential: ClientCredential.secret(Redacted.make("s"))
    }),
    ({ app }) => app.forScopes(scope).getToken({ forceRefresh: true })
  )

const repeated = (what: string, effect: Effect.Effect<unknown, unknown>): Candidate => ({
  what,
  times: 200,
  run: (times) => Effect.orDie(Effect.replicateEffect(effect, times, { discard: true }))
})

const layers: ReadonlyArray<readonly [string, Layer.Layer<HttpClient.HttpClient>]> = [
  ["undici", NodeHttpClient.layerUndici],
  ["node:http", NodeHttpClient.layer],
  ["fetch", FetchHttpClient.layer]
]

const overLayer = (name: string, layer: Layer.Layer<HttpClient.HttpClient>, rounds: number) =>
  Effect.gen(function* () {
    const { origin } = yield* endpoint
    const candidates = [repeated("bare", yield* bare(origin)), repeated("ours", yield* ours(origin))]
    const micros = new Map(yield* compare(candidates, rounds))
    const bareMicros = micros.get("bare") ?? Number.NaN
    const ourMicros = micros.get("ours") ?? Number.NaN
    const row = (what: string, value: number, unit: Row["unit"]): Row => ({ benchmark: "cold", what, value, unit })
    return [
      row(`bare HttpClient POST, ${name}`, bareMicros, "µs"),
      row(`cold acquisition, ${name}`, ourMicros, "µs"),
      row(`cold acquisition / bare, ${name}`, ourMicros / bareMicros, "ratio")
    ]
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(layer, TokenCache.layerMemory())), Effect.orDie)

export const coldAcquisition: Benchmark = {
  name: "cold",
  run: ({ rounds }) =>
    Effect.map(
      Effect.forEach(layers, ([name, layer]) => overLayer(name, layer, rounds)),
      (rows) => rows.flat()
    )
}
