import { assert, it } from "@effect/vitest"
import { DateTime, Effect, Either, Exit, Fiber, Redacted, Scope } from "effect"
import type { ConfidentialClientService } from "../../src/client/ConfidentialClient.js"
import type { AccessToken } from "../../src/core/AccessToken.js"
import type { UserError } from "../../src/core/TokenError.js"
import type { TokenSource } from "../../src/core/TokenProvider.js"
import * as Fault from "../../src/emulator/Fault.js"
import { assertionOf, homeAccountId, read, signIn, write } from "./people.js"
import * as Stage from "./stage.js"
import { always, crowd, first, minute, never, second, story, timed, together } from "./story.js"
import { atEntra } from "./subjects.js"
import { type Trouble, userOf } from "./wire.js"

const callerOf = ({ onBehalfOf }: ConfidentialClientService, user: string, id = 1) =>
  onBehalfOf(assertionOf(user, { id })).forScopes(read)

/** Users come with a token of their own, or have signed in. */
const comings: Readonly<
  Record<string, (client: ConfidentialClientService, user: string) => Effect.Effect<TokenSource<UserError>, unknown>>
> = {
  "on behalf of": (client, user) => Effect.succeed(callerOf(client, user)),
  "signed in": (client, user) => Effect.as(signIn(client, user), client.account(homeAccountId(user)).forScopes(read))
}

const refusal = (error: string, members: Readonly<Record<string, Fault.Json>> = {}): Trouble =>
  Fault.respond({ status: 400, body: { error, ...members } })

const troubles: ReadonlyArray<readonly [string, Trouble, number]> = [
  ["503 without a time", Fault.unavailable(), 4],
  ["500", Fault.respond({ status: 500 }), 4],
  ["429 with a time", Fault.throttled("5"), 4],
  ["429 with a long time", Fault.throttled("600"), 1],
  ["429 without a time", Fault.throttled(undefined), 4],
  ["a reset", Fault.reset("beforeHeaders"), 4],
  ["400 invalid_grant", refusal("invalid_grant", { suberror: "bad_token" }), 1],
  ["400 interaction_required", refusal("interaction_required"), 1],
  ["400 of a client that loops", refusal("invalid_grant", { error_codes: [50196] }), 1]
]

const others = Array.from({ length: 40 }, (_, index) => `user ${index}`)

/** A user is in trouble while others ask: half of them during its retries, half once it has failed. */
const isolation = (coming: (typeof comings)[string], trouble: Trouble, requests: number) =>
  story(({ cast, drive, wire }) =>
    Effect.gen(function* () {
      const client = yield* cast(atEntra)
      const unlucky = yield* coming(client, "unlucky")
      const sources = yield* Effect.forEach(others, (user) => coming(client, user))
      const sent = wire.sent.length
      const ask = (from: number, to: number) =>
        Effect.map(
          Effect.forEach(sources.slice(from, to), (source) => timed(source.getToken()), { concurrency: "unbounded" }),
          (results) => [results.every(([result]) => Either.isRight(result)), new Set(results.map(([, at]) => at)).size]
        )
      wire.plan((_, form) => (userOf(form) === "unlucky" ? trouble : undefined))
      const failing = yield* Effect.fork(Effect.either(unlucky.getToken()))
      assert.deepStrictEqual(yield* drive(ask(0, 20)), [true, 1], "nobody waits")
      assert.isTrue(Either.isLeft(yield* drive(Fiber.join(failing))))
      assert.deepStrictEqual(yield* drive(ask(20, 40)), [true, 1], "nobody is held back")
      assert.strictEqual(wire.sent.length - sent, requests + others.length)
      assert.deepStrictEqual(Object.values((yield* client.health).circuits), ["closed"])
    })
  )

