import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Redacted } from "effect"
import * as ClaimsChallenge from "../../src/core/ClaimsChallenge.js"

const tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
const base64 = (text: string): string => Buffer.from(text).toString("base64")
const claimsOf = (header: string) => ClaimsChallenge.parse(header)?.claims

/** Formats that were recorded, or that tests of Microsoft's own clients hold. */
const recorded: ReadonlyArray<readonly [name: string, header: string, claims: string | undefined]> = [
  [
    "1. Graph",
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOiB7ImZvbyI6ICJiYXIifX0="',
    '{"access_token": {"foo": "bar"}}'
  ],
  [
    "2. Graph's Continuous Access Evaluation, the URI unquoted",
    'Bearer realm="", authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize, client_id="00000003-0000-0000-c000-000000000000", errorDescription="Continuous access evaluation resulted in claims challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOiB7ImZvbyI6ICJiYXIifX0="',
    '{"access_token": {"foo": "bar"}}'
  ],
  [
    "3. ARM, a session that was revoked: invalid_token",
    'Bearer authorization_uri="https://login.windows-ppe.net/", error="invalid_token", error_description="User session has been revoked", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTYwMzc0MjgwMCJ9fX0="',
    '{"access_token":{"nbf":{"essential":true, "value":"1603742800"}}}'
  ],
  [
    "4. ARM, a second factor for changes",
    'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlcyI6WyJwMSJdfX19"',
    '{"access_token":{"acrs":{"essential":true,"values":["p1"]}}}'
  ],
  [
    "5. ARM without a token",
    `Bearer authorization_uri="https://login.windows.net/${tenant}", error="invalid_token", error_description="The authentication failed because of missing 'Authorization' header."`,
    undefined
  ],
  [
    "6. Key Vault",
    `Bearer authorization="https://login.microsoftonline.com/${tenant}", resource="https://vault.azure.net"`,
    undefined
  ],
  [
    "6. Key Vault's Continuous Access Evaluation",
    `Bearer authorization="https://login.microsoftonline.com/${tenant}", resource="https://vault.azure.net", error="insufficient_claims", claims="${base64('{"access_token":{"nbf":{"essential":true,"value":"1726077595"},"xms_caeerror":{"value":"10012"}}}')}"`,
    '{"access_token":{"nbf":{"essential":true,"value":"1726077595"},"xms_caeerror":{"value":"10012"}}}'
  ],
  [
    "7. Storage, unquoted and separated by spaces",
    `Bearer authorization_uri=https://login.microsoftonline.com/${tenant}/oauth2/authorize resource_id=https://storage.azure.com`,
    undefined
  ],
  [
    "7. Storage's form with claims",
    `Bearer authorization_uri=https://login.microsoftonline.com/${tenant}/oauth2/authorize claims=eyJhY2Nlc3NfdG9rZW4iOiB7ImZvbyI6ICJiYXIifX0= error=insufficient_claims`,
    '{"access_token": {"foo": "bar"}}'
  ],
  [
    "8. several challenges, PoP first",
    `PoP nonce="a,b=c", Bearer realm="", error="insufficient_claims", claims="${base64('{"a":1}')}"`,
    '{"a":1}'
  ],
  [
    "8. several challenges, PoP last",
    `Bearer realm="", error="insufficient_claims", claims="${base64('{"a":1}')}", PoP nonce="a", claims="${base64('{"b":1}')}"`,
    '{"a":1}'
  ],
  [
    "8. claims of PoP alone",
    `PoP nonce="a", claims="${base64('{"a":1}')}", Bearer realm="", error="insufficient_claims"`,
    undefined
  ],
  [
    "9. upper-case names, spaces, further members",
    `Bearer  REALM="" ,  SCOPE="https://graph.microsoft.com/.default" ,cc_type="authcontext",  ERRORS="invalid_token",  CLAIMS="${base64('{"a":1}')}"`,
    '{"a":1}'
  ],
  ["9. empty claims", 'Bearer realm="", error="insufficient_claims", claims=""', undefined],
  [
    "10. base64 without padding",
    'Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOiB7ImZvbyI6ICJiYXIifX0"',
    '{"access_token": {"foo": "bar"}}'
  ],
  ["10. base64", `Bearer claims="${base64('{"a":"??>>~~üü"}')}"`, '{"a":"??>>~~üü"}'],
  ["10. base64url", `Bearer claims="${Buffer.from('{"a":"??>>~~üü"}').toString("base64url")}"`, '{"a":"??>>~~üü"}'],
  ["10. base64url, padded and unquoted", 'Bearer claims=eyJhIjoiPz8-Pj8ifQ==, realm=""', '{"a":"??>>?"}'],
  ["10. JSON in a quoted-string", 'Bearer claims="{\\"a\\":\\"b \\\\\\" c\\"}"', '{"a":"b \\" c"}'],
  [
    "11. Identity.Web of old, JSON in quotes that are not escaped",
    'Bearer consentUri="https://a.example/consent?b=c", claims="{"access_token":{"acrs":{"essential":true, "value":"c1"}}}", scopes="d", proposedAction="consent"',
    '{"access_token":{"acrs":{"essential":true, "value":"c1"}}}'
  ],
  [
    "12. the on-behalf-of sample, JSON without quotes",
    'Bearer claims={"access_token":{"polids":{"essential":true,"values":["9ab0, 1"]}}}, error=interaction_required',
    '{"access_token":{"polids":{"essential":true,"values":["9ab0, 1"]}}}'
  ],
  [
    "13. header lines that fetch() joined",
    `Negotiate, Basic realm="a, b", Bearer realm="", claims="${base64('{"a":1}')}", Digest realm="c"`,
    '{"a":1}'
  ]
]

