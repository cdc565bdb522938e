import { ManagedIdentityApplication } from "@azure/msal-node"
import { NodeHttpClient } from "@effect/platform-node"
import { ConfigProvider, Effect, Layer } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as MachineNode from "../../src/client/MachineNode.js"
import * as ManagedIdentity from "../../src/client/ManagedIdentity.js"
import * as Authority from "../../src/core/Authority.js"
import { CredentialUnavailable, type ExchangeError } from "../../src/core/TokenError.js"
import * as TokenProvider from "../../src/core/TokenProvider.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { type Benchmark, compare, inFiber, type Row } from "./measure.js"

const { defaults } = EntraEmulator
const { resource } = defaults.managedIdentity
const callers = 1000

type Variables = Readonly<Record<string, string>>

const environment = Effect.gen(function* () {
  const { managedIdentityEnvironment } = yield* EntraEmulator.EntraEmulator
  const { origin } = yield* EntraEmulatorNode.Address
  return managedIdentityEnvironment("appService", origin)
})

/** How many requests an App Service has had while something ran. */
const askedDuring = <A, E, R>(use: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const { requests } = yield* EntraEmulator.EntraEmulator
    const count = Effect.map(requests, (all) => all.filter(({ path }) => path.startsWith("/msi/")).length)
    const before = yield* count
    const value = yield* use
    return [value, (yield* count) - before] as const
  })

/** The process's own environment, for a client that reads no other; as it was when done. */
const withProcessEnvironment = <A, E, R>(variables: Variables, use: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
      Object.assign(process.env, variables)
      return before
    }),
    () => use,
    (before) =>
      Effect.sync(() => {
        for (const [name, value] of before)
          if (value === undefined) delete process.env[name]
          else process.env[name] = value
      })
  )

/** MSAL's cache is the process's: nothing may have asked for this resource before. */
const msalAsked = (variables: Variables) =>
  withProcessEnvironment(
    variables,
    Effect.promise(() => {
      const client = new ManagedIdentityApplication()
      return Promise.all(Array.from({ length: callers }, () => client.acquireToken({ resource })))
    })
  )

const missing = new CredentialUnavailable({ credential: "absent", reason: "is not here" })

const hit = (what: string, source: TokenProvider.TokenSource<unknown>) => inFiber(what, () => source.getToken())

/** What a hit costs, the loop itself taken off. */
const hits = (managed: TokenProvider.TokenProvider<ExchangeError>, rounds: number) =>
  Effect.gen(function* () {
    const { origin } = yield* EntraEmulatorNode.Address
    const { app } = yield* ConfidentialClient.make({
      authority: Authority.entra({ tenantId: defaults.tenantId, host: origin }),
      clientId: defaults.clientId,
      credential: ClientCredential.secret(defaults.clientSecret)
    })
    const chain = TokenProvider.firstOf<ExchangeError>([
      { name: "absent", provider: TokenProvider.fail(missing) },
      { name: "managed identity", provider: managed }
    ])
    const sources = {
      chain: chain.forScopes(resource),
      managed: managed.forScopes(resource),
      app: app.forScopes(defaults.apiScope)
    }
    for (const source of Object.values(sources)) yield* source.getToken()
    const candidates = Object.entries(sources).map(([what, source]) => hit(what, source))
    const micros = new Map(yield* compare([inFiber("loop", () => Effect.void), ...candidates], rounds))
    const cost = (what: keyof typeof sources) => (micros.get(what) ?? Number.NaN) - (micros.get("loop") ?? 0)
    return { chain: cost("chain"), managed: cost("managed"), app: cost("app") }
  })

const row = (what: string, value: number, unit: Row["unit"], mustBe?: number): Row => ({
  benchmark: "managedIdentity",
  what,
  value,
  unit,
  ...(mustBe !== undefined && { mustBe })
})

/** A managed identity on an emulated App Service, over real HTTP, and what a chain of identities adds to a hit. */
export const managedIdentity: Benchmark = {
  name: "managedIdentity",
  run: ({ rounds }) =>
    Effect.gen(function* () {
      const variables = yield* environment
      const { identity } = yield* Effect.withConfigProvider(
        ManagedIdentity.make(),
        ConfigProvider.fromMap(new Map(Object.entries(variables)))
      )
      const getToken = identity.forScopes(resource).getToken()
      const [, ours] = yield* askedDuring(
        Effect.replicateEffect(getToken, callers, { concurrency: "unbounded", discard: true })
      )
      const [, msal] = yield* askedDuring(msalAsked(variables))
      const { app, chain, managed } = yield* hits(identity, rounds)
      return [
        row(`requests for ${callers} concurrent callers`, ours, "requests", 1),
        row(`requests for ${callers} concurrent callers, msal-node`, msal, "requests"),
        row("a managed identity's hit in a fiber", managed, "µs"),
        row("a hit through a chain / a hit of its winner", chain / managed, "ratio"),
        row("a managed identity's hit / an app token's hit", managed / app, "ratio")
      ]
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.mergeAll(
          EntraEmulatorNode.layer(),
          TokenCache.layerMemory(),
          MachineNode.layer,
          NodeHttpClient.layerUndici
        )
      ),
      Effect.orDie
    )
}
