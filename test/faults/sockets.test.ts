import type * as Http from "node:http"
import { FetchHttpClient, type HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { type Duration, Effect, Either, Layer, type Scope } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Fault from "../../src/emulator/Fault.js"
import { closedPort, serve } from "../protocol/servers.js"
import { defaults, options, tokenRequests } from "../support/emulated.js"
import { Census } from "./stage.js"

const layers = {
  undici: NodeHttpClient.layerUndici,
  "node:http": NodeHttpClient.layer,
  fetch: FetchHttpClient.layer
}

/** Long enough for a busy machine, and as short as a test can wait where the server never answers. */
const slow = "5 seconds"
const hasty = "150 millis"

const makeClient = (origin: string, attemptTimeout: Duration.DurationInput = slow) =>
  ConfidentialClient.make({
    ...options,
    authority: Authority.entra({ tenantId: defaults.tenantId, host: origin }),
    retryPolicy: { backoff: "2 millis", longestBackoff: "10 millis", attemptTimeout }
  })

const describeResult = (
  result: Either.Either<unknown, { readonly _tag: string; readonly reason?: unknown; readonly status?: unknown }>
): string =>
  Either.match(result, {
    onRight: () => "token",
    onLeft: ({ _tag, reason }) => (reason === undefined ? _tag : `${_tag} ${reason}`)
  })

/** What a caller gets who asks this authority. */
const ask = (origin: string, attemptTimeout?: Duration.DurationInput) =>
  Effect.gen(function* () {
    const client = yield* makeClient(origin, attemptTimeout)
    return describeResult(yield* Effect.either(client.app.forScopes(defaults.apiScope).getToken()))
  })

const sockets = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length

const eventually = (what: string, holds: () => boolean) =>
  Effect.repeat(Effect.sleep("5 millis"), { until: holds }).pipe(
    Effect.timeoutFail({ duration: "5 seconds", onTimeout: () => new Error(what) })
  )

/** Runs with an HTTP client and a cache of its own; when both are closed, no fiber and no socket of it may be there. */
const cleanly = <A, E>(
  http: Layer.Layer<HttpClient.HttpClient>,
  effect: Effect.Effect<A, E, HttpClient.HttpClient | TokenCache.TokenCache | Scope.Scope>,
  closesSockets: boolean
) =>
  Effect.gen(function* () {
    const before = sockets()
    const census = new Census()
    const result = yield* effect.pipe(
      Effect.supervised(census),
      Effect.scoped,
      Effect.provide(Layer.merge(http, Layer.orDie(TokenCache.layerMemory())))
    )
    yield* eventually("a fiber is left", () => census.living.size === 0)
    if (closesSockets) yield* eventually("a socket is left", () => sockets() <= before)
    return result
  })

type Ending = readonly [outcome: string, requests: number]

interface Row {
  readonly name: string
  readonly fault: Fault.Fault
  readonly once: Ending
  readonly always: Ending
}

const again = (name: string, fault: Fault.Fault, outcome: string): Row => ({
  name,
  fault,
  once: ["token", 2],
  always: [outcome, 4]
})

const final = (name: string, fault: Fault.Fault, outcome: string): Row => ({
  name,
  fault,
  once: [outcome, 1],
  always: [outcome, 1]
})

const status = (code: number, headers: Readonly<Record<string, string>> = {}) =>
  Fault.respond({ status: code, headers })
const epoch = "Thu, 01 Jan 1970 00:00:00 GMT"

const rows: ReadonlyArray<Row> = [
  again("429, retry-after-ms", status(429, { "retry-after-ms": "20" }), "Throttled"),
  again("429, x-ms-retry-after-ms", status(429, { "x-ms-retry-after-ms": "20" }), "Throttled"),
  again("429, Retry-After: a date by its own clock", status(429, { date: epoch, "retry-after": epoch }), "Throttled"),
  again("429, no header", Fault.throttled(undefined), "Throttled"),
  again("429, negative", Fault.throttled("-5"), "Throttled"),
  again("429, garbage", Fault.throttled("soon"), "Throttled"),
  final("429, 10 days", Fault.throttled("864000"), "Throttled"),
  again("408", status(408), "AuthorityUnavailable"),
  again("500", status(500), "AuthorityUnavailable"),
  again("502 HTML", Fault.html(502), "AuthorityUnavailable"),
  again("503, retry-after-ms", status(503, { "retry-after-ms": "20" }), "AuthorityUnavailable"),
  again("503, no header", Fault.unavailable(), "AuthorityUnavailable"),
  final("503, Retry-After: 120", Fault.unavailable("120"), "Throttled"),
  again("504", status(504), "AuthorityUnavailable"),
  again("reset before headers", Fault.reset("beforeHeaders"), "TransportError reset"),
  again("reset after headers, half a body", Fault.reset("midBody"), "TransportError cutOff"),
  again("hung before headers", Fault.hang, "TransportError timeout"),
  again("truncated JSON", Fault.truncated, "MalformedResponse truncated"),
  again("200 HTML", Fault.html(200), "MalformedResponse notJson"),
  final("400 invalid_scope", Fault.respond({ status: 400, body: { error: "invalid_scope" } }), "RequestRejected"),
  final("401 invalid_client", Fault.respond({ status: 401, body: { error: "invalid_client" } }), "InvalidClient")
]

/** A server of our own, for what the emulator does not play: each request is answered as told. */
const token = JSON.stringify({ token_type: "Bearer", expires_in: 3599, access_token: "x".repeat(1000) })

const good = (response: Http.ServerResponse) =>
  response.writeHead(200, { "content-type": "application/json" }).end(token)

const raw = (response: Http.ServerResponse, bytes: string, then: "reset" | "hang") => {
  const { socket } = response
  socket?.write(bytes, () => {
    // What was written is to arrive before the reset, which may overtake it.
    if (then === "reset") setTimeout(() => socket.resetAndDestroy(), 10)
  })
}

const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${token.length}\r\n\r\n`

const rawRows: ReadonlyArray<readonly [string, (response: Http.ServerResponse) => void, string]> = [
  ["reset during headers", (response) => raw(response, head.slice(0, 30), "reset"), "TransportError reset"],
  ["reset right after headers", (response) => raw(response, head, "reset"), "TransportError cutOff"],
  ["hung during headers", (response) => raw(response, head.slice(0, 30), "hang"), "TransportError timeout"],
  ["hung in the body", (response) => raw(response, head + token.slice(0, 500), "hang"), "TransportError timeout"],
  ["something that is not HTTP", (response) => raw(response, "SSH-2.0-OpenSSH\r\n\r\n", "reset"), "TransportError"]
]

for (const [name, http] of Object.entries(layers)) {
  const closesSockets = name !== "fetch"

  layer(EntraEmulatorNode.layer(), { excludeTestServices: true })(`over ${name}`, (it) => {
    const played = (fault: Fault.Fault, times: number) =>
      Effect.gen(function* () {
        const { pendingFaults, script } = yield* EntraEmulator
        const { origin } = yield* EntraEmulatorNode.Address
        const before = (yield* tokenRequests).length
        yield* script(Array.from({ length: times }, () => fault))
        const outcome = yield* cleanly(http, ask(origin, fault._tag === "Hang" ? hasty : slow), closesSockets)
        assert.strictEqual(yield* pendingFaults, 0, "as many requests as faults")
        return [outcome, (yield* tokenRequests).length - before] as const
      })

    for (const row of rows) {
      it.effect(row.name, () =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* played(row.fault, 1), row.once, "once")
          assert.deepStrictEqual(yield* played(row.fault, row.always[1]), row.always, "always")
        })
      )
    }

    it.effect("reset after the body: the token is there, and a kept connection that dies fails no later request", () =>
      Effect.gen(function* () {
        const { script } = yield* EntraEmulator
        const { origin } = yield* EntraEmulatorNode.Address
        yield* script([Fault.reset("afterBody")])
        const both = Effect.gen(function* () {
          const { app } = yield* makeClient(origin)
          const api = app.forScopes(defaults.apiScope)
          yield* api.getToken()
          return yield* api.getToken({ forceRefresh: true })
        })
        assert.strictEqual((yield* cleanly(http, both, closesSockets)).source, "identity_provider")
        // fetch keeps its connections for the whole process: the next test is not to meet the one that is dying.
        yield* Effect.sleep("50 millis")
      })
    )
  })

  describe(`over ${name}, of other servers`, () => {
    it.live("refused", () =>
      Effect.gen(function* () {
        const { origin } = yield* closedPort
        assert.strictEqual(yield* cleanly(http, ask(origin), closesSockets), "TransportError refused")
      })
    )

    for (const [what, answer, outcome] of rawRows)
      it.scopedLive(what, () =>
        Effect.gen(function* () {
          let troubles = 1
          const server = yield* serve((response) => (troubles-- > 0 ? answer(response) : good(response)))
          const patience = what.startsWith("hung") ? hasty : slow
          assert.strictEqual(yield* cleanly(http, ask(server.origin, patience), closesSockets), "token")
          assert.lengthOf(server.seen, 2)
          troubles = 4
          const always = yield* cleanly(http, ask(server.origin, patience), closesSockets)
          assert.isTrue(always.startsWith(outcome), always)
          assert.lengthOf(server.seen, 6)
        })
      )

    for (const code of [301, 302, 303, 307, 308])
      it.scopedLive(`${code}: where it leads, nothing arrives`, () =>
        Effect.gen(function* () {
          const elsewhere = yield* serve(good)
          const server = yield* serve((response) =>
            response.writeHead(code, { location: `${elsewhere.origin}/token` }).end()
          )
          assert.strictEqual(yield* cleanly(http, ask(server.origin), closesSockets), "MalformedResponse redirect")
          assert.lengthOf(server.seen, 1)
          assert.lengthOf(elsewhere.seen, 0)
          assert.strictEqual(elsewhere.connections(), 0)
        })
      )

    it.live("a certificate that is not trusted: nothing is sent, and nothing again", () =>
      Effect.gen(function* () {
        const { origin } = yield* EntraEmulatorNode.Address
        assert.strictEqual(yield* cleanly(http, ask(origin), closesSockets), "TransportError certificate")
        assert.lengthOf(yield* tokenRequests, 0)
      }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true })))
    )

    it.scopedLive("TLS with a server that speaks none", () =>
      Effect.gen(function* () {
        const server = yield* serve(good)
        const outcome = yield* cleanly(http, ask(server.origin.replace("http:", "https:")), closesSockets)
        assert.strictEqual(outcome, "TransportError handshake")
        assert.lengthOf(server.seen, 0)
        assert.strictEqual(server.connections(), 4)
      })
    )
  })
}