describe("a recorded challenge", () => {
  it.each(recorded)("%s", (_, header, claims) => {
    assert.strictEqual(claimsOf(header), claims)
  })
})

describe("a claims challenge", () => {
  it("keeps what it says beside its claims", () => {
    const challenge = ClaimsChallenge.parse(
      `Bearer realm="${tenant}", error="insufficient_claims", error_description="Ask\tanew", scope="a b", claims="e30="`
    )
    assert.deepInclude(challenge, { claims: "{}", error: "insufficient_claims", realm: tenant, scope: "a b" })
    assert.strictEqual(Redacted.value(challenge?.description ?? Redacted.make("")), "Ask anew")
    const [, graph = ""] = recorded[1] ?? []
    assert.match(
      Redacted.value(ClaimsChallenge.parse(graph)?.description ?? Redacted.make("")),
      /TokenIssuedBeforeRevocationTimestamp$/
    )
  })

  it("says nothing that it does not say", () => {
    assert.deepStrictEqual(
      ClaimsChallenge.parse('Bearer claims="e30="'),
      new ClaimsChallenge.ClaimsChallenge({ claims: "{}" })
    )
  })

  it("holds no parameter that could do harm in a log", () => {
    for (const value of ["a\\\\b", 'a\\"b', "a\u0007b", "a\u202eb", "ä", "a\r\nb", "a".repeat(2049)])
      for (const name of ["error", "realm", "scope"])
        assert.deepStrictEqual(
          ClaimsChallenge.parse(`Bearer ${name}="${value}", claims="e30="`),
          new ClaimsChallenge.ClaimsChallenge({ claims: "{}" })
        )
  })

  it("keeps at most 2 kB of prose", () => {
    const challenge = ClaimsChallenge.parse(`Bearer error_description="${"a".repeat(2047)}😀", claims="e30="`)
    assert.strictEqual(Redacted.value(challenge?.description ?? Redacted.make("")), `${"a".repeat(2047)} `)
  })

  it("is the first one that can be read", () => {
    const [one, other] = [base64('{"a":1}'), base64('{"b":1}')]
    assert.strictEqual(claimsOf(`Bearer claims="${one}", Bearer claims="${other}"`), '{"a":1}')
    assert.strictEqual(claimsOf(`Bearer claims="nonsense", Bearer claims="${other}"`), '{"b":1}')
    assert.strictEqual(claimsOf(`Bearer claims="${one}", claims="${other}"`), '{"a":1}')
    assert.isUndefined(claimsOf(`Bearer claims="", claims="${other}"`))
  })

  it("shows neither claims nor prose when it is printed", () => {
    const [address, prose] = ["203.0.113.7", "hunter2 of contoso"]
    const claims = `{"access_token":{"xms_rp_ipaddr":{"value":"${address}"}}}`
    const challenge = ClaimsChallenge.parse(
      `Bearer error="insufficient_claims", error_description="${prose}", scope="${prose}", claims="${base64(claims)}"`
    )
    const printed = [
      String(challenge),
      JSON.stringify({ challenge }),
      inspect(challenge, { depth: 9, showHidden: true }),
      inspect({ challenge }, { depth: 9 })
    ]
    for (const text of printed) {
      assert.include(text, "insufficient_claims")
      for (const secret of [address, "hunter2", base64(claims)]) assert.notInclude(text, secret)
    }
  })
})

