import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Redacted } from "effect"
import * as AccessToken from "../../src/core/AccessToken.js"

const value = "eyJ0eXAiOiJKV1QifQ.secret.signature"
const token = AccessToken.make({
  accessToken: Redacted.make(value),
  scopes: ["https://graph.microsoft.com/.default"],
  expiresAtMillis: Date.UTC(2025, 0, 1, 1),
  refreshAtMillis: Date.UTC(2025, 0, 1, 0, 30),
  correlationId: "1a2b3c4d-5e6f-4a0b-8c9d-0e1f2a3b4c5d"
})

describe("an access token", () => {
  it("tells its times as dates when it is asked", () => {
    assert.isTrue(DateTime.isDateTime(token.expiresOn))
    assert.strictEqual(token.expiresOn?.epochMillis, token.expiresAtMillis)
    assert.strictEqual(token.refreshOn?.epochMillis, token.refreshAtMillis)
  })

  it("has no times when the server told none", () => {
    const endless = AccessToken.make({ accessToken: Redacted.make(value) })
    assert.deepStrictEqual([endless.expiresOn, endless.refreshOn], [undefined, undefined])
    assert.notProperty(JSON.parse(JSON.stringify(endless)), "expiresOn")
  })

  it("is a bearer token from the identity provider unless it is told otherwise", () => {
    const { scopes, source, tokenType } = AccessToken.make({ accessToken: Redacted.make(value) })
    assert.deepStrictEqual(
      { scopes, source, tokenType },
      { scopes: [], source: "identity_provider", tokenType: "Bearer" }
    )
  })

  it("can be told to come from elsewhere, all else being the same", () => {
    const { source, ...rest } = AccessToken.withSource(token, "cache")
    const { source: before, ...original } = token
    assert.deepStrictEqual([source, before], ["cache", "identity_provider"])
    assert.deepStrictEqual(rest, original)
    assert.instanceOf(AccessToken.withSource(token, "cache"), AccessToken.AccessToken)
  })

  it("is printed without its value, however it is printed", () => {
    const printed = [JSON.stringify(token), String(token), `${token}`, inspect(token), inspect({ token }, { depth: 9 })]
    for (const text of [...printed, inspect({ ...token }, { depth: 9 }), JSON.stringify({ ...token })]) {
      assert.notInclude(text, "secret")
      assert.include(text, "identity_provider")
    }
  })

  it.each([1e300, -1e300, Number.NaN, Number.POSITIVE_INFINITY])("is printed whatever its times are: %d", (millis) => {
    const absurd = AccessToken.make({
      accessToken: Redacted.make(value),
      expiresAtMillis: millis,
      refreshAtMillis: millis
    })
    assert.deepStrictEqual([absurd.expiresOn, absurd.refreshOn], [undefined, undefined])
    for (const text of [JSON.stringify(absurd), String(absurd), inspect(absurd)]) assert.include(text, "AccessToken")
  })

  it("tells in JSON what one needs to know of it", () => {
    assert.deepStrictEqual(JSON.parse(JSON.stringify(token)), {
      _id: "AccessToken",
      tokenType: "Bearer",
      scopes: ["https://graph.microsoft.com/.default"],
      expiresOn: "2025-01-01T01:00:00.000Z",
      refreshOn: "2025-01-01T00:30:00.000Z",
      source: "identity_provider",
      correlationId: "1a2b3c4d-5e6f-4a0b-8c9d-0e1f2a3b4c5d"
    })
  })
})
