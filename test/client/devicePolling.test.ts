import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, TestClock } from "effect"
import { type PollFailure, polling } from "../../src/client/devicePolling.js"
import {
  AuthorityUnavailable,
  AuthorizationDeclined,
  DeviceCodeExpired,
  InvalidGrant,
  MalformedResponse,
  RequestRejected,
  Throttled,
  TransportError
} from "../../src/core/TokenError.js"

const refused = (error: string) => new RequestRejected({ error, errorCodes: [], status: 400 })
const pending = refused("authorization_pending")
const slower = refused("slow_down")
const noAnswer = new TransportError({ reason: "timeout", host: "login.microsoftonline.com" })
const down = new AuthorityUnavailable({ status: 503, errorCodes: [] })
const told = (seconds: number) => new Throttled({ status: 429, errorCodes: [], retryAfter: Duration.seconds(seconds) })

/** Polls that meet these failures, and then a token: what came of it, and in which seconds it was asked. */
const poll = (failures: ReadonlyArray<PollFailure>, { expiresIn = 900, interval = 5 } = {}) =>
  Effect.gen(function* () {
    const moments: Array<number> = []
    const once = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const failure = failures[moments.length]
      moments.push(now / 1000)
      return failure === undefined ? Effect.succeed("token") : Effect.fail(failure)
    })
    const fiber = yield* Effect.fork(Effect.either(polling(interval * 1000, expiresIn * 1000)(once)))
    yield* TestClock.adjust(Duration.seconds(expiresIn))
    return { moments, result: yield* Fiber.join(fiber) }
  })

describe("a device", () => {
  it.effect("waits first, and asks again in the interval that it was told", () =>
    Effect.gen(function* () {
      const { moments, result } = yield* poll([pending, pending, pending], { interval: 3 })
      assert.deepStrictEqual(moments, [3, 6, 9, 12])
      assert.deepInclude(result, { _tag: "Right", right: "token" })
    })
  )

  it.effect("asks less often for good each time that it is told to slow down", () =>
    Effect.gen(function* () {
      const { moments } = yield* poll([pending, slower, pending, slower, pending])
      assert.deepStrictEqual(moments, [5, 10, 20, 30, 45, 60])
    })
  )

  it.effect("asks half as often each time that nobody answers, and as before once somebody does", () =>
    Effect.gen(function* () {
      const { moments } = yield* poll([noAnswer, down, noAnswer, noAnswer, noAnswer, pending, pending])
      assert.deepStrictEqual(moments, [5, 15, 35, 75, 135, 195, 200, 205])
    })
  )

  it.effect("waits as long as the service asks", () =>
    Effect.gen(function* () {
      const { moments } = yield* poll([told(120), pending, told(1)])
      assert.deepStrictEqual(moments, [5, 125, 130, 140])
    })
  )

  it.effect("gives up when its code runs out, and not after", () =>
    Effect.gen(function* () {
      const { moments, result } = yield* poll([pending, pending, pending, pending], { expiresIn: 12 })
      assert.deepStrictEqual(moments, [5, 10])
      assert.strictEqual(result._tag, "Left")
      if (result._tag === "Left") assert.deepInclude(result.left, { _tag: "DeviceCodeExpired", source: "local" })
    })
  )

  it.effect.each([
    new AuthorizationDeclined({ error: "authorization_declined", errorCodes: [] }),
    new DeviceCodeExpired({ error: "expired_token", errorCodes: [] }),
    new InvalidGrant({ error: "bad_verification_code", errorCodes: [] }),
    refused("invalid_request"),
    new TransportError({ reason: "certificate", host: "login.microsoftonline.com" }),
    new MalformedResponse({ reason: "redirect", status: 302 })
  ] satisfies ReadonlyArray<PollFailure>)("ends by %s", (failure) =>
    Effect.gen(function* () {
      const { moments, result } = yield* poll([pending, failure])
      assert.deepStrictEqual(moments, [5, 10])
      assert.deepInclude(result, { _tag: "Left", left: failure })
    })
  )

  it.effect("stops at once when it is interrupted, between polls and within one", () =>
    Effect.gen(function* () {
      let asked = 0
      const once = Effect.suspend(() => {
        asked += 1
        return asked === 1 ? Effect.fail(pending) : Effect.never
      })
      for (const seconds of [3, 12]) {
        asked = 0
        const fiber = yield* Effect.fork(polling(5000, 900_000)(once))
        yield* TestClock.adjust(Duration.seconds(seconds))
        yield* Fiber.interrupt(fiber)
        const before = asked
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(asked, before)
      }
    })
  )
})
