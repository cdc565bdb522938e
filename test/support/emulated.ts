import type { HttpClient } from "@effect/platform"
import { type Duration, Effect, Fiber, Layer, TestClock, TestServices } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import type { TokenRequest } from "../../src/core/TokenProvider.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import type { Fault } from "../../src/emulator/Fault.js"

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

/** Decides the next answers of the token endpoint. */
export const script = (...faults: ReadonlyArray<Fault>) =>
  Effect.flatMap(EntraEmulator.EntraEmulator, (emulator) => emulator.script(faults))

/** Lets virtual time pass until an effect has ended. */
export const elapsed = <A, E, R>(effect: Effect.Effect<A, E, R>, time: Duration.DurationInput) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(effect)
    yield* TestClock.adjust(time)
    return yield* Fiber.join(fiber)
  })

/** Looks, in real time, until what happens behind a caller's back has happened. */
export const eventually = <A, E, R>(look: Effect.Effect<A, E, R>, holds: (a: A) => boolean): Effect.Effect<A, E, R> =>
  Effect.flatMap(look, (seen) =>
    holds(seen)
      ? Effect.succeed(seen)
      : Effect.zipRight(
          TestServices.provideLive(Effect.sleep("5 millis")),
          Effect.suspend(() => eventually(look, holds))
        )
  )

export const apiSource = Effect.map(ConfidentialClient.ConfidentialClient, ({ app }) =>
  app.forScopes(defaults.apiScope)
)

export const getToken = (request?: TokenRequest) => Effect.flatMap(apiSource, (api) => api.getToken(request))
