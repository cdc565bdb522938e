import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, FastCheck, Fiber, Schema, TestClock } from "effect"
import { SignJWT } from "jose"
import { InvalidToken, type InvalidTokenReason } from "../../src/core/TokenError.js"
import * as JwtVerifier from "../../src/protocol/jwtVerifier.js"
import * as Transport from "../../src/protocol/transport.js"
import {
  audience,
  base64,
  claims,
  issuer,
  jwksUri,
  keyServer,
  makeKey,
  type PublishedKey,
  sign,
  start
} from "./tokens.js"
import * as Web from "./web.js"

const rsa = await makeKey("rsa")
const newer = await makeKey("newer")
const stranger = await makeKey("rsa")
const pss = await makeKey("pss", "PS256")
const ec = await makeKey("ec", "ES256")
const rs512 = await makeKey("rs512", "RS512")

const expectation: JwtVerifier.Expectation = {
  token: "id token",
  jwksUri,
  issuer,
  audience,
  timeout: Duration.seconds(10)
}

const verifier = (...keys: ReadonlyArray<PublishedKey>) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(start * 1000)
    const server = keyServer(...keys)
    const { verify } = yield* JwtVerifier.make(Transport.make(server.client))
    const valid = (token: string, change: Partial<JwtVerifier.Expectation> = {}) =>
      verify(token, { ...expectation, ...change })
    const reasonOf = (token: string, change?: Partial<JwtVerifier.Expectation>) =>
      Effect.map(Effect.flip(valid(token, change)), (failure) =>
        failure instanceof InvalidToken ? failure.reason : failure._tag
      )
    return { ...server, reasonOf, valid }
  })

const oneKey = verifier(rsa.jwk)

