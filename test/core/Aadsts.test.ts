import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Aadsts from "../../src/core/Aadsts.js"
import { aadstsTable } from "../../src/core/aadstsTable.js"

const rows = Object.entries(aadstsTable)

const categories: ReadonlySet<Aadsts.Category> = new Set([
  "conditional_access",
  "configuration",
  "consent_required",
  "credentials",
  "interaction_required",
  "request",
  "service",
  "throttled",
  "transient",
  "unknown",
  "user"
])

describe("the table", () => {
  it("holds the 350 codes of Microsoft's reference and 26 others with their evidence", () => {
    assert.strictEqual(rows.length, 376)
    assert.strictEqual(rows.filter(([, entry]) => entry.evidence !== undefined).length, 26)
  })

  it("names every evidence by a public address", () => {
    for (const [code, { evidence }] of rows)
      if (evidence !== undefined) assert.match(evidence, /^https:\/\/\S+$/, `AADSTS${code}`)
  })

  it("describes every code, and tells what to do", () => {
    for (const [code, { category, description, remedy }] of rows) {
      assert.match(description, /\S\.$/, `description of AADSTS${code}`)
      assert.match(remedy, /\S\.$/, `remedy of AADSTS${code}`)
      assert.isTrue(categories.has(category), `category of AADSTS${code}`)
    }
  })

  it.each([
    ["50076", "interaction_required"],
    ["53003", "conditional_access"],
    ["65001", "consent_required"],
    ["7000215", "credentials"],
    ["7000222", "credentials"],
    ["700016", "configuration"],
    ["50196", "throttled"],
    ["90033", "transient"]
  ])("AADSTS%s is a matter of %s", (code, category) => {
    assert.strictEqual(Option.getOrThrow(Aadsts.lookup(code)).category, category)
  })
})

describe("lookup", () => {
  it.each([
    ["a number", 7000215],
    ["its digits", "7000215"],
    ["the code as it is written", "AADSTS7000215"],
    ["the code in lower case", "aadsts7000215"],
    ["the code between spaces", "  AADSTS7000215\n"]
  ])("finds a code by %s", (_, asked) => {
    const found = Option.getOrThrow(Aadsts.lookup(asked))
    assert.strictEqual(found.code, "AADSTS7000215")
    assert.strictEqual(found.description, aadstsTable[7000215]?.description)
  })

  it.each([
    ["a code that is not in the table", 50077123],
    ["a longer code that begins like a known one", "5007699"],
    ["the code of another server", "MSIS9605"],
    ["the code of B2C", "AADB2C90118"],
    ["a code behind zeros", "0050076"],
    ["a code behind its prefix and zeros", "AADSTS0050076"],
    ["no code", ""],
    ["a word", "toString"],
    ["a name of the prototype", "__proto__"],
    ["a negative number", -50076],
    ["a fraction", 50076.5],
    ["infinity", Number.POSITIVE_INFINITY],
    ["a code inside a sentence", "AADSTS50076: use multi-factor authentication"]
  ])("knows nothing of %s", (_, asked) => {
    assert.isTrue(Option.isNone(Aadsts.lookup(asked)))
  })
})

describe("explain", () => {
  it("tells the most specific code, which is the last one, first", () => {
    const explained = Aadsts.explain({ errorCodes: ["AADSTS70002", "AADSTS500133"] })
    assert.deepStrictEqual(
      explained.map(({ code }) => code),
      ["AADSTS500133", "AADSTS70002"]
    )
  })

  it("leaves out what it does not know", () => {
    assert.deepStrictEqual(Aadsts.explain({ errorCodes: ["MSIS9605", "AADSTS999999999"] }), [])
  })
})
