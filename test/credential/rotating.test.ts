import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import { defaults, layer, options, tokenRequests } from "../support/emulated.js"

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
      assert.strictEqual(error._tag, "CredentialUnavailable")
      assert.include(error.message, "a client secret that is not empty")
      assert.strictEqual(yield* requests, 0)
    }).pipe(Effect.provide(layer()))
  )
})