describe("a token that holds", () => {
  it.scoped.each([rsa, pss, ec])("may be signed by $alg", (key) =>
    Effect.gen(function* () {
      const { valid } = yield* verifier(rsa.jwk, pss.jwk, ec.jwk)
      assert.deepStrictEqual<unknown>(yield* valid(yield* sign(key)), claims)
    })
  )

  it.scoped("may be meant for several, one of whom is wanted", () =>
    Effect.gen(function* () {
      const { reasonOf, valid } = yield* oneKey
      const token = yield* sign(rsa, { aud: ["other", audience] })
      assert.deepStrictEqual((yield* valid(token)).aud, ["other", audience])
      yield* valid(token, { audience: ["x", "other"] })
      assert.strictEqual(yield* reasonOf(token, { audience: ["x", "y"] }), "audience")
      assert.strictEqual(yield* reasonOf(token, { audience: [] }), "audience")
    })
  )

  it.scoped("may be without kid where one key is published", () =>
    Effect.gen(function* () {
      const { valid } = yield* oneKey
      yield* valid(yield* sign(rsa, {}, { kid: undefined }))
    })
  )

  it.scoped("reads the keys once however many there are", () =>
    Effect.gen(function* () {
      const { requests, valid } = yield* oneKey
      const token = yield* sign(rsa)
      yield* Effect.all(
        Array.from({ length: 50 }, () => valid(token)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(requests(), 1)
    })
  )

  it.scoped("may hold claims of any name, which are claims", () =>
    Effect.gen(function* () {
      const { valid } = yield* oneKey
      const payload = JSON.stringify(claims).replace("{", '{"__proto__":{"nonce":"x"},"constructor":1,')
      const token = yield* Effect.promise(() =>
        new SignJWT(JSON.parse(payload)).setProtectedHeader({ alg: "RS256", kid: "rsa" }).sign(rsa.privateKey)
      )
      const read = yield* valid(token)
      assert.isUndefined(read.nonce)
      assert.strictEqual(read.sub, "ada")
      assert.isUndefined(Reflect.get({}, "nonce"))
    })
  )
})

describe("a token that does not hold", () => {
  it.scoped.each<readonly [string, Readonly<Record<string, unknown>>, InvalidTokenReason]>([
    ["another's issuer", { iss: "https://evil.example" }, "issuer"],
    ["its issuer with a slash", { iss: `${issuer}/` }, "issuer"],
    ["several issuers", { iss: [issuer] }, "issuer"],
    ["no issuer", { iss: undefined }, "malformed"],
    ["another's audience", { aud: "other" }, "audience"],
    ["no audience", { aud: undefined }, "malformed"],
    ["an audience that begins like ours", { aud: `${audience}2` }, "audience"],
    ["no end", { exp: undefined }, "malformed"],
    ["an end that is no number", { exp: String(start + 3600) }, "expired"],
    ["a beginning that is no number", { nbf: "now" }, "notYetValid"]
  ])("has %s", ([_, change, reason]) =>
    Effect.gen(function* () {
      const { reasonOf } = yield* oneKey
      assert.strictEqual(yield* reasonOf(yield* sign(rsa, change)), reason)
    })
  )

  it.scoped("has ended 5 minutes ago, a tolerance for clocks", () =>
    Effect.gen(function* () {
      const { reasonOf, valid } = yield* oneKey
      const token = yield* sign(rsa)
      yield* TestClock.adjust(Duration.seconds(3600 + 299))
      yield* valid(token)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* reasonOf(token), "expired")
    })
  )

  it.scoped("begins more than 5 minutes ahead", () =>
    Effect.gen(function* () {
      const { reasonOf, valid } = yield* oneKey
      yield* valid(yield* sign(rsa, { nbf: start + 300 }))
      assert.strictEqual(yield* reasonOf(yield* sign(rsa, { nbf: start + 301 })), "notYetValid")
    })
  )

  it.scoped("is signed by nobody", () =>
    Effect.gen(function* () {
      const { reasonOf } = yield* oneKey
      const payload = base64(JSON.stringify(claims))
      for (const alg of ["none", "None", "NONE"]) {
        const header = base64(JSON.stringify({ alg, kid: "rsa" }))
        assert.include(["algorithm", "malformed"], yield* reasonOf(`${header}.${payload}.`))
        assert.strictEqual(yield* reasonOf(`${header}.${payload}.c2ln`), "algorithm")
      }
    })
  )

  it.scoped("is signed with the public key as if that were a secret", () =>
    Effect.gen(function* () {
      const { reasonOf } = yield* oneKey
      for (const secret of [JSON.stringify(rsa.jwk), rsa.jwk.n ?? ""]) {
        const token = yield* Effect.promise(() =>
          new SignJWT({ ...claims })
            .setProtectedHeader({ alg: "HS256", kid: "rsa" })
            .sign(new TextEncoder().encode(secret))
        )
        assert.strictEqual(yield* reasonOf(token), "algorithm")
      }
    })
  )

  it.scoped("is signed by an algorithm that is not listed, though its key is published", () =>
    Effect.gen(function* () {
      const { reasonOf } = yield* verifier(rs512.jwk)
      assert.strictEqual(yield* reasonOf(yield* sign(rs512)), "algorithm")
    })
  )

  it.scoped("is signed by another's key of the same name", () =>
    Effect.gen(function* () {
      const { reasonOf } = yield* oneKey
      assert.strictEqual(yield* reasonOf(yield* sign(stranger)), "signature")
    })
  )

  it.scoped("brings its key with it", () =>
    Effect.gen(function* () {
      const { reasonOf } = yield* oneKey
      const brought = yield* sign(stranger, {}, { jwk: stranger.jwk, jku: "https://evil.example/keys" })
      assert.strictEqual(yield* reasonOf(brought), "signature")
    })
  )

  it.scoped("was changed after it was signed", () =>
    Effect.gen(function* () {
      const { reasonOf } = yield* oneKey
      const [header = "", , signature = ""] = (yield* sign(rsa)).split(".")
      const payload = base64(JSON.stringify({ ...claims, sub: "eve" }))
      assert.strictEqual(yield* reasonOf(`${header}.${payload}.${signature}`), "signature")
    })
  )

  it.scoped("asks for what nobody understands (crit)", () =>
    Effect.gen(function* () {
      const { reasonOf } = yield* oneKey
      const header = base64(JSON.stringify({ alg: "RS256", kid: "rsa", crit: ["exp"], exp: 1 }))
      assert.strictEqual(yield* reasonOf(`${header}.${base64(JSON.stringify(claims))}.c2ln`), "malformed")
    })
  )
})

describe("keys", () => {
  it.scoped("that nobody has heard of are looked for once a minute, however many there are", () =>
    Effect.gen(function* () {
      const { reasonOf, requests, valid } = yield* oneKey
      const token = yield* sign(rsa)
      const unknown = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, index) => index),
        (index) => sign({ ...stranger, kid: `unknown-${index}` })
      )
      yield* valid(token)
      for (const reads of [2, 3]) {
        yield* TestClock.adjust("1 minute")
        for (const other of unknown) assert.strictEqual(yield* reasonOf(other), "key")
        assert.strictEqual(requests(), reads)
      }
      yield* valid(token)
      assert.strictEqual(requests(), 3)
    })
  )

  it.scoped("that were rotated are found, by all who come with them meanwhile", () =>
    Effect.gen(function* () {
      const { answer, requests, valid } = yield* oneKey
      yield* valid(yield* sign(rsa))
      yield* TestClock.adjust("1 minute")
      answer(Effect.delay(Web.json({ keys: [newer.jwk] }), "1 second"))
      const token = yield* sign(newer)
      const all = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 20 }, () => valid(token)),
          { concurrency: "unbounded" }
        )
      )
      // Signatures take real time: the clock waits for them.
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(all)
      assert.strictEqual(requests(), 2)
    })
  )

  it.scoped("that are a day old are renewed; a token of a newer one waits for that", () =>
    Effect.gen(function* () {
      const { publish, requests, valid } = yield* oneKey
      yield* valid(yield* sign(rsa))
      yield* TestClock.adjust("25 hours")
      publish(newer.jwk)
      yield* valid(yield* sign(newer, { exp: start + 100_000 }))
      assert.strictEqual(requests(), 2)
    })
  )

  it.scoped("serve on while none can be had", () =>
    Effect.gen(function* () {
      const { answer, reasonOf, valid } = yield* oneKey
      const token = yield* sign(rsa, { exp: start + 1_000_000 })
      yield* valid(token)
      for (const outage of [Effect.fail("ECONNREFUSED"), Web.text("", 503), Web.notFound, Web.text("nonsense")]) {
        answer(outage)
        yield* TestClock.adjust("25 hours")
        yield* valid(token)
        assert.strictEqual(yield* reasonOf(yield* sign(newer, { exp: start + 1_000_000 })), "key")
      }
    })
  )

  it.scoped("that could not be had the first time are a failure of their own, and asked for again", () =>
    Effect.gen(function* () {
      const { answer, publish, reasonOf, valid } = yield* oneKey
      answer(Web.text("", 503))
      const token = yield* sign(rsa)
      assert.strictEqual(yield* reasonOf(token), "AuthorityUnavailable")
      answer(Web.notFound)
      assert.strictEqual(yield* reasonOf(token), "ConfigurationError")
      publish(rsa.jwk)
      yield* valid(token)
    })
  )

  it.scoped("of other kinds and unreadable ones don't matter", () =>
    Effect.gen(function* () {
      const { answer, valid } = yield* oneKey
      answer(Web.json({ keys: [{}, { kty: 1 }, { kty: "oct", k: "x" }, { kty: "new" }, rsa.jwk] }))
      yield* valid(yield* sign(rsa))
    })
  )

  it.scoped.each<readonly [string, PublishedKey]>([
    ["can't be read", { n: "!" }],
    ["is too weak", { n: "3q2-7w", e: "AQAB" }],
    ["is for encryption", { use: "enc" }],
    ["is for another algorithm", { alg: "RS512" }]
  ])("do not hold when the one that is named %s", ([_, change]) =>
    Effect.gen(function* () {
      const { reasonOf } = yield* verifier({ ...rsa.jwk, ...change })
      assert.include(["key", "signature"], yield* reasonOf(yield* sign(rsa)))
    })
  )

  it.scoped("that are private ones do not hold", () =>
    Effect.gen(function* () {
      const { reasonOf } = yield* verifier(rsa.secretJwk)
      assert.strictEqual(yield* reasonOf(yield* sign(rsa)), "key")
    })
  )
})

