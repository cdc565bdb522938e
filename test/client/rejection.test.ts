import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, TestClock } from "effect"
import * as AccessToken from "../../src/core/AccessToken.js"
import * as Fault from "../../src/emulator/Fault.js"
import { getToken, layer, script, tokenRequests } from "../support/emulated.js"

const claims = JSON.stringify({ access_token: { nbf: { essential: true, value: "1" } } })

const textOf = ({ accessToken }: AccessToken.AccessToken) => Redacted.value(accessToken)

describe("a token that its resource refused", () => {
  it.effect("is replaced by one exchange, however many were refused with it", () =>
    Effect.gen(function* () {
      const rejected = yield* getToken()
      const all = yield* Effect.replicateEffect(getToken({ rejected, claims }), 100, { concurrency: "unbounded" })
      const late = yield* getToken({ rejected, claims })
      assert.strictEqual(new Set([...all, late].map(textOf)).size, 1)
      assert.notStrictEqual(textOf(late), textOf(rejected))
      assert.strictEqual(textOf(yield* getToken()), textOf(late))
      assert.lengthOf(yield* tokenRequests, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("is not answered by an exchange that had begun before", () =>
    Effect.gen(function* () {
      const rejected = yield* getToken()
      yield* script(Fault.delay("5 seconds"))
      const begun = yield* Effect.fork(getToken({ forceRefresh: true }))
      yield* TestClock.adjust("1 seconds")
      const newer = yield* getToken({ rejected })
      yield* TestClock.adjust("5 seconds")
      const older = yield* Fiber.join(begun)
      assert.notStrictEqual(textOf(newer), textOf(older))
      assert.strictEqual(textOf(yield* getToken()), textOf(newer))
      assert.lengthOf(yield* tokenRequests, 3)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("is not kept again when the authority hands it out once more", () =>
    Effect.gen(function* () {
      const body = { access_token: "the same", token_type: "Bearer", expires_in: 3600 }
      yield* script(...Array.from({ length: 3 }, () => Fault.respond({ status: 200, body })))
      const rejected = yield* getToken()
      assert.strictEqual(textOf(yield* getToken({ rejected })), "the same")
      assert.strictEqual((yield* getToken()).source, "identity_provider")
      assert.lengthOf(yield* tokenRequests, 3)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("that is not the one in hand leaves that one where it is", () =>
    Effect.gen(function* () {
      const present = yield* getToken()
      const stranger = AccessToken.make({ accessToken: Redacted.make("another's") })
      yield* getToken({ rejected: stranger })
      assert.lengthOf(yield* tokenRequests, 2)
      assert.notStrictEqual(textOf(yield* getToken()), textOf(present))
    }).pipe(Effect.provide(layer()))
  )
})
