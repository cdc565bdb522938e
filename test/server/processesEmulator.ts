import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { directory } from "./processesApi.js"
import { obey } from "./processesPort.js"

obey(
  Effect.gen(function* () {
    const context = yield* Layer.build(EntraEmulatorNode.layer({ tls: true, directory }))
    const address = Context.get(context, EntraEmulatorNode.Address)
    const emulator = Context.get(context, EntraEmulator.EntraEmulator)
    yield* emulator.signIn(EntraEmulator.defaults.username)
    return {
      address: () => Effect.succeed(address),
      revoke: () => emulator.revoke(EntraEmulator.defaults.username),
      /** The token endpoint's answers: who asked, by what grant, and the status. */
      exchanges: () =>
        Effect.map(emulator.requests, (requests) =>
          requests
            .filter(({ method, path }) => method === "POST" && path.endsWith("/token"))
            .map(({ form, status }) => `${form.client_id} ${form.grant_type?.split(":").at(-1)} ${status}`)
        )
    }
  })
)
