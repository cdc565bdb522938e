import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck } from "effect"
import { capabilityClaims, mergeClaims, parseClaims } from "../../src/core/claims.js"

const parsed = (text: string | undefined): unknown => JSON.parse(text ?? "null")
const merge = (...requests: ReadonlyArray<unknown>) =>
  parsed(mergeClaims(...requests.map((request) => JSON.stringify(request))))

const nested = (levels: number): string => (levels === 0 ? "1" : `{"a":${nested(levels - 1)}}`)

const small = FastCheck.object({ maxDepth: 3, values: [FastCheck.string(), FastCheck.integer(), FastCheck.boolean()] })

describe("a claims request", () => {
  it.each(["{}", '{"access_token":{"nbf":{"essential":true}}}', `{"a":"${"x".repeat(8184)}"}`, nested(16)])(
    "is a JSON object of at most 8 kB and 16 levels (%#)",
    (text) => {
      assert.deepStrictEqual<unknown>(Either.getOrThrow(parseClaims(text)), JSON.parse(text))
    }
  )

  it.each([
    "",
    "null",
    "[]",
    "1",
    '"{}"',
    "{",
    "eyJhIjoxfQ",
    `{"a":"${"x".repeat(8185)}"}`,
    nested(17),
    `{"a":${"[".repeat(4000)}${"]".repeat(4000)}}`,
    "[".repeat(8192)
  ])("is refused otherwise (%#)", (text) => {
    const error = Either.getOrThrow(Either.flip(parseClaims(text)))
    assert.strictEqual(error.parameter, "claims")
  })

  it.prop("never throws, whatever it is", [FastCheck.oneof(FastCheck.string(), FastCheck.json())], ([text]) => {
    const result = parseClaims(text)
    if (Either.isRight(result)) assert.isObject(result.right)
  })

  it("tells nothing of itself when it is refused", () => {
    const error = Either.getOrThrow(Either.flip(parseClaims('{"a":"hunter2"')))
    assert.notInclude(JSON.stringify(error) + error.message, "hunter2")
  })
})

describe("merged claims requests", () => {
  it("are none where there is none", () => {
    assert.isUndefined(mergeClaims())
    assert.isUndefined(mergeClaims(undefined, undefined))
  })

  it.prop("are the single one, byte for byte, even if it can't be read", [FastCheck.string()], ([text]) => {
    assert.strictEqual(mergeClaims(undefined, text, undefined), text)
  })

  it.prop("are each of their members, the later one's where both have it", [small, small], ([one, other]) => {
    const both = merge(one, other)
    assert.isObject(both)
    const [first, second] = [parsed(JSON.stringify(one)), parsed(JSON.stringify(other))]
    assert.sameMembers(Object.keys(Object(both)), [
      ...new Set([...Object.keys(Object(first)), ...Object.keys(Object(second))])
    ])
    for (const [name, value] of Object.entries(Object(second)))
      if (typeof value !== "object" || value === null) assert.deepStrictEqual(Object(both)[name], value)
  })

  it.prop("are the same when one is merged with itself, or with nothing in it", [small], ([one]) => {
    const plain: unknown = parsed(JSON.stringify(one))
    assert.deepStrictEqual(merge(one, {}), plain)
    assert.deepStrictEqual(merge({}, one), plain)
    assert.deepStrictEqual(merge(one, one), plain)
  })

  it("unite what the client can do, wherever it stands, and replace other lists", () => {
    const values = (...list: ReadonlyArray<string>) => ({ values: list })
    assert.deepStrictEqual<unknown>(
      merge(
        { access_token: { xms_cc: values("cp1"), acrs: values("c1") } },
        { access_token: { xms_cc: values("cp2", "cp1"), acrs: values("c2") }, xms_cc: values("x") }
      ),
      { access_token: { xms_cc: values("cp1", "cp2"), acrs: values("c2") }, xms_cc: values("x") }
    )
  })

  const capable = capabilityClaims(["cp1"])

  it.each([
    '{"access_token":{"xms_cc":{"values":["cp2"]}}}',
    '{"access_token":{"xms_cc":{"essential":true}}}',
    '{"access_token":{"xms_cc":null}}',
    '{"access_token":null}',
    '{"access_token":{"acrs":{"value":"c1"}}}',
    "{}"
  ])("never lose what the client can do: %s", (challenge) => {
    for (const both of [mergeClaims(capable, challenge), mergeClaims(challenge, capable)])
      assert.match(both ?? "", /"xms_cc":\{[^}]*"values":\[[^\]]*"cp1"/)
  })

  it("keep a claim that is asked for in the default manner", () => {
    assert.deepStrictEqual<unknown>(merge({ id_token: { a: null } }, { id_token: { b: null, c: "x" } }, {}), {
      id_token: { a: null, b: null, c: "x" }
    })
  })

  it("leave out what can't be read", () => {
    for (const unreadable of ["nonsense", "[]", nested(17)])
      assert.strictEqual(mergeClaims(unreadable, '{"a":1}'), '{"a":1}')
  })

  it("take __proto__ and constructor for names like any other", () => {
    const evil =
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"a":{"__proto__":{"x":1}}}'
    const both = mergeClaims(evil, '{"a":{"__proto__":{"y":2}},"b":1}', evil)
    assert.strictEqual(
      both,
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"a":{"__proto__":{"x":1,"y":2}},"b":1}'
    )
    assert.isUndefined(Reflect.get({}, "polluted"))
    assert.isUndefined(Reflect.get({}, "x"))
  })

  it("say nothing of a client that can do nothing special", () => {
    assert.isUndefined(capabilityClaims([]))
    assert.strictEqual(capable, '{"access_token":{"xms_cc":{"values":["cp1"]}}}')
  })
})
