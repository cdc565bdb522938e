import { assert, describe, it } from "@effect/vitest"
import { Effect, Encoding, FastCheck, Redacted } from "effect"
import * as Assertions from "../../src/client/assertions.js"

const tokenOf = (claims: object) =>
  Redacted.make(`${Encoding.encodeBase64Url("{}")}.${Encoding.encodeBase64Url(JSON.stringify(claims))}.signature`)

const read = (claims: object) => Assertions.make().read(tokenOf(claims))

const exp = 1_700_000_000
const names = ["exp", "idtyp", "scp", "scope", "tid", "oid"] as const

const member = FastCheck.oneof(FastCheck.jsonValue(), FastCheck.constantFrom("app", "user", "", null, [], {}))
const anyClaims = FastCheck.tuple(
  FastCheck.dictionary(FastCheck.string({ unit: "binary" }), member),
  FastCheck.record(Object.fromEntries(names.map((name) => [name, member])), { requiredKeys: [] })
).map(([others, known]) => ({ ...others, ...known }))

const finite = FastCheck.double({ noNaN: true, noDefaultInfinity: true })

describe("a caller's token", () => {
  it.effect("tells its end, its tenant and its user", () =>
    Effect.gen(function* () {
      const { endsAt, tenantId, userId } = yield* read({ exp, scp: "access", tid: "tenant", oid: "user" })
      assert.deepStrictEqual([endsAt, tenantId, userId], [exp * 1000, "tenant", "user"])
    })
  )

  it.effect.each([
    { scp: "access" },
    { scope: "access" },
    { scp: ["access"] },
    { scope: ["access"] },
    { scp: null },
    { scp: 1, scope: {} }
  ])("is a user's by its scopes: %j", (scopes) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* read({ exp, ...scopes })).endsAt, exp * 1000)
    })
  )

  it.effect.each([
    { claims: { idtyp: "app" }, expected: "not an app's" },
    { claims: { idtyp: "app", tid: 1, oid: [], exp: "soon" }, expected: "not an app's" },
    { claims: { idtyp: ["app"] }, expected: "with scp or scope" },
    { claims: {}, expected: "with scp or scope" }
  ])("without scopes is refused: $claims", ({ claims, expected }) =>
    Effect.gen(function* () {
      const refusal = yield* Effect.flip(read(claims))
      assert.strictEqual(refusal._tag, "ConfigurationError")
      assert.include(refusal.message, expected)
    })
  )

  it.effect("loses an odd claim, and no other with it", () =>
    Effect.gen(function* () {
      const odd = yield* read({ exp: String(exp), scp: "access", tid: 1, oid: "user" })
      assert.deepStrictEqual([odd.endsAt, odd.tenantId, odd.userId], [undefined, undefined, "user"])
    })
  )

  it.effect.prop("is read or refused, whatever it says", [anyClaims], ([claims]) =>
    Effect.gen(function* () {
      const refused = yield* Effect.either(read(claims))
      if (refused._tag === "Left") assert.strictEqual(refused.left._tag, "ConfigurationError")
    })
  )

  it.effect.prop("ends when it says so, whatever else it says", [anyClaims, member, finite], ([claims, scp, end]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* read({ ...claims, scp, exp: end })).endsAt, end * 1000)
    })
  )
})
