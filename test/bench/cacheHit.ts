import { FetchHttpClient } from "@effect/platform"
import { Effect, Layer, ManagedRuntime, Redacted } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import type { TokenSource } from "../../src/core/TokenProvider.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import { type Benchmark, type Candidate, compare, type Row } from "./measure.js"
import { filledMsal, scopeOf } from "./msal.js"

const token = JSON.stringify({ token_type: "Bearer", expires_in: 3599, access_token: "x".repeat(1500) })

/** A network in which every token request succeeds at once. */
const network = FetchHttpClient.layer.pipe(
  Layer.provide(Layer.succeed(FetchHttpClient.Fetch, () => Promise.resolve(new Response(token))))
)

const client = ConfidentialClient.layer({
  authority: Authority.entra({ tenantId: "aaaabbbb-0000-cccc-1111-dddd2222eeee" }),
  clientId: "00001111-aaaa-2222-bbbb-3333cccc4444",
  credential: ClientCredential.secret(Redacted.make("secret"))
}).pipe(Layer.provide(Layer.merge(TokenCache.layerMemory(), network)))

/** Our client with as many app tokens in its cache. */
const filled = (entries: number) =>
  Effect.gen(function* () {
    const { app } = yield* ConfidentialClient.ConfidentialClient
    for (let index = 0; index < entries; index++) yield* app.forScopes(scopeOf(index)).getToken()
    return app.forScopes(scopeOf(0))
  })

/** The cost of a step of the loop itself is measured too, and taken off. */
const inFiber = (what: string, effect: Effect.Effect<unknown, unknown>): Candidate => ({
  what,
  times: 20_000,
  run: (times) => {
    let left = times
    return Effect.whileLoop({
      while: () => left > 0,
      body: () => effect,
      step: () => {
        left -= 1
      }
    }).pipe(Effect.orDie)
  }
})

const awaited = (what: string, times: number, call: () => Promise<unknown>): Candidate => ({
  what,
  times,
  run: (count) =>
    Effect.promise(async () => {
      for (let index = 0; index < count; index++) await call()
    })
})

const candidatesOf = (entries: number, source: TokenSource<unknown>, msal: () => Promise<unknown>) => [
  inFiber(`in a fiber, ${entries}`, source.getToken()),
  awaited(`runPromise, ${entries}`, 5000, () => Effect.runPromise(source.getToken())),
  awaited(`msal-node, ${entries}`, entries > 100 ? 200 : 1000, msal)
]

export const cacheHit: Benchmark = {
  name: "cache-hit",
  run: ({ rounds }) =>
    Effect.gen(function* () {
      const candidates: Array<Candidate> = [inFiber("loop", Effect.void)]
      const runtimes: Array<ManagedRuntime.ManagedRuntime<ConfidentialClient.ConfidentialClient, unknown>> = []
      for (const entries of [1, 1000]) {
        const runtime = ManagedRuntime.make(client)
        runtimes.push(runtime)
        const source = yield* Effect.promise(() => runtime.runPromise(filled(entries)))
        const msal = yield* Effect.promise(() => filledMsal(entries))
        candidates.push(...candidatesOf(entries, source, msal))
      }
      const micros = new Map(yield* compare(candidates, rounds))
      yield* Effect.promise(() => Promise.all(runtimes.map((runtime) => runtime.dispose())))

      const loop = micros.get("loop") ?? 0
      const rowsOf = (entries: number): ReadonlyArray<Row> => {
        const at = (who: string) => micros.get(`${who}, ${entries}`) ?? Number.NaN
        const held = `${entries} ${entries === 1 ? "entry" : "entries"}`
        const fiber = at("in a fiber") - loop
        return [
          { benchmark: "cache-hit", what: `in a fiber, ${held}`, value: fiber, unit: "µs" },
          { benchmark: "cache-hit", what: `through runPromise, ${held}`, value: at("runPromise"), unit: "µs" },
          { benchmark: "cache-hit", what: `msal-node, ${held}`, value: at("msal-node"), unit: "µs" },
          {
            benchmark: "cache-hit",
            what: `msal-node / runPromise, ${held}`,
            value: at("msal-node") / at("runPromise"),
            unit: "ratio"
          }
        ]
      }
      return [1, 1000].flatMap(rowsOf)
    })
}