const nested = (levels: number): string => (levels === 0 ? "1" : `{"a":${nested(levels - 1)}}`)
const sized = (bytes: number): string => `{"a":"${"b".repeat(bytes - 8)}"}`

describe("claims", () => {
  const forms: ReadonlyArray<(claims: string) => string> = [
    (claims) => `Bearer claims="${base64(claims)}"`,
    (claims) => `Bearer claims=${Buffer.from(claims).toString("base64url")}`,
    (claims) => `Bearer claims="${claims.replace(/["\\]/g, "\\$&")}"`,
    (claims) => `Bearer claims=${claims}`
  ]

  it.each(["{}", ' { "a" : [ ] } ', sized(8192), sized(8191), sized(8190), nested(16), '{"a":"\\ud83d\\u0000"}'])(
    "are a JSON object, and stay as they are (%#)",
    (claims) => {
      for (const form of forms.slice(0, 3)) assert.strictEqual(claimsOf(form(claims)), claims)
    }
  )

  it.each([
    "",
    "null",
    "[]",
    '[{"a":1}]',
    "1",
    '"a"',
    "{",
    '{"a":1}}',
    sized(8193),
    sized(30_000),
    sized(1024 * 1024),
    `{"a":"${"ü".repeat(4093)}"}`,
    nested(17),
    nested(4000),
    "[".repeat(8192)
  ])("that are anything else make no challenge (%#)", (claims) => {
    for (const form of forms.slice(0, claims.includes("ü") ? 2 : 4)) assert.isUndefined(claimsOf(form(claims)))
  })

  it.each(["e", "e3", "e30=a", "=", "====", "e 30=", "e3*0", "%7B%7D", "77u/e30=", "eyJhIjoi/yJ9", "ｅ30="])(
    "that are no base64 of UTF-8 make no challenge: %s",
    (member) => {
      assert.isUndefined(claimsOf(`Bearer claims="${member}"`))
    }
  )
})

it.each([undefined, "", "Bearer", "Basic realm=a", 'claims="e30="', 'Bearer realm=""', "Bearer e30="])(
  "there is no claims challenge in %s",
  (header) => {
    assert.isUndefined(ClaimsChallenge.parse(header))
  }
)

const piece = FastCheck.constantFrom(
  ...recorded.map(([, header]) => header),
  "Bearer ",
  ", ",
  'claims="',
  '"',
  "{",
  "="
)
const anything = FastCheck.oneof(
  FastCheck.string({ unit: "binary" }),
  FastCheck.array(FastCheck.oneof(piece, FastCheck.string({ maxLength: 5 })), { maxLength: 6 }).map((list) =>
    list.join("")
  )
)

it.prop("whatever a field is, reading it gives what it promises", [anything], ([header]) => {
  const challenge = ClaimsChallenge.parse(header)
  if (challenge !== undefined) assert.isObject(JSON.parse(challenge.claims))
  ClaimsChallenge.bearerError(header)
  ClaimsChallenge.stepUp(header)
  const { tenantId } = ClaimsChallenge.hints(header, new URL("https://a.vault.azure.net/"))
  if (tenantId !== undefined) assert.strictEqual(tenantId, tenant)
})

