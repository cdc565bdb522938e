import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { parseAuthChallenges } from "../../src/core/authChallenge.js"

/** Each challenge as its scheme, its token68 where it has one, and its parameters. */
const read = (field: string): ReadonlyArray<unknown> =>
  parseAuthChallenges(field).map(({ parameters, scheme, token68 }) =>
    token68 === undefined ? [scheme, { ...parameters }] : [scheme, token68, { ...parameters }]
  )

const reads = (cases: ReadonlyArray<readonly [field: string, ...challenges: ReadonlyArray<unknown>]>) =>
  it.each(cases.map(([field, ...challenges]) => ({ field, challenges })))("$field", ({ challenges, field }) => {
    assert.deepStrictEqual(read(field), challenges)
  })

describe("the grammar of RFC 9110 11.6.1", () => {
  reads([
    [""],
    [" ,, \t,"],
    [
      'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""',
      ["basic", { realm: "simple" }],
      ["newauth", { realm: "apps", type: "1", title: 'Login to "apps"' }]
    ],
    [
      'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
      ["newauth", { realm: "apps", type: "1", title: 'Login to "apps"' }],
      ["basic", { realm: "simple" }]
    ],
    ["Negotiate", ["negotiate", {}]],
    ["Negotiate, Basic", ["negotiate", {}], ["basic", {}]],
    ['Negotiate, Basic realm="a"', ["negotiate", {}], ["basic", { realm: "a" }]],
    ['Basic realm="a",Negotiate', ["basic", { realm: "a" }], ["negotiate", {}]],
    ["Negotiate YII/+-._~=== , Basic", ["negotiate", "YII/+-._~===", {}], ["basic", {}]],
    ["Negotiate  a=", ["negotiate", "a=", {}]],
    ["Negotiate a", ["negotiate", "a", {}]],
    ['NTLM TlRM==\t,\tBasic realm="a"', ["ntlm", "TlRM==", {}], ["basic", { realm: "a" }]],
    ["Newauth a=b", ["newauth", { a: "b" }]],
    ["Newauth a==b", ["newauth", { a: "=b" }]],
    ['bEARER rEALM="A", Scope=B', ["bearer", { realm: "A", scope: "B" }]],
    ['Newauth a = b ,c\t=\t"d"', ["newauth", { a: "b", c: "d" }]],
    ['Newauth , , a=b,, ,c="d",', ["newauth", { a: "b", c: "d" }]],
    [', ,Basic realm="a"', ["basic", { realm: "a" }]],
    ['Basic    realm="a"', ["basic", { realm: "a" }]],
    ['Basic realm=""', ["basic", { realm: "" }]],
    ['Basic realm="a, Bearer b=c, d"', ["basic", { realm: "a, Bearer b=c, d" }]],
    ['Basic realm="\\\\\\"\\a\\ü"', ["basic", { realm: '\\"aü' }]],
    ['Basic realm="a\t b"', ["basic", { realm: "a\t b" }]],
    ["x!#$%&'*+-.^_`|~9 !#$%&'*+-.^_`|~9=1", ["x!#$%&'*+-.^_`|~9", { "!#$%&'*+-.^_`|~9": "1" }]],
    [
      'Digest realm="a", qop="auth, auth-int", algorithm=SHA-256, nonce="7y", Basic realm="b"',
      ["digest", { realm: "a", qop: "auth, auth-int", algorithm: "SHA-256", nonce: "7y" }],
      ["basic", { realm: "b" }]
    ]
  ])
})

