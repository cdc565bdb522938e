import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { type Holder, joinKey, partitionOf, spread, tokenKey } from "../../src/cache/cacheKey.js"

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
  const holder: Holder = {
    clientId: "11111111-2222-3333-4444-555555555555",
    environment: "login.windows.net",
    kind: "app",
    id: "contoso.com",
    session: ""
  }
  const scope = "https://graph.microsoft.com/.default"
  const token = {
    partition: partitionOf(holder),
    kind: ["Bearer"],
    scopeKey: scope,
    target: { tenantId: "contoso.com", scopes: [scope], isPlain: true }
  }

  it("has one partition and one family for all scopes of one holder", () => {
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

  const others: ReadonlyArray<Partial<Holder>> = [
    { clientId: "another" },
    { environment: "another" },
    { kind: "account" },
    { id: "another" },
    { session: "another" }
  ]
  it.each(others)("has another partition for %j", (other) => {
    assert.notStrictEqual(partitionOf({ ...holder, ...other }).id, partitionOf(holder).id)
  })

  it("has the same group for another holder of the same kind and session, and no other", () => {
    assert.strictEqual(partitionOf({ ...holder, id: "another" }).group.id, partitionOf(holder).group.id)
    for (const other of others.filter(({ id }) => id === undefined))
      assert.notStrictEqual(partitionOf({ ...holder, ...other }).group.id, partitionOf(holder).group.id)
  })

  it.prop(
    "begins with its family, which begins with its partition, which begins with its group, and with no other",
    [part, parts, part, part, parts, part],
    ([id, kind, scopeKey, otherId, otherKind, otherScope]) => {
      const keyOf = (name: string, what: ReadonlyArray<string>, scopes: string) =>
        tokenKey({ ...token, partition: partitionOf({ ...holder, id: name }), kind: what, scopeKey: scopes })
      const [one, two] = [keyOf(id, kind, scopeKey), keyOf(otherId, otherKind, otherScope)]
      assert.isTrue(one.id.startsWith(one.family) && one.family.startsWith(one.partition.id))
      assert.isTrue(one.partition.id.startsWith(one.partition.group.id))
      assert.strictEqual(one.id.startsWith(two.partition.id), id === otherId)
      assert.strictEqual(
        one.id.startsWith(two.family),
        id === otherId && JSON.stringify(kind) === JSON.stringify(otherKind)
      )
      assert.strictEqual(
        one.id === two.id,
        JSON.stringify([id, kind, scopeKey]) === JSON.stringify([otherId, otherKind, otherScope])
      )
    },
    { fastCheck: { numRuns: 5000 } }
  )
})

describe("spread", () => {
  it.prop("is a whole number of 31 bits", [FastCheck.fullUnicodeString()], ([text]) => {
    assert.isTrue(Number.isInteger(spread(text)) && spread(text) >= 0 && spread(text) < 2 ** 31)
  })

  it("spreads the ids of users of one tenant", () => {
    const count = 10_000
    const hex = (index: number) => Math.imul(index, 0x9e3779b1) >>> 0
    const ids = Array.from(
      { length: count },
      (_, index) => `${hex(index).toString(16)}-1111-2222-3333-444444444444.tenant`
    )
    const parts = new Map<number, number>()
    for (const id of ids) {
      const part = spread(id) & 31
      parts.set(part, (parts.get(part) ?? 0) + 1)
    }
    assert.strictEqual(parts.size, 32)
    assert.isBelow(Math.max(...parts.values()), (2 * count) / 32)
  })
})