describe("an error of RFC 6750", () => {
  it.each(["invalid_request", "invalid_token", "insufficient_scope"])("is told: %s", (error) => {
    assert.deepStrictEqual<unknown>(ClaimsChallenge.bearerError(`Basic realm=a, Bearer error=${error}, scope="a b"`), {
      error,
      scope: "a b",
      description: undefined
    })
  })

  it("comes with prose that is not printed", () => {
    const error = ClaimsChallenge.bearerError('Bearer error="invalid_token", error_description="hunter2"')
    assert.strictEqual(Redacted.value(error?.description ?? Redacted.make("")), "hunter2")
    assert.notInclude(JSON.stringify(error) + inspect(error), "hunter2")
  })

  it("is the first one", () => {
    const header = "Bearer error=insufficient_claims, Bearer error=insufficient_scope, Bearer error=invalid_token"
    assert.strictEqual(ClaimsChallenge.bearerError(header)?.error, "insufficient_scope")
  })

  it.each([
    undefined,
    "Bearer",
    "Bearer error=insufficient_claims",
    "Bearer errors=invalid_token",
    "PoP error=invalid_token"
  ])("is not in %s", (header) => {
    assert.isUndefined(ClaimsChallenge.bearerError(header))
  })
})

describe("a step-up of RFC 9470", () => {
  it("tells the sign-in that is wanted", () => {
    const header =
      'Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="myACR  otherACR", max_age="5", scope="a"'
    const stepUp = ClaimsChallenge.stepUp(`Basic realm=a, ${header}`)
    assert.deepInclude(stepUp, { acrValues: ["myACR", "otherACR"], maxAge: 5, scope: "a" })
    assert.strictEqual(
      Redacted.value(stepUp?.description ?? Redacted.make("")),
      "A different authentication level is required"
    )
    assert.notInclude(JSON.stringify(stepUp) + inspect(stepUp), "different")
  })

  it.each([
    ["", undefined],
    ["-1", undefined],
    ["1.5", undefined],
    ["1e3", undefined],
    ["soon", undefined],
    ["9999999999", undefined],
    ["0", 0],
    ["999999999", 999_999_999]
  ])("of the age %j is %s", (age, maxAge) => {
    const stepUp = ClaimsChallenge.stepUp(`Bearer error=insufficient_user_authentication, max_age="${age}"`)
    assert.deepStrictEqual(stepUp, { acrValues: [], maxAge, scope: undefined, description: undefined })
  })

  it.each([undefined, "Bearer acr_values=a", "Bearer error=invalid_token, max_age=5"])("is not in %s", (header) => {
    assert.isUndefined(ClaimsChallenge.stepUp(header))
  })
})

