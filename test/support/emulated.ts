import type { HttpClient } from "@effect/platform"
import { Effect, Layer } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"

export const { defaults } = EntraEmulator

/** The emulator's app as a client of Entra's public cloud. */
export const options: ConfidentialClient.Options = {
  authority: Authority.entra({ tenantId: defaults.tenantId }),
  clientId: defaults.clientId,
  credential: ClientCredential.secret(defaults.clientSecret)
}

export type Emulated =
  | ConfidentialClient.ConfidentialClient
  | EntraEmulator.EntraEmulator
  | HttpClient.HttpClient
  | TokenCache.TokenCache

/** A client whose HTTP ends in an emulator in this process: time is the TestClock's. */
export const layer = (
  change: Partial<ConfidentialClient.Options> = {},
  emulator?: EntraEmulator.Options
): Layer.Layer<Emulated> =>
  ConfidentialClient.layer({ ...options, ...change }).pipe(
    Layer.provideMerge(TokenCache.layerMemory()),
    Layer.provideMerge(EntraEmulator.layerHttpClient),
    Layer.provideMerge(EntraEmulator.layer(emulator)),
    Layer.orDie
  )

/** How many times the emulator's token endpoint was asked. */
export const tokenRequests = Effect.map(
  Effect.flatMap(EntraEmulator.EntraEmulator, (emulator) => emulator.requests),
  (requests) => requests.filter(({ method, path }) => method === "POST" && path.endsWith("/token"))
)
