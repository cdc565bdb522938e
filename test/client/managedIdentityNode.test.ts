import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as MachineNode from "../../src/client/MachineNode.js"
import * as ManagedIdentity from "../../src/client/ManagedIdentity.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Fault from "../../src/emulator/Fault.js"
import { defaults, type Host, hosts } from "./identities.js"

const { resource } = defaults.managedIdentity

const layer = (tls: boolean) =>
  Layer.mergeAll(MachineNode.layer, TokenCache.layerMemory(), EntraEmulatorNode.layer({ tls })).pipe(Layer.orDie)

const isTls = (host: Host) => host === "serviceFabric"

/** A managed identity over real HTTP; the retries are short, for time is real. */
const identityOn = (host: Host, change: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const emulator = yield* EntraEmulator.EntraEmulator
    const { origin, thumbprint } = yield* EntraEmulatorNode.Address
    const variables = { ...emulator.managedIdentityEnvironment(host, origin, { thumbprint }), ...change }
    return yield* Effect.withConfigProvider(
      ManagedIdentity.make({ retryPolicy: { backoff: "10 millis", attemptTimeout: "1 second" } }),
      ConfigProvider.fromMap(new Map(Object.entries(variables)))
    )
  })

describe.each(hosts)("over real HTTP, a managed identity on %s", (host) => {
  it.scopedLive("has a token, once for all who ask", () =>
    Effect.gen(function* () {
      const { acquireToken } = yield* identityOn(host)
      const tokens = yield* Effect.all(
        Array.from({ length: 100 }, () => acquireToken({ resource })),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(tokens.map(({ accessToken }) => Redacted.value(accessToken))).size, 1)
      const { requests } = yield* EntraEmulator.EntraEmulator
      assert.strictEqual((yield* requests).filter(({ status }) => status === 200).length, 1)
    }).pipe(Effect.provide(layer(isTls(host))))
  )

  it.scopedLive("lives through a reset connection, a cut body and an answer that does not come", () =>
    Effect.gen(function* () {
      const { acquireToken } = yield* identityOn(host)
      const { pendingIdentityFaults, scriptIdentity } = yield* EntraEmulator.EntraEmulator
      yield* scriptIdentity([Fault.reset("beforeHeaders"), Fault.reset("midBody"), Fault.hang])
      yield* acquireToken({ resource })
      assert.strictEqual(yield* pendingIdentityFaults, 0)
    }).pipe(Effect.provide(layer(isTls(host))))
  )
})

describe("Service Fabric's endpoint", () => {
  it.scopedLive("is not believed with another certificate, and is sent nothing", () =>
    Effect.gen(function* () {
      const { acquireToken } = yield* identityOn("serviceFabric", { IDENTITY_SERVER_THUMBPRINT: "ab".repeat(20) })
      const failure = yield* Effect.flip(acquireToken({ resource }))
      assert.deepInclude(failure, { _tag: "TransportError", reason: "certificate", isRetryable: false })
      const { requests } = yield* EntraEmulator.EntraEmulator
      assert.strictEqual((yield* requests).length, 0)
    }).pipe(Effect.provide(layer(true)))
  )

  it.scopedLive("has a thumbprint, or the identity is not made", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(identityOn("serviceFabric", { IDENTITY_SERVER_THUMBPRINT: "no thumbprint" }))
      assert.deepInclude(failure, { _tag: "ConfigurationError", parameter: "IDENTITY_SERVER_THUMBPRINT" })
    }).pipe(Effect.provide(layer(true)))
  )
})
