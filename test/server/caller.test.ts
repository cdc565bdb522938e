import { inspect } from "node:util"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, FastCheck, Redacted, Schema, TestClock } from "effect"
import * as AccessToken from "../../src/core/AccessToken.js"
import * as ClaimsChallenge from "../../src/core/ClaimsChallenge.js"
import * as TokenError from "../../src/core/TokenError.js"
import * as TokenProvider from "../../src/core/TokenProvider.js"
import * as CallerError from "../../src/server/CallerError.js"
import * as Refusal from "../../src/server/callerRefusal.js"
import * as CallerTokens from "../../src/server/callerTokens.js"

const correlationId = "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb"
const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
const wanted = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
const authorizationUri = "https://login.microsoftonline.com/common/oauth2/authorize"
const scopes = ["api://a/Read", "api://a/Write"]
const now = Date.UTC(2025, 5, 30)
const later = DateTime.unsafeMake(now + 30_000)

const told = {
  error: "interaction_required",
  status: 400,
  errorCodes: ["AADSTS50076"],
  correlationId,
  description: Redacted.make("AADSTS50076: secret prose")
}

const interaction = (classification: TokenError.Classification, demanded?: string) =>
  new TokenError.InteractionRequired({ ...told, classification, claims: demanded })

const down = { reason: "unavailable" } as const
const ours = { reason: "server_error", correlationId } as const

type Row = readonly [what: string, error: TokenError.TokenError, answer: object, asked?: CallerError.Asked]

describe("a caller is told", () => {
  const unauthorized = (fields: object) => ({ _tag: "Unauthorized", correlationId, ...fields })
  const forbidden = (fields: object) => ({ _tag: "Forbidden", correlationId, ...fields })
  const unavailable = (fields: object) => ({ _tag: "Unavailable", ...fields })

  it.effect.each<Row>([
    ["claims", interaction("none", claims), unauthorized({ reason: "insufficient_claims", claims })],
    [
      "claims of a basic action",
      interaction("basic_action", claims),
      unauthorized({ reason: "insufficient_claims", claims })
    ],
    [
      "the claims of the API, where Entra names none",
      interaction("basic_action"),
      unauthorized({ reason: "insufficient_claims", claims: wanted }),
      { claims: wanted }
    ],
    [
      "Entra's claims before the API's",
      interaction("basic_action", claims),
      unauthorized({ reason: "insufficient_claims", claims }),
      { claims: wanted }
    ],
    ["no claims that can't be read", interaction("none", "[1]"), unauthorized({ reason: "invalid_token" })],
    [
      "to sign in anew, where nobody says what for",
      interaction("user_password_expired"),
      unauthorized({ reason: "invalid_token" })
    ],
    [
      "nothing of claims where it may not be",
      interaction("none", claims),
      forbidden({ reason: "interaction_required" }),
      { isChallenged: false }
    ],
    [
      "what to consent to",
      interaction("consent_required", claims),
      forbidden({ reason: "consent_required", scope: "api://a/Read api://a/Write" }),
      { scopes }
    ],
    ["that consent lacks", interaction("consent_required"), forbidden({ reason: "consent_required" })],
    ["that it may not", interaction("message_only", claims), forbidden({ reason: "access_denied" })],
    ["that it may not", new TokenError.AuthorizationDeclined(told), forbidden({ reason: "access_denied" })],
    ["that its token is over", new TokenError.InvalidGrant(told), unauthorized({ reason: "invalid_token" })],
    [
      "what the API demanded when its token was over",
      new TokenError.InvalidGrant(told),
      unauthorized({ reason: "insufficient_claims", claims: wanted }),
      { claims: wanted }
    ],
    [
      "that its token does not hold",
      new TokenError.InvalidToken({ token: "access token", reason: "signature" }),
      { _tag: "Unauthorized", reason: "invalid_token" }
    ],
    [
      "what an API demands",
      new TokenError.ClaimsChallengeRequired({ claims, reason: "repeated" }),
      { _tag: "Unauthorized", reason: "insufficient_claims", claims }
    ],
    [
      "when to come back",
      new TokenError.Throttled({ errorCodes: [], retryAfter: Duration.seconds(7), correlationId }),
      unavailable({ reason: "throttled", retryAfter: 7000, correlationId })
    ],
    [
      "when to come back, by the clock",
      new TokenError.AuthorityUnavailable({ errorCodes: [], until: later }),
      unavailable({ reason: "unavailable", retryAfter: 30_000 }),
      { now }
    ],
    [
      "no time that is over",
      new TokenError.AuthorityUnavailable({ errorCodes: [], until: later }),
      unavailable({ reason: "unavailable", retryAfter: 0 }),
      { now: now + 60_000 }
    ],
    ["to come back", new TokenError.Throttled({ errorCodes: [], until: later }), unavailable({ reason: "throttled" })],
    ["to come back", new TokenError.TransportError({ reason: "refused", host: "id.example" }), unavailable(down)],
    ["to come back", new TokenError.MalformedResponse({ reason: "notJson", status: 502 }), unavailable(down)],
    ["to come back", new TokenError.ClientClosed(), unavailable(down)],
    ["to come back", new TokenError.CacheUnavailable(), unavailable(down)],
    ["that it is our fault", new TokenError.InvalidClient(told), unavailable(ours)],
    ["that it is our fault", new TokenError.RequestRejected({ ...told, claims }), unavailable(ours)],
    ["that it is our fault", new TokenError.DeviceCodeExpired(told), unavailable(ours)],
    [
      "that it is our fault",
      new TokenError.ConfigurationError({ parameter: "p", expected: "e", remedy: "r" }),
      unavailable({ reason: "server_error" })
    ],
    [
      "that it is our fault",
      new TokenError.CredentialUnavailable({ credential: "c", reason: "r" }),
      unavailable({ reason: "server_error" })
    ],
    [
      "that it is our fault",
      new TokenError.InvalidAuthorizationResponse({ reason: "state" }),
      unavailable({ reason: "server_error" })
    ]
  ])("%s", ([_, error, answer, asked]) =>
    Effect.sync(() => {
      const told = CallerError.fromTokenError(error, asked)
      const encoded = JSON.parse(JSON.stringify(Schema.encodeSync(CallerError.CallerError)(told)))
      assert.deepStrictEqual(encoded, answer)
      assert.isTrue(CallerError.isCallerError(told))
      assert.notMatch(`${inspect(told)} ${told.message}`, /AADSTS|prose/)
    })
  )

  it("no correlation id that is none", () => {
    const error = new TokenError.InvalidGrant({ ...told, correlationId: "x\r\ny" })
    assert.isUndefined(CallerError.fromTokenError(error).correlationId)
  })

  it("whether to try again", () => {
    const isRetryable = (error: TokenError.TokenError) => CallerError.fromTokenError(error).isRetryable
    assert.isTrue(isRetryable(new TokenError.ClientClosed()))
    assert.isFalse(isRetryable(new TokenError.InvalidClient(told)))
    assert.isFalse(isRetryable(interaction("none", claims)))
    assert.isFalse(isRetryable(interaction("message_only")))
  })
})

