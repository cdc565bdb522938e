import {
  type AuthError,
  ClientAuthError,
  ConfidentialClientApplication,
  type INetworkModule,
  ServerError
} from "@azure/msal-node"
import * as Undici from "@effect/platform-node/Undici"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Fault from "../../src/emulator/Fault.js"
import { defaults } from "./helpers.js"

/** MSAL's network over a dispatcher that trusts one certificate, and verifies it. */
const networkOver = (dispatcher: Undici.Dispatcher): INetworkModule => {
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

interface Account {
  readonly tenant?: string
  readonly secret?: string
}

const application = ({ tenant = defaults.tenantId, secret = Redacted.value(defaults.clientSecret) }: Account = {}) =>
  Effect.gen(function* () {
    const { origin, certificate } = yield* EntraEmulatorNode.Address
    const agent = yield* Effect.acquireRelease(
      Effect.sync(() => new Undici.Agent({ connect: certificate === undefined ? {} : { ca: certificate } })),
      (agent) => Effect.promise(() => agent.destroy())
    )
    return new ConfidentialClientApplication({
      auth: {
        clientId: defaults.clientId,
        clientSecret: secret,
        authority: `${origin}/${tenant}`,
        knownAuthorities: [new URL(origin).host]
      },
      system: { networkClient: networkOver(agent) }
    })
  })

const acquire = (client: ConfidentialClientApplication, scope: string = defaults.apiScope) =>
  Effect.tryPromise({
    try: () => client.acquireTokenByClientCredential({ scopes: [scope] }),
    catch: (error) => error
  })

const tokenRequests = Effect.gen(function* () {
  const { requests } = yield* EntraEmulator
  return (yield* requests).filter(({ path }) => path.endsWith("/token"))
})

describe("@azure/msal-node over TLS", () => {
  for (const [shape, options] of Object.entries({ plain: {}, varied: { seed: "msal" } })) {
    it.scopedLive(`acquires by client credential, then hits its cache (${shape} answers)`, () =>
      Effect.gen(function* () {
        const client = yield* application()
        const first = yield* acquire(client)
        assert.strictEqual(first?.tokenType, "Bearer")
        assert.isFalse(first?.fromCache)
        const second = yield* acquire(client)
        assert.strictEqual(second?.accessToken, first?.accessToken)
        assert.isTrue(second?.fromCache)
        const [request, ...more] = yield* tokenRequests
        assert.lengthOf(more, 0)
        assert.strictEqual(request?.form.client_secret, "<masked>")
        assert.strictEqual(request?.form.scope, defaults.apiScope)
      }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true, ...options })))
    )
  }

  it.scopedLive("refresh_in is understood", () =>
    Effect.gen(function* () {
      const result = yield* acquire(yield* application())
      assert.isAbove(result?.refreshOn?.getTime() ?? 0, 0)
      assert.isBelow(result?.refreshOn?.getTime() ?? 0, result?.expiresOn?.getTime() ?? 0)
    }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true, tokenLifetime: "2 hours", refreshIn: "1 hour" })))
  )

  it.scopedLive("a wrong secret is its ServerError, with our codes and the correlation id that it sent", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(acquire(yield* application({ secret: "not-the-secret" })))
      assert.instanceOf(error, ServerError)
      if (!(error instanceof ServerError)) return
      assert.strictEqual(error.errorCode, "invalid_client")
      assert.include(error.errorMessage, "AADSTS7000215")
      assert.notInclude(error.errorMessage, "not-the-secret")
      assert.include(error.errorMessage, error.correlationId)
    }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true })))
  )

  it.scopedLive("an unknown tenant ends at discovery, as its ClientAuthError", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(acquire(yield* application({ tenant: "11111111-2222-4333-8444-555555555555" })))
      assert.instanceOf(error, ClientAuthError)
      assert.strictEqual((error as AuthError).errorCode, "endpoints_resolution_error")
      assert.lengthOf(yield* tokenRequests, 0)
      const { requests } = yield* EntraEmulator
      assert.deepStrictEqual([...new Set((yield* requests).map(({ status }) => status))], [400])
    }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true })))
  )

  it.scopedLive("it obeys a throttled answer: the next call does not leave the process", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.script([Fault.unavailable("30")])
      const client = yield* application()
      const first = yield* Effect.flip(acquire(client))
      const second = yield* Effect.flip(acquire(client))
      for (const error of [first, second]) assert.include((error as AuthError).errorMessage, "AADSTS90033")
      assert.lengthOf(yield* tokenRequests, 1)
    }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true })))
  )
})
