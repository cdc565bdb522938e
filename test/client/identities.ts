import { HttpClient } from "@effect/platform"
import { ConfigProvider, Effect, Fiber, Layer, TestClock, TestServices } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as Machine from "../../src/client/Machine.js"
import * as ManagedIdentity from "../../src/client/ManagedIdentity.js"
import { CredentialUnavailable } from "../../src/core/TokenError.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"

export const { defaults } = EntraEmulator

export type Host = Parameters<EntraEmulator.Service["managedIdentityEnvironment"]>[0]

export const hosts: ReadonlyArray<Host> = [
  "appService",
  "appServiceLegacy",
  "azureArc",
  "azureMl",
  "cloudShell",
  "imds",
  "serviceFabric"
]

/** A machine whose every address is the emulator in this process, and whose files are the emulator's keys. */
export const machine: Layer.Layer<Machine.Machine, never, EntraEmulator.EntraEmulator | HttpClient.HttpClient> =
  Layer.effect(
    Machine.Machine,
    Effect.gen(function* () {
      const direct = yield* HttpClient.HttpClient
      const emulator = yield* EntraEmulator.EntraEmulator
      return {
        isWindows: false,
        systemFolder: "/",
        direct,
        pinned: () => Effect.succeed(direct),
        hasArcAgent: Effect.succeed(false),
        arcKey: (path) =>
          Effect.flatMap(emulator.arcKeys, (keys) => {
            const key = keys.get(path)
            return key === undefined
              ? new CredentialUnavailable({ credential: "Azure Arc key file", reason: "is not there" })
              : Effect.succeed(key)
          })
      }
    })
  )

const origin = "http://169.254.169.254"

/** An emulated host in this process: time is the TestClock's. */
export const layer = (options?: EntraEmulator.Options) =>
  machine.pipe(
    Layer.provideMerge(TokenCache.layerMemory()),
    Layer.provideMerge(EntraEmulator.layerHttpClient),
    Layer.provideMerge(EntraEmulator.layer(options)),
    Layer.orDie
  )

/** A managed identity as it is found on such a host; on a virtual machine nothing in the environment tells of it. */
export const identityOn = (host: Host, options?: ManagedIdentity.Options) =>
  Effect.gen(function* () {
    const emulator = yield* EntraEmulator.EntraEmulator
    const variables = host === "imds" ? {} : emulator.managedIdentityEnvironment(host, origin)
    return yield* Effect.withConfigProvider(
      ManagedIdentity.make(options),
      ConfigProvider.fromMap(new Map(Object.entries(variables)))
    )
  })

/** Lets virtual time pass second by second, with real time in between for what is signed and hashed beside it. */
export const paced = <A, E, R>(effect: Effect.Effect<A, E, R>, seconds: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    for (let second = 0; second < seconds; second += 1) {
      if ((yield* Fiber.poll(fiber))._tag === "Some") break
      yield* TestServices.provideLive(Effect.sleep("3 millis"))
      yield* TestClock.adjust("1 second")
    }
    return yield* Fiber.join(fiber)
  })

/** The requests that the identities' endpoints have had, a look whether one is there aside. */
export const identityRequests = Effect.map(
  Effect.flatMap(EntraEmulator.EntraEmulator, ({ requests }) => requests),
  (requests) => requests.filter(({ path }) => /\/msi\/|\/oauth2\/token$/.test(path))
)