describe("a caller's tokens", () => {
  it.effect("are to be had as long as its own token holds, clocks that differ allowed for", () =>
    Effect.gen(function* () {
      const noted: Array<CallerError.CallerError> = []
      const token = AccessToken.make({ accessToken: Redacted.make("t") })
      const provider = TokenProvider.succeed(token)
      const refuse = Refusal.make((error) => noted.push(error), true)
      const tokens = CallerTokens.make({ isApp: false, expiresAtMillis: 60_000, provider }, refuse)
      const source = tokens.forScopes("a")
      yield* TestClock.setTime(359_999)
      assert.strictEqual(yield* source.getToken(), token)
      assert.lengthOf(noted, 0)
      yield* TestClock.adjust("1 millis")
      const expired = yield* Effect.flip(source.getToken())
      assert.deepInclude({ ...expired }, { _tag: "Unauthorized", reason: "invalid_token" })
      assert.deepStrictEqual(noted, [expired])
    })
  )
})

describe("the headers of an answer", () => {
  const headers = (error: CallerError.CallerError) => CallerError.headers(error, { authorizationUri })

  it("are a challenge for 401, a time for 503, and nothing for 403", () => {
    const uri = `authorization_uri="${authorizationUri}"`
    assert.deepStrictEqual(headers(new CallerError.Unauthorized({ reason: "no_token" })), {
      "www-authenticate": `Bearer ${uri}`
    })
    assert.deepStrictEqual(CallerError.headers(new CallerError.Unauthorized({ reason: "no_token" })), {
      "www-authenticate": 'Bearer realm=""'
    })
    assert.deepStrictEqual(headers(new CallerError.Unauthorized({ reason: "invalid_token" })), {
      "www-authenticate": `Bearer ${uri}, error="invalid_token"`
    })
    assert.deepStrictEqual(headers(new CallerError.Unauthorized({ reason: "insufficient_claims", claims })), {
      "www-authenticate": `Bearer realm="", ${uri}, error="insufficient_claims", claims="${btoa(claims)}"`
    })
    assert.deepStrictEqual(headers(new CallerError.Forbidden({ reason: "insufficient_scope", scope: "a" })), {})
    assert.deepStrictEqual(headers(new CallerError.Unavailable({ reason: "throttled" })), {})
    for (const [wait, text] of [
      ["1 millis", "1"],
      ["1500 millis", "2"],
      [0, "0"]
    ] as const)
      assert.deepStrictEqual(
        headers(new CallerError.Unavailable({ reason: "throttled", retryAfter: Duration.decode(wait) })),
        { "retry-after": text }
      )
    const never = new CallerError.Unavailable({ reason: "throttled", retryAfter: Duration.infinity })
    assert.deepStrictEqual(headers(never), {})
  })

  it("never break, whatever the claims, scopes and URIs hold", () => {
    const hostile = FastCheck.oneof(
      FastCheck.string({ unit: "binary", maxLength: 200 }),
      FastCheck.constantFrom('"', '", x="', "a\r\nSet-Cookie: a=b", "\\", "\0", "é", `{"a":"${"x".repeat(9000)}"}`),
      FastCheck.json()
    )
    FastCheck.assert(
      FastCheck.property(hostile, hostile, hostile, (text, scope, uri) => {
        for (const error of [
          CallerError.fromTokenError(interaction("none", text), { claims: scope }),
          new CallerError.Unauthorized({ reason: "insufficient_claims", claims: text }),
          new CallerError.Forbidden({ reason: "consent_required", scope })
        ]) {
          const fields = CallerError.headers(error, { authorizationUri: uri })
          for (const [name, value] of Object.entries(fields)) {
            assert.match(value, /^Bearer [\x20-\x7e]*$/)
            assert.strictEqual(new Headers([[name, value]]).get(name), value)
            const found = ClaimsChallenge.parse(value)?.claims
            if (found !== undefined) assert.include([text, scope], found)
          }
          HttpServerResponse.empty({ headers: fields })
        }
      })
    )
  })
})
