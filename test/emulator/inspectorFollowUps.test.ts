import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, TestClock } from "effect"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import { defaults, get, good, inProcess, type TokenRequest, tokenRequest } from "./helpers.js"
import type { Line } from "./inspectorHttp.js"

const line = Effect.gen(function* () {
  const response = yield* HttpClient.get("http://127.0.0.1/inspector/requests")
  return (yield* response.json) as unknown as Line
})

/** Whatever the answer is. */
const ask = (request: TokenRequest = {}) =>
  Effect.tap(HttpClient.execute(tokenRequest(request)), (response) => response.text)

/** What became of each request, oldest first. */
const ends = Effect.map(line, ({ requests }) =>
  requests.map(({ next }) => (next === null ? null : next.after === undefined ? next.did : [next.did, next.after]))
)

const call = (token: Redacted.Redacted) =>
  get(`http://127.0.0.1${defaults.apiPath}`, { authorization: `Bearer ${Redacted.value(token)}` })

const here = Effect.provide(inProcess())

describe("what a client did next", () => {
  it.effect("it came again after a while, and was served", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.script([Fault.throttled("2"), Fault.unavailable()])
      yield* ask()
      yield* TestClock.adjust("2100 millis")
      yield* ask()
      yield* TestClock.adjust("500 millis")
      yield* ask()
      assert.deepStrictEqual(yield* ends, [["retried", 2100], ["retried", 500], "served"])
    }).pipe(here)
  )

  it.effect("it gave up when it stays away longer than it was told to", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.script([Fault.throttled("60")])
      yield* ask()
      yield* TestClock.adjust("89 seconds")
      assert.deepStrictEqual(yield* ends, [null])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* ends, ["gave up"])
    }).pipe(here)
  )

  it.effect("it is not taken for another client, another scope, or another grant", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.script([Fault.throttled(undefined)])
      yield* ask()
      yield* ask({ form: { ...good, scope: defaults.graphScope } })
      yield* ask({ form: { ...good, grant_type: "refresh_token", refresh_token: "none" } })
      yield* ask({ tenant: defaults.otherTenantId })
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* ends, ["gave up", "served", "gave up", "served"])
    }).pipe(here)
  )

  it.effect("of two that failed at the same time each is followed by one", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.script([Fault.throttled(undefined), Fault.throttled(undefined)])
      yield* ask()
      yield* TestClock.adjust("100 millis")
      const failed = yield* line
      assert.strictEqual(failed.requests[0]?.status, 429)
      yield* Effect.all([ask(), ask({ form: { ...good, scope: defaults.graphScope } })])
      yield* ask()
      const { requests } = yield* line
      assert.deepStrictEqual(
        requests.map(({ next }) => next?.by),
        [2, 4, undefined, undefined]
      )
    }).pipe(here)
  )

  it.effect("it came with the claims that an API challenged it for", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      const token = yield* emulator.userToken({
        username: defaults.username,
        api: defaults.apiAppId,
        clientId: defaults.publicClientId,
        claims: { xms_cc: ["cp1"] }
      })
      assert.strictEqual((yield* call(token)).status, 200)
      yield* emulator.revoke(defaults.username)
      assert.strictEqual((yield* call(token)).status, 401)
      yield* TestClock.adjust("1200 millis")
      yield* ask({
        form: { grant_type: "refresh_token", client_id: defaults.publicClientId, refresh_token: "x", claims: "{}" }
      })
      const { requests } = yield* line
      assert.deepStrictEqual(
        requests.slice(0, 2).map(({ next, user, error }) => [next?.did, next?.after, user, error]),
        [
          ["served", undefined, defaults.username, null],
          ["came with claims", 1200, defaults.username, "insufficient_claims"]
        ]
      )
    }).pipe(here)
  )

  it.effect("it left before an answer came", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.script([Fault.hang])
      const fiber = yield* Effect.fork(ask())
      yield* TestClock.adjust("1 seconds")
      const [waiting] = (yield* line).requests
      assert.deepStrictEqual([waiting?.phase, waiting?.duration], ["under way", null])
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.interrupt(fiber)
      const [left] = (yield* line).requests
      assert.deepStrictEqual([left?.phase, left?.status, left?.duration, left?.fault], ["left", null, 3000, "Hang"])
    }).pipe(here)
  )

  it.effect("a request whose path or token is nonsense is shown like any other", () =>
    Effect.gen(function* () {
      for (const path of ["/api/%E0%A4%A", "/api/%00", "/api/", "//", "/%3Cb%3E/oauth2/v2.0/token"]) {
        const request = HttpClientRequest.get(`http://127.0.0.1${path}`)
        yield* HttpClient.execute(HttpClientRequest.setHeader(request, "authorization", "Bearer a.b.c"))
      }
      assert.lengthOf((yield* line).requests, 5)
    }).pipe(here)
  )
})

describe("a long run", () => {
  it.effect("leaves the last 10 000 requests", () =>
    Effect.gen(function* () {
      yield* Effect.replicateEffect(get("http://127.0.0.1/nothing"), 10_002, { discard: true })
      const { requests } = yield* line
      assert.strictEqual(requests.length, 10_000)
      assert.deepStrictEqual([requests[0]?.id, requests.at(-1)?.id], [3, 10_002])
    }).pipe(here)
  )
})

describe("an outage", () => {
  it.effect("lasts by the clock, tells when it ends, and leaves what was scripted for later", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      const seen = Effect.map(ask(), ({ headers, status }) => [status, headers["retry-after"]])
      yield* emulator.script([Fault.unavailable("99")])
      yield* emulator.downFor("30 seconds")
      assert.deepStrictEqual(yield* seen, [503, "30"])
      yield* TestClock.adjust("28500 millis")
      assert.deepStrictEqual(yield* seen, [503, "2"])
      yield* emulator.skew("1 hour")
      assert.deepStrictEqual(yield* seen, [503, "2"])
      yield* TestClock.adjust("1500 millis")
      assert.deepStrictEqual(yield* seen, [503, "99"])
      assert.deepStrictEqual(yield* seen, [200, undefined])
    }).pipe(here)
  )

  it.effect("is the token endpoint's unless told otherwise, and ends when told", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      const statuses = Effect.all([
        Effect.map(ask(), ({ status }) => status),
        Effect.map(get(`http://127.0.0.1${defaults.apiPath}`), ({ status }) => status)
      ])
      yield* emulator.downFor("1 hour", "api")
      assert.deepStrictEqual(yield* statuses, [200, 503])
      yield* emulator.downFor("1 hour")
      assert.deepStrictEqual(yield* statuses, [503, 503])
      yield* emulator.downFor(0, "api")
      assert.deepStrictEqual(yield* statuses, [503, 401])
    }).pipe(here)
  )
})
