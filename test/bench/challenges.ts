import { HttpClient, HttpClientResponse } from "@effect/platform"
import { Effect, Redacted } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClaimsChallenge from "../../src/core/ClaimsChallenge.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as BearerHttpClient from "../../src/http/BearerHttpClient.js"
import { type Benchmark, type Candidate, compare, type Row } from "./measure.js"

const origin = "https://api.example"
const scope = "api://resource/.default"
const callers = 1000

const header = ClaimsChallenge.format({
  authorizationUri: "https://login.microsoftonline.com/common/oauth2/authorize",
  claims: JSON.stringify({ access_token: { nbf: { essential: true, value: "1726077595" } } })
})
const longHeader = `${'PoP nonce="x", '.repeat(4200)}${header}`

/** An authority that numbers its tokens, and an API that refuses the first; both answer at once. */
const makeWorld = () => {
  let tokens = 0
  const client = HttpClient.make((request, url) =>
    Effect.sync(() => {
      if (url.origin !== origin) {
        tokens += 1
        const answer = { token_type: "Bearer", expires_in: 3599, access_token: `${tokens} ${"x".repeat(1500)}` }
        return HttpClientResponse.fromWeb(request, Response.json(answer))
      }
      return request.headers.authorization?.startsWith("Bearer 1 ") === true && url.pathname === "/refuses"
        ? HttpClientResponse.fromWeb(
            request,
            new Response("", { status: 401, headers: { "www-authenticate": header } })
          )
        : HttpClientResponse.fromWeb(request, new Response("{}"))
    })
  )
  return { client, tokens: () => tokens }
}

const bearing = (client: HttpClient.HttpClient) =>
  ConfidentialClient.make({
    authority: Authority.entra({ tenantId: "aaaabbbb-0000-cccc-1111-dddd2222eeee" }),
    clientId: "00001111-aaaa-2222-bbbb-3333cccc4444",
    credential: ClientCredential.secret(Redacted.make("secret")),
    clientCapabilities: ["cp1"]
  }).pipe(
    Effect.provideService(HttpClient.HttpClient, client),
    Effect.provide(TokenCache.layerMemory()),
    Effect.map(({ app }) => BearerHttpClient.withBearer(app.forScopes(scope), { origins: [origin] })(client))
  )

const calling = (what: string, client: HttpClient.HttpClient.With<unknown>): Candidate => ({
  what,
  times: 2000,
  run: (times) => Effect.orDie(Effect.replicateEffect(client.get(`${origin}/takes`), times, { discard: true }))
})

const parsing = (what: string, text: string, times: number): Candidate => ({
  what,
  times,
  run: (count) =>
    Effect.sync(() => {
      for (let index = 0; index < count; index += 1) ClaimsChallenge.parse(text)
    })
})

/** What it costs to call with a token, to read a challenge, and to be refused by an API in a herd. */
export const challenges: Benchmark = {
  name: "challenges",
  run: ({ rounds }) =>
    Effect.gen(function* () {
      const refusing = makeWorld()
      const herd = yield* bearing(refusing.client)
      yield* herd.get(`${origin}/takes`)
      const before = refusing.tokens()
      yield* Effect.replicateEffect(herd.get(`${origin}/refuses`), callers, { concurrency: "unbounded", discard: true })
      const asked = refusing.tokens() - before

      const { client } = makeWorld()
      const bearer = yield* bearing(client)
      const micros = new Map(
        yield* compare(
          [
            calling("bare", client),
            calling("bearer", bearer),
            parsing("typical", header, 20_000),
            parsing("long", longHeader, 50)
          ],
          rounds
        )
      )
      const at = (what: string) => micros.get(what) ?? Number.NaN
      const row = (what: string, value: number, unit: Row["unit"] = "µs"): Row => ({
        benchmark: "challenges",
        what,
        value,
        unit
      })
      return [
        { ...row(`token requests for ${callers} concurrent refused calls`, asked, "requests"), mustBe: 1 },
        row("a call of the bare HttpClient", at("bare")),
        row("what the token adds to it", at("bearer") - at("bare")),
        row("reading a typical challenge", at("typical")),
        row("reading a header of 64 KiB", at("long"))
      ]
    }).pipe(Effect.scoped, Effect.orDie)
}
