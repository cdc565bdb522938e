import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, TestClock } from "effect"
import * as AccessToken from "../../src/core/AccessToken.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import { defaults, getToken, layer, script, tokenRequests } from "../support/emulated.js"
import * as People from "../support/people.js"
import { client, signIn } from "../support/people.js"

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

  it.effect("is not handed on when the authority hands it out once more, and not asked for again for a minute", () =>
    Effect.gen(function* () {
      const body = { access_token: "the same", token_type: "Bearer", expires_in: 3600 }
      yield* script(...Array.from({ length: 3 }, () => Fault.respond({ status: 200, body })))
      const rejected = yield* getToken()
      for (const request of [{ rejected }, {}, { rejected }, {}]) {
        const failure = yield* Effect.flip(getToken(request))
        assert.deepInclude(failure, { _tag: "RequestRejected", source: "local", error: "insufficient_claims" })
      }
      assert.lengthOf(yield* tokenRequests, 2)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Effect.flip(getToken()))._tag, "RequestRejected")
      assert.lengthOf(yield* tokenRequests, 3)
      assert.notStrictEqual(textOf(yield* getToken({ forceRefresh: true })), "the same")
      assert.strictEqual((yield* getToken()).source, "cache")
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

  it.effect("is not found again under other scopes of the same user", () =>
    Effect.gen(function* () {
      const { account } = yield* client
      const both = [defaults.apiUserScope, "profile"]
      const signedIn = yield* signIn({ scopes: both })
      const tokens = account(signedIn.account.homeAccountId)
      const one = tokens.forScopes(defaults.apiUserScope)
      const rejected = yield* one.getToken()
      assert.strictEqual(rejected.source, "cache")
      const { setPolicies } = yield* EntraEmulator.EntraEmulator
      yield* setPolicies(defaults.apiAppId, [{ id: "12345678-90ab-cdef-1234-567890abcdef", requires: "mfa" }])
      yield* Effect.flip(one.getToken({ rejected, claims }))
      assert.strictEqual((yield* Effect.flip(one.getToken()))._tag, "InteractionRequired")
      assert.strictEqual((yield* Effect.flip(tokens.forScopes(both).getToken()))._tag, "InteractionRequired")
    }).pipe(Effect.provide(People.layer()))
  )

  it.effect("has its replacement waited for by those who ask for any token meanwhile", () =>
    Effect.gen(function* () {
      const rejected = yield* getToken()
      yield* script(Fault.delay("5 seconds"))
      const replacement = yield* Effect.fork(getToken({ rejected, claims }))
      yield* TestClock.adjust("1 seconds")
      const plain = yield* Effect.fork(getToken())
      yield* TestClock.adjust("5 seconds")
      const [won, other] = [yield* Fiber.join(replacement), yield* Fiber.join(plain)]
      assert.strictEqual(textOf(won), textOf(other))
      assert.strictEqual(textOf(yield* getToken({ rejected, claims })), textOf(won))
      assert.strictEqual(textOf(yield* getToken()), textOf(won))
      assert.lengthOf(yield* tokenRequests, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("is not answered by a newer one that was won without the claims", () =>
    Effect.gen(function* () {
      const rejected = yield* getToken()
      const plain = yield* getToken({ rejected })
      const challenged = yield* getToken({ rejected, claims })
      assert.notStrictEqual(textOf(challenged), textOf(plain))
      assert.strictEqual((yield* tokenRequests).at(-1)?.form.claims, claims)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("though it had been won with the claims that are demanded is not replaced for a minute", () =>
    Effect.gen(function* () {
      const first = yield* getToken()
      const second = yield* getToken({ rejected: first, claims })
      const refusal = yield* Effect.flip(getToken({ rejected: second, claims }))
      assert.include(refusal, { _tag: "RequestRejected", error: "insufficient_claims", source: "local", claims })
      for (let call = 0; call < 10; call += 1) yield* Effect.flip(getToken({ rejected: yield* getToken(), claims }))
      assert.isAtMost((yield* tokenRequests).length, 13)
      yield* TestClock.adjust("61 seconds")
      yield* getToken({ rejected: yield* getToken(), claims })
    }).pipe(Effect.provide(layer()))
  )

  it.effect("and can't be replaced now leaves those alone who ask for any token later", () =>
    Effect.gen(function* () {
      const rejected = yield* getToken()
      yield* script(Fault.throttled("60"))
      assert.strictEqual((yield* Effect.flip(getToken({ forceRefresh: true })))._tag, "Throttled")
      assert.strictEqual((yield* Effect.flip(getToken({ rejected, claims })))._tag, "Throttled")
      yield* TestClock.adjust("90 seconds")
      yield* getToken()
      assert.isUndefined((yield* tokenRequests).at(-1)?.form.claims)
    }).pipe(Effect.provide(layer()))
  )
})
