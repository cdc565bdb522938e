import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Redacted } from "effect"
import * as AccessToken from "../../src/core/AccessToken.js"
import * as TokenError from "../../src/core/TokenError.js"
import * as TokenProvider from "../../src/core/TokenProvider.js"

type Answer = Effect.Effect<AccessToken.AccessToken, TokenError.TokenError>

const tokenOf = (name: string) => AccessToken.make({ accessToken: Redacted.make(name) })

const absent = (credential: string, isTransient = false) =>
  new TokenError.CredentialUnavailable({
    credential,
    reason: "is not here",
    remedy: `Install ${credential}`,
    isTransient
  })

const invalidClient = new TokenError.InvalidClient({ error: "invalid_client", status: 401, errorCodes: [] })
const closed = new TokenError.ClientClosed()

const scope = "api://orders/.default"

/** A step whose answers are decided by a test, and which tells of what it was asked. */
const step = (name: string, first: Answer, movesOnAfter?: TokenProvider.Step["movesOnAfter"]) => {
  let answer = first
  const asked: Array<string> = []
  const requests: Array<TokenProvider.TokenRequest | undefined> = []
  const described: TokenProvider.Step = {
    name,
    movesOnAfter,
    provider: {
      forScopes: (scopes) => ({
        getToken: (request) =>
          Effect.suspend(() => {
            asked.push(String(scopes))
            requests.push(request)
            return answer
          })
      })
    }
  }
  return {
    asked,
    requests,
    step: described,
    become: (next: Answer) => {
      answer = next
    }
  }
}

const having = (name: string) => step(name, Effect.succeed(tokenOf(name)))
const lacking = (name: string) => step(name, Effect.fail(absent(name)))

const chainOf = (...steps: ReadonlyArray<{ readonly step: TokenProvider.Step }>) =>
  TokenProvider.firstOf(steps.map((each) => each.step))

const textOf = (token: AccessToken.AccessToken) => Redacted.value(token.accessToken)

const unavailableOf = (error: TokenError.TokenError) => {
  assert(error._tag === "CredentialUnavailable", error._tag)
  return error
}

describe("the first identity that has a token", () => {
  it.effect("is found in the order of the steps, and none after it is asked", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const telling = (name: string, answer: Answer) =>
        step(
          name,
          Effect.zipRight(
            Effect.sync(() => order.push(name)),
            answer
          )
        )
      const steps = [
        telling("one", Effect.fail(absent("one"))),
        telling("two", Effect.fail(absent("two"))),
        telling("three", Effect.succeed(tokenOf("three"))),
        telling("four", Effect.succeed(tokenOf("four")))
      ]
      assert.strictEqual(
        textOf(
          yield* chainOf(...steps)
            .forScopes(scope)
            .getToken()
        ),
        "three"
      )
      assert.deepStrictEqual(order, ["one", "two", "three"])
    })
  )

  it.effect("is asked alone from then on, for other resources and by sources that were made before", () =>
    Effect.gen(function* () {
      const [one, two, three] = [lacking("one"), having("two"), having("three")]
      const chain = chainOf(one, two, three)
      const [source, before] = [chain.forScopes(scope), chain.forScopes("api://before/.default")]
      const held = before.getToken()
      yield* source.getToken()
      one.become(Effect.succeed(tokenOf("one")))
      for (const later of [source, before, chain.forScopes("api://after/.default")])
        assert.strictEqual(textOf(yield* later.getToken()), "two")
      assert.strictEqual(textOf(yield* held), "two", "an effect that was made before it was known")
      assert.deepStrictEqual(one.asked, [scope])
      assert.deepStrictEqual(two.asked, [
        scope,
        scope,
        "api://before/.default",
        "api://after/.default",
        "api://before/.default"
      ])
      assert.isEmpty(three.asked)
    })
  )

  it.effect("is asked with what the caller asks, and so is each before it", () =>
    Effect.gen(function* () {
      const [one, two] = [lacking("one"), having("two")]
      const source = chainOf(one, two).forScopes(scope)
      const [request, another] = [{ forceRefresh: true }, { claims: "{}" }]
      yield* source.getToken(request)
      yield* source.getToken(another)
      assert.deepStrictEqual(one.requests, [request])
      assert.deepStrictEqual(two.requests, [request, another])
    })
  )

  it("is made with the caller's scopes and options, each step alike", () => {
    const made: Array<unknown> = []
    const provider: TokenProvider.TokenProvider<never> = {
      forScopes: (scopes, options) => {
        made.push([scopes, options])
        return { getToken: () => Effect.succeed(tokenOf("any")) }
      }
    }
    TokenProvider.firstOf([
      { name: "one", provider },
      { name: "two", provider }
    ]).forScopes([scope], { tenantId: "contoso.example" })
    const expected = [[scope], { tenantId: "contoso.example" }]
    assert.deepStrictEqual(made, [expected, expected])
  })

  it.effect("costs nothing once it is known: its own effects are handed out", () =>
    Effect.gen(function* () {
      const hit = Effect.succeed(tokenOf("hit"))
      const source: TokenProvider.TokenSource<never> = { getToken: () => hit }
      const provider: TokenProvider.TokenProvider<never> = { forScopes: () => source }
      const chain = TokenProvider.firstOf<TokenError.TokenError>([
        { name: "one", provider: TokenProvider.fail(absent("one")) },
        { name: "two", provider }
      ])
      const before = chain.forScopes(scope)
      assert.notStrictEqual<unknown>(before.getToken(), hit)
      yield* before.getToken()
      assert.strictEqual<unknown>(before.getToken(), hit)
      assert.strictEqual<unknown>(chain.forScopes(scope), source)
    })
  )

  it.effect("may be a chain itself", () =>
    Effect.gen(function* () {
      const inner = chainOf(lacking("one"), lacking("two"))
      const three = having("three")
      const chain = TokenProvider.firstOf<TokenError.TokenError>([{ name: "inner", provider: inner }, three.step])
      assert.strictEqual(textOf(yield* chain.forScopes(scope).getToken()), "three")
    })
  )
})

