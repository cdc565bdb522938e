import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as Jose from "jose"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import { ask, defaults, get, inProcess, publicOrigin, tokenRequest } from "./helpers.js"

const played = (...faults: ReadonlyArray<Fault.Fault>) =>
  Effect.gen(function* () {
    const emulator = yield* EntraEmulator
    yield* emulator.script(faults)
    const response = yield* HttpClient.execute(tokenRequest({}))
    return { status: response.status, headers: response.headers, text: yield* response.text }
  })

const failed = (fault: Fault.Fault) =>
  Effect.map(Effect.flip(played(fault)), (error) => error as HttpClientError.HttpClientError)

describe("the script", () => {
  it.effect("each answer of the token endpoint plays one fault, other requests play none", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.script([Fault.html(502)])
      yield* emulator.script([Fault.html(503)])
      yield* get(`${publicOrigin}/${defaults.tenantId}/discovery/v2.0/keys`)
      assert.strictEqual(yield* emulator.pendingFaults, 2)
      const statuses = yield* Effect.forEach([1, 2, 3], () =>
        Effect.map(HttpClient.execute(tokenRequest({})), ({ status }) => status)
      )
      assert.deepStrictEqual(statuses, [502, 503, 200])
      assert.strictEqual(yield* emulator.pendingFaults, 0)
      const recorded = (yield* emulator.requests).map(({ fault, status }) => [fault, status])
      assert.deepStrictEqual(recorded, [
        [undefined, 200],
        ["Respond", 502],
        ["Respond", 503],
        [undefined, 200]
      ])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("it has an end", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      const exit = yield* Effect.exit(emulator.script(Array.from({ length: 100_001 }, () => Fault.hang)))
      assert.strictEqual(exit._tag, "Failure")
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("answers", () => {
  it.effect("a string is sent as it stands, a value as JSON, headers as given", () =>
    Effect.gen(function* () {
      const text = yield* played(Fault.respond({ status: 418, body: "short", headers: { "Retry-After": "soon" } }))
      assert.deepStrictEqual([text.status, text.text, text.headers["retry-after"]], [418, "short", "soon"])
      assert.strictEqual(text.headers["content-type"], "text/plain; charset=utf-8")
      const json = yield* played(
        Fault.respond({ status: 200, body: { error: "x" }, headers: { "Content-Type": "text/json", date: "never" } })
      )
      assert.deepStrictEqual([json.text, json.headers["content-type"]], ['{"error":"x"}', "text/json"])
      assert.strictEqual(json.headers.date, "never")
      assert.strictEqual((yield* played(Fault.respond({ status: 404 }))).text, "")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a page, a redirect", () =>
    Effect.gen(function* () {
      const page = yield* played(Fault.html(200))
      assert.match(page.headers["content-type"] ?? "", /^text\/html/)
      assert.match(page.text, /^<!DOCTYPE html>/)
      const redirect = yield* played(Fault.redirect("https://elsewhere.example/"))
      assert.deepStrictEqual([redirect.status, redirect.headers.location], [307, "https://elsewhere.example/"])
      assert.strictEqual((yield* played(Fault.redirect("/", 302))).status, 302)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("throttled: 429 that is not JSON, with the Retry-After that was wanted or none", () =>
    Effect.gen(function* () {
      const throttled = yield* played(Fault.throttled("60"))
      assert.deepStrictEqual([throttled.status, throttled.headers["retry-after"]], [429, "60"])
      assert.throws(() => JSON.parse(throttled.text))
      assert.notProperty((yield* played(Fault.throttled(undefined))).headers, "retry-after")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("unavailable: 503 in Entra's words", () =>
    Effect.gen(function* () {
      const busy = yield* played(Fault.unavailable("5"))
      assert.deepStrictEqual([busy.status, busy.headers["retry-after"]], [503, "5"])
      const json = JSON.parse(busy.text)
      assert.deepStrictEqual([json.error, json.error_codes], ["temporarily_unavailable", [90033]])
      assert.notProperty((yield* played(Fault.unavailable())).headers, "retry-after")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("truncated: half of the JSON, with a length that fits", () =>
    Effect.gen(function* () {
      const { status, headers, text } = yield* played(Fault.truncated)
      assert.strictEqual(status, 200)
      assert.strictEqual(headers["content-length"], String(text.length))
      assert.match(text, /^\{"token_type":"Bearer"/)
      assert.throws(() => JSON.parse(text))
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("time", () => {
  it.effect("a delay passes with the TestClock, the token is of the later moment", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.script([Fault.delay("30 seconds")])
      const fiber = yield* Effect.fork(ask())
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual((yield* Fiber.poll(fiber))._tag, "None")
      yield* TestClock.adjust("1 second")
      const { json } = yield* Fiber.join(fiber)
      assert.strictEqual(Jose.decodeJwt(String(json.access_token)).iat, 30)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a delay may lead to another fault", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      const fiber = yield* Effect.fork(played(Fault.delay(500, Fault.delay(500, Fault.html(504)))))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber)).status, 504)
      assert.strictEqual((yield* emulator.requests)[0]?.fault, "Respond")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a request that hangs ends with its caller", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      const fiber = yield* Effect.fork(Effect.timeoutOption(played(Fault.hang), "1 hour"))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "None")
      const [request] = yield* emulator.requests
      assert.deepStrictEqual([request?.fault, request?.status], ["Hang", undefined])
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("resets in a process", () => {
  it.effect("before the headers: the RequestError of a transport, with Node's code", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      const error = yield* failed(Fault.reset("beforeHeaders"))
      assert.strictEqual(error._tag, "RequestError")
      assert.strictEqual(error.reason, "Transport")
      assert.propertyVal(error.cause, "code", "ECONNRESET")
      assert.strictEqual((yield* emulator.requests)[0]?.status, undefined)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("in the body: the status comes, the body fails", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      const error = yield* failed(Fault.reset("midBody"))
      assert.strictEqual(error._tag, "ResponseError")
      assert.propertyVal(error.cause, "code", "ECONNRESET")
      assert.strictEqual((yield* emulator.requests)[0]?.status, 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("after the body: nothing is lost", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* played(Fault.reset("afterBody"))).status, 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a delay before a reset", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(failed(Fault.delay("5 seconds", Fault.reset("beforeHeaders"))))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "RequestError")
    }).pipe(Effect.provide(inProcess()))
  )
})
