import { ConfidentialClientApplication, type INetworkModule } from "@azure/msal-node"
import { HttpClient, HttpClientResponse } from "@effect/platform"
import { Effect, Redacted } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import type { Benchmark, Row } from "./measure.js"

const tenantId = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
const clientId = "00001111-aaaa-2222-bbbb-3333cccc4444"
const scopes = ["api://resource/read"]
const rounds = 10
const callers = 1000

const encoded = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url")

/** A caller's token of one user, as its client got it in this session. */
const assertionOf = (session: string): string =>
  [
    encoded({ alg: "RS256", typ: "JWT" }),
    encoded({
      aud: clientId,
      scp: "access_as_user",
      oid: "cccccccc-2222-3333-4444-dddddddddddd",
      sub: "user",
      tid: tenantId,
      exp: Math.floor(Date.now() / 1000) + 3600,
      session
    }),
    Buffer.from(session.padEnd(256, "s")).toString("base64url")
  ].join(".")

const answer = { token_type: "Bearer", expires_in: 3599, scope: scopes.join(" "), access_token: "x".repeat(1500) }

/** Counts what is asked of a network in which every request succeeds at once. */
const counting = () => {
  let count = 0
  const client = HttpClient.make((request) =>
    Effect.sync(() => {
      count += 1
      return HttpClientResponse.fromWeb(request, Response.json(answer))
    })
  )
  const network: INetworkModule = {
    sendGetRequestAsync: () => Promise.reject(new Error("nothing is to be discovered")),
    sendPostRequestAsync: <T>() => {
      count += 1
      return Promise.resolve({ headers: {}, status: 200, body: answer as T })
    }
  }
  return { client, network, count: () => count }
}

const asked = (use: (client: ConfidentialClient.ConfidentialClientService) => Effect.Effect<unknown, unknown>) =>
  Effect.gen(function* () {
    const { client, count } = counting()
    const made = yield* ConfidentialClient.make({
      authority: Authority.entra({ tenantId }),
      clientId,
      credential: ClientCredential.secret(Redacted.make("secret"))
    }).pipe(Effect.provideService(HttpClient.HttpClient, client), Effect.provide(TokenCache.layerMemory()))
    yield* use(made)
    return count()
  }).pipe(Effect.scoped, Effect.orDie)

const msalAsked = (use: (ask: (session: string) => Promise<unknown>) => Promise<unknown>) =>
  Effect.promise(async () => {
    const { count, network } = counting()
    const client = new ConfidentialClientApplication({
      auth: { clientId, clientSecret: "secret", authority: `https://login.microsoftonline.com/${tenantId}` },
      system: { networkClient: network }
    })
    await use((session) => client.acquireTokenOnBehalfOf({ oboAssertion: assertionOf(session), scopes }))
    return count()
  })

const alternating = Array.from({ length: rounds }, () => ["one", "two"]).flat()

/** How often the authority is asked on behalf of callers. */
export const onBehalfOf: Benchmark = {
  name: "on-behalf-of",
  run: () =>
    Effect.gen(function* () {
      const askIn = (client: ConfidentialClient.ConfidentialClientService) => (session: string) =>
        client
          .onBehalfOf(Redacted.make(assertionOf(session)))
          .forScopes(scopes)
          .getToken()
      const row = (what: string, value: number, mustBe?: number): Row => ({
        benchmark: "on-behalf-of",
        what,
        value,
        unit: "requests",
        ...(mustBe !== undefined && { mustBe })
      })
      return [
        row(
          `requests for ${callers} concurrent calls of one user`,
          yield* asked((client) =>
            Effect.replicateEffect(
              Effect.suspend(() => askIn(client)("one")),
              callers,
              {
                concurrency: "unbounded",
                discard: true
              }
            )
          ),
          1
        ),
        row(
          `requests for two sessions of one user, ${rounds} times in turn`,
          yield* asked((client) => Effect.forEach(alternating, askIn(client), { discard: true })),
          2
        ),
        row(
          `msal-node, ${callers} concurrent calls`,
          yield* msalAsked((ask) => Promise.all(Array.from({ length: callers }, () => ask("one"))))
        ),
        row(
          `msal-node, two sessions in turn`,
          yield* msalAsked(async (ask) => {
            for (const session of alternating) await ask(session)
          })
        )
      ]
    })
}
