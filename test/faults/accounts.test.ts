import { assert, it } from "@effect/vitest"
import { Effect, Either, Exit, Fiber, Redacted, Scope } from "effect"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Fault from "../../src/emulator/Fault.js"
import { options } from "../support/emulated.js"
import { homeAccountId, read, signIn, write } from "./people.js"
import * as Stage from "./stage.js"
import { always, first, lost, never, second, story, timed, together } from "./story.js"
import { atEntra, elsewhere } from "./subjects.js"
import type { Wire } from "./wire.js"

const offered = (wire: Wire, from = 0) => wire.sent.slice(from).map(({ form }) => form.get("refresh_token"))
const numbered = (...numbers: ReadonlyArray<number>) => numbers.map((number) => `refresh token ${number} of alice`)

const apis = (count: number) => Array.from({ length: count }, (_, index) => `${read}/${index}`)

const authorities = [
  {
    name: "at Entra",
    make: atEntra,
    alice: homeAccountId("alice"),
    retiring: { error: "invalid_grant", suberror: "bad_token" },
    /** 20 exchanges of 1 s. */
    time: second
  },
  {
    name: "where they rotate",
    make: elsewhere,
    alice: "alice",
    retiring: { error: "invalid_grant" },
    time: 20 * second
  }
]

for (const { alice, make, name, retiring, time } of authorities)
  it.layer(Stage.layer())(`refresh tokens ${name}`, (it) => {
    it.effect(
      "the one that an answer brings is offered next",
      story(({ cast, drive, wire }) =>
        Effect.gen(function* () {
          const client = yield* cast(make)
          yield* signIn(client, "alice")
          const source = client.account(alice).forScopes(read)
          yield* drive(source.getToken())
          yield* drive(client.account(alice).forScopes(write).getToken())
          yield* drive(source.getToken({ forceRefresh: true }))
          assert.deepStrictEqual(offered(wire, 1), numbered(1, 2, 3))
          assert.strictEqual(wire.offeredTwice(), 0)
        })
      ),
      together
    )

    it.effect(
      "an answer without one leaves the old one",
      story(({ cast, drive, wire }) =>
        Effect.gen(function* () {
          const client = yield* cast(make)
          yield* signIn(client, "alice")
          const body = { access_token: "x", token_type: "Bearer", expires_in: 3600 }
          wire.plan(first(1, Fault.respond({ status: 200, body })))
          yield* drive(client.account(alice).forScopes(read).getToken())
          yield* drive(Effect.either(client.account(alice).forScopes(write).getToken()))
          assert.deepStrictEqual(offered(wire, 1), numbered(1, 1))
        })
      ),
      together
    )

    it.effect(
      "one that is over is not offered again: the user is told to sign in from memory, until that has happened",
      story(({ cast, drive, wire }) =>
        Effect.gen(function* () {
          const client = yield* cast(make)
          yield* signIn(client, "alice")
          const [one, two] = [client.account(alice).forScopes(read), client.account(alice).forScopes(write)]
          yield* drive(one.getToken())
          wire.plan(always(Fault.respond({ status: 400, body: retiring })))
          assert.strictEqual((yield* drive(Effect.flip(two.getToken())))._tag, "InvalidGrant")
          const sent = wire.sent.length
          for (const source of [two, client.account(alice).forScopes(`${read}/more`)]) {
            const error = yield* drive(Effect.flip(source.getToken()))
            assert.deepInclude(error, { _tag: "InteractionRequired", source: "local", error: "login_required" })
          }
          assert.strictEqual((yield* drive(one.getToken())).source, "cache", "what was won before is served")
          assert.strictEqual((yield* client.getAccounts({ session: "" })).length, 1, "the account is still known")
          assert.strictEqual(wire.sent.length, sent)
          wire.plan(never)
          yield* client.acquireTokenByRefreshToken({ refreshToken: fresh, scopes: read })
          yield* drive(two.getToken())
        })
      ),
      together
    )

    it.effect(
      "20 APIs at once: none is offered twice where it serves once, nobody waits where it does not",
      story(({ cast, drive, wire }) =>
        Effect.gen(function* () {
          const client = yield* cast(make)
          yield* signIn(client, "alice")
          wire.plan(always(Fault.delay("1 second")))
          const results = yield* drive(
            Effect.forEach(apis(20), (api) => timed(client.account(alice).forScopes(api).getToken()), {
              concurrency: "unbounded"
            })
          )
          assert.isTrue(results.every(([result]) => Either.isRight(result)))
          assert.strictEqual(Math.max(...results.map(([, at]) => at)), time)
          assert.strictEqual(wire.offeredTwice(), 0)
          wire.plan(never)
          yield* drive(client.account(alice).forScopes(write).getToken())
          assert.strictEqual(wire.offeredTwice(), 0, "the last answer's is kept")
        })
      ),
      together
    )

    it.effect(
      "a caller who leaves loses nothing: what comes is kept",
      story(({ cast, census, drive, pass, wire }) =>
        Effect.gen(function* () {
          const client = yield* cast(make)
          yield* signIn(client, "alice")
          const source = client.account(alice).forScopes(read)
          wire.plan(first(1, Fault.delay("5 seconds")))
          const caller = yield* Effect.fork(source.getToken())
          yield* pass(second)
          yield* Fiber.interrupt(caller)
          yield* pass(5 * second)
          assert.strictEqual((yield* drive(source.getToken())).source, "cache")
          yield* drive(client.account(alice).forScopes(write).getToken())
          assert.deepStrictEqual(offered(wire, 1), numbered(1, 2))
          assert.strictEqual(census.living.size, 0)
        })
      ),
      together
    )

    it.effect(
      "two sessions of one user have nothing in common",
      story(({ cast, drive, pass, wire }) =>
        Effect.gen(function* () {
          const client = yield* cast(make)
          for (const session of ["desk", "phone"]) yield* signIn(client, "alice", { session })
          const at = (session: string, scopes = read) => client.account(alice, { session }).forScopes(scopes)
          yield* drive(at("desk").getToken())
          yield* drive(at("phone").getToken())
          assert.deepStrictEqual(offered(wire, 2), numbered(1, 2), "neither sees the other's token")
          wire.plan(always(Fault.respond({ status: 400, body: retiring })))
          yield* drive(Effect.flip(at("desk", write).getToken()))
          wire.plan(always(Fault.throttled("60")))
          assert.strictEqual((yield* drive(Effect.flip(at("phone", write).getToken())))._tag, "Throttled")
          assert.strictEqual((yield* drive(Effect.flip(at("desk", write).getToken())))._tag, "InteractionRequired")
          yield* client.removeAccount({ account: { homeAccountId: alice }, session: "desk" })
          wire.plan(never)
          yield* pass(60 * second)
          yield* drive(at("phone", write).getToken())
          const known = yield* Effect.forEach(["desk", "phone", ""], (session) => client.getAccounts({ session }))
          assert.deepStrictEqual(
            known.map(({ length }) => length),
            [0, 1, 0]
          )
        })
      ),
      together
    )

    it.effect(
      "an account that is removed in the middle of an exchange leaves nothing",
      story(({ cache, cast, drive, pass, wire }) =>
        Effect.gen(function* () {
          const client = yield* cast(make)
          yield* signIn(client, "alice")
          const source = client.account(alice).forScopes(read)
          wire.plan(first(1, Fault.delay("3 seconds")))
          const renewing = yield* Effect.fork(source.getToken())
          yield* pass(second)
          assert.isTrue(yield* client.removeAccount({ account: { homeAccountId: alice } }))
          yield* drive(Fiber.join(renewing))
          assert.deepStrictEqual(
            [yield* client.getAccounts({ session: "" }), (yield* cache.statistics).entries],
            [[], 0]
          )
          const sent = wire.sent.length
          for (const scopes of [read, write])
            assert.deepInclude(yield* drive(Effect.flip(client.account(alice).forScopes(scopes).getToken())), {
              _tag: "InteractionRequired",
              source: "local"
            })
          assert.strictEqual(wire.sent.length, sent)
        })
      ),
      together
    )
  })