it.layer(Stage.layer())("one user's failure is nobody else's", (it) => {
  for (const [name, coming] of Object.entries(comings))
    for (const [what, trouble, requests] of troubles)
      it.effect(`${name}: ${what}`, isolation(coming, trouble, requests), together)

  it.effect.each(troubles)(
    "nor of the same user's next token: %s",
    ([, trouble]) =>
      Stage.perform(({ cast, drive, wire }) =>
        Effect.gen(function* () {
          const client = yield* cast(atEntra)
          const refused = callerOf(client, "alice", 1)
          wire.plan(always(trouble))
          for (let times = 0; times < 3; times += 1)
            assert.isTrue(Either.isLeft(yield* drive(Effect.either(refused.getToken()))))
          wire.plan(never)
          const sent = wire.sent.length
          yield* drive(callerOf(client, "alice", 2).getToken())
          assert.strictEqual(wire.sent.length, sent + 1)
        })
      ),
    together
  )

  it.effect(
    "503 with a time is the server's word about itself: everyone is held back, and only until then",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        wire.plan(always(Fault.unavailable("120")))
        yield* drive(Effect.flip(callerOf(client, "one").getToken()))
        const error = yield* drive(Effect.flip(callerOf(client, "two").getToken()))
        assert.strictEqual(error._tag, "Throttled")
        assert.strictEqual(error._tag === "Throttled" && error.until && DateTime.toEpochMillis(error.until), 120_000)
        assert.strictEqual(wire.sent.length, 1)
        wire.plan(never)
        yield* pass(120 * second)
        assert.strictEqual((yield* drive(callerOf(client, "two").getToken())).source, "identity_provider")
      })
    ),
    together
  )

  it.effect(
    "three users who are told 429 within a minute stand for all",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        wire.plan(always(Fault.throttled("60")))
        for (const name of ["one", "two", "three"]) yield* drive(Effect.flip(callerOf(client, name).getToken()))
        assert.strictEqual((yield* drive(Effect.flip(callerOf(client, "four").getToken())))._tag, "Throttled")
        assert.strictEqual(wire.sent.length, 3)
      })
    ),
    together
  )
})

it.layer(Stage.layer({ tokenLifetime: "60 minutes" }))("on behalf of a caller", (it) => {
  it.effect(
    "1 000 requests of one caller at once are one exchange, through a 429 too",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        wire.plan(first(1, Fault.throttled("2")))
        // Each request has a source of its own, as in a server.
        const asking = Effect.suspend(() => callerOf(client, "alice").getToken())
        const results = yield* drive(crowd(1000, { getToken: () => asking }))
        assert.isTrue(results.every(([result]) => Either.isRight(result)))
        assert.strictEqual(new Set(results.map(([, at]) => at)).size, 1)
        assert.strictEqual(wire.sent.length, 2)
        assert.isTrue(
          (yield* drive(crowd(1000, callerOf(client, "alice")))).every(([result]) => Either.isRight(result))
        )
        assert.strictEqual(wire.sent.length, 2)
      })
    ),
    together
  )

  it.effect(
    "two tokens of one user in turn are two exchanges",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        for (let turn = 0; turn < 10; turn += 1)
          for (const id of [1, 2]) yield* drive(callerOf(client, "alice", id).getToken())
        assert.strictEqual(wire.sent.length, 2)
      })
    ),
    together
  )

  it.effect(
    "a token is not kept longer than the caller's own",
    story(({ cache, cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const { onBehalfOf } = yield* cast(atEntra)
        const caller = onBehalfOf(assertionOf("alice", { endsAt: 10 * minute })).forScopes(read)
        yield* drive(caller.getToken())
        yield* pass(8 * minute - second)
        assert.strictEqual((yield* drive(caller.getToken())).source, "cache")
        assert.strictEqual(wire.sent.length, 1)
        wire.plan(always(refusal("invalid_grant")))
        yield* pass(minute)
        assert.strictEqual((yield* drive(caller.getToken())).source, "cache_stale", "while the caller's own holds")
        yield* pass(51 * second)
        assert.strictEqual((yield* drive(Effect.flip(caller.getToken())))._tag, "InvalidGrant", "its last 10 s")
        yield* pass(minute)
        assert.strictEqual((yield* drive(Effect.flip(caller.getToken())))._tag, "InvalidGrant")
        assert.strictEqual((yield* cache.statistics).entries, 1, "it is there, and over")
      })
    ),
    together
  )

  it.effect(
    "claims that Entra demands reach the program byte for byte, and answer with them succeeds",
    story(({ cast, drive, wire }) =>
      Effect.gen(function* () {
        const source = callerOf(yield* cast(atEntra), "alice")
        const claims = '{ "access_token":{"acrs" :\t{"essential":true,"value":"c1"}} ,"note":"\\u00fc \u00fc \\/"}'
        wire.plan(first(1, refusal("interaction_required", { claims, suberror: "basic_action" })))
        const error = yield* drive(Effect.flip(source.getToken()))
        assert.deepInclude(error, { _tag: "InteractionRequired", classification: "basic_action", claims })
        yield* drive(source.getToken({ claims }))
        assert.deepStrictEqual(JSON.parse(wire.sent[1]?.form.get("claims") ?? ""), JSON.parse(claims))
        assert.strictEqual(wire.sent.length, 2)
      })
    ),
    together
  )

  it.effect(
    "the other callers of an interrupted one get the token of the one exchange",
    story(({ cast, census, drive, pass, wire }) =>
      Effect.gen(function* () {
        const source = callerOf(yield* cast(atEntra), "alice")
        wire.plan(first(1, Fault.delay("5 seconds")))
        const [leaving, staying] = [yield* Effect.fork(source.getToken()), yield* Effect.fork(source.getToken())]
        yield* pass(second)
        yield* Fiber.interrupt(leaving)
        yield* drive(Fiber.join(staying))
        assert.deepStrictEqual([wire.sent.length, census.living.size], [1, 0])
      })
    ),
    together
  )
})

