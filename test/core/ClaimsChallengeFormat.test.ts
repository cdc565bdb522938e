import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Redacted } from "effect"
import * as ClaimsChallenge from "../../src/core/ClaimsChallenge.js"
import * as TokenError from "../../src/core/TokenError.js"

const authorizationUri = "https://login.microsoftonline.com/common/oauth2/authorize"

describe("a server answers", () => {
  it("claims that are demanded, as the documentation has it", () => {
    const claims = '{"access_token":{"acrs":{"essential":true,"value":"cp1"}}}'
    assert.strictEqual(
      ClaimsChallenge.format({ authorizationUri, claims }),
      `Bearer realm="", authorization_uri="${authorizationUri}", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiY3AxIn19fQ=="`
    )
  })

  const of: ReadonlyArray<readonly [cause: string, options: ClaimsChallenge.FormatOptions, value: string]> = [
    ["who brings no token", { authorizationUri }, `Bearer authorization_uri="${authorizationUri}"`],
    [
      "who brings a bad one",
      { authorizationUri, error: "invalid_token" },
      `Bearer authorization_uri="${authorizationUri}", error="invalid_token"`
    ],
    [
      "who may not",
      { authorizationUri, error: "insufficient_scope", scope: ["Files.Read", "api://a/Write"] },
      `Bearer authorization_uri="${authorizationUri}", error="insufficient_scope", scope="Files.Read api://a/Write"`
    ],
    ["with one scope", { error: "insufficient_scope", scope: "a" }, 'Bearer error="insufficient_scope", scope="a"'],
    ["with its realm", { realm: "orders", error: "invalid_request" }, 'Bearer realm="orders", error="invalid_request"'],
    ["with nothing to tell", {}, 'Bearer realm=""'],
    [
      "claims as its own error",
      { realm: "a", error: "invalid_token", claims: "{}" },
      'Bearer realm="a", error="insufficient_claims", claims="e30="'
    ],
    [
      "standard base64",
      { claims: '{"a":"??>>~~"}' },
      'Bearer realm="", error="insufficient_claims", claims="eyJhIjoiPz8+Pn5+In0="'
    ]
  ]
  it.each(of)("%s", (_, options, value) => {
    assert.strictEqual(ClaimsChallenge.format(options), value)
  })
})

describe("what can't be written plainly is left out", () => {
  it.each([
    "a\r\nSet-Cookie: b=c",
    "a\nb",
    "a\u0000b",
    "a\tb",
    "a\u007fb",
    'a"b',
    "a\\b",
    "ä",
    "a\u2028b",
    "a".repeat(2049)
  ])("%j", (value) => {
    assert.strictEqual(ClaimsChallenge.format({ realm: value, error: "invalid_token" }), 'Bearer error="invalid_token"')
    assert.strictEqual(ClaimsChallenge.format({ realm: "", scope: value }), 'Bearer realm=""')
    assert.strictEqual(ClaimsChallenge.format({ realm: "", scope: [value, "b  c"] }), 'Bearer realm="", scope="b c"')
  })

  it.each([
    "",
    "login.microsoftonline.com",
    "http://login.microsoftonline.com/",
    "javascript:alert(1)",
    "https://a:b@login.example/",
    "https://login.example/#a",
    "https://login.example/?a=\\"
  ])("the URI %j", (uri) => {
    assert.strictEqual(ClaimsChallenge.format({ authorizationUri: uri }), 'Bearer realm=""')
  })

  it("a URI's odd characters are escaped", () => {
    assert.strictEqual(
      ClaimsChallenge.format({ authorizationUri: 'https://login.example/{"ä"}\r\n?b="c"' }),
      'Bearer authorization_uri="https://login.example/%7B%22%C3%A4%22%7D?b=%22c%22"'
    )
  })

  it.each([
    "",
    "nonsense",
    "[]",
    "null",
    `{"a":"${"ü".repeat(5000)}"}`,
    `{"a":"${"b".repeat(9000)}"}`,
    '{"a":"\ud800"}',
    '\ufeff{"a":1}'
  ])("claims that no client could read (%#)", (claims) => {
    assert.strictEqual(ClaimsChallenge.format({ claims }), 'Bearer realm="", error="insufficient_claims"')
  })
})

