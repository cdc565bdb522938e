import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Redacted } from "effect"
import { type Body, readBody } from "../../src/protocol/wire.js"

const minimal = { access_token: "token", token_type: "Bearer" }

const tokenOf = (json: object) => {
  const body = readBody(JSON.stringify(json))
  assert(body._tag === "Success", body._tag)
  return body.response
}

const errorOf = (json: object) => {
  const body = readBody(JSON.stringify(json))
  assert(body._tag === "Error", body._tag)
  return body.response
}

const unreadable = (reason: Extract<Body<never>, { _tag: "Unreadable" }>["reason"]): Body<never> => ({
  _tag: "Unreadable",
  reason
})

describe("a token response", () => {
  it("of v2 writes numbers", () => {
    const response = tokenOf({ ...minimal, expires_in: 3599, ext_expires_in: 3599, refresh_in: 1800 })
    assert.deepStrictEqual([response.expires_in, response.ext_expires_in, response.refresh_in], [3599, 3599, 1800])
    assert.deepStrictEqual(response.access_token, Redacted.make("token"))
  })

  it("of v1, of AD FS, of managed identities and of proxies writes numbers as strings", () => {
    const response = tokenOf({ ...minimal, expires_in: "3599", expires_on: "1735689600", ext_expires_in: "0" })
    assert.deepStrictEqual(
      [response.expires_in, response.expires_on, response.ext_expires_in],
      [3599, 1_735_689_600, 0]
    )
  })

  it("needs neither a lifetime nor scopes", () => {
    const { expires_in, scope } = tokenOf(minimal)
    assert.deepStrictEqual([expires_in, scope], [undefined, undefined])
  })

  it.each(["Bearer", "bearer", "BEARER"])(
    "is of the type %s in any case, which is kept as it was written",
    (token_type) => {
      assert.strictEqual(tokenOf({ ...minimal, token_type }).token_type, token_type)
    }
  )

  it("may hold members that nobody knows", () => {
    const { access_token } = tokenOf({ ...minimal, resource: "00000002", profile_info: {}, key_id: [1], "": null })
    assert.strictEqual(Redacted.value(access_token), "token")
  })

  it("keeps all that is a credential wrapped", () => {
    const secrets = { refresh_token: "hunter2", id_token: "hunter3", client_info: "hunter4" }
    const response = tokenOf({ ...minimal, access_token: "hunter1", ...secrets })
    assert.notInclude(JSON.stringify(response), "hunter")
    assert.deepStrictEqual(response.refresh_token, Redacted.make("hunter2"))
    assert.deepStrictEqual(response.id_token, Redacted.make("hunter3"))
    assert.deepStrictEqual(response.client_info, Redacted.make("hunter4"))
  })

  const extras: ReadonlyArray<readonly [member: keyof ReturnType<typeof tokenOf>, values: ReadonlyArray<unknown>]> = [
    ["expires_in", [null, -1, "", " ", "soon", "NaN", "Infinity", true, [], {}, 1e300, "1e300"]],
    ["expires_on", [null, -1, "2025-01-01T00:00:00Z", 253_402_300_800, 1e300]],
    ["refresh_in", [null, "later", 1e300]],
    ["ext_expires_in", [null, false, 1e300]],
    ["scope", [null, 1, ["User.Read"]]],
    ["refresh_token", [null, "", 1, {}]],
    ["id_token", [null, "", {}]],
    ["client_info", [null, "", {}]],
    ["foci", [null, 1]]
  ]
  it.each(extras)("is not lost to a malformed %s, which counts as absent", (member, values) => {
    for (const value of values)
      assert.isUndefined(tokenOf({ ...minimal, [member]: value })[member], JSON.stringify(value))
  })

  it.each([
    ["its token is missing", { token_type: "Bearer" }],
    ["its token is empty", { access_token: "", token_type: "Bearer" }],
    ["its token is null", { access_token: null, token_type: "Bearer" }],
    ["its token is no text", { access_token: 1, token_type: "Bearer" }],
    ["its type is missing", { access_token: "token" }],
    ["its type is null", { access_token: "token", token_type: null }],
    ["its type is another", { access_token: "token", token_type: "pop" }],
    ["it is empty", {}],
    ["it holds an error, too", { ...minimal, error: "invalid_grant" }]
  ])("is none when %s", (_, json) => {
    assert.deepStrictEqual(readBody(JSON.stringify(json)), unreadable("unexpectedShape"))
  })
})

describe("a member that is null or empty counts as absent", () => {
  it.each([null, ""])("an error of %j beside a token is none", (error) => {
    assert.deepStrictEqual(tokenOf({ ...minimal, error }).access_token, Redacted.make("token"))
  })

  it.each([null, ""])("a token of %j beside an error is none", (access_token) => {
    assert.strictEqual(errorOf({ ...minimal, access_token, error: "invalid_grant" }).error, "invalid_grant")
  })

  it.each([null, ""])("neither the one nor the other, when both are %j", (nothing) => {
    const body = readBody(JSON.stringify({ ...minimal, access_token: nothing, error: nothing }))
    assert.deepStrictEqual(body, unreadable("unexpectedShape"))
  })
})

