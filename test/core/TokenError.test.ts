import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Cause, DateTime, Duration, Effect, Exit, Redacted, Schema } from "effect"
import * as TokenError from "../../src/core/TokenError.js"

const prose = "AADSTS7000215: hunter2 is not the secret of app contoso"
const correlationId = "1a2b3c4d-5e6f-4a0b-8c9d-0e1f2a3b4c5d"
const diagnostics = {
  errorCodes: ["AADSTS70002", "AADSTS500133"],
  correlationId,
  traceId: "0f5d4e1a-8c55-4b0a-9d0d-2a6b1f3c5e00",
  timestamp: DateTime.unsafeMake(0),
  description: Redacted.make(prose)
}
const codes = `AADSTS70002, AADSTS500133`
const retryAfter = Duration.millis(6500)

const table: ReadonlyArray<readonly [error: TokenError.TokenError, isRetryable: boolean, message: string]> = [
  [
    new TokenError.TransportError({ reason: "reset", host: "login.example", code: "ECONNRESET" }),
    true,
    "login.example closed the connection without an answer (ECONNRESET)"
  ],
  [
    new TokenError.Throttled({ source: "server", status: 429, retryAfter, error: "invalid_grant", ...diagnostics }),
    true,
    `The authority throttles this client; it asks to wait 7 s (invalid_grant, ${codes}, HTTP 429, correlation id ${correlationId})`
  ],
  [
    new TokenError.AuthorityUnavailable({ status: 503, retryAfter, error: "temporarily_unavailable", ...diagnostics }),
    true,
    `The authority is unavailable; it asks to wait 7 s (temporarily_unavailable, ${codes}, HTTP 503, correlation id ${correlationId})`
  ],
  [
    new TokenError.MalformedResponse({ reason: "notJson", status: 404 }),
    false,
    "The authority answered with something that is not JSON (HTTP 404)"
  ],
  [
    new TokenError.InvalidClient({ error: "invalid_client", status: 401, ...diagnostics }),
    false,
    `The authority refused the client's credential (invalid_client, ${codes}, HTTP 401, correlation id ${correlationId})`
  ],
  [
    new TokenError.RequestRejected({ error: "invalid_scope", status: 400, claims: "{}", ...diagnostics }),
    false,
    `The authority rejected the request (invalid_scope, ${codes}, HTTP 400, correlation id ${correlationId})`
  ],
  [
    new TokenError.InvalidGrant({ error: "invalid_grant", suberror: "bad_token", status: 400, ...diagnostics }),
    false,
    `The grant is no longer valid (invalid_grant, bad_token, ${codes}, HTTP 400, correlation id ${correlationId})`
  ],
  [
    new TokenError.InteractionRequired({
      classification: "basic_action",
      error: "interaction_required",
      suberror: "basic_action",
      status: 400,
      ...diagnostics
    }),
    false,
    `The user has to take part (interaction_required, basic_action, ${codes}, HTTP 400, correlation id ${correlationId})`
  ],
  [
    new TokenError.ClaimsChallengeRequired({ claims: '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}' }),
    false,
    "The resource demands claims that only its caller's client can satisfy"
  ],
  [
    new TokenError.ConfigurationError({ parameter: "clientId", expected: "a GUID", remedy: "Copy it." }),
    false,
    "clientId: expected a GUID. Copy it."
  ],
  [
    new TokenError.CredentialUnavailable({ credential: "AzureCliCredential", reason: "az is not signed in" }),
    false,
    "AzureCliCredential is unavailable: az is not signed in"
  ],
  [
    new TokenError.CacheUnavailable(),
    true,
    "The store of the token cache can't be reached, and this user is known there alone"
  ],
  [
    new TokenError.ClientClosed(),
    false,
    "The client's scope is closed: use the client within the layer or scope that made it"
  ],
  [
    new TokenError.DeviceCodeExpired({ error: "expired_token", status: 400, ...diagnostics }),
    false,
    `The device code has expired (expired_token, ${codes}, HTTP 400, correlation id ${correlationId})`
  ],
  [
    new TokenError.AuthorizationDeclined({ error: "access_denied", status: 400, ...diagnostics }),
    false,
    `The authorization was declined (access_denied, ${codes}, HTTP 400, correlation id ${correlationId})`
  ]
]