describe("an issuer with a place for the tenant", () => {
  const tid = "abcdef11-2222-3333-4444-55555555abcd"
  const other = "fedcba99-2222-3333-4444-55555555abcd"
  const template = "https://login.microsoftonline.com/{tenantid}/v2.0"
  const of = (tenant: string) => `https://login.microsoftonline.com/${tenant}/v2.0`

  it.scoped.each<readonly [string, Readonly<Record<string, unknown>>, boolean]>([
    ["the token's tenant", { iss: of(tid), tid }, true],
    ["the tenant in upper case, both times", { iss: of(tid.toUpperCase()), tid: tid.toUpperCase() }, true],
    ["another tenant", { iss: of(other), tid }, false],
    ["the place itself", { iss: template, tid: "{tenantid}" }, false],
    ["no tenant", { iss: template }, false],
    ["a domain", { iss: of("contoso.com"), tid: "contoso.com" }, false],
    ["a path", { iss: of(`x/../${tid}`), tid: `x/../${tid}` }, false],
    ["a number", { iss: of("1"), tid: 1 }, false],
    ["a list", { iss: of(tid), tid: [tid] }, false]
  ])("is held to %s", ([_, change, holds]) =>
    Effect.gen(function* () {
      const { reasonOf, valid } = yield* oneKey
      const token = yield* sign(rsa, change)
      if (holds) yield* valid(token, { issuer: template })
      else assert.strictEqual(yield* reasonOf(token, { issuer: template }), "issuer")
    })
  )

  it.scoped.each([of(tid), template])("is held to the issuer that its key names: %s", (named) =>
    Effect.gen(function* () {
      const { valid } = yield* verifier({ ...rsa.jwk, issuer: named })
      yield* valid(yield* sign(rsa, { iss: of(tid), tid }), { issuer: template })
    })
  )

  it.scoped.each<readonly [string, ReadonlyArray<PublishedKey>, Readonly<Record<string, unknown>>]>([
    ["its key names another issuer", [{ ...rsa.jwk, issuer: of(other) }], {}],
    [
      "its key names another issuer, and the token names no key",
      [{ ...rsa.jwk, issuer: of(other) }],
      { kid: undefined }
    ],
    [
      "another key of the same name names its issuer",
      [
        { ...ec.jwk, kid: "rsa", issuer: of(tid) },
        { ...rsa.jwk, issuer: of(other) }
      ],
      {}
    ]
  ])("does not hold where %s", ([_, keys, header]) =>
    Effect.gen(function* () {
      const { reasonOf } = yield* verifier(...keys)
      const token = yield* sign(rsa, { iss: of(tid), tid }, header)
      assert.strictEqual(yield* reasonOf(token, { issuer: template }), "issuer")
    })
  )
})