const fresh = Redacted.make("a fresh refresh token of alice")

const signedIn = Effect.tap(elsewhere, (client) => signIn(client, "alice"))

it.layer(Stage.layer())("a refresh token that rotates", (it) => {
  it.effect.each(lost)(
    "and was %s is not offered again by the same exchange",
    ([, trouble]) =>
      Stage.perform(({ cast, drive, wire }) =>
        Effect.gen(function* () {
          const source = (yield* cast(signedIn)).account("alice").forScopes(read)
          wire.plan(first(1, trouble))
          assert.isTrue(Either.isLeft(yield* drive(Effect.either(source.getToken()))))
          assert.deepStrictEqual([wire.sent.length, wire.offeredTwice()], [2, 0])
          // The next one has no other, and this server counts well.
          assert.strictEqual((yield* drive(Effect.flip(source.getToken())))._tag, "InvalidGrant")
          assert.strictEqual(wire.offeredTwice(), 1)
        })
      ),
    together
  )

  it.effect.each(lost)(
    "and was %s is not offered again when it came from elsewhere",
    ([, trouble]) =>
      Stage.perform(({ cast, drive, wire }) =>
        Effect.gen(function* () {
          const client = yield* cast(elsewhere)
          wire.plan(first(1, trouble))
          assert.isTrue(Either.isLeft(yield* drive(Effect.either(signIn(client, "alice")))))
          assert.deepStrictEqual([wire.sent.length, wire.offeredTwice()], [1, 0])
        })
      ),
    together
  )

  for (const [what, trouble] of lost)
    it.effect(
      `and was ${what} is not offered by those who wait in line either`,
      story(({ cast, drive, wire }) =>
        Effect.gen(function* () {
          const client = yield* cast(signedIn)
          wire.plan(first(1, trouble))
          yield* drive(
            Effect.forEach(apis(3), (api) => Effect.either(client.account("alice").forScopes(api).getToken()), {
              concurrency: "unbounded"
            })
          )
          assert.strictEqual(wire.offeredTwice(), 0)
        })
      ),
      together
    )

  it.effect(
    "and is answered slowly keeps nobody for longer than an exchange may take",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(signedIn)
        wire.plan(always(Fault.delay("9 seconds")))
        const results = yield* drive(
          Effect.forEach(apis(10), (api) => timed(client.account("alice").forScopes(api).getToken()), {
            concurrency: "unbounded"
          })
        )
        assert.isAtMost(Math.max(...results.map(([, at]) => at)), 60 * second)
      })
    ),
    together
  )

  it.effect(
    "and is under way when the client is closed is waited for, and the next client offers its successor",
    story(({ cache, cast, census, drive, pass, wire }) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const client = yield* Scope.extend(cast(signedIn), scope)
        wire.plan(first(1, Fault.delay("5900 millis")))
        yield* Effect.fork(client.account("alice").forScopes(read).getToken())
        yield* pass(second)
        assert.strictEqual((yield* drive(timed(Scope.close(scope, Exit.void))))[1], 5900)
        assert.strictEqual((yield* cache.statistics).entries, 2)
        assert.strictEqual(census.living.size, 0)
        const next = yield* cast(elsewhere)
        assert.strictEqual((yield* drive(next.account("alice").forScopes(read).getToken())).source, "cache")
        yield* drive(next.account("alice").forScopes(write).getToken())
        assert.deepStrictEqual(offered(wire, 1), numbered(1, 2))
      })
    ),
    together
  )

  it.effect(
    "is not offered any more once the client is being closed",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const client = yield* Scope.extend(cast(signedIn), scope)
        wire.plan(always(Fault.delay("4 seconds")))
        const waiting = yield* Effect.forEach(apis(2), (api) =>
          Effect.fork(Effect.either(client.account("alice").forScopes(api).getToken()))
        )
        yield* pass(second)
        yield* drive(Scope.close(scope, Exit.void))
        const results = yield* drive(Effect.forEach(waiting, Fiber.join))
        assert.isTrue(results.some(Either.isRight))
        wire.plan(never)
        yield* drive((yield* cast(elsewhere)).account("alice").forScopes(write).getToken())
        assert.strictEqual(wire.offeredTwice(), 0)
      })
    ),
    together
  )

  it.effect(
    "and is never answered does not keep a client from closing",
    story(({ cast, census, drive, pass, wire }) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const client = yield* Scope.extend(cast(signedIn), scope)
        wire.plan(always(Fault.hang))
        const waiting = yield* Effect.fork(Effect.flip(client.account("alice").forScopes(read).getToken()))
        yield* pass(second)
        assert.strictEqual((yield* drive(timed(Scope.close(scope, Exit.void))))[1], 6 * second)
        assert.strictEqual((yield* Fiber.join(waiting))._tag, "ClientClosed")
        assert.strictEqual(census.living.size, 0)
      })
    ),
    together
  )
})