describe("a step that fails", () => {
  it.effect("is passed over by default only where its credential is not there at all", () =>
    Effect.gen(function* () {
      const [one, two] = [step("one", Effect.fail(invalidClient)), having("two")]
      const source = chainOf(one, two).forScopes(scope)
      assert.strictEqual(yield* Effect.flip(source.getToken()), invalidClient)
      assert.isEmpty(two.asked)
    })
  )

  it.effect("leaves all open: the next call tries from the first step on", () =>
    Effect.gen(function* () {
      const [one, two] = [lacking("one"), step("two", Effect.fail(invalidClient))]
      const source = chainOf(one, two).forScopes(scope)
      yield* Effect.flip(source.getToken())
      one.become(Effect.succeed(tokenOf("one")))
      assert.strictEqual(textOf(yield* source.getToken()), "one")
      assert.lengthOf(two.asked, 1)
    })
  )

  const failures: ReadonlyArray<TokenError.TokenError> = [
    invalidClient,
    new TokenError.TransportError({ reason: "refused", host: "login.example" }),
    new TokenError.Throttled({ errorCodes: [] }),
    new TokenError.AuthorityUnavailable({ errorCodes: [] }),
    new TokenError.MalformedResponse({ reason: "notJson", status: 200 }),
    new TokenError.RequestRejected({ error: "invalid_scope", errorCodes: [] }),
    new TokenError.ConfigurationError({ parameter: "a", expected: "b", remedy: "c" }),
    absent("one")
  ]
  for (const failure of failures)
    it.effect(`is passed over after any failure where it says so: ${failure._tag}`, () =>
      Effect.gen(function* () {
        const one = step("one", Effect.fail(failure), "anyFailure")
        assert.strictEqual(textOf(yield* chainOf(one, having("two")).forScopes(scope).getToken()), "two")
      })
    )

  it.effect.each([undefined, "unavailable", "anyFailure"] as const)(
    "is never passed over because its client is closed: %s",
    (movesOnAfter) =>
      Effect.gen(function* () {
        const [one, two] = [step("one", Effect.fail(closed), movesOnAfter), having("two")]
        assert.strictEqual(yield* Effect.flip(chainOf(one, two).forScopes(scope).getToken()), closed)
        assert.isEmpty(two.asked)
      })
  )

  it.effect.each([absent("one"), invalidClient])(
    "after it has had a token fails for the chain, whatever it says of moving on: %s",
    (failure) =>
      Effect.gen(function* () {
        const [one, two] = [step("one", Effect.succeed(tokenOf("one")), "anyFailure"), having("two")]
        const chain = chainOf(one, two)
        const [source, before] = [chain.forScopes(scope), chain.forScopes("api://before/.default")]
        const held = before.getToken()
        yield* source.getToken()
        one.become(Effect.fail(failure))
        for (const later of [
          source.getToken(),
          before.getToken(),
          held,
          chain.forScopes("api://a/.default").getToken()
        ])
          assert.strictEqual(yield* Effect.flip(later), failure)
        one.become(Effect.succeed(tokenOf("one")))
        assert.strictEqual(textOf(yield* source.getToken()), "one")
        assert.isEmpty(two.asked)
      })
  )

  it.effect("by a defect is no failure: it ends the call, and the next step is not asked", () =>
    Effect.gen(function* () {
      const two = having("two")
      const one = step("one", Effect.die("a defect"), "anyFailure")
      const exit = yield* Effect.exit(chainOf(one, two).forScopes(scope).getToken())
      assert.deepStrictEqual(exit, Exit.die("a defect"))
      assert.isEmpty(two.asked)
    })
  )
})