describe("a challenge teaches", () => {
  const vault = new URL("https://contoso.vault.azure.net/secrets/a?api-version=7.4")
  const hints = (header: string, url = vault) => ClaimsChallenge.hints(header, url)
  const known = { tenantId: tenant, resource: "https://vault.azure.net" }

  it.each([
    ["ARM", recorded[4]?.[1] ?? "", "https://management.azure.com/", undefined],
    ["Key Vault", recorded[5]?.[1] ?? "", vault, known.resource],
    ["Storage", recorded[7]?.[1] ?? "", "https://contoso.blob.core.windows.net/a", undefined]
  ])("the tenant: %s", (_, header, url, resource) => {
    assert.deepStrictEqual(hints(header, new URL(url)), { tenantId: tenant, resource })
  })

  it.each([
    `authorization_uri="https://login.windows.net/${tenant.toUpperCase()}"`,
    `authorization="https://login.windows.net/${tenant}/"`,
    `authority=https://login.windows.net/${tenant}/oauth2/v2.0/authorize?a=b`,
    `authorization_uri="https://login.windows.net/common", authority="https://login.windows.net/${tenant}"`
  ])("the tenant's GUID of %s", (parameters) => {
    assert.strictEqual(hints(`Basic realm=a, Bearer ${parameters}`).tenantId, tenant)
  })

  it.each([
    "https://login.windows.net/common/oauth2/authorize",
    "https://login.windows.net/organizations",
    "https://login.windows.net/contoso.onmicrosoft.com",
    "https://login.windows.net/",
    `https://login.windows.net/a/${tenant}`,
    `https://login.windows.net/?${tenant}`,
    `https://a:b@login.windows.net/${tenant}`,
    `http://login.windows.net/${tenant}`,
    `javascript:/${tenant}`,
    `/${tenant}`,
    tenant,
    ""
  ])("no tenant: %s", (uri) => {
    assert.isUndefined(hints(`Bearer authorization_uri="${uri}"`).tenantId)
    assert.isUndefined(hints(`PoP authorization_uri="https://login.windows.net/${tenant}"`).tenantId)
  })

  it.each([
    ["resource", "https://vault.azure.net"],
    ["resource", "https://contoso.vault.azure.net"],
    ["resource", "https://vault.azure.net/"],
    ["resource", "https://azure.net/path"],
    ["resource_id", "https://vault.azure.net"]
  ])("the resource whose host, or whose host's child, was asked: %s %s", (name, resource) => {
    assert.strictEqual(hints(`Bearer ${name}="${resource}"`).resource, resource)
    assert.isUndefined(hints(`PoP ${name}="${resource}"`).resource)
  })

  it("the resource of a scope that ends it", () => {
    assert.strictEqual(hints('Bearer scope="https://vault.azure.net/.default"').resource, known.resource)
    assert.strictEqual(hints('Bearer scope="https://vault.azure.net//.default"').resource, undefined)
    for (const scope of ["https://vault.azure.net", "https://vault.azure.net/a", "a https://vault.azure.net/.default"])
      assert.isUndefined(hints(`Bearer scope="${scope}"`).resource)
  })

  it("the first resource that may be believed", () => {
    const header =
      'Bearer resource="https://graph.microsoft.com", resource_id="https://vault.azure.net", Bearer resource="https://azure.net"'
    assert.strictEqual(hints(header).resource, "https://vault.azure.net")
  })

  it.each([
    "https://graph.microsoft.com",
    "https://evil.example/https://vault.azure.net",
    "https://evil.example/.vault.azure.net",
    "https://ault.azure.net",
    "https://xcontoso.vault.azure.net",
    "https://a.contoso.vault.azure.net",
    "https://net",
    "https://contoso.vault.azure.net@graph.microsoft.com",
    "https://graph.microsoft.com@vault.azure.net",
    "https://vault.azure.net?a",
    "https://vault.azure.net/?a",
    "https://vault.azure.net#a",
    "https://vault.azure.net a",
    " https://vault.azure.net",
    "https:vault.azure.net",
    "https:\\\\\\\\vault.azure.net",
    "HTTPS://vault.azure.net",
    "http://vault.azure.net",
    "api://vault.azure.net",
    "vault.azure.net",
    "00000003-0000-0000-c000-000000000000",
    "."
  ])("no other resource: %s", (resource) => {
    assert.isUndefined(hints(`Bearer resource="${resource}"`).resource)
  })

  it("a resource of this machine its own name alone", () => {
    const url = new URL("http://localhost:8080/api")
    assert.strictEqual(hints("Bearer resource=http://localhost:8080", url).resource, "http://localhost:8080")
    assert.isUndefined(hints("Bearer resource=https://vault.azure.net", url).resource)
  })

  it("nothing where there is none", () => {
    assert.deepStrictEqual(ClaimsChallenge.hints(undefined, vault), { tenantId: undefined, resource: undefined })
  })
})

describe("a challenge and what the client can do", () => {
  it("are merged, the challenge the winner", () => {
    assert.strictEqual(
      ClaimsChallenge.merge('{"access_token":{"acrs":{"essential":true,"value":"c1"}}}', ["cp1"]),
      '{"access_token":{"xms_cc":{"values":["cp1"]},"acrs":{"essential":true,"value":"c1"}}}'
    )
    assert.strictEqual(
      ClaimsChallenge.merge('{"access_token":{"xms_cc":{"essential":true,"values":["cp2"]}}}', ["cp1"]),
      '{"access_token":{"xms_cc":{"values":["cp1","cp2"],"essential":true}}}'
    )
  })

  it("are the one that is there", () => {
    assert.strictEqual(ClaimsChallenge.merge('{ "a":1}', []), '{ "a":1}')
    assert.strictEqual(ClaimsChallenge.merge(undefined, ["cp1"]), '{"access_token":{"xms_cc":{"values":["cp1"]}}}')
    assert.isUndefined(ClaimsChallenge.merge(undefined, []))
  })
})
