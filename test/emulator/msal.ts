import type { INetworkModule } from "@azure/msal-node"
import * as Undici from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"

/** MSAL's network over a dispatcher that trusts one certificate, and verifies it. */
export const networkOver = (dispatcher: Undici.Dispatcher): INetworkModule => {
  const send = async (
    method: "GET" | "POST",
    url: string,
    options?: { headers?: Record<string, string>; body?: string }
  ) => {
    const response = await Undici.request(url, {
      method,
      dispatcher,
      headers: options?.headers ?? {},
      body: options?.body ?? null
    })
    const headers = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
    return {
      status: response.statusCode,
      headers: Object.fromEntries(headers) as Record<string, string>,
      // biome-ignore lint/suspicious/noExplicitAny: MSAL says what it expects
      body: (await response.body.json()) as any
    }
  }
  return {
    sendGetRequestAsync: (url, options) => send("GET", url, options),
    sendPostRequestAsync: (url, options) => send("POST", url, options)
  }
}

/** A dispatcher that trusts the emulator's certificate, and is gone with the test. */
export const agent = Effect.gen(function* () {
  const { certificate } = yield* EntraEmulatorNode.Address
  return yield* Effect.acquireRelease(
    Effect.sync(() => new Undici.Agent({ connect: certificate === undefined ? {} : { ca: certificate } })),
    (agent) => Effect.promise(() => agent.destroy())
  )
})

/** Follows a link as a browser does, up to the application: where it is sent. */
export const follow = (url: string) =>
  Effect.gen(function* () {
    const dispatcher = yield* agent
    const { headers } = yield* Effect.promise(() => Undici.request(url, { dispatcher }))
    return new URL(String(headers.location))
  })
