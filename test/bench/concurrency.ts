import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import type { Benchmark } from "./measure.js"

const { defaults } = EntraEmulator
const callers = 1000

/** As many fibers ask at once for a token that is not there yet, over real HTTP. */
export const concurrency: Benchmark = {
  name: "concurrency",
  run: () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const client = yield* ConfidentialClient.make({
        authority: Authority.entra({ tenantId: defaults.tenantId, host: origin }),
        clientId: defaults.clientId,
        credential: ClientCredential.secret(defaults.clientSecret)
      })
      const source = client.app.forScopes(defaults.apiScope)
      yield* Effect.replicateEffect(source.getToken(), callers, { concurrency: "unbounded", discard: true })
      const requests = yield* Effect.flatMap(EntraEmulator.EntraEmulator, (emulator) => emulator.requests)
      const what = `token requests for ${callers} concurrent callers`
      return [{ benchmark: "concurrency", what, value: requests.length, unit: "requests" as const, mustBe: 1 }]
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.mergeAll(EntraEmulatorNode.layer(), TokenCache.layerMemory(), NodeHttpClient.layerUndici)),
      Effect.orDie
    )
}
