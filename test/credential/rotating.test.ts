import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Redacted, Ref, Scope } from "effect"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import { InvalidClient } from "../../src/core/TokenError.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import { defaults, layer, options, tokenRequests } from "../support/emulated.js"
import { authentication } from "./asked.js"

const requests = Effect.map(tokenRequests, ({ length }) => length)

/** A vault whose secret changes, and which counts how often it is asked. */
const vault = (...secrets: ReadonlyArray<Redacted.Redacted | "closed">) => {
  let asked = 0
  const load = Effect.suspend(() => {
    const secret = secrets[Math.min(asked, secrets.length - 1)]
    asked += 1
    return secret === undefined || secret === "closed"
      ? Effect.fail("closed")
      : Effect.succeed(ClientCredential.secret(secret))
  })
  return { credential: ClientCredential.rotating(load), timesAsked: () => asked }
}

const clientOf = (credential: ClientCredential.ClientCredential) => ConfidentialClient.make({ ...options, credential })

const getToken = (credential: ClientCredential.ClientCredential) =>
  Effect.flatMap(clientOf(credential), ({ app }) => app.forScopes(defaults.apiScope).getToken())

describe("a credential that rotates", () => {
  it.scoped("is loaded once more when the authority refuses it, and the request sent again with the new one", () =>
    Effect.gen(function* () {
      const { credential, timesAsked } = vault(defaults.expiredSecret, defaults.clientSecret)
      assert.strictEqual((yield* getToken(credential)).source, "identity_provider")
      assert.deepStrictEqual([timesAsked(), yield* requests], [2, 2])
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("is loaded once for all who were refused with the old one", () =>
    Effect.gen(function* () {
      const { credential, timesAsked } = vault(defaults.expiredSecret, defaults.clientSecret)
      const { app } = yield* clientOf(credential)
      const scopes = [defaults.apiScope, defaults.otherApiScope, defaults.graphScope]
      const tokens = yield* Effect.forEach(scopes, (scope) => app.forScopes(scope).getToken(), {
        concurrency: "unbounded"
      })
      assert.strictEqual(tokens.length, 3)
      assert.strictEqual(timesAsked(), 2)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("that has not changed is not sent again", () =>
    Effect.gen(function* () {
      const { credential, timesAsked } = vault(defaults.expiredSecret)
      assert.strictEqual((yield* Effect.flip(getToken(credential)))._tag, "InvalidClient")
      assert.deepStrictEqual([timesAsked(), yield* requests], [2, 1])
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("that can't be loaded again leaves the authority's refusal as it is", () =>
    Effect.gen(function* () {
      const { credential } = vault(defaults.expiredSecret, "closed")
      assert.strictEqual((yield* Effect.flip(getToken(credential)))._tag, "InvalidClient")
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("that can't be loaded at all is CredentialUnavailable, until it can", () =>
    Effect.gen(function* () {
      const { credential } = vault("closed", defaults.clientSecret)
      const { app } = yield* clientOf(credential)
      const api = app.forScopes(defaults.apiScope)
      assert.strictEqual((yield* Effect.flip(api.getToken()))._tag, "CredentialUnavailable")
      assert.strictEqual((yield* api.getToken()).source, "identity_provider")
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("that is malformed says what is wrong with it", () =>
    Effect.gen(function* () {
      const { credential } = vault(Redacted.make(""))
      const error = yield* Effect.flip(getToken(credential))
      assert(error._tag === "CredentialUnavailable")
      assert.strictEqual(error.reason, "credential: expected a client secret that is not empty")
      assert.include(error.remedy ?? "", "AZURE_CLIENT_SECRET")
      assert.strictEqual(yield* requests, 0)
    }).pipe(Effect.provide(layer()))
  )
})

/** Credentials of these names, one for each load, whose preparations tell which of them are open. */
const preparing = (...names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const loads = yield* Ref.make(0)
    const open = yield* Ref.make<ReadonlyArray<string>>([])
    const opened = (name: string) =>
      Effect.acquireRelease(
        Ref.update(open, (others) => [...others, name]),
        () => Ref.update(open, (all) => all.filter((_, index) => index !== all.indexOf(name)))
      )
    const named = (name: string): ClientCredential.ClientCredential => ({
      prepare: Effect.as(
        opened(name),
        ClientCredential.constant(name, () => Effect.succeed({ name }))
      )
    })
    const load = Effect.map(
      Ref.getAndUpdate(loads, (count) => count + 1),
      (count) => named(names[Math.min(count, names.length - 1)] ?? "")
    )
    const scope = yield* Scope.make()
    const { authenticate } = yield* Scope.extend(ClientCredential.rotating(load).prepare, scope)
    return { authenticate, open: Ref.get(open), named, close: Scope.close(scope, Exit.void) }
  })

const refusal = new InvalidClient({ error: "invalid_client", errorCodes: [] })

/** An authority that knows only these. */
const knowing =
  (...names: ReadonlyArray<string>) =>
  ({ name }: ClientCredential.Parameters) =>
    names.some((known) => known === name) ? Effect.succeed(name) : Effect.fail(refusal)

describe("what a rotating credential's preparations open", () => {
  it.effect("is open once, however often one that has not changed is refused", () =>
    Effect.gen(function* () {
      const { authenticate, close, open } = yield* preparing("old")
      for (let round = 0; round < 50; round += 1)
        assert.strictEqual(yield* Effect.flip(authenticate(authentication, knowing())), refusal)
      assert.deepStrictEqual(yield* open, ["old"])
      yield* close
      assert.deepStrictEqual(yield* open, [])
    })
  )

  it.effect("is closed when another one has taken its place", () =>
    Effect.gen(function* () {
      const { authenticate, open } = yield* preparing("old", "new", "newer")
      assert.strictEqual(yield* authenticate(authentication, knowing("new")), "new")
      assert.deepStrictEqual(yield* open, ["new"])
      assert.strictEqual(yield* authenticate(authentication, knowing("newer")), "newer")
      assert.deepStrictEqual(yield* open, ["newer"])
    })
  )

  it.effect("stays open for the requests that are under way with it", () =>
    Effect.gen(function* () {
      const { authenticate, open } = yield* preparing("old", "new")
      const answer = yield* Deferred.make<string>()
      const sending = (response: Effect.Effect<string>) =>
        Effect.gen(function* () {
          const sent = yield* Deferred.make<unknown>()
          const send = (parameters: ClientCredential.Parameters) =>
            Effect.zipRight(Deferred.succeed(sent, parameters.name), response)
          const fiber = yield* Effect.fork(authenticate(authentication, send))
          assert.strictEqual(yield* Deferred.await(sent), "old")
          return fiber
        })
      const slow = yield* sending(Deferred.await(answer))
      const interrupted = yield* sending(Effect.never)
      yield* authenticate(authentication, knowing("new"))
      assert.deepStrictEqual(yield* open, ["old", "new"])
      yield* Fiber.interrupt(interrupted)
      assert.deepStrictEqual(yield* open, ["old", "new"])
      yield* Deferred.succeed(answer, "slow")
      assert.strictEqual(yield* Fiber.join(slow), "slow")
      assert.deepStrictEqual(yield* open, ["new"])
    })
  )

  it.effect("is closed when the preparation fails, or is not awaited", () =>
    Effect.gen(function* () {
      const { named, open } = yield* preparing("only")
      const preparedBefore = (rest: Effect.Effect<never, "malformed">) =>
        ClientCredential.rotating(
          Effect.succeed({ prepare: Effect.zipRight(named("only").prepare, Effect.orDie(rest)) })
        )
      yield* Effect.gen(function* () {
        const failing = yield* preparedBefore(Effect.fail("malformed")).prepare
        const failure = yield* Effect.flip(failing.authenticate(authentication, knowing()))
        assert.strictEqual(failure._tag, "CredentialUnavailable")
        assert.deepStrictEqual(yield* open, [])
        const hanging = yield* preparedBefore(Effect.never).prepare
        const caller = yield* Effect.fork(hanging.authenticate(authentication, knowing()))
        yield* Effect.repeat(Effect.yieldNow(), { times: 10 })
        assert.deepStrictEqual(yield* open, ["only"])
        yield* Fiber.interrupt(caller)
        assert.deepStrictEqual(yield* open, [])
      }).pipe(Effect.scoped)
    })
  )
})
