import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Undici from "@effect/platform-node/Undici"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Fault from "../../src/emulator/Fault.js"
import { ask, get, tokenRequest } from "./helpers.js"

const clients = { undici: NodeHttpClient.layerUndici, fetch: FetchHttpClient.layer }

/** The first `code` along the causes of an error: what a person would look for. */
const codeOf = (error: unknown): string | undefined => {
  if (typeof error !== "object" || error === null) return undefined
  if ("code" in error && typeof error.code === "string") return error.code
  return "cause" in error ? codeOf(error.cause) : undefined
}

const askHere = Effect.flatMap(EntraEmulatorNode.Address, ({ origin }) => ask({ origin }))

const failure = Effect.flatMap(Effect.flip(askHere), (error) =>
  Effect.succeed({ tag: (error as HttpClientError.HttpClientError)._tag, code: codeOf(error) })
)

/** A client that trusts the emulator's certificate, and verifies it. */
const trusting = Layer.scoped(
  NodeHttpClient.Dispatcher,
  Effect.flatMap(EntraEmulatorNode.Address, ({ certificate }) =>
    Effect.acquireRelease(
      Effect.sync(() => new Undici.Agent({ connect: certificate === undefined ? {} : { ca: certificate } })),
      (agent) => Effect.promise(() => agent.destroy())
    )
  )
)

const overTls = NodeHttpClient.layerUndiciWithoutDispatcher.pipe(
  Layer.provide(trusting),
  Layer.provideMerge(EntraEmulatorNode.layer({ tls: true }))
)

for (const [name, client] of Object.entries(clients)) {
  describe(`over a socket, seen by ${name}`, () => {
    const here = Layer.merge(EntraEmulatorNode.layer(), client)

    it.live("a token comes, its issuer names the loopback origin", () =>
      Effect.gen(function* () {
        const { origin, certificate } = yield* EntraEmulatorNode.Address
        assert.match(origin, /^http:\/\/127\.0\.0\.1:\d+$/)
        assert.isUndefined(certificate)
        const { status, json } = yield* askHere
        assert.strictEqual(status, 200)
        assert.isString(json.access_token)
      }).pipe(Effect.provide(here))
    )

    it.live("a reset before the headers is a request that failed", () =>
      Effect.gen(function* () {
        const emulator = yield* EntraEmulator
        yield* emulator.script([Fault.reset("beforeHeaders")])
        const { tag, code } = yield* failure
        assert.strictEqual(tag, "RequestError")
        assert.include(["ECONNRESET", "UND_ERR_SOCKET"], code)
        const [request] = yield* emulator.requests
        assert.strictEqual(request?.status, undefined)
        assert.strictEqual(request?.fault, "Reset")
        assert.strictEqual((yield* askHere).status, 200)
      }).pipe(Effect.provide(here))
    )

    it.live("a reset in the body is a response that can't be read", () =>
      Effect.gen(function* () {
        const emulator = yield* EntraEmulator
        yield* emulator.script([Fault.reset("midBody")])
        const { origin } = yield* EntraEmulatorNode.Address
        const response = yield* HttpClient.execute(tokenRequest({ origin }))
        assert.strictEqual(response.status, 200)
        const error = yield* Effect.flip(response.text)
        assert.include(["ECONNRESET", "UND_ERR_SOCKET"], codeOf(error))
      }).pipe(Effect.provide(here))
    )

    it.live("a reset after the body leaves the answer whole", () =>
      Effect.gen(function* () {
        const emulator = yield* EntraEmulator
        yield* emulator.script([Fault.reset("afterBody")])
        yield* emulator.skew("3650 days", "behind")
        const { headers, json } = yield* askHere
        assert.isBelow(Date.parse(headers.date ?? ""), Date.now() - 3_000 * 86_400_000)
        assert.isString(json.access_token)
        assert.strictEqual((yield* emulator.requests)[0]?.status, 200)
      }).pipe(Effect.provide(here))
    )

    it.live("a delay lasts, a truncated body ends early", () =>
      Effect.gen(function* () {
        const emulator = yield* EntraEmulator
        yield* emulator.script([Fault.delay(40, Fault.truncated)])
        const [elapsed, error] = yield* Effect.timed(Effect.flip(askHere))
        assert.isAtLeast(Duration.toMillis(elapsed), 35)
        assert.strictEqual((error as HttpClientError.HttpClientError)._tag, "ResponseError")
      }).pipe(Effect.provide(here))
    )

    it.live("a client that gives up frees the request that hangs", () =>
      Effect.gen(function* () {
        const emulator = yield* EntraEmulator
        yield* emulator.script([Fault.hang])
        const given = yield* Effect.timeoutOption(askHere, "50 millis")
        assert.strictEqual(given._tag, "None")
        assert.strictEqual((yield* askHere).status, 200)
      }).pipe(Effect.provide(here))
    )
  })
}