describe("an error response", () => {
  const trace_id = "0f5d4e1a-8c55-4b0a-9d0d-2a6b1f3c5e00"

  it("needs nothing but its error", () => {
    assert.strictEqual(errorOf({ error: "invalid_request" }).error, "invalid_request")
  })

  it.each([
    ["numbers", [70002, 500133], [70002, 500133]],
    ["numbers as strings", ["70002", "500133"], [70002, 500133]],
    ["one number", 7000215, [7000215]],
    ["one number as a string", "7000215", [7000215]],
    ["none", [], []]
  ])("tells its codes as %s", (_, written, read) => {
    assert.deepStrictEqual(errorOf({ error: "invalid_grant", error_codes: written }).error_codes, read)
  })

  it.each([[null], [0], [-1], [1.5], ["AADSTS50076"], [[50076, "x"]], [{}], [true]])(
    "counts codes that are none as absent: %j",
    (error_codes) => {
      assert.isUndefined(errorOf({ error: "invalid_grant", error_codes }).error_codes)
    }
  )

  it("tells claims as the text that they are", () => {
    const claims = '{"access_token":{"polids":{"essential":true,"Values":["guid"]}}}'
    assert.strictEqual(errorOf({ error: "interaction_required", claims }).claims, claims)
    assert.isUndefined(errorOf({ error: "interaction_required", claims: JSON.parse(claims) }).claims)
  })

  it("tells no claims when they are empty, or longer than any policy writes them", () => {
    const claimsOf = (claims: string) => errorOf({ error: "interaction_required", claims }).claims
    const longest = `{"a":"${"x".repeat(8184)}"}`
    assert.lengthOf(longest, 8192)
    assert.strictEqual(claimsOf(longest), longest)
    assert.isUndefined(claimsOf(`${longest} `))
    assert.isUndefined(claimsOf(""))
  })

  it("keeps an id only when it is a GUID", () => {
    assert.strictEqual(errorOf({ error: "invalid_grant", trace_id }).trace_id, trace_id)
    for (const id of ["", "1", `${trace_id}\n`, "<script>", `\u001b[31m${trace_id}`, 1, null])
      assert.isUndefined(errorOf({ error: "invalid_grant", trace_id: id, correlation_id: id }).trace_id)
  })

  it.each(["", "a\nb", 'a"b', "a\\b", "\u001b[31mred", "é", "x".repeat(129), null, 400, {}, ["invalid_grant"]])(
    "is none when its error can't be one by RFC 6749: %j",
    (error) => {
      assert.deepStrictEqual(readBody(JSON.stringify({ error })), unreadable("unexpectedShape"))
    }
  )

  it.each(["", "a\nb", "x".repeat(129), 1, null])("counts a suberror that can't be one as absent: %j", (suberror) => {
    assert.isUndefined(errorOf({ error: "invalid_grant", suberror }).suberror)
  })

  it("may hold what old answers held", () => {
    const { error } = errorOf({ error: "invalid_grant", submit_url: null, context: null, error_uri: "https://x" })
    assert.strictEqual(error, "invalid_grant")
  })
})

describe("a body that is neither", () => {
  const table: ReadonlyArray<readonly [body: string, reason: Parameters<typeof unreadable>[0]]> = [
    ["", "notJson"],
    [" \r\n", "notJson"],
    ["<html><body>503</body></html>", "notJson"],
    ["Too many requests", "notJson"],
    ["access_token=token&token_type=Bearer", "notJson"],
    ["[", "notJson"],
    ["{", "truncated"],
    ['{"access_token":"to', "truncated"],
    ['\n{"error":"inv', "truncated"],
    ["null", "unexpectedShape"],
    ["true", "unexpectedShape"],
    ["42", "unexpectedShape"],
    ['"invalid_grant"', "unexpectedShape"],
    ["[]", "unexpectedShape"],
    ['[{"error":"invalid_grant"}]', "unexpectedShape"],
    ["{}", "unexpectedShape"],
    ['{"__proto__":{"error":"invalid_grant"}}', "unexpectedShape"],
    ['{"Error":"invalid_grant"}', "unexpectedShape"]
  ]
  it.each(table)("%j is %s", (body, reason) => {
    assert.deepStrictEqual(readBody(body), unreadable(reason))
  })
})

it("spaces and a byte order mark around a body mean nothing", () => {
  assert.strictEqual(readBody(`\uFEFF \r\n${JSON.stringify(minimal)}\n`)._tag, "Success")
})

it.prop("reading a body never throws, and what is wrong is told without its text", [FastCheck.string()], ([body]) => {
  assert.include(["Success", "Error", "Unreadable"], readBody(body)._tag)
})
