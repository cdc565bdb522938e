import * as Https from "node:https"
import { inspect } from "node:util"
import { FetchHttpClient, HttpClient } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Redacted, Tracer } from "effect"
import * as SelfSigned from "selfsigned"
import type { TransportReason } from "../../src/core/TokenError.js"
import type { Outcome } from "../../src/protocol/classify.js"
import * as Transport from "../../src/protocol/transport.js"
import { closedPort, listen, serve } from "./servers.js"

const clients = {
  undici: NodeHttpClient.layerUndici,
  node: NodeHttpClient.layer,
  fetch: FetchHttpClient.layer
}

const form = {
  grant_type: "client_credentials",
  scope: "https://graph.microsoft.com/.default openid",
  client_secret: Redacted.make("hunter2&a=b+c d%20é")
}

const post = (
  { host, origin }: { readonly host: string; readonly origin: string },
  timeout: Duration.DurationInput = "10 seconds"
) =>
  Effect.flatMap(HttpClient.HttpClient, (client) =>
    Transport.make(client).post({
      url: `${origin}/tenant/oauth2/v2.0/token`,
      host,
      headers: { accept: "application/json", "client-request-id": "1a2b3c4d-5e6f-4a0b-8c9d-0e1f2a3b4c5d" },
      form,
      timeout: Duration.decode(timeout)
    })
  )

const answerOf = (outcome: Outcome) => {
  assert(outcome._tag === "Answer", inspect(outcome))
  return outcome
}

const assertNoAnswer = (outcome: Outcome, host: string, ...reasons: ReadonlyArray<TransportReason>) => {
  assert(outcome._tag === "NoAnswer", inspect(outcome))
  assert.include(reasons, outcome.failure.reason)
  assert.strictEqual(outcome.failure.host, host)
  assert.notInclude(inspect(outcome, { depth: 9 }) + JSON.stringify(outcome), "hunter2")
}

/** An answer whose head has arrived, and not the whole of its body. */
const partialOf = (outcome: Outcome) => {
  assert(outcome._tag === "Partial", inspect(outcome))
  assert.notInclude(inspect(outcome, { depth: 9 }) + JSON.stringify(outcome), "hunter2")
  return outcome
}

const assertBroken = (outcome: Outcome, host: string, reason: TransportReason) => {
  const { failure, status } = partialOf(outcome)
  assert(failure !== "tooLarge")
  assert.deepStrictEqual([status, failure.reason, failure.host], [200, reason, host])
}

const assertTooLarge = (outcome: Outcome) => {
  const { failure, status } = partialOf(outcome)
  assert.deepStrictEqual([status, failure], [200, "tooLarge"])
}

const megabyte = 1024 * 1024