const assertIsOf = (user: string, { accessToken }: AccessToken) =>
  assert.match(Redacted.value(accessToken), new RegExp(` of ${user}$`))

const begin = ({ longRunningOnBehalfOf }: ConfidentialClientService, user: string, process = "report") =>
  longRunningOnBehalfOf.initiate({ assertion: assertionOf(user, { endsAt: 10 * minute }), process, scopes: read })

it.layer(Stage.layer({ tokenLifetime: "60 minutes" }))("a process that goes on", (it) => {
  it.effect(
    "outlives the caller's token, and an outage",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        const report = client.longRunningOnBehalfOf.acquire("report").forScopes(read)
        yield* drive(begin(client, "alice"))
        yield* pass(30 * minute)
        assert.strictEqual((yield* drive(report.getToken())).source, "cache")
        yield* pass(30 * minute)
        wire.plan(always(Fault.html(502)))
        assert.strictEqual((yield* drive(Effect.flip(report.getToken())))._tag, "AuthorityUnavailable")
        wire.plan(never)
        yield* drive(report.getToken())
        const offered = wire.sent.map(({ form }) => form.get("refresh_token"))
        assert.deepStrictEqual(new Set(offered), new Set([null, "refresh token 1 of alice"]))
      })
    ),
    together
  )

  it.effect(
    "is not lost to a caller who leaves while it begins",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        wire.plan(first(1, Fault.delay("5 seconds")))
        const caller = yield* Effect.fork(begin(client, "alice"))
        yield* pass(second)
        yield* Fiber.interrupt(caller)
        yield* pass(5 * second)
        yield* drive(client.longRunningOnBehalfOf.acquire("report").forScopes(write).getToken())
        assert.strictEqual(wire.sent.at(-1)?.form.get("refresh_token"), "refresh token 1 of alice")
      })
    ),
    together
  )

  it.effect(
    "is waited for when the client is closed while it begins",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const client = yield* Scope.extend(cast(atEntra), scope)
        wire.plan(first(1, Fault.delay("4 seconds")))
        yield* Effect.fork(begin(client, "alice"))
        yield* pass(second)
        assert.strictEqual((yield* drive(timed(Scope.close(scope, Exit.void))))[1], 4 * second)
        const next = yield* cast(atEntra)
        yield* drive(next.longRunningOnBehalfOf.acquire("report").forScopes(write).getToken())
        assert.strictEqual(wire.sent.at(-1)?.form.get("refresh_token"), "refresh token 1 of alice")
      })
    ),
    together
  )

  it.effect(
    "is another one under another key, and is gone when it was stopped in the middle of an exchange",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        const { acquire, stop } = client.longRunningOnBehalfOf
        yield* drive(begin(client, "alice", "one"))
        yield* drive(begin(client, "bob", "two"))
        wire.plan(first(1, Fault.delay("2 seconds")))
        const renewing = yield* Effect.fork(acquire("one").forScopes(write).getToken())
        yield* pass(second)
        assert.isTrue(yield* stop("one"))
        yield* drive(Fiber.join(renewing))
        const sent = wire.sent.length
        for (const scopes of [read, write]) {
          const error = yield* drive(Effect.flip(acquire("one").forScopes(scopes).getToken()))
          assert.deepInclude(error, { _tag: "InteractionRequired", source: "local" })
        }
        assert.strictEqual(wire.sent.length, sent)
        yield* drive(acquire("two").forScopes(write).getToken())
        assert.strictEqual(wire.sent.at(-1)?.form.get("refresh_token"), "refresh token 2 of bob")
      })
    ),
    together
  )

  it.effect(
    "begins anew while its last renewal is under way: by the new caller's token",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        yield* drive(begin(client, "alice"))
        yield* pass(60 * minute)
        wire.plan((_, form) => (form.has("refresh_token") ? Fault.delay("2 seconds") : undefined))
        yield* Effect.fork(client.longRunningOnBehalfOf.acquire("report").forScopes(read).getToken())
        yield* pass(second)
        assertIsOf("bob", yield* drive(begin(client, "bob")))
      })
    ),
    together
  )

  it.effect(
    "is never begun with another caller's token",
    story(({ cast, drive, pass, wire }) =>
      Effect.gen(function* () {
        const client = yield* cast(atEntra)
        wire.plan(always(Fault.delay("2 seconds")))
        const one = yield* Effect.fork(begin(client, "alice"))
        yield* pass(second)
        const two = yield* drive(begin(client, "bob"))
        assertIsOf("alice", yield* drive(Fiber.join(one)))
        assertIsOf("bob", two)
      })
    ),
    together
  )
})