const text = FastCheck.oneof(
  FastCheck.string({ unit: "binary" }),
  FastCheck.string(),
  FastCheck.array(FastCheck.constantFrom('"', "\\", "\r\n", ",", "a", " ", "\u0000", "é", "https://a.example/")).map(
    (list) => list.join("")
  )
)
const optional = <A>(arbitrary: FastCheck.Arbitrary<A>) => FastCheck.option(arbitrary, { nil: undefined })
const options = FastCheck.record({
  authorizationUri: optional(
    FastCheck.oneof(
      text,
      text.map((path) => `https://a.example/${path}`)
    )
  ),
  realm: optional(text),
  scope: optional(FastCheck.oneof(text, FastCheck.array(text))),
  claims: optional(FastCheck.oneof(text, FastCheck.json())),
  error: FastCheck.constantFrom(undefined, "invalid_token" as const, "insufficient_scope" as const)
})
const member = '[a-z_]+="[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]*"'
const value = new RegExp(`^Bearer ${member}(, ${member})*$`)

it.prop(
  "no character that could end a value gets out, whatever goes in",
  [options],
  ([input]) => {
    assert.match(ClaimsChallenge.format(input), value)
  },
  { fastCheck: { numRuns: 1000 } }
)

const claims = FastCheck.oneof(
  FastCheck.dictionary(FastCheck.string({ unit: "grapheme" }), FastCheck.jsonValue({ maxDepth: 4 })).map((json) =>
    JSON.stringify(json)
  ),
  FastCheck.string({ unit: "grapheme" }).map((key) => ` { ${JSON.stringify(key)} :\t{"value" : "\\u00fc \\/"}}\n`)
).filter((json) => new TextEncoder().encode(json).length <= 8192)

it.prop("claims come back as they went, byte by byte", [claims, options], ([json, others]) => {
  const challenge = ClaimsChallenge.parse(ClaimsChallenge.format({ ...others, claims: json }))
  assert.strictEqual(challenge?.claims, json)
  assert.strictEqual(challenge?.error, "insufficient_claims")
  const joined = `Negotiate, ${ClaimsChallenge.format({ ...others, claims: json })}, Basic realm="a"`
  assert.strictEqual(ClaimsChallenge.parse(joined)?.claims, json)
})

it("errors and scopes come back as they went", () => {
  const written = ClaimsChallenge.format({ error: "insufficient_scope", scope: ["a", "b"] })
  assert.deepInclude(ClaimsChallenge.bearerError(written), { error: "insufficient_scope", scope: "a b" })
  assert.isUndefined(ClaimsChallenge.parse(written))
})

describe("a failed exchange", () => {
  const demanded = '{ "access_token":{"acrs" :\t{"essential":true,"value":"c1"}} ,"note":"\\u00fc \u00fc \\/"}'
  const refusal = {
    error: "interaction_required",
    status: 400,
    errorCodes: ["AADSTS50076"],
    description: Redacted.make("hunter2")
  }
  const interaction = (asked: string | undefined) =>
    new TokenError.InteractionRequired({ ...refusal, classification: "basic_action", claims: asked })

  it.each([
    interaction(demanded),
    new TokenError.RequestRejected({ ...refusal, claims: demanded }),
    new TokenError.ClaimsChallengeRequired({ claims: demanded })
  ])("that demands claims stands for a challenge: $_tag", (error) => {
    const challenge = ClaimsChallenge.fromTokenError(error)
    assert.deepStrictEqual(
      challenge,
      new ClaimsChallenge.ClaimsChallenge({ claims: demanded, error: "insufficient_claims", realm: "" })
    )
    const written = ClaimsChallenge.format({ authorizationUri, claims: challenge?.claims })
    assert.include(written, `claims="${Buffer.from(demanded).toString("base64")}"`)
    assert.notInclude(written, "AADSTS")
    assert.strictEqual(ClaimsChallenge.parse(written)?.claims, demanded)
  })

  it.each([
    interaction(undefined),
    interaction("nonsense"),
    interaction("[]"),
    new TokenError.RequestRejected(refusal),
    new TokenError.InvalidGrant(refusal),
    new TokenError.ClientClosed(),
    new TokenError.ConfigurationError({ parameter: "claims", expected: "a", remedy: "b" })
  ])("of another kind doesn't (%#)", (error) => {
    assert.isUndefined(ClaimsChallenge.fromTokenError(error))
  })
})