for (const [name, layer] of Object.entries(clients)) {
  describe(`over sockets, with the ${name} client`, () => {
    it.scopedLive("an answer is its status, its headers and its body", () =>
      Effect.gen(function* () {
        const server = yield* serve((response) =>
          response.writeHead(400, { "Retry-After": "7", "content-type": "text/plain" }).end('{"error":"ä€😀"}')
        )
        const { body, headers, status } = answerOf(yield* post(server))
        assert.deepStrictEqual([status, headers["retry-after"], body], [400, "7", '{"error":"ä€😀"}'])
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("the parameters are posted as a form, encoded", () =>
      Effect.gen(function* () {
        const server = yield* serve((response) => response.end("{}"))
        answerOf(yield* post(server))
        const [request, ...others] = server.seen
        assert.lengthOf(others, 0)
        assert.deepStrictEqual([request?.method, request?.url], ["POST", "/tenant/oauth2/v2.0/token"])
        assert.match(request?.headers["content-type"] ?? "", /^application\/x-www-form-urlencoded\b/)
        assert.strictEqual(request?.headers.accept, "application/json")
        assert.strictEqual(request?.headers["client-request-id"], "1a2b3c4d-5e6f-4a0b-8c9d-0e1f2a3b4c5d")
        assert.strictEqual(
          request?.body,
          "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default+openid" +
            "&client_secret=hunter2%26a%3Db%2Bc+d%2520%C3%A9"
        )
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("no trace header leaves, and no span of the HTTP client is made", () =>
      Effect.gen(function* () {
        const server = yield* serve((response) => response.end("{}"))
        const spans: Array<string> = []
        const native = yield* Effect.tracer
        const tracer = Tracer.make({
          span: (...span) => {
            spans.push(span[0])
            return native.span(...span)
          },
          context: native.context
        })
        yield* post(server).pipe(Effect.withSpan("caller"), Effect.withTracer(tracer))
        assert.deepStrictEqual(spans, ["caller"])
        const traceHeaders = Object.keys(server.seen[0]?.headers ?? {}).filter((header) =>
          /trace|b3|baggage/i.test(header)
        )
        assert.deepStrictEqual(traceHeaders, [])
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("a body in pieces that cut a character in two is put together", () =>
      Effect.gen(function* () {
        const bytes = Buffer.from('{"error_description":"😀"}')
        const server = yield* serve((response) => {
          response.write(bytes.subarray(0, 24))
          setTimeout(() => response.end(bytes.subarray(24)), 20)
        })
        assert.strictEqual(answerOf(yield* post(server)).body, bytes.toString())
      }).pipe(Effect.provide(layer))
    )

    it.live("a port that refuses", () =>
      Effect.gen(function* () {
        const server = yield* closedPort
        const outcome = yield* post(server)
        assertNoAnswer(outcome, server.host, "refused")
        assert(outcome._tag === "NoAnswer")
        assert.strictEqual(outcome.failure.code, "ECONNREFUSED")
        assert.strictEqual(outcome.failure.phase, "notSent")
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("a connection that is reset before the answer begins", () =>
      Effect.gen(function* () {
        const server = yield* serve((response) => response.socket?.resetAndDestroy())
        assertNoAnswer(yield* post(server), server.host, "reset")
        assert.lengthOf(server.seen, 1, "the request is not sent again behind our back")
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("a connection that is closed before the answer begins", () =>
      Effect.gen(function* () {
        const server = yield* serve((response) => response.socket?.end())
        assertNoAnswer(yield* post(server), server.host, "reset")
        assert.lengthOf(server.seen, 1)
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("a body with a length that is cut off", () =>
      Effect.gen(function* () {
        const server = yield* serve((response) => {
          response.writeHead(200, { "content-length": "1000" })
          response.write('{"access_token":"hunter2')
          setTimeout(() => response.socket?.destroy(), 20)
        })
        assertBroken(yield* post(server), server.host, "cutOff")
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("a body in chunks that is reset", () =>
      Effect.gen(function* () {
        const server = yield* serve((response) => {
          response.write('{"access_token":"hunter2')
          setTimeout(() => response.socket?.resetAndDestroy(), 20)
        })
        assertBroken(yield* post(server), server.host, "cutOff")
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("a body of 1 MiB is read, one byte more is not", () =>
      Effect.gen(function* () {
        const fits = yield* serve((response) => response.end("x".repeat(megabyte)))
        assert.strictEqual(answerOf(yield* post(fits)).body.length, megabyte)
        const exceeds = yield* serve((response) => response.end("x".repeat(megabyte + 1)))
        assertTooLarge(yield* post(exceeds))
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("a body without end is cut off, and its connection closed", () =>
      Effect.gen(function* () {
        const chunk = "x".repeat(64 * 1024)
        let written = 0
        const server = yield* serve((response) => {
          const write = () => {
            while (!response.destroyed && written < 1024 * megabyte) {
              written += chunk.length
              if (!response.write(chunk)) return void response.once("drain", write)
            }
          }
          write()
        })
        assertTooLarge(yield* post(server))
        yield* server.idle
        assert.isBelow(written, 64 * megabyte)
      }).pipe(Effect.provide(layer))
    )

    for (const status of [301, 302, 303, 307, 308])
      it.scopedLive(`a redirect (${status}) is surfaced and not followed: the other server gets no connection`, () =>
        Effect.gen(function* () {
          const other = yield* serve((response) => response.end("{}"))
          const server = yield* serve((response) =>
            response.writeHead(status, { location: `${other.origin}/token` }).end()
          )
          assert.strictEqual(answerOf(yield* post(server)).status, status)
          assert.lengthOf(server.seen, 1)
          yield* Effect.sleep("20 millis")
          assert.strictEqual(other.connections(), 0)
        }).pipe(Effect.provide(layer))
      )

    it.scopedLive("time runs out before the answer begins", () =>
      Effect.gen(function* () {
        const server = yield* serve(() => undefined)
        const [duration, outcome] = yield* Effect.timed(post(server, "100 millis"))
        assertNoAnswer(outcome, server.host, "timeout")
        assert.isBelow(Duration.toMillis(duration), 5000)
        yield* server.idle
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("time runs out in the middle of the body", () =>
      Effect.gen(function* () {
        const server = yield* serve((response) => response.write('{"access_token":'))
        const [duration, outcome] = yield* Effect.timed(post(server, "200 millis"))
        assertBroken(outcome, server.host, "timeout")
        assert.isBelow(Duration.toMillis(duration), 5000)
        yield* server.idle
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("interrupting the caller closes the connection", () =>
      Effect.gen(function* () {
        const server = yield* serve(() => undefined)
        const fiber = yield* Effect.fork(post(server))
        yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => server.seen.length === 1 })
        yield* Fiber.interrupt(fiber)
        yield* server.idle
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("a server that does not speak TLS fails the handshake", () =>
      Effect.gen(function* () {
        const { host } = yield* serve((response) => response.end("{}"))
        assertNoAnswer(yield* post({ host, origin: `https://${host}` }), host, "handshake")
      }).pipe(Effect.provide(layer))
    )

    it.scopedLive("a certificate that nobody trusts", () =>
      Effect.gen(function* () {
        const pems = yield* Effect.promise(async () =>
          SelfSigned.generate([{ name: "commonName", value: "localhost" }], { keyType: "ec" })
        )
        let requests = 0
        const { host } = yield* listen(
          Https.createServer({ key: pems.private, cert: pems.cert }, (_, response) => {
            requests += 1
            response.end("{}")
          })
        )
        const outcome = yield* post({ host, origin: `https://${host}` })
        assertNoAnswer(outcome, host, "certificate")
        assert(outcome._tag === "NoAnswer")
        assert.isFalse(outcome.failure.isRetryable)
        assert.strictEqual(requests, 0)
      }).pipe(Effect.provide(layer))
    )
  })
}

describe("fetch", () => {
  const recorded = (init: RequestInit | undefined) =>
    Effect.gen(function* () {
      const inits: Array<RequestInit | undefined> = []
      const fetch: typeof globalThis.fetch = async (_, given) => {
        inits.push(given)
        return new Response("{}")
      }
      const settings = init === undefined ? Layer.empty : Layer.succeed(FetchHttpClient.RequestInit, init)
      yield* post({ host: "login.example", origin: "https://login.example" }).pipe(
        Effect.provide(Layer.mergeAll(FetchHttpClient.layer, Layer.succeed(FetchHttpClient.Fetch, fetch), settings))
      )
      assert.lengthOf(inits, 1)
      return inits[0]
    })

  it.live("is told not to follow redirects", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* recorded(undefined))?.redirect, "manual")
    })
  )

  it.live("keeps the user's RequestInit, except that it never follows redirects", () =>
    Effect.gen(function* () {
      const init = yield* recorded({ cache: "no-store", credentials: "omit", redirect: "follow" })
      assert.deepStrictEqual([init?.cache, init?.credentials, init?.redirect], ["no-store", "omit", "manual"])
      assert.strictEqual(init?.method, "POST")
    })
  )
})