describe("what servers write instead", () => {
  const json = '{"a":{"b":[{"c":"}}\\"{"}, {}]}, "d": ","}'
  reads([
    ['Bearer a=b c="d" e=f', ["bearer", { a: "b", c: "d", e: "f" }]],
    ['Bearer a="b"c="d"e=f', ["bearer", { a: "b", c: "d", e: "f" }]],
    ["Bearer a=https://b.example/c?d=e&f=%20#g, h=i", ["bearer", { a: "https://b.example/c?d=e&f=%20#g", h: "i" }]],
    ["Bearer a=e30==, b=e30=", ["bearer", { a: "e30==", b: "e30=" }]],
    [`Bearer a="${json}", b=c`, ["bearer", { a: json, b: "c" }]],
    [`Bearer a=${json}, b=c`, ["bearer", { a: json, b: "c" }]],
    [`Bearer a=${json} b=c`, ["bearer", { a: json, b: "c" }]],
    [`Bearer a="${json}"`, ["bearer", { a: json }]],
    [`Bearer a=${json}`, ["bearer", { a: json }]],
    ['Bearer a="{ "b" : 1 }", c=d', ["bearer", { a: '{ "b" : 1 }', c: "d" }]],
    [
      `Bearer a=${json}, Bearer b="${json}", Bearer c=d`,
      ["bearer", { a: json }],
      ["bearer", { b: json }],
      ["bearer", { c: "d" }]
    ],
    ['Bearer a="{\\"b\\":\\"c\\\\\\"\\"}", d=e', ["bearer", { a: '{"b":"c\\""}', d: "e" }]],
    ['Bearer a="{}", b="{c}"', ["bearer", { a: "{}", b: "{c}" }]],
    ['Bearer a="{", b="}"', ["bearer", { a: "{", b: "}" }]],
    ["Bearer a={}/b, c=d", ["bearer", { a: "{}/b", c: "d" }]],
    ['Bearer a="{"b":1}c", d={"e":1}', ["bearer", { a: "{", d: '{"e":1}' }]],
    ["Bearer a={b, c=d", ["bearer", { a: "{b", c: "d" }]],
    ['Bearer a="b', ["bearer", { a: "b" }]],
    ['Bearer a="', ["bearer", { a: "" }]],
    ['Bearer a="b\\', ["bearer", { a: "b\\" }]],
    ["Bearer z=1, a=,b=c", ["bearer", { z: "1", a: "", b: "c" }]],
    ["Bearer a=\r\n b,\r\n c=d", ["bearer", { a: "b", c: "d" }]],
    ['Bearer a="the "Authorization" header", b=c', ["bearer", { a: "the ", b: "c" }]],
    ['Bearer a="the "Authorization or" header", b=c', ["bearer", { a: "the ", b: "c" }]],
    ["Bearer :: a=b, {}, (c), d=e", ["bearer", { a: "b", d: "e" }]],
    ["Bearer: a=b"],
    ["Negotiate, :Basic a=b", ["negotiate", { a: "b" }]],
    ['Negotiate, "a" Basic a=b', ["negotiate", { a: "b" }]],
    ['Bearer "a=b, c d, e", f=g', ["bearer", { f: "g" }]],
    ['a=b, "c", Bearer d=e', ["bearer", { d: "e" }]],
    ["Negotiate Bearer a=b", ["negotiate", { a: "b" }]],
    ["Bearer a=, b=c", ["bearer", "a=", { b: "c" }]]
  ])
})

describe("a parameter", () => {
  it("that is repeated is what it was at first, even if that was empty", () => {
    assert.deepStrictEqual(read('Bearer a=1, A=2, b="", b=3, Bearer a=4'), [
      ["bearer", { a: "1", b: "" }],
      ["bearer", { a: "4" }]
    ])
  })

  it("may have any name", () => {
    const [challenge] = parseAuthChallenges("Bearer __proto__=1, constructor=2, toString=3")
    assert.isNull(Object.getPrototypeOf(challenge?.parameters))
    assert.deepStrictEqual(Object.entries(challenge?.parameters ?? {}), [
      ["__proto__", "1"],
      ["constructor", "2"],
      ["tostring", "3"]
    ])
    assert.isUndefined(challenge?.parameters.valueof)
  })
})

const limit = 64 * 1024

it("a field of more than 64 KiB is not read", () => {
  const field = (length: number) => "Bearer a=b, ".padEnd(length, "c")
  assert.lengthOf(parseAuthChallenges(field(limit)), 2)
  assert.deepStrictEqual(parseAuthChallenges(field(limit + 1)), [])
})

const scheme = FastCheck.stringMatching(/^[A-Za-z][\w-]{0,7}$/)
const text = FastCheck.string({ maxLength: 12 })
const quoted = (value: string) => `"${value.replace(/["\\]/g, "\\$&")}"`
const parameters = FastCheck.uniqueArray(FastCheck.tuple(scheme, text), {
  minLength: 1,
  maxLength: 4,
  selector: ([name]) => name.toLowerCase()
})
const challenges = FastCheck.array(FastCheck.tuple(scheme, parameters), { maxLength: 4 })
const joint = FastCheck.constantFrom(", ", ",", " ,\t,")

