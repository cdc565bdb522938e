import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck, Redacted } from "effect"
import { TransportError } from "../../src/core/TokenError.js"
import * as Grants from "../../src/protocol/grants.js"
import * as Bodies from "./bodies.js"
import { type AnyGrant, ask, check, classifyOutcome, failureOf } from "./classified.js"

describe("a token", () => {
  it.each([
    ["of an app", Bodies.appToken, Grants.clientCredentials],
    ["of v1, its numbers as strings", Bodies.v1Token, Grants.clientCredentials],
    ["of a user", Bodies.userToken, Grants.refreshToken],
    [
      "with members that nobody knows",
      { ...Bodies.appToken, spa_code: "0.x", key_id: 7, nested: { a: [] } },
      Grants.refreshToken
    ],
    ["to a device", Bodies.userToken, Grants.deviceCode]
  ] as const)("%s", (_, body, grant) => {
    for (const authority of ["entra", "custom"] as const) {
      const response = Either.getOrThrow(ask(body, { status: 200, grant, authority }))
      assert.strictEqual(Redacted.value(response.access_token), "eyJ0eXAi.e30.sig")
      assert.strictEqual(response.expires_in, 3599)
    }
  })

  it("is none with a status that promises none", () => {
    for (const status of [400, 401, 404, 302, 429, 500, 503])
      assert.isTrue(Either.isLeft(ask(Bodies.appToken, { status })), `HTTP ${status}`)
  })
})

describe("an answer that is none", () => {
  const malformed = (reason: string, isRetryable: boolean, status: number) => ({ reason, isRetryable, status })
  const { appToken, html } = Bodies

  check([
    ["HTML with 200", html, { status: 200 }, "MalformedResponse", malformed("notJson", true, 200)],
    ["nothing with 200", "", { status: 200 }, "MalformedResponse", malformed("notJson", true, 200)],
    ["nothing with 204", "", { status: 204 }, "MalformedResponse", malformed("notJson", true, 204)],
    ["nothing with 404", "", { status: 404 }, "MalformedResponse", malformed("notJson", false, 404)],
    ["HTML with 403", html, { status: 403 }, "MalformedResponse", malformed("notJson", false, 403)],
    ["{} with 200", "{}", { status: 200 }, "MalformedResponse", malformed("unexpectedShape", true, 200)],
    ["{} with 400", "{}", { status: 400 }, "MalformedResponse", malformed("unexpectedShape", false, 400)],
    ["null", "null", { status: 200 }, "MalformedResponse", malformed("unexpectedShape", true, 200)],
    ["an array", "[]", { status: 200 }, "MalformedResponse", malformed("unexpectedShape", true, 200)],
    [
      "truncated JSON with 200",
      '{"access_token":"ey',
      { status: 200 },
      "MalformedResponse",
      malformed("truncated", true, 200)
    ],
    [
      "truncated JSON with 400",
      '{"error":"inval',
      { status: 400 },
      "MalformedResponse",
      malformed("truncated", true, 400)
    ],
    [
      "a token and an error",
      { ...appToken, error: "invalid_grant" },
      { status: 200 },
      "MalformedResponse",
      malformed("unexpectedShape", true, 200)
    ],
    ["a token with 400", appToken, { status: 400 }, "MalformedResponse", malformed("unexpectedShape", false, 400)],
    [
      "a token of another type",
      { ...appToken, token_type: "pop" },
      { status: 200 },
      "MalformedResponse",
      malformed("unexpectedShape", true, 200)
    ],
    [
      "an empty token",
      { ...appToken, access_token: "" },
      { status: 200 },
      "MalformedResponse",
      malformed("unexpectedShape", true, 200)
    ],
    [
      "an error that can't be one",
      { error: "a\u0007b" },
      { status: 400 },
      "MalformedResponse",
      malformed("unexpectedShape", false, 400)
    ],
    ["301", "", { status: 301 }, "MalformedResponse", malformed("redirect", false, 301)],
    ["302 with a token", appToken, { status: 302 }, "MalformedResponse", malformed("redirect", false, 302)],
    ["304", "", { status: 304 }, "MalformedResponse", malformed("redirect", false, 304)],
    [
      "307 with an error",
      { error: "invalid_grant" },
      { status: 307 },
      "MalformedResponse",
      malformed("redirect", false, 307)
    ],
    ["308", html, { status: 308 }, "MalformedResponse", malformed("redirect", false, 308)],
    ["status 0, as a browser shows a redirect", "", { status: 0 }, "MalformedResponse", malformed("redirect", false, 0)]
  ])

  it("is told without anything of its text", () => {
    const failure = failureOf('{"access_token":"hunter2', { status: 200 })
    assert.notInclude(inspect(failure, { depth: 9 }) + JSON.stringify(failure), "hunter2")
  })

  it("is more than we read", () => {
    const result = classifyOutcome({ _tag: "Partial", status: 200, headers: {}, failure: "tooLarge" }, {})
    const failure = Either.getOrThrow(Either.flip(result))
    assert(failure._tag === "MalformedResponse")
    assert.strictEqual(failure.reason, "tooLarge")
    assert.isFalse(failure.isRetryable)
  })

  it("did not come", () => {
    const error = new TransportError({ reason: "refused", host: "login.example", code: "ECONNREFUSED" })
    const result = classifyOutcome({ _tag: "NoAnswer", failure: error }, {})
    assert.deepStrictEqual(result, Either.left(error))
  })
})

describe("for anything whatever", () => {
  const member = FastCheck.oneof(
    FastCheck.string(),
    FastCheck.double(),
    FastCheck.jsonValue(),
    FastCheck.constant("Bearer")
  )
  const object = FastCheck.dictionary(
    FastCheck.constantFrom(
      ...["access_token", "token_type", "expires_in", "error", "error_description", "error_codes", "suberror"],
      ...["claims", "trace_id", "correlation_id", "timestamp", "scope", "refresh_token", "refresh_in", "expires_on"]
    ),
    member
  )
  const body = FastCheck.oneof(
    FastCheck.string(),
    FastCheck.fullUnicodeString(),
    FastCheck.json(),
    object.map((json) => JSON.stringify(json)),
    object.map((json) => JSON.stringify(json).slice(0, -1)),
    object.map((json) => JSON.stringify({ access_token: "token", token_type: "bearer", ...json }))
  )
  const asked = FastCheck.record({
    status: FastCheck.oneof(
      FastCheck.constantFrom(0, 200, 400, 401, 429, 503),
      FastCheck.integer({ min: 0, max: 999 })
    ),
    headers: FastCheck.dictionary(FastCheck.constantFrom("retry-after", "retry-after-ms", "date"), FastCheck.string()),
    grant: FastCheck.constantFrom<AnyGrant>(...Object.values(Grants)),
    authority: FastCheck.constantFrom("entra" as const, "custom" as const)
  })

  it.prop(
    "classify never throws, and never yields an empty token",
    [body, asked],
    ([text, how]) => {
      const result = ask(text, how)
      if (Either.isRight(result)) {
        assert.isTrue(how.status >= 200 && how.status < 300)
        assert.isNotEmpty(Redacted.value(result.right.access_token))
        assert.strictEqual(result.right.token_type.toLowerCase(), "bearer")
      } else {
        assert.isString(result.left.message)
        assert.isBoolean(result.left.isRetryable)
      }
    },
    { fastCheck: { numRuns: 2000 } }
  )
})
