import { assert, it } from "@effect/vitest"
import { Effect, Either, Exit, Fiber, Scope } from "effect"
import { IdTokenVerifier } from "../../src/client/idToken.js"
import { InvalidToken } from "../../src/core/TokenError.js"
import * as Fault from "../../src/emulator/Fault.js"
import { comeBack, homeAccountId, read, redeem, write } from "./people.js"
import * as Stage from "./stage.js"
import { always, first, lost, never, second, story, timed, together } from "./story.js"
import { atEntra } from "./subjects.js"
import type { Trouble } from "./wire.js"

const gone: ReadonlyArray<readonly [string, Trouble]> = [
  ...lost,
  ["answered 500", Fault.respond({ status: 500 })],
  ["answered 503, to come back later", Fault.unavailable("2")]
]

const used = { _tag: "InvalidAuthorizationResponse", reason: "used" } as const

it.layer(Stage.layer())("an authorization code", (it) => {
  it.effect.each(gone)(
    "that was %s is never sent again",
    ([, trouble]) =>
      Stage.perform(({ cast, drive, pass, wire }) =>
        Effect.gen(function* () {
          const client = yield* cast(atEntra)
          const request = yield* comeBack(client, "alice")
          wire.plan(first(1, trouble))
          assert.isTrue(Either.isLeft(yield* drive(Effect.either(redeem(client, request)))))
          yield* pass(5 * second)
          assert.deepInclude(yield* drive(Effect.flip(redeem(client, request))), used)
          assert.deepStrictEqual([wire.sent.length, wire.offeredTwice()], [1, 0])
          assert.deepStrictEqual(yield* client.getAccounts({ session: "" }), [])
          yield* drive(redeem(client, yield* comeBack(client, "alice")))
          assert.strictEqual((yield* client.getAccounts({ session: "" })).length, 1, "the next sign-in is well")
        })
      ),
    together
  )

  it.effect(
    "that the server has put off is sent again",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        wire.plan(first(2, Fault.throttled("2")))
        yield* drive(redeem(client, yield* comeBack(client, "alice")))
        assert.strictEqual(wire.sent.length, 3)
        assert.strictEqual(new Set(wire.sent.map(({ form }) => form.get("code"))).size, 1)
      })
    ),
    together
  )

  it.effect(
    "comes with a flow that serves once: at the same moment it is the same sign-in, later it is refused unsent",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        const request = yield* comeBack(client, "alice")
        wire.plan(first(1, Fault.delay("3 seconds")))
        const one = yield* Effect.fork(redeem(client, request))
        yield* pass(second)
        const two = yield* drive(redeem(client, request))
        assert.strictEqual((yield* Fiber.join(one)).token, two.token)
        assert.deepInclude(yield* drive(Effect.flip(redeem(client, request))), used)
        // Another code does not make the flow another one.
        const other = { ...request, response: { ...request.response, code: "another code of mallory" } }
        assert.deepInclude(yield* drive(Effect.flip(redeem(client, other))), used)
        assert.strictEqual(wire.sent.length, 1)
      })
    ),
    together
  )

  it.effect(
    "whose browser has gone is redeemed: the account is there when it comes back",
    story(({ cast, census, drive, pass, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        const request = yield* comeBack(client, "alice")
        wire.plan(first(1, Fault.delay("5 seconds")))
        const caller = yield* Effect.fork(redeem(client, request))
        yield* pass(second)
        yield* Fiber.interrupt(caller)
        yield* pass(5 * second)
        const [account] = yield* client.getAccounts({ session: "" })
        assert.strictEqual(account?.homeAccountId, homeAccountId("alice"))
        const alice = client.account(homeAccountId("alice"))
        assert.strictEqual((yield* drive(alice.forScopes(read).getToken())).source, "cache")
        yield* drive(alice.forScopes(write).getToken())
        assert.deepStrictEqual([wire.sent.length, census.living.size], [2, 0])
      })
    ),
    together
  )

  it.effect(
    "that is being redeemed when the client is closed is waited for, and its account kept",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const client = yield* Scope.extend(cast(atEntra), scope)
        const request = yield* comeBack(client, "alice")
        wire.plan(first(1, Fault.delay("4 seconds")))
        const redeeming = yield* Effect.fork(redeem(client, request))
        yield* pass(second)
        assert.strictEqual((yield* drive(timed(Scope.close(scope, Exit.void))))[1], 4 * second)
        assert.strictEqual((yield* Fiber.join(redeeming)).account.homeAccountId, homeAccountId("alice"))
        assert.strictEqual((yield* (yield* cast(atEntra)).getAccounts({ session: "" })).length, 1)
      })
    ),
    together
  )

  it.effect(
    "whose id token does not hold leaves nothing",
    story(({ cache, cast, drive, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        const request = yield* comeBack(client, "mallory")
        const refuse = { verify: () => new InvalidToken({ token: "id token", reason: "nonce" }) }
        const refused = Effect.provideService(client.acquireTokenByCode(request), IdTokenVerifier, refuse)
        assert.strictEqual((yield* drive(Effect.flip(refused)))._tag, "InvalidToken")
        assert.deepStrictEqual([yield* client.getAccounts({ session: "" }), (yield* cache.statistics).entries], [[], 0])
        const mallory = client.account(homeAccountId("mallory")).forScopes(read)
        assert.strictEqual((yield* drive(Effect.flip(mallory.getToken())))._tag, "InteractionRequired")
        assert.deepInclude(yield* drive(Effect.flip(redeem(client, request))), used)
        assert.strictEqual(wire.sent.length, 1)
      })
    ),
    together
  )

  it.effect(
    "of another user is redeemed while the server puts one off, or refuses",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        for (const trouble of [
          Fault.throttled("600"),
          Fault.respond({ status: 400, body: { error: "invalid_grant" } })
        ]) {
          const [unlucky, lucky] = [yield* comeBack(client, "bob"), yield* comeBack(client, "alice")]
          wire.plan(first(1, trouble))
          assert.isTrue(Either.isLeft(yield* drive(Effect.either(redeem(client, unlucky)))))
          yield* drive(redeem(client, lucky))
        }
        assert.strictEqual(wire.sent.length, 4)
      })
    ),
    together
  )

  it.effect(
    "is kept back while the server asks everyone for patience, and its flow is not used up by that",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        const [one, two] = [yield* comeBack(client, "alice"), yield* comeBack(client, "bob")]
        wire.plan(always(Fault.unavailable("60")))
        yield* drive(Effect.flip(redeem(client, one)))
        const error = yield* drive(Effect.flip(redeem(client, two)))
        assert.deepStrictEqual([error._tag, wire.sent.length], ["Throttled", 1])
        wire.plan(never)
        yield* pass(60 * second)
        yield* drive(redeem(client, two))
      })
    ),
    together
  )
})
