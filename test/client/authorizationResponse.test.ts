import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Redacted } from "effect"
import { AuthCodeFlow } from "../../src/client/AuthorizationCode.js"
import { parametersOf, wrongIn } from "../../src/client/authorizationResponse.js"

const startedAt = Date.UTC(2025, 5, 30, 12)
const issuer = "https://id.example"
const state = "s".repeat(43)

const flowOf = (change: Partial<ConstructorParameters<typeof AuthCodeFlow>[0]> = {}) =>
  new AuthCodeFlow({
    state: Redacted.make(state),
    nonce: Redacted.make("nonce"),
    codeVerifier: Redacted.make("verifier"),
    redirectUri: "https://app.example/callback",
    scopes: ["x"],
    issuer,
    isIssuerReturned: false,
    startedAt,
    ...change
  })

const judge = (response: string, flow = flowOf(), now = startedAt) =>
  wrongIn(flow, parametersOf(new URLSearchParams(response)), now)

describe("the parameters of a response", () => {
  it("are those of the query or of the form", () => {
    const expected = { code: "c d", state: "s" }
    assert.deepStrictEqual<unknown>({ ...parametersOf(new URLSearchParams("code=c+d&state=s")) }, expected)
    assert.deepStrictEqual<unknown>(
      { ...parametersOf({ ...expected, other: undefined }) },
      { ...expected, other: undefined }
    )
  })

  it.each([
    new URLSearchParams("code=a&code=b"),
    new URLSearchParams("code=a&code=a"),
    new URLSearchParams("code=a&code=b&code=c"),
    { code: ["a", "b"] },
    { code: ["a"] },
    {}
  ])("are none where they are given twice (%#)", (response) => {
    assert.isUndefined(parametersOf(response).code)
  })

  it("have any name, and no other's meaning", () => {
    const parameters = parametersOf(new URLSearchParams("__proto__=x&toString=y&constructor=z"))
    assert.deepStrictEqual(Object.entries(parameters), [
      ["__proto__", "x"],
      ["toString", "y"],
      ["constructor", "z"]
    ])
    assert.isUndefined(parametersOf({}).toString)
  })

  it.prop(
    "are each of them once",
    [FastCheck.array(FastCheck.tuple(FastCheck.constantFrom("a", "b", "state", "__proto__"), FastCheck.string()))],
    ([pairs]) => {
      const parameters = parametersOf(new URLSearchParams(pairs))
      for (const name of ["a", "b", "state", "__proto__"]) {
        const values = pairs.filter((pair) => pair[0] === name).map((pair) => pair[1])
        assert.strictEqual(parameters[name], values.length === 1 ? values[0] : undefined)
      }
    }
  )
})

describe("the state of a response", () => {
  it("is the one that was sent", () => {
    assert.isUndefined(judge(`state=${state}`))
  })

  it.each([
    "",
    "state=",
    `state=${state.slice(1)}`,
    `state=${state}s`,
    `state=${state.slice(1)}t`,
    `state=${state}&state=${state}`,
    `State=${state}`,
    `state=${state.toUpperCase()}`
  ])("is not %s", (response) => {
    assert.strictEqual(judge(response), "state")
  })

  it("is looked at first", () => {
    assert.strictEqual(judge("iss=https://evil.example", flowOf(), startedAt + 3_600_000), "state")
  })
})

describe("the issuer of a response", () => {
  const from = (iss: string) => `state=${state}&iss=${encodeURIComponent(iss)}`

  it("need not be told, unless the provider says that it is", () => {
    assert.isUndefined(judge(`state=${state}`))
    assert.strictEqual(judge(`state=${state}`, flowOf({ isIssuerReturned: true })), "issuer")
    assert.isUndefined(judge(from(issuer), flowOf({ isIssuerReturned: true })))
  })

  it.each([true, false])("must be the right one where it is told (required: %s)", (isIssuerReturned) => {
    for (const iss of ["https://evil.example", `${issuer}/`, "", issuer.toUpperCase(), `${issuer}.evil.example`])
      assert.strictEqual(judge(from(iss), flowOf({ isIssuerReturned })), "issuer", iss)
    assert.isUndefined(judge(from(issuer), flowOf({ isIssuerReturned })))
  })

  it("is none when it is told twice, where it is required", () => {
    assert.strictEqual(judge(`${from(issuer)}&iss=x`, flowOf({ isIssuerReturned: true })), "issuer")
  })

  const tid = "abcdef11-2222-3333-4444-55555555abcd"
  const of = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`
  const template = flowOf({ issuer: of("{tenantid}"), isIssuerReturned: true })

  it("may be that of any tenant where the metadata has a place for it", () => {
    for (const tenant of [tid, tid.toUpperCase()]) assert.isUndefined(judge(from(of(tenant)), template))
  })

  it.each([
    of("{tenantid}"),
    of("common"),
    of(""),
    `https://evil.example/${tid}/v2.0`,
    `${of(tid)}/`,
    of(`${tid}/x`),
    of(`${tid}0`),
    `${of("common")}?${tid}`,
    `https://${tid}/v2.0`
  ])("is not %s where it has a place for the tenant", (iss) => {
    assert.strictEqual(judge(from(iss), template), "issuer")
  })
})

describe("the time of a response", () => {
  it("is within ten minutes of the sign-in's beginning", () => {
    const late = (millis: number) => judge(`state=${state}`, flowOf(), startedAt + millis)
    assert.isUndefined(late(0))
    assert.isUndefined(late(600_000))
    assert.strictEqual(late(600_001), "expired")
    assert.strictEqual(late(Number.POSITIVE_INFINITY), "expired")
    assert.strictEqual(late(-1), "expired")
  })
})
