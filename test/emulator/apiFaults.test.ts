import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import { ask, defaults, inProcess } from "./helpers.js"

const request = (token: unknown) =>
  HttpClientRequest.post(`https://api.example${defaults.apiPath}/tasks`).pipe(
    HttpClientRequest.setHeader("authorization", `Bearer ${token}`),
    HttpClientRequest.bodyUnsafeJson({ title: "Water the plants" })
  )

const tokenOf = Effect.map(ask(), ({ json }) => json.access_token)

describe("the script of the APIs", () => {
  it.effect("each call plays one fault, whatever its token, and the token endpoint none of them", () =>
    Effect.gen(function* () {
      const { scriptApi, pendingApiFaults, pendingFaults, script } = yield* EntraEmulator
      const challenge = "Bearer claims={no json, error=interaction_required"
      yield* scriptApi([
        Fault.challenge(challenge),
        Fault.respond({ status: 503, headers: { "retry-after": "7" } }),
        Fault.truncated
      ])
      const token = yield* tokenOf
      assert.strictEqual(yield* pendingApiFaults, 3)
      yield* script([Fault.unavailable()])
      const first = yield* HttpClient.execute(request(token))
      assert.deepStrictEqual([first.status, first.headers["www-authenticate"]], [401, challenge])
      const second = yield* HttpClient.execute(request("nonsense"))
      assert.deepStrictEqual([second.status, second.headers["retry-after"]], [503, "7"])
      const third = yield* HttpClient.execute(request(token))
      assert.strictEqual((yield* Effect.flip(third.json))._tag, "ResponseError")
      assert.strictEqual((yield* HttpClient.execute(request(token))).status, 200)
      assert.deepStrictEqual([yield* pendingApiFaults, yield* pendingFaults], [0, 1])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a reset comes after the call was made, a delay before its token is looked at", () =>
    Effect.gen(function* () {
      const { requests, scriptApi } = yield* EntraEmulator
      yield* scriptApi([Fault.reset("beforeHeaders"), Fault.delay("3599 seconds")])
      const token = yield* tokenOf
      const failure = yield* Effect.flip(HttpClient.execute(request(token)))
      assert.strictEqual(failure._tag, "RequestError")
      const slow = yield* Effect.fork(HttpClient.execute(request(token)))
      yield* TestClock.adjust("3599 seconds")
      assert.strictEqual((yield* Fiber.join(slow)).status, 401)
      const recorded = (yield* requests).map(({ fault, status }) => [fault, status])
      assert.deepStrictEqual(recorded, [
        [undefined, 200],
        ["Reset", undefined],
        ["Delay", 401]
      ])
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("the record of the APIs", () => {
  it.effect("shows each call without its token", () =>
    Effect.gen(function* () {
      const { requests } = yield* EntraEmulator
      const token = String(yield* tokenOf)
      yield* HttpClient.execute(request(token))
      const [, recorded] = yield* requests
      assert.deepInclude(recorded, {
        method: "POST",
        origin: "https://api.example",
        path: `${defaults.apiPath}/tasks`,
        status: 200,
        fault: undefined,
        form: {}
      })
      assert.strictEqual(recorded?.headers.authorization, "<masked>")
      assert.notInclude(JSON.stringify(recorded), token.slice(0, 20))
    }).pipe(Effect.provide(inProcess()))
  )
})
