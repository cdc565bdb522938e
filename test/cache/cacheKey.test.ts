import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { joinKey, tokenKey } from "../../src/cache/cacheKey.js"

/** Made of what a key is joined with, so that parts are easily mistaken for one another. */
const likely = FastCheck.stringOf(FastCheck.constantFrom(":", "1", "a"), { maxLength: 3 })
const part = FastCheck.oneof(likely, likely, FastCheck.fullUnicodeString({ maxLength: 4 }))
const parts = FastCheck.array(part, { maxLength: 3 })

describe("joinKey", () => {
  it.prop(
    "different lists of parts never make the same key",
    [parts, parts],
    ([one, two]) => {
      assert.strictEqual(joinKey(...one) === joinKey(...two), JSON.stringify(one) === JSON.stringify(two))
    },
    { fastCheck: { numRuns: 20_000 } }
  )

  it.each([
    [
      ["a", "b"],
      ["ab", ""]
    ],
    [["1:a"], ["a", ""]],
    [["a:"], ["a", ""]],
    [["a:b"], ["a", "b"]],
    [["a1:b"], ["a", "b"]],
    [[], [""]],
    [[""], ["", ""]]
  ])("%j is not %j", (one, two) => {
    assert.notStrictEqual(joinKey(...one), joinKey(...two))
  })
})

describe("a token's key", () => {
  const token = {
    principal: ["11111111-2222-3333-4444-555555555555", "login.windows.net", "contoso.com", "app"],
    kind: ["Bearer"],
    scopeKey: "https://graph.microsoft.com/.default"
  }

  it("has one partition and one family for all scopes of one principal", () => {
    const other = tokenKey({ ...token, scopeKey: "https://vault.azure.net/.default" })
    assert.strictEqual(other.partition, tokenKey(token).partition)
    assert.strictEqual(other.family, tokenKey(token).family)
    assert.notStrictEqual(other.id, tokenKey(token).id)
  })

  it("has another family in the same partition for another kind", () => {
    const other = tokenKey({ ...token, kind: ["Bearer", "cp1"] })
    assert.strictEqual(other.partition, tokenKey(token).partition)
    assert.notStrictEqual(other.family, tokenKey(token).family)
  })

  it.each([0, 1, 2, 3])("has another partition for another part %i of the principal", (index) => {
    const principal = token.principal.with(index, "another")
    assert.notStrictEqual(tokenKey({ ...token, principal }).partition, tokenKey(token).partition)
  })
})