it.layer(Stage.layer())("a refresh token of Entra, which stays valid,", (it) => {
  it.effect.each(lost)(
    "and was %s is offered again",
    ([, trouble]) =>
      Stage.perform(({ cast, drive, wire }) =>
        Effect.gen(function* () {
          const client = yield* cast(atEntra)
          yield* signIn(client, "alice")
          wire.plan(first(1, trouble))
          yield* drive(client.account(homeAccountId("alice")).forScopes(read).getToken())
          assert.deepStrictEqual(offered(wire, 1), numbered(1, 1))
        })
      ),
    together
  )

  it.effect(
    "is not waited for when the client is closed",
    story(({ cast, census, drive, pass, wire }) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const client = yield* Scope.extend(cast(atEntra), scope)
        yield* signIn(client, "alice")
        wire.plan(always(Fault.delay("3 seconds")))
        const source = client.account(homeAccountId("alice")).forScopes(read)
        const waiting = yield* Effect.fork(Effect.flip(source.getToken()))
        yield* pass(second)
        assert.strictEqual((yield* drive(timed(Scope.close(scope, Exit.void))))[1], second)
        assert.strictEqual((yield* Fiber.join(waiting))._tag, "ClientClosed")
        assert.strictEqual(census.living.size, 0)
      })
    ),
    together
  )
})

