import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Redacted } from "effect"
import * as AccessToken from "../../src/core/AccessToken.js"
import { type Classification, InteractionRequired } from "../../src/core/TokenError.js"
import type { TokenSource } from "../../src/core/TokenProvider.js"
import * as ClaimsChallengeHandler from "../../src/http/ClaimsChallengeHandler.js"
import { claims, origin } from "./api.js"

const tokenOf = (value: string) => AccessToken.make({ accessToken: Redacted.make(value) })

const claimsOf = (value: string) => JSON.stringify({ access_token: { acrs: { essential: true, value } } })

const interaction = (classification: Classification = "basic_action") =>
  new InteractionRequired({ error: "interaction_required", classification, status: 400, errorCodes: [] })

const stuck = (error = interaction()): TokenSource<InteractionRequired> => ({ getToken: () => error })

/** Answers the refusal of the token with this value. */
const answerTo = (value: string, demanded = claims, source = stuck()) =>
  Effect.flatMap(ClaimsChallengeHandler.ClaimsChallengeHandler, ({ answer }) =>
    answer({ claims: demanded, rejected: tokenOf(value), source, resource: new URL(origin) })
  )

const textOf = ({ accessToken }: AccessToken.AccessToken) => Redacted.value(accessToken)

const causeOf = (error: { readonly cause?: unknown }) =>
  Redacted.isRedacted(error.cause) ? Redacted.value(error.cause) : undefined

/** Someone who is asked for certain claims, and answers when told to. */
const person = Effect.map(Deferred.make<string, string>(), (answer) => ({
  answer,
  asked: Effect.map(Deferred.await(answer), tokenOf)
}))

/** Every fiber has come as far as it can. */
const settled = Effect.repeatN(Effect.yieldNow(), 20)

describe("the user is asked", () => {
  it.effect("apart from others: one declines, the other goes on, at the same time", () =>
    Effect.gen(function* () {
      const [alice, bob] = [yield* person, yield* person]
      const asked: Array<string> = []
      const handler = ClaimsChallengeHandler.layerInteractive((interactive) => {
        asked.push(interactive.claims)
        return interactive.claims === claimsOf("alice") ? alice.asked : bob.asked
      })
      yield* Effect.gen(function* () {
        const first = yield* Effect.fork(Effect.flip(answerTo("token of Alice", claimsOf("alice"))))
        const second = yield* Effect.fork(answerTo("token of Bob", claimsOf("bob")))
        yield* settled
        assert.deepStrictEqual(asked, [claimsOf("alice"), claimsOf("bob")])
        yield* Deferred.fail(alice.answer, "no")
        const failure = yield* Fiber.join(first)
        assert(failure._tag === "ClaimsChallengeRequired", failure._tag)
        assert.deepStrictEqual([failure.claims, causeOf(failure)], [claimsOf("alice"), "no"])
        yield* Deferred.succeed(bob.answer, "new token of Bob")
        assert.strictEqual(textOf(yield* Fiber.join(second)), "new token of Bob")
      }).pipe(Effect.provide(handler))
    })
  )

  it.effect("once for all who waited with one token for the same claims, again for who comes later", () =>
    Effect.gen(function* () {
      const { answer, asked: declining } = yield* person
      let asked = 0
      const handler = ClaimsChallengeHandler.layerInteractive(() => {
        asked += 1
        return declining
      })
      yield* Effect.gen(function* () {
        const waiting = yield* Effect.fork(
          Effect.all(Effect.replicate(Effect.flip(answerTo("token")), 20), { concurrency: "unbounded" })
        )
        yield* settled
        yield* Deferred.fail(answer, "no")
        const failures = yield* Fiber.join(waiting)
        assert.deepStrictEqual([...new Set(failures.map(({ _tag }) => _tag))], ["ClaimsChallengeRequired"])
        assert.strictEqual(asked, 1)
        yield* Effect.flip(answerTo("token"))
        assert.strictEqual(asked, 2)
      }).pipe(Effect.provide(handler))
    })
  )

  it.effect("after another asking, not at once, where one token lacks other claims too", () =>
    Effect.gen(function* () {
      const { answer, asked: declining } = yield* person
      const asked: Array<string> = []
      const handler = ClaimsChallengeHandler.layerInteractive((interactive) => {
        asked.push(interactive.claims)
        return interactive.claims === claimsOf("c1") ? declining : Effect.succeed(tokenOf("another"))
      })
      yield* Effect.gen(function* () {
        const first = yield* Effect.fork(Effect.flip(answerTo("token", claimsOf("c1"))))
        const second = yield* Effect.fork(answerTo("token", claimsOf("c2")))
        yield* settled
        assert.deepStrictEqual(asked, [claimsOf("c1")])
        yield* Deferred.fail(answer, "no")
        assert.strictEqual((yield* Fiber.join(first))._tag, "ClaimsChallengeRequired")
        assert.strictEqual(textOf(yield* Fiber.join(second)), "another")
      }).pipe(Effect.provide(handler))
    })
  )

  it.effect("by the next who waits, when the one before goes away", () =>
    Effect.gen(function* () {
      let asked = 0
      const handler = ClaimsChallengeHandler.layerInteractive(() => {
        asked += 1
        return asked === 1 ? Effect.never : Effect.succeed(tokenOf("another"))
      })
      yield* Effect.gen(function* () {
        const first = yield* Effect.fork(answerTo("token"))
        const second = yield* Effect.fork(answerTo("token"))
        yield* settled
        yield* Fiber.interrupt(first)
        assert.strictEqual(textOf(yield* Fiber.join(second)), "another")
      }).pipe(Effect.provide(handler))
    })
  )

  it.effect("for a consent, and not for what they can only be told of", () =>
    Effect.gen(function* () {
      const asked: Array<Classification | undefined> = []
      const handler = ClaimsChallengeHandler.layerInteractive(({ error }) => {
        asked.push(error._tag === "InteractionRequired" ? error.classification : undefined)
        return Effect.succeed(tokenOf("another"))
      })
      yield* Effect.gen(function* () {
        yield* answerTo("token", claims, stuck(interaction("consent_required")))
        const told = yield* Effect.flip(answerTo("token", claims, stuck(interaction("message_only"))))
        assert.include(told, { _tag: "InteractionRequired", classification: "message_only" })
        assert.deepStrictEqual(asked, ["consent_required"])
      }).pipe(Effect.provide(handler))
    })
  )
})

describe("a caller's own client", () => {
  it.effect.each(["consent_required", "message_only"] as const)("is not asked for claims where it is %s", (wanted) =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(answerTo("token", claims, stuck(interaction(wanted))))
      assert.include(failure, { _tag: "InteractionRequired", classification: wanted })
    }).pipe(Effect.provide(ClaimsChallengeHandler.layerPropagate))
  )

  it.effect.each(["basic_action", "additional_action", "user_password_expired", "none"] as const)(
    "is asked for claims where it is %s",
    (wanted) =>
      Effect.gen(function* () {
        const failure = yield* Effect.flip(answerTo("token", claims, stuck(interaction(wanted))))
        assert.include(failure, { _tag: "ClaimsChallengeRequired", reason: "interaction", claims })
      }).pipe(Effect.provide(ClaimsChallengeHandler.layerPropagate))
  )
})