describe("a chain of which no step has a token", () => {
  it.effect("tells of each its name, its very error and what to do", () =>
    Effect.gen(function* () {
      const [first, last] = [absent("one"), absent("three")]
      const error = unavailableOf(
        yield* Effect.flip(
          chainOf(
            step("the first", Effect.fail(first)),
            step("the second", Effect.fail(invalidClient), "anyFailure"),
            step("the third", Effect.fail(last))
          )
            .forScopes(scope)
            .getToken()
        )
      )
      assert.deepStrictEqual(
        error.steps?.map(({ name, remedy }) => [name, remedy]),
        [
          ["the first", "Install one"],
          ["the second", "Renew the secret, certificate or federated credential of the app registration."],
          ["the third", "Install three"]
        ]
      )
      ;[first, invalidClient, last].forEach((failure, index) => {
        assert.strictEqual<unknown>(error.steps?.[index]?.failure, failure)
        assert.include(error.message, failure.message)
      })
      assert.isFalse(error.isRetryable)
    })
  )

  it.effect.each([
    [[false, false], false],
    [[true, false], true],
    [[false, true], true],
    [[true, true], true]
  ] as const)("may be asked again if one of them may: %j", ([steps, expected]) =>
    Effect.gen(function* () {
      const chain = chainOf(
        ...steps.map((isTransient, index) => step(`${index}`, Effect.fail(absent("x", isTransient))))
      )
      assert.strictEqual((yield* Effect.flip(chain.forScopes(scope).getToken())).isRetryable, expected)
    })
  )

  it.effect("asks all of them again the next time", () =>
    Effect.gen(function* () {
      const [one, two] = [lacking("one"), lacking("two")]
      const source = chainOf(one, two).forScopes(scope)
      yield* Effect.flip(source.getToken())
      two.become(Effect.succeed(tokenOf("two")))
      assert.strictEqual(textOf(yield* source.getToken()), "two")
      assert.deepStrictEqual([one.asked.length, two.asked.length], [2, 2])
    })
  )

  it.effect("has no step at all", () =>
    Effect.gen(function* () {
      const error = unavailableOf(yield* Effect.flip(TokenProvider.firstOf([]).forScopes(scope).getToken()))
      assert.deepStrictEqual(error.steps, [])
      assert.isFalse(error.isRetryable)
    })
  )

  it.effect("shows nothing that its steps keep to themselves", () =>
    Effect.gen(function* () {
      const secret = "hunter2"
      const cause = Redacted.make(new Error(secret))
      const inner = chainOf(
        step("inner", Effect.fail(new TokenError.CredentialUnavailable({ credential: "a", reason: "b", cause })))
      )
      const described = new TokenError.RequestRejected({
        error: "invalid_scope",
        errorCodes: ["AADSTS70011"],
        description: Redacted.make(secret)
      })
      const error = unavailableOf(
        yield* Effect.flip(
          TokenProvider.firstOf<TokenError.TokenError>([
            { name: "chain", provider: inner },
            step("described", Effect.fail(described), "anyFailure").step
          ])
            .forScopes(scope)
            .getToken()
        )
      )
      assert.lengthOf(error.steps ?? [], 2)
      const views = [
        error.message,
        String(error),
        inspect(error, { depth: 20, showHidden: true }),
        JSON.stringify(error),
        JSON.stringify(error.steps),
        error.stack ?? ""
      ]
      for (const view of views) assert.notInclude(view, secret)
      assert.include(error.message, "AADSTS70011")
    })
  )
})

