import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Redacted, TestClock } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import { watchedStore } from "../cache/stores.js"
import { defaults, eventually, options, script } from "../support/emulated.js"
import * as People from "../support/people.js"

/** Two replicas of a server: their memory is their own, their store is one. */
const replicas = Effect.gen(function* () {
  const { store } = watchedStore()
  const build = Effect.map(
    Layer.build(Layer.provide(ConfidentialClient.layer(options), Layer.fresh(TokenCache.layerStore(store)))),
    Context.get(ConfidentialClient.ConfidentialClient)
  )
  return yield* Effect.all([build, build])
})

const signIn = (client: ConfidentialClient.ConfidentialClientService) =>
  Effect.gen(function* () {
    const { flow, url } = yield* client.getAuthCodeUrl(People.request)
    return yield* client.acquireTokenByCode({ flow, response: yield* People.visit(url) })
  })

const ended = <A, E>(fiber: Fiber.RuntimeFiber<A, E>) =>
  Effect.zipRight(
    eventually(Effect.zipRight(TestClock.adjust("500 millis"), Fiber.poll(fiber)), (exit) => exit._tag === "Some"),
    Fiber.join(fiber)
  )

const requestsNow = Effect.flatMap(EntraEmulator.EntraEmulator, ({ requests }) =>
  Effect.map(requests, ({ length }) => length)
)

describe("two replicas of a server", () => {
  it.scoped("know each other's users, and use each other's tokens", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas
      const { account } = yield* signIn(one)
      const before = yield* requestsNow
      const token = yield* two.acquireTokenSilent({ account, scopes: defaults.apiUserScope })
      assert.deepStrictEqual([token.source, yield* requestsNow], ["cache", before])
      const other = yield* two.acquireTokenSilent({ account, scopes: defaults.otherApiUserScope })
      assert.strictEqual(other.source, "identity_provider")
    }).pipe(Effect.provide(People.layer()))
  )

  it.scoped("keep nobody signed in who signs out at one while the other renews", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas
      const { account } = yield* signIn(one)
      const silent = { account, scopes: defaults.apiUserScope, forceRefresh: true }
      yield* script(Fault.delay("5 seconds"))
      const before = yield* requestsNow
      const renewing = yield* Effect.fork(two.acquireTokenSilent(silent))
      yield* eventually(requestsNow, (now) => now > before)
      assert.isTrue(yield* one.removeAccount({ account }))
      yield* ended(renewing)
      for (const client of [one, two]) {
        assert.deepStrictEqual(yield* client.getAccounts({ session: "" }), [])
        assert.strictEqual((yield* Effect.flip(client.acquireTokenSilent(silent)))._tag, "InteractionRequired")
      }
    }).pipe(Effect.provide(People.layer()))
  )

  it.scoped("give each caller's process its own token, though both begin under one name", () =>
    Effect.gen(function* () {
      const [one, two] = yield* replicas
      const begin = (client: ConfidentialClient.ConfidentialClientService, assertion: Redacted.Redacted) =>
        client.longRunningOnBehalfOf.initiate({ process: "nightly", assertion, scopes: defaults.otherApiUserScope })
      const ann = yield* People.callerToken()
      const bob = yield* People.callerToken({ username: defaults.otherUsername })
      yield* script(Fault.delay("2 seconds"))
      const first = yield* Effect.fork(begin(one, ann))
      const second = yield* Effect.fork(begin(two, bob))
      const tokens = [yield* ended(first), yield* ended(second)]
      const oids = tokens.map(({ accessToken }) => {
        const [, payload = ""] = Redacted.value(accessToken).split(".")
        return JSON.parse(Buffer.from(payload, "base64url").toString()).oid
      })
      assert.strictEqual(new Set(oids).size, 2)
    }).pipe(Effect.provide(People.layer()))
  )
})
