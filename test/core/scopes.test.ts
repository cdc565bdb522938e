import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck } from "effect"
import { parseScopes, type Scopes } from "../../src/core/scopes.js"

const parse = (scopes: Scopes, isEntra = true) => parseScopes(scopes, { isEntra })
const keyOf = (scopes: Scopes, isEntra?: boolean) => Either.getOrThrow(parse(scopes, isEntra)).key

const refusalOf = (scopes: Scopes, isEntra?: boolean) => {
  const error = Either.getOrThrow(Either.flip(parse(scopes, isEntra)))
  assert.strictEqual(error._tag, "ConfigurationError")
  assert.strictEqual(error.parameter, "scopes")
  assert.isNotEmpty(error.remedy)
  return error.expected
}

const scopeToken = FastCheck.stringMatching(/^[a-z.]{1,12}$/)

describe("scopes", () => {
  it("a single one may be given as text", () => {
    const graph = "https://graph.microsoft.com/.default"
    assert.deepStrictEqual(parse(graph), parse([graph]))
    assert.deepStrictEqual(Either.getOrThrow(parse(graph)).scopes, [graph])
  })

  it.prop("order and repetition mean nothing", [FastCheck.array(scopeToken, { minLength: 1 })], ([scopes]) => {
    assert.strictEqual(keyOf([...scopes].reverse()), keyOf([...scopes, ...scopes]))
    assert.strictEqual(Either.getOrThrow(parse(scopes)).scopes.length, new Set(scopes).size)
  })

  it("case means nothing to Entra", () => {
    assert.strictEqual(keyOf("User.Read"), keyOf("user.read"))
    assert.strictEqual(Either.getOrThrow(parse(["User.Read", "USER.READ"])).scopes.length, 1)
  })

  it("case means something to every other authority", () => {
    assert.notStrictEqual(keyOf("User.Read", false), keyOf("user.read", false))
    assert.strictEqual(Either.getOrThrow(parse(["User.Read", "user.read"], false)).scopes.length, 2)
  })

  it("are sent as they were written", () => {
    assert.deepStrictEqual(Either.getOrThrow(parse(["User.Read", "Mail.Send"])).scopes, ["User.Read", "Mail.Send"])
  })
})

describe("scopes are refused", () => {
  it("when there are none", () => {
    assert.strictEqual(refusalOf([]), "at least one scope")
  })

  const unwritable = [
    "",
    " ",
    "User.Read Mail.Send",
    "User.Read\n",
    'say"hello"',
    "back\\slash",
    "tab\tbed",
    "naïve",
    "\u0000"
  ]
  it.each(unwritable)("when one can't be written in a request: %j", (scope) => {
    for (const isEntra of [true, false]) {
      assert.strictEqual(refusalOf(scope, isEntra), "each scope without spaces, quotes or backslashes")
      assert.strictEqual(refusalOf(["User.Read", scope], isEntra), refusalOf(scope, isEntra))
    }
  })

  it.each([
    ["of two hosts", ["https://graph.microsoft.com/User.Read", "https://vault.azure.net/.default"]],
    ["of two application id URIs", ["api://orders/read", "api://invoices/read"]],
    ["of two paths of one host", ["api://host/orders/.default", "api://host/invoices/.default"]],
    ["of a host and of a path of it", ["api://host//.default", "api://host/orders/.default"]],
    ["of two client ids", [`${"1".repeat(8)}/.default`, `${"2".repeat(8)}/.default`]]
  ])("by Entra, when they are those of two resources: %s", (_, scopes) => {
    assert.strictEqual(refusalOf(scopes), "the scopes of one resource")
    assert.isTrue(Either.isRight(parse(scopes, false)))
  })

  it.each([
    [
      "of one resource, in whatever case",
      ["https://graph.microsoft.com/User.Read", "https://GRAPH.microsoft.com/Mail.Read"]
    ],
    [
      "of one resource whose name ends in a slash",
      [
        "https://vault.azure.net//.default",
        "https://vault.azure.net/.default",
        "https://vault.azure.net/user_impersonation"
      ]
    ],
    ["of one resource whose name has a path", ["api://host/orders/.default", "api://host/orders/read"]],
    [
      "that name no resource",
      ["User.Read", "openid", "profile", "offline_access", "https://graph.microsoft.com/Mail.Read"]
    ]
  ])("but not those %s", (_, scopes) => {
    assert.isTrue(Either.isRight(parse(scopes)))
  })
})