describe("a hundred callers before anybody knows the first that has a token", () => {
  const callers = 100

  it.effect("all get its token, and the search goes as each of them found the steps", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const one = step("one", Effect.zipRight(Deferred.await(gate), Effect.fail(absent("one"))))
      const [two, three] = [having("two"), having("three")]
      const source = chainOf(one, two, three).forScopes(scope)
      const waiting = yield* Effect.fork(
        Effect.replicateEffect(source.getToken(), callers, { concurrency: "unbounded" })
      )
      yield* Effect.repeat(Effect.yieldNow(), { until: () => one.asked.length === callers })
      yield* Deferred.succeed(gate, undefined)
      const tokens = yield* Fiber.join(waiting)
      assert.deepStrictEqual([...new Set(tokens.map(textOf))], ["two"])
      assert.deepStrictEqual([one.asked.length, two.asked.length, three.asked.length], [callers, callers, 0])
    })
  )

  it.effect("come back to who won meanwhile, and take no other step's failure for it", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const two = step("two", Effect.zipRight(Deferred.await(gate), Effect.fail(absent("two"))))
      const [one, three] = [lacking("one"), having("three")]
      const source = chainOf(one, two, three).forScopes(scope)
      const waiting = yield* Effect.fork(
        Effect.replicateEffect(source.getToken(), callers, { concurrency: "unbounded" })
      )
      yield* Effect.repeat(Effect.yieldNow(), { until: () => two.asked.length === callers })
      one.become(Effect.succeed(tokenOf("one")))
      assert.strictEqual(textOf(yield* source.getToken()), "one")
      yield* Deferred.succeed(gate, undefined)
      const tokens = yield* Fiber.join(waiting)
      assert.deepStrictEqual([...new Set(tokens.map(textOf))], ["one"])
      assert.isEmpty(three.asked)
    })
  )

  it.effect("keep the first winner, when a slower search has found another", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const [one, two] = [lacking("one"), step("two", Effect.as(Deferred.await(gate), tokenOf("two")))]
      const chain = chainOf(one, two)
      const source = chain.forScopes(scope)
      const slow = yield* Effect.fork(source.getToken())
      yield* Effect.repeat(Effect.yieldNow(), { until: () => two.asked.length === 1 })
      one.become(Effect.succeed(tokenOf("one")))
      yield* source.getToken()
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(slow)
      assert.strictEqual(textOf(yield* source.getToken()), "one")
      assert.strictEqual(textOf(yield* chain.forScopes("api://other/.default").getToken()), "one")
    })
  )

  it.effect("don't mind one that is interrupted, which decides nothing", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const one = step("one", Effect.as(Deferred.await(gate), tokenOf("one")), "anyFailure")
      const two = having("two")
      const source = chainOf(one, two).forScopes(scope)
      const fibers = yield* Effect.replicateEffect(Effect.fork(source.getToken()), callers)
      yield* Effect.repeat(Effect.yieldNow(), { until: () => one.asked.length === callers })
      const [interrupted, ...others] = fibers
      assert(interrupted !== undefined)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(interrupted)))
      assert.isEmpty(two.asked)
      yield* Deferred.succeed(gate, undefined)
      for (const fiber of others) assert.strictEqual(textOf(yield* Fiber.join(fiber)), "one")
    })
  )

  it.effect("and one alone who is interrupted leaves the next to search anew", () =>
    Effect.gen(function* () {
      const one = step("one", Effect.never)
      const source = chainOf(one, having("two")).forScopes(scope)
      const fiber = yield* Effect.fork(source.getToken())
      yield* Effect.repeat(Effect.yieldNow(), { until: () => one.asked.length === 1 })
      yield* Fiber.interrupt(fiber)
      one.become(Effect.fail(absent("one")))
      assert.strictEqual(textOf(yield* source.getToken()), "two")
    })
  )
})
