import * as Net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, FastCheck, Fiber, Layer, Scope } from "effect"
import * as SelfSigned from "selfsigned"
import { Machine } from "../../src/client/Machine.js"
import * as MachineNode from "../../src/client/MachineNode.js"
import { closedPort, listen, serve } from "../protocol/servers.js"
import { answerOf, ask, brokenBy, failureOf, newIdentity, serveTls, thumbprintOf } from "./machineServers.js"

const pinned = (thumbprint: string) => Effect.flatMap(Machine, (machine) => machine.pinned(thumbprint))

const layer = MachineNode.layer

/** Time for bytes that were sent although they should not have been. */
const settle = Effect.sleep("30 millis")

describe("a client that is pinned to a certificate", () => {
  it.scopedLive(
    "asks who shows it, whoever has signed it, for whatever name, and however the thumbprint is written",
    () =>
      Effect.gen(function* () {
        const identity = yield* newIdentity
        const server = yield* serveTls(identity)
        const plain = identity.thumbprint.replaceAll(":", "")
        const spellings = [identity.thumbprint, plain, plain.toLowerCase(), ` ${plain.replaceAll(/(..)/g, "$1 ")}`]
        for (const spelling of spellings)
          assert.strictEqual(answerOf(yield* ask(yield* pinned(spelling), server)).body, "{}")
        assert.lengthOf(server.received, spellings.length)
        for (const request of server.received) {
          assert.match(request, /^GET \/metadata\/identity\/oauth2\/token\?resource=x HTTP\/1\.1\r\n/)
          assert.match(request, /\r\nsecret: hunter2\r\n/i)
          assert.include(request.toLowerCase(), `\r\nhost: ${server.host}\r\n`)
        }
      }).pipe(Effect.provide(layer))
  )

  it.scopedLive("tells nobody else a byte, and never tries again", () =>
    Effect.gen(function* () {
      const server = yield* serveTls(yield* newIdentity)
      const other = yield* newIdentity
      const failure = failureOf(yield* ask(yield* pinned(other.thumbprint), server), "certificate")
      assert.strictEqual(failure.code, "CERT_THUMBPRINT_MISMATCH")
      assert.strictEqual(failure.phase, "notSent")
      assert.isFalse(failure.isRetryable)
      yield* settle
      assert.deepStrictEqual(server.received, [])
      assert.strictEqual(server.connections(), 1)
      yield* server.idle
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("looks anew for each request, and resumes no session", () =>
    Effect.gen(function* () {
      const first = yield* newIdentity
      const server = yield* serveTls(first)
      const client = yield* pinned(first.thumbprint)
      for (const _ of [1, 2, 3]) answerOf(yield* ask(client, server))
      server.show(yield* newIdentity)
      failureOf(yield* ask(client, server), "certificate")
      yield* settle
      assert.lengthOf(server.received, 3)
      server.show(first)
      answerOf(yield* ask(client, server))
      assert.deepStrictEqual([server.connections(), server.resumed()], [5, 0])
      yield* server.idle
    }).pipe(Effect.provide(layer))
  )

  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const)
    it.scopedLive(`looks at the server's own certificate, not at who signed it (${maxVersion})`, () =>
      Effect.gen(function* () {
        const generate = (...options: Parameters<typeof SelfSigned.generate>) =>
          Effect.promise(() => SelfSigned.generate(...options))
        const authority = yield* generate([{ name: "commonName", value: "authority" }], {
          extensions: [{ name: "basicConstraints", cA: true, critical: true }]
        })
        const leaf = yield* generate([{ name: "commonName", value: "leaf" }], {
          ca: { key: authority.private, cert: authority.cert }
        })
        const identity = { cert: `${leaf.cert}\n${authority.cert}`, key: leaf.private }
        const server = yield* serveTls(identity, { maxVersion })
        failureOf(yield* ask(yield* pinned(thumbprintOf(authority.cert)), server), "certificate")
        yield* settle
        assert.deepStrictEqual(server.received, [])
        answerOf(yield* ask(yield* pinned(thumbprintOf(leaf.cert)), server))
      }).pipe(Effect.provide(layer))
    )

  it.scopedLive("gives each of many requests a connection of its own", () =>
    Effect.gen(function* () {
      const identity = yield* newIdentity
      const server = yield* serveTls(identity)
      const client = yield* pinned(identity.thumbprint)
      const outcomes = yield* Effect.replicateEffect(ask(client, server), 20, { concurrency: "unbounded" })
      for (const outcome of outcomes) answerOf(outcome)
      assert.strictEqual(server.connections(), 20)
      yield* server.idle
    }).pipe(Effect.provide(layer))
  )
})

describe("a pinned client fails", () => {
  it.scopedLive("at the handshake where nobody speaks TLS", () =>
    Effect.gen(function* () {
      const { host, seen } = yield* serve((response) => response.end("{}"))
      const { thumbprint } = yield* newIdentity
      failureOf(yield* ask(yield* pinned(thumbprint), { host, origin: `https://${host}` }), "handshake")
      assert.deepStrictEqual(seen, [])
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("at the handshake where the two agree on no protocol", () =>
    Effect.gen(function* () {
      const identity = yield* newIdentity
      const server = yield* serveTls(identity, { ALPNProtocols: ["h2"] })
      failureOf(yield* ask(yield* pinned(identity.thumbprint), server), "handshake")
      assert.deepStrictEqual(server.received, [])
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("by a reset where the other end hangs up before the handshake", () =>
    Effect.gen(function* () {
      const { host } = yield* listen(Net.createServer((socket) => socket.end()))
      const { thumbprint } = yield* newIdentity
      failureOf(yield* ask(yield* pinned(thumbprint), { host, origin: `https://${host}` }), "reset")
    }).pipe(Effect.provide(layer))
  )

  it.live("where the port refuses", () =>
    Effect.gen(function* () {
      const { host } = yield* closedPort
      const { thumbprint } = yield* newIdentity
      failureOf(yield* ask(yield* pinned(thumbprint), { host, origin: `https://${host}` }), "refused")
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("by a reset where the connection is lost before the answer", () =>
    Effect.gen(function* () {
      const identity = yield* newIdentity
      const server = yield* serveTls(identity, { answer: (socket) => socket.destroy() })
      failureOf(yield* ask(yield* pinned(identity.thumbprint), server), "reset")
      assert.lengthOf(server.received, 1, "the request is not sent again behind our back")
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("where the answer is cut off", () =>
    Effect.gen(function* () {
      const identity = yield* newIdentity
      const server = yield* serveTls(identity, {
        answer: (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")
      })
      assert.strictEqual(brokenBy(yield* ask(yield* pinned(identity.thumbprint), server)), "cutOff")
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("without a connection for an address of plain HTTP, and never tries again", () =>
    Effect.gen(function* () {
      const server = yield* serve((response) => response.end("{}"))
      const { thumbprint } = yield* newIdentity
      const failure = failureOf(yield* ask(yield* pinned(thumbprint), server), "certificate")
      assert.isFalse(failure.isRetryable)
      yield* settle
      assert.strictEqual(server.connections(), 0)
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("on a redirect, which it does not follow", () =>
    Effect.gen(function* () {
      const identity = yield* newIdentity
      const other = yield* serveTls(identity)
      const server = yield* serveTls(identity, {
        answer: (socket) =>
          void socket.write(`HTTP/1.1 307 T\r\nlocation: ${other.origin}/\r\ncontent-length: 0\r\n\r\n`)
      })
      assert.strictEqual(answerOf(yield* ask(yield* pinned(identity.thumbprint), server)).status, 307)
      yield* settle
      assert.strictEqual(other.connections(), 0)
    }).pipe(Effect.provide(layer))
  )
})

describe("a pinned client's connection", () => {
  /** Reads what comes and says nothing. */
  const silent = Effect.map(listen(Net.createServer((socket) => socket.resume())), (server) => ({
    ...server,
    origin: `https://${server.host}`
  }))
  const mute = Effect.gen(function* () {
    const identity = yield* newIdentity
    return { ...(yield* serveTls(identity, { answer: () => undefined })), thumbprint: identity.thumbprint }
  })
  const until = (done: () => boolean) => Effect.repeat(Effect.sleep("5 millis"), { until: done })

  it.scopedLive("is closed when time runs out, in the handshake and after it", () =>
    Effect.gen(function* () {
      for (const server of [{ thumbprint: (yield* newIdentity).thumbprint, ...(yield* silent) }, yield* mute]) {
        failureOf(yield* ask(yield* pinned(server.thumbprint), server, "200 millis"), "timeout")
        assert.strictEqual(server.connections(), 1)
        yield* server.idle
      }
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("is closed when its caller is interrupted, in the handshake and after it", () =>
    Effect.gen(function* () {
      const inHandshake = yield* silent
      const { thumbprint } = yield* newIdentity
      const early = yield* Effect.fork(ask(yield* pinned(thumbprint), inHandshake))
      yield* until(() => inHandshake.connections() === 1)
      yield* Fiber.interrupt(early)
      yield* inHandshake.idle

      const waiting = yield* mute
      const late = yield* Effect.fork(ask(yield* pinned(waiting.thumbprint), waiting))
      yield* until(() => waiting.received.length === 1)
      yield* Fiber.interrupt(late)
      yield* waiting.idle
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("is closed with the layer, in the handshake and after it, and its caller told", () =>
    Effect.gen(function* () {
      const inHandshake = yield* silent
      const waiting = yield* mute
      const scope = yield* Scope.make()
      const machine = yield* Machine.pipe(Effect.provide(yield* Scope.extend(Layer.build(layer), scope)))
      const client = yield* machine.pinned(waiting.thumbprint)
      const early = yield* Effect.fork(ask(client, inHandshake))
      const late = yield* Effect.fork(ask(client, waiting))
      yield* until(() => inHandshake.connections() === 1 && waiting.received.length === 1)
      yield* Scope.close(scope, Exit.void)
      failureOf(yield* Fiber.join(early), "reset")
      failureOf(yield* Fiber.join(late), "reset")
      yield* Effect.zip(inHandshake.idle, waiting.idle)
    })
  )
})

describe("a thumbprint", () => {
  const refused = (text: string) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(pinned(text))
      assert.strictEqual(error._tag, "ConfigurationError")
      assert.strictEqual(error.parameter, "IDENTITY_SERVER_THUMBPRINT")
      assert.include(error.message, "40 hexadecimal digits")
    }).pipe(Effect.provide(layer))

  const hex = (length: number) => "0123456789abcdef".repeat(5).slice(0, length)

  it.effect.each(["", hex(38), hex(39), hex(41), hex(42), hex(64), `${hex(39)}g`, `${hex(39)}-`, `0x${hex(38)}`])(
    "is refused unless it is one: '%s'",
    refused
  )

  it.effect.prop("is refused unless it is one, whatever it is", [FastCheck.fullUnicodeString()], ([text]) =>
    refused(text)
  )
})