describe.each(table)("%s", (error, isRetryable, message) => {
  it("says what happened", () => {
    assert.strictEqual(error.message, message)
  })

  it(isRetryable ? "may succeed later" : "will not succeed by waiting", () => {
    assert.strictEqual(error.isRetryable, isRetryable)
  })

  it.effect("is caught by its tag", () =>
    Effect.gen(function* () {
      const caught = yield* Effect.flip(Effect.fail(error))
      assert.strictEqual(caught, error)
      assert.instanceOf(caught, Error)
      assert.strictEqual(error.name, error._tag)
    })
  )

  it("never shows the server's prose", () => {
    const exit = Exit.fail(error)
    const printed = [
      error.message,
      String(error),
      JSON.stringify(error),
      JSON.stringify(exit),
      inspect(error, { depth: 9, showHidden: true }),
      inspect(exit, { depth: 9 }),
      Cause.pretty(Cause.fail(error), { renderErrorCause: true }),
      error.stack ?? ""
    ]
    for (const text of printed) assert.notInclude(text, "hunter2")
  })
})

it("the table holds every error once", () => {
  assert.strictEqual(new Set(table.map(([error]) => error._tag)).size, table.length)
})

describe("a transport error", () => {
  const reasons: Readonly<
    Record<TokenError.TransportReason, readonly [phase: "notSent" | "unknown", retryable: boolean]>
  > = {
    refused: ["notSent", true],
    unresolved: ["notSent", true],
    unreachable: ["notSent", true],
    certificate: ["notSent", false],
    handshake: ["notSent", true],
    reset: ["unknown", true],
    timeout: ["unknown", true],
    cutOff: ["unknown", true],
    opaque: ["unknown", true]
  }

  it("knows as many reasons as this table", () => {
    assert.deepStrictEqual(Object.keys(reasons), [...TokenError.TransportReason.literals])
  })

  it.each(TokenError.TransportReason.literals.map((reason) => [reason, ...reasons[reason]] as const))(
    "%s leaves the request %s",
    (reason, phase, isRetryable) => {
      const error = new TokenError.TransportError({ reason, host: "login.example" })
      assert.strictEqual(error.phase, phase)
      assert.strictEqual(error.isRetryable, isRetryable)
      assert.match(error.message, /^login\.example \w/)
    }
  )
})

describe("an unavailable authority", () => {
  it.each([
    [408, true],
    [500, true],
    [501, false],
    [502, true],
    [503, true],
    [504, true],
    [505, false]
  ])("that answers %d is asked again: %s", (status, isRetryable) => {
    assert.strictEqual(new TokenError.AuthorityUnavailable({ status, errorCodes: [] }).isRetryable, isRetryable)
  })

  it("says no more than it knows", () => {
    const { message } = new TokenError.AuthorityUnavailable({ status: 503, errorCodes: [] })
    assert.strictEqual(message, "The authority is unavailable (HTTP 503)")
  })
})

describe("a malformed response", () => {
  const reasons: ReadonlyArray<readonly [reason: TokenError.MalformedReason, status: number, isRetryable: boolean]> = [
    ["redirect", 302, false],
    ["redirect", 0, false],
    ["notJson", 200, true],
    ["notJson", 404, false],
    ["truncated", 200, true],
    ["truncated", 400, true],
    ["unexpectedShape", 200, true],
    ["unexpectedShape", 400, false],
    ["tooLarge", 200, false]
  ]
  it.each(reasons)("(%s, %d) is asked for again: %s", (reason, status, isRetryable) => {
    const error = new TokenError.MalformedResponse({ reason, status })
    assert.strictEqual(error.isRetryable, isRetryable)
    assert.include(error.message, `(HTTP ${status})`)
  })
})

it("a throttled client that was told no time is asked for none", () => {
  const { message } = new TokenError.Throttled({ errorCodes: [] })
  assert.strictEqual(message, "The authority throttles this client")
})

describe("an error from memory", () => {
  it.each([
    [
      "a throttled client",
      new TokenError.Throttled({ source: "local", status: 429, retryAfter, errorCodes: [] }),
      "The authority throttles this client; it asks to wait 7 s (HTTP 429, from memory: nothing was sent)"
    ],
    [
      "an authority that is down",
      new TokenError.AuthorityUnavailable({ source: "local", until: DateTime.unsafeMake(0), errorCodes: [] }),
      "The authority is unavailable (from memory: nothing was sent)"
    ]
  ])("says so: %s", (_, { message }, expected) => {
    assert.strictEqual(message, expected)
  })

  it("is told apart from the server's own, which every error is unless it is told otherwise", () => {
    const sources = table.flatMap(([error]) => ("source" in error ? [error.source] : []))
    assert.lengthOf(sources, 8)
    assert.deepStrictEqual([...new Set(sources)], ["server"])
  })
})

it("an error that is encoded keeps the prose wrapped", () => {
  const error = new TokenError.InvalidClient({ error: "invalid_client", status: 401, ...diagnostics })
  assert.notInclude(JSON.stringify(Schema.encodeSync(TokenError.InvalidClient)(error)), "hunter2")
})
