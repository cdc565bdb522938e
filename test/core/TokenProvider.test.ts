import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as AccessToken from "../../src/core/AccessToken.js"
import { ClientClosed } from "../../src/core/TokenError.js"
import * as TokenProvider from "../../src/core/TokenProvider.js"

it.effect("a provider for unit tests has the same token for everything", () =>
  Effect.gen(function* () {
    const token = AccessToken.make({ accessToken: Redacted.make("token") })
    const provider = TokenProvider.succeed(token)
    assert.strictEqual(yield* provider.forScopes("api://orders/.default").getToken(), token)
    assert.strictEqual(yield* provider.forScopes([]).getToken({ forceRefresh: true }), token)
  })
)

it.effect("or fails always alike", () =>
  Effect.gen(function* () {
    const error = new ClientClosed()
    const source = TokenProvider.fail(error).forScopes("api://orders/.default")
    assert.strictEqual(yield* Effect.flip(source.getToken()), error)
  })
)