it.prop("challenges that are written by the grammar are read back", [challenges, joint], ([list, comma]) => {
  const field = list
    .map(([name, pairs]) => `${name} ${pairs.map(([key, value]) => `${key}=${quoted(value)}`).join(comma)}`)
    .join(comma)
  const expected = list.map(([name, pairs]) => [
    name.toLowerCase(),
    Object.fromEntries(pairs.map(([key, value]) => [key.toLowerCase(), value]))
  ])
  assert.deepStrictEqual(read(field), expected)
})

const real = [
  'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOiB7ImZvbyI6ICJiYXIifX0="',
  'Bearer consentUri="https://a.example", claims="{"access_token":{"a":{"b":"c"}}}", scopes="d", proposedAction="consent"',
  'Bearer claims={"access_token":{"a":{"b":"c"}}}, error=interaction_required',
  'PoP nonce="a\\"b", Negotiate YII==, Basic realm="simple"'
]
const mutated = FastCheck.tuple(
  FastCheck.constantFrom(...real),
  FastCheck.nat(200),
  FastCheck.nat(8),
  FastCheck.oneof(FastCheck.constantFrom('"', "\\", "{", "}", ",", "=", " ", "\r\n", "\u0000", "\ud800"), text)
).map(([field, at, cut, piece]) => field.slice(0, at) + piece + field.slice(at + cut))
const piece = FastCheck.constantFrom(
  '"',
  "\\",
  "{",
  "}",
  '"{"',
  ":",
  ",",
  "=",
  " ",
  "\t",
  "a",
  "Bearer ",
  "a=",
  "é",
  "\ud83d"
)
const field = FastCheck.oneof(
  FastCheck.string({ unit: "binary" }),
  FastCheck.array(piece, { maxLength: 60 }).map((pieces) => pieces.join("")),
  FastCheck.array(mutated, { maxLength: 4 }).map((fields) => fields.join(", "))
)

it.prop(
  "any field is read, however it is written",
  [field],
  ([written]) => {
    for (const { parameters, scheme, token68 } of parseAuthChallenges(written)) {
      assert.match(scheme, /^[^\s,"=A-Z]+$/)
      if (token68 !== undefined) assert.include(written, token68)
      for (const [name, value] of Object.entries(parameters)) {
        assert.match(name, /^[^\s,"=A-Z]+$/)
        assert.isString(value)
      }
    }
  },
  { fastCheck: { numRuns: 2000 } }
)

const long = FastCheck.tuple(FastCheck.array(piece, { minLength: 1, maxLength: 12 }), FastCheck.nat(limit)).map(
  ([pieces, length]) => pieces.join("").repeat(limit).slice(0, length)
)

it.prop("a long field is read, however it is written", [long], ([written]) => {
  assert.isArray(parseAuthChallenges(written))
})

describe("a field is read in linear time", () => {
  const begun = ["", "Bearer ", "Bearer a", 'Bearer a="', 'Bearer a="{"b":', "Bearer a={"]
  const padded = (prefix: string, unit: string, length: number) =>
    (prefix + unit.repeat(Math.ceil(length / unit.length))).slice(0, length)

  /** Of the processor, for a machine that has other things to do. */
  const millis = (fields: ReadonlyArray<string>): number => {
    const start = process.cpuUsage()
    for (const each of fields) parseAuthChallenges(each)
    return process.cpuUsage(start).user / 1000
  }

  it.each([
    " ",
    ",",
    "a",
    "=",
    '"',
    "\\",
    "{",
    "}",
    "a ",
    "a,",
    "a=",
    "a=,",
    'a="',
    'a="\\',
    "a={ ",
    'a={" ',
    'a="{',
    'a="{",',
    'a="{"',
    '"{"b":',
    'a="{"b":',
    'a="{"b":{',
    'a="{"b":1}c',
    "a={}b ",
    "a a",
    "a    =",
    "a b=  ,",
    ", a aaaaaaaa  ",
    'Bearer a="b", ',
    "é",
    ...real
  ])("made of %j", (unit) => {
    const fields = (length: number) => begun.map((prefix) => padded(prefix, unit, length))
    const whole = millis(fields(limit))
    if (whole < 250) return
    const best = (length: number) => Math.min(...Array.from({ length: 3 }, () => millis(fields(length))))
    assert.isBelow(best(limit), 10 * best(limit / 4))
  })
})