describe("TLS", () => {
  it.live("the certificate proves localhost and 127.0.0.1 to who trusts it", () =>
    Effect.gen(function* () {
      const { origin, certificate } = yield* EntraEmulatorNode.Address
      assert.match(origin, /^https:\/\/localhost:\d+$/)
      assert.match(certificate ?? "", /BEGIN CERTIFICATE/)
      assert.strictEqual((yield* askHere).status, 200)
      const other = origin.replace("localhost", "127.0.0.1")
      const { json } = yield* get(`${other}/common/v2.0/.well-known/openid-configuration`)
      assert.strictEqual(json.issuer, `${other}/{tenantid}/v2.0`)
    }).pipe(Effect.provide(overTls))
  )

  it.live("who does not trust it gets no answer", () =>
    Effect.gen(function* () {
      const { tag } = yield* failure
      assert.strictEqual(tag, "RequestError")
    }).pipe(Effect.provide(Layer.merge(EntraEmulatorNode.layer({ tls: true }), NodeHttpClient.layerUndici)))
  )

  it.effect("a reset does not wait for a clock that stands still", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.script([Fault.reset("midBody")])
      assert.strictEqual((yield* failure).tag, "ResponseError")
    }).pipe(Effect.provide(overTls))
  )

  it.live("resets reach the client through TLS", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.script([Fault.reset("beforeHeaders"), Fault.reset("midBody"), Fault.reset("afterBody")])
      assert.strictEqual((yield* failure).tag, "RequestError")
      assert.strictEqual((yield* failure).tag, "ResponseError")
      assert.strictEqual((yield* askHere).status, 200)
      assert.strictEqual(yield* emulator.pendingFaults, 0)
    }).pipe(Effect.provide(overTls))
  )
})

describe("the port", () => {
  it.scopedLive("one that is taken is a ServeError, and nothing but 127.0.0.1 is listened on", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const port = Number(new URL(origin).port)
      const error = yield* Effect.flip(Layer.build(EntraEmulatorNode.layer({ port })))
      assert.strictEqual(error._tag, "ServeError")
      yield* Effect.flip(ask({ origin: `http://[::1]:${port}` }))
    }).pipe(Effect.provide(Layer.merge(EntraEmulatorNode.layer(), NodeHttpClient.layerUndici)))
  )
})

describe("the end", () => {
  it.live("the server closes at once, with a request under way and a connection kept alive", () =>
    Effect.gen(function* () {
      const closing = Effect.gen(function* () {
        const emulator = yield* EntraEmulator
        yield* askHere
        yield* emulator.script([Fault.hang])
        yield* Effect.forkDaemon(Effect.ignore(askHere))
        yield* Effect.sleep("50 millis")
        return (yield* EntraEmulatorNode.Address).origin
      }).pipe(Effect.provide(EntraEmulatorNode.layer()))
      const [elapsed, origin] = yield* Effect.timed(closing)
      assert.isBelow(Duration.toMillis(elapsed), 2000)
      const error = yield* Effect.flip(ask({ origin }))
      assert.strictEqual(codeOf(error), "ECONNREFUSED")
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})
