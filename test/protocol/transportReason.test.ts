import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, TestClock } from "effect"
import type { TransportReason } from "../../src/core/TokenError.js"
import * as Transport from "../../src/protocol/transport.js"

const post = (
  execute: (
    request: HttpClientRequest.HttpClientRequest
  ) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>
) =>
  Transport.make(HttpClient.make((request) => execute(request))).post({
    url: "https://login.example/token",
    host: "login.example",
    headers: {},
    form: {},
    timeout: Duration.seconds(10)
  })

const failingWith = (cause: unknown) =>
  Effect.gen(function* () {
    const outcome = yield* post((request) => new HttpClientError.RequestError({ request, reason: "Transport", cause }))
    assert(outcome._tag === "NoAnswer")
    return outcome.failure
  })

const withCode = (code: unknown) => Object.assign(new Error("hunter2"), { code })

describe("why no answer came, by the system's code", () => {
  const sawNothing = new Set<TransportReason>(["refused", "unresolved", "unreachable", "certificate", "handshake"])
  const table: ReadonlyArray<readonly [reason: TransportReason, codes: ReadonlyArray<string>]> = [
    ["refused", ["ECONNREFUSED"]],
    ["unresolved", ["ENOTFOUND", "EAI_AGAIN", "EAI_NODATA", "EAI_NONAME"]],
    ["unreachable", ["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN", "UND_ERR_CONNECT_TIMEOUT"]],
    ["unreachable", ["EACCES", "EPERM", "EADDRNOTAVAIL"]],
    ["handshake", ["EPROTO", "ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"]],
    ["certificate", ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "CERT_REVOKED", "CERT_UNTRUSTED"]],
    ["certificate", ["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "HOSTNAME_MISMATCH", "INVALID_CA"]],
    ["certificate", ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"]],
    ["certificate", ["ERR_TLS_CERT_ALTNAME_INVALID", "INVALID_PURPOSE", "PATH_LENGTH_EXCEEDED"]],
    ["certificate", ["CRL_HAS_EXPIRED", "CRL_NOT_YET_VALID", "CRL_SIGNATURE_FAILURE"]],
    ["reset", ["ECONNRESET", "ECONNABORTED", "EPIPE", "UND_ERR_SOCKET", "UND_ERR_CLOSED", "UND_ERR_DESTROYED"]],
    ["timeout", ["ETIMEDOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"]],
    ["opaque", ["EWHATEVER", "HPE_INVALID_CONSTANT"]]
  ]
  for (const [reason, codes] of table)
    it.effect.each(codes)(`${reason}: %s`, (code) =>
      Effect.gen(function* () {
        const error = yield* failingWith(withCode(code))
        assert.strictEqual(error.reason, reason)
        assert.strictEqual(error.code, code)
        assert.strictEqual(error.phase, sawNothing.has(reason) ? "notSent" : "unknown")
        assert.strictEqual(error.isRetryable, reason !== "certificate")
      })
    )
})

describe("the code is found", () => {
  it.effect("beneath fetch's own error", () =>
    Effect.gen(function* () {
      const error = yield* failingWith(new TypeError("fetch failed", { cause: withCode("ECONNREFUSED") }))
      assert.deepStrictEqual([error.reason, error.code], ["refused", "ECONNREFUSED"])
    })
  )

  it.effect("among those of several addresses", () =>
    Effect.gen(function* () {
      const all = new AggregateError([withCode("EHOSTUNREACH"), withCode("ENETUNREACH")])
      const error = yield* failingWith(new TypeError("fetch failed", { cause: all }))
      assert.deepStrictEqual([error.reason, error.code], ["unreachable", "EHOSTUNREACH"])
    })
  )

  const circular = new Error("round and round")
  circular.cause = circular

  it.effect.each([
    undefined,
    null,
    "ECONNREFUSED",
    new Error("fetch failed"),
    withCode(20),
    withCode("hunter2"),
    circular
  ])("nowhere: %s", (cause) =>
    Effect.gen(function* () {
      const error = yield* failingWith(cause)
      assert.deepStrictEqual([error.reason, error.code], ["opaque", undefined])
      assert.strictEqual(error.phase, "unknown", "nobody knows whether it was sent")
      assert.isTrue(error.isRetryable)
    })
  )
})

describe("a failure while the body is read", () => {
  const reading = (code: string) =>
    Effect.gen(function* () {
      const body = new ReadableStream({
        pull: (controller) => controller.error(new TypeError("terminated", { cause: withCode(code) }))
      })
      const outcome = yield* post((request) => Effect.succeed(HttpClientResponse.fromWeb(request, new Response(body))))
      assert(outcome._tag === "Partial" && outcome.failure !== "tooLarge")
      assert.strictEqual(outcome.status, 200)
      return [outcome.failure.reason, outcome.failure.phase, outcome.failure.code]
    })

  it.effect.each(["ECONNRESET", "UND_ERR_SOCKET", "EPROTO", "EWHATEVER"])("means that it was cut off: %s", (code) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* reading(code), ["cutOff", "unknown", code])
    })
  )

  it.effect("unless time ran out", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* reading("UND_ERR_BODY_TIMEOUT"), ["timeout", "unknown", "UND_ERR_BODY_TIMEOUT"])
    })
  )
})

it.effect("the timer is Effect's, from the first step to the last", () =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(post(() => Effect.never))
    yield* TestClock.adjust("9999 millis")
    assert.isNull(fiber.unsafePoll())
    yield* TestClock.adjust("1 millis")
    const outcome = yield* Fiber.join(fiber)
    assert(outcome._tag === "NoAnswer")
    assert.strictEqual(outcome.failure.reason, "timeout")
  })
)

it.effect("a bug of the HTTP client stays a bug", () =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(post(() => Effect.die("bug")))
    assert.isTrue(exit._tag === "Failure" && exit.cause._tag === "Die")
  })
)