describe("anything at all", () => {
  const header = base64('{"alg":"RS256","kid":"rsa"}')
  const part = FastCheck.oneof(
    FastCheck.string(),
    FastCheck.json().map(base64),
    FastCheck.constant(header),
    FastCheck.constant(base64('{"alg":"none"}')),
    FastCheck.constant(base64('{"alg":"ES256","__proto__":1}')),
    FastCheck.constant("")
  )
  const token = FastCheck.oneof(
    FastCheck.string(),
    FastCheck.array(part, { maxLength: 6 }).map((parts) => parts.join("."))
  )

  it.effect.prop("is an invalid token, never a defect", [token], ([text]) =>
    Effect.gen(function* () {
      const { valid } = yield* oneKey
      assert.instanceOf(yield* Effect.flip(valid(text)), InvalidToken)
    }).pipe(Effect.scoped)
  )

  it.scoped("that is cut short is an invalid token", () =>
    Effect.gen(function* () {
      const { valid } = yield* oneKey
      const whole = yield* sign(rsa)
      for (let length = 0; length < whole.length; length += 13)
        assert.instanceOf(yield* Effect.flip(valid(whole.slice(0, length))), InvalidToken)
      for (const text of [`${whole}.`, `.${whole}`, `${whole}${whole}`, ` ${whole}`, `Bearer ${whole}`])
        assert.instanceOf(yield* Effect.flip(valid(text)), InvalidToken)
    })
  )

  it.scoped("that is no JWT asks nobody", () =>
    Effect.gen(function* () {
      const { reasonOf, requests } = yield* oneKey
      for (const text of ["", "nonsense", "a.b.c", `${base64("{}")}.e30.`])
        assert.strictEqual(yield* reasonOf(text), "malformed")
      assert.strictEqual(requests(), 0)
    })
  )

  it.scoped("shows nothing of itself in what is wrong with it", () =>
    Effect.gen(function* () {
      const { valid } = yield* oneKey
      const tokens = [
        yield* sign(rsa, { iss: "hunter2" }),
        yield* sign(rsa, { aud: "hunter2" }),
        yield* sign(stranger, { sub: "hunter2" }),
        yield* sign({ ...stranger, kid: "hunter2" }),
        `hunter2.${base64("hunter2")}.hunter2`
      ]
      for (const text of tokens) {
        const failure = yield* Effect.flip(valid(text))
        assert(failure instanceof InvalidToken)
        const printed = [
          failure.message,
          String(failure),
          JSON.stringify(failure),
          JSON.stringify(Schema.encodeSync(InvalidToken)(failure)),
          inspect(failure, { depth: 20, showHidden: true }).replace(/\n +at .*/g, "")
        ].join()
        for (const piece of ["hunter2", ...text.split(".").filter((piece) => piece.length > 10)])
          assert.notInclude(printed, piece)
      }
    })
  )
})
