import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { appKey, joinKey } from "../../src/cache/cacheKey.js"

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

describe("an app's key", () => {
  const app = {
    clientId: "11111111-2222-3333-4444-555555555555",
    environment: "login.windows.net",
    tenantId: "contoso.com",
    scopeKey: "https://graph.microsoft.com/.default"
  }

  it("has one partition for all resources of one principal", () => {
    const other = appKey({ ...app, scopeKey: "https://vault.azure.net/.default" })
    assert.strictEqual(other.partition, appKey(app).partition)
    assert.notStrictEqual(other.id, appKey(app).id)
  })

  it.each(["clientId", "environment", "tenantId"] as const)("has another partition for another %s", (name) => {
    assert.notStrictEqual(appKey({ ...app, [name]: "another" }).partition, appKey(app).partition)
  })
})