it.layer(Stage.layer())("a refresh token from elsewhere", (it) => {
  it.effect(
    "that the server has put off is not sent again before its time",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        wire.plan(always(Fault.throttled("60")))
        for (let times = 0; times < 3; times += 1)
          assert.strictEqual((yield* drive(Effect.flip(signIn(client, "alice"))))._tag, "Throttled")
        assert.strictEqual(wire.sent.length, 1)
        wire.plan(never)
        yield* pass(60 * second)
        yield* drive(signIn(client, "alice"))
      })
    ),
    together
  )

  it.effect(
    "is not sent to a tenant that is not served",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(ConfidentialClient.make({ ...options, allowedTenants: [] }))
        const tenantId = "bbbbcccc-1111-dddd-2222-eeee3333ffff"
        const request = { refreshToken: fresh, scopes: read, tenantId }
        const error = yield* drive(Effect.flip(client.acquireTokenByRefreshToken(request)))
        assert.strictEqual(error._tag, "ConfigurationError")
        assert.strictEqual(wire.sent.length, 0)
      })
    ),
    together
  )

  it.effect(
    "is taken over once, however many come with it",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(elsewhere)
        wire.plan(first(1, Fault.delay("1 second")))
        const results = yield* drive(Effect.replicateEffect(signIn(client, "alice"), 10, { concurrency: "unbounded" }))
        assert.strictEqual(new Set(results.map(({ token }) => token)).size, 1)
        assert.strictEqual(wire.sent.length, 1)
      })
    ),
    together
  )
})
