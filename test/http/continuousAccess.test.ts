import { HttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as BearerHttpClient from "../../src/http/BearerHttpClient.js"
import * as ClaimsChallengeHandler from "../../src/http/ClaimsChallengeHandler.js"
import { defaults, tokenRequests } from "../support/emulated.js"
import { callerToken, client, layer, signIn } from "../support/people.js"

const origin = "https://login.microsoftonline.com"
const url = `${origin}${defaults.apiPath}`
const cp1 = { clientCapabilities: ["cp1"] }

const calls = (api: HttpClient.HttpClient.With<unknown>, count = 50) =>
  Effect.all(
    Effect.replicate(
      Effect.map(api.get(url), ({ status }) => status),
      count
    ),
    { concurrency: "unbounded" }
  )

describe("when access is evaluated continuously", () => {
  it.effect("an app that is revoked in mid-traffic asks once, and every call is answered", () =>
    Effect.gen(function* () {
      const { app } = yield* client
      const api = BearerHttpClient.withBearer(app.forScopes(defaults.apiScope), { origins: [origin] })(
        yield* HttpClient.HttpClient
      )
      assert.deepStrictEqual([...new Set(yield* calls(api))], [200])
      const { revokeApp } = yield* EntraEmulator.EntraEmulator
      yield* revokeApp(defaults.clientId)
      assert.deepStrictEqual([...new Set(yield* calls(api))], [200])
      assert.lengthOf(yield* tokenRequests, 2)
    }).pipe(Effect.provide(layer(cp1)))
  )

  it.effect("a server passes up what only its caller's user can satisfy", () =>
    Effect.gen(function* () {
      const { onBehalfOf } = yield* client
      const assertion = yield* callerToken()
      const source = onBehalfOf(assertion).forScopes(defaults.apiUserScope)
      const api = BearerHttpClient.withBearer(source, { origins: [origin] })(yield* HttpClient.HttpClient)
      yield* api.get(url)
      const { revoke } = yield* EntraEmulator.EntraEmulator
      yield* revoke(defaults.username)
      const failures = yield* Effect.all(Effect.replicate(Effect.flip(api.get(url)), 50), { concurrency: "unbounded" })
      for (const failure of failures) {
        assert(failure._tag === "ClaimsChallengeRequired", failure._tag)
        assert.property(JSON.parse(failure.claims), "access_token")
      }
      // Who comes when the refusal is there already asks once more; from the third on it is told from memory.
      assert.isAtMost((yield* tokenRequests).length, 4)
    }).pipe(Effect.provide(Layer.merge(layer(cp1), ClaimsChallengeHandler.layerPropagate)))
  )

  it.effect("a user is asked once, and all their calls go on", () =>
    Effect.gen(function* () {
      const { account } = yield* client
      const signedIn = yield* signIn()
      const source = account(signedIn.account.homeAccountId).forScopes(defaults.apiUserScope)
      const { revoke } = yield* EntraEmulator.EntraEmulator
      const http = yield* HttpClient.HttpClient
      let asked = 0
      const context = yield* Effect.context<Effect.Effect.Context<ReturnType<typeof signIn>>>()
      const interactive = ClaimsChallengeHandler.layerInteractive(({ claims }) => {
        asked += 1
        return Effect.map(Effect.provide(signIn({ claims }), context), ({ token }) => token)
      })
      const api = BearerHttpClient.withBearer(source, { origins: [origin] })(http)
      yield* api.get(url)
      yield* revoke(defaults.username)
      const statuses = yield* Effect.provide(calls(api), interactive)
      assert.deepStrictEqual([...new Set(statuses)], [200])
      assert.strictEqual(asked, 1)
    }).pipe(Effect.provide(layer(cp1)))
  )

  it.effect("a client that did not say it can answer goes on with its token", () =>
    Effect.gen(function* () {
      const { app } = yield* client
      const api = BearerHttpClient.withBearer(app.forScopes(defaults.apiScope), { origins: [origin] })(
        yield* HttpClient.HttpClient
      )
      yield* api.get(url)
      const { revokeApp } = yield* EntraEmulator.EntraEmulator
      yield* revokeApp(defaults.clientId)
      assert.strictEqual((yield* api.get(url)).status, 200)
      assert.lengthOf(yield* tokenRequests, 1)
    }).pipe(Effect.provide(layer()))
  )
})
