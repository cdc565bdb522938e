import { createHash, X509Certificate } from "node:crypto"
import { inspect } from "node:util"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Duration, Effect, FiberRef, HashSet, Logger, Metric, Redacted, TestClock } from "effect"
import { compactVerify, decodeJwt, decodeProtectedHeader, importX509 } from "jose"
import { certificateEnds } from "../../src/core/TokenMetrics.js"
import * as ClientCertificate from "../../src/credential/ClientCertificate.js"
import type { Authentication, PreparedCredential } from "../../src/credential/ClientCredential.js"
import { ecPkcs8, encrypted, type KeyPair, makeCertificate, pkcs1, pkcs8 } from "../support/keys.js"

const authentication: Authentication = {
  clientId: "00001111-aaaa-2222-bbbb-3333cccc4444",
  tenantId: "aaaabbbb-0000-cccc-1111-dddd2222eeee",
  authority: "entra",
  tokenEndpoint: "https://login.example/tenant/oauth2/v2.0/token",
  audience: "https://login.example/tenant/oauth2/v2.0/token",
  capabilities: [],
  claims: undefined,
  correlationId: "01234567-89ab-4cde-8f01-23456789abcd",
  timeout: Duration.seconds(10)
}

let pair: KeyPair
let other: KeyPair
beforeAll(async () => {
  pair = await makeCertificate()
  other = await makeCertificate()
})

type Options = ClientCertificate.PrivateKey & ClientCertificate.ByCertificate

const prepared = (options: Partial<Options> = {}) => ClientCertificate.fromPem({ ...pair, ...options }).prepare

const parametersOf = (credential: PreparedCredential) => (asked: Authentication) =>
  credential.authenticate(asked, Effect.succeed)

const assertionOf = (parameters: Readonly<Record<string, string | Redacted.Redacted>>): string => {
  const { client_assertion: assertion } = parameters
  assert(Redacted.isRedacted(assertion))
  return String(Redacted.value(assertion))
}

const signed = (options?: Partial<Options>, asked: Partial<Authentication> = {}) =>
  Effect.gen(function* () {
    const parameters = parametersOf(yield* prepared(options))
    return assertionOf(yield* parameters({ ...authentication, ...asked }))
  })

const thumbprint = (algorithm: string, certificate: string) =>
  createHash(algorithm).update(new X509Certificate(certificate).raw).digest("base64url")

describe("an assertion", () => {
  it.scoped(
    "is what Entra documents: PS256 by the certificate's SHA-256, for ten minutes, for the endpoint that is asked",
    () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(1_000_000_500)
        const jwt = yield* signed()
        assert.deepStrictEqual(decodeProtectedHeader(jwt), {
          alg: "PS256",
          typ: "JWT",
          "x5t#S256": thumbprint("sha256", pair.certificate)
        })
        const { jti, ...claims } = decodeJwt(jwt)
        assert.match(String(jti), /^[0-9a-f-]{36}$/)
        const { clientId, tokenEndpoint } = authentication
        assert.deepStrictEqual(claims, {
          aud: tokenEndpoint,
          iss: clientId,
          sub: clientId,
          iat: 1_000_000,
          nbf: 1_000_000,
          exp: 1_000_600
        })
        const key = yield* Effect.promise(() => importX509(pair.certificate, "PS256"))
        yield* Effect.promise(() => compactVerify(jwt, key))
      })
  )

  it.scoped("is RS256 by the SHA-1 where that is asked for", () =>
    Effect.gen(function* () {
      const header = decodeProtectedHeader(yield* signed({ algorithm: "RS256" }))
      assert.deepStrictEqual(header, { alg: "RS256", typ: "JWT", x5t: thumbprint("sha1", pair.certificate) })
    })
  )

  it.scoped("carries the chain where that is asked for, the client's own certificate first", () =>
    Effect.gen(function* () {
      const certificate = `${pair.certificate}\n${other.certificate}`
      const header = decodeProtectedHeader(yield* signed({ certificate, sendChain: true }))
      const der = (pem: string) => new X509Certificate(pem).raw.toString("base64")
      assert.deepStrictEqual(header.x5c, [der(pair.certificate), der(other.certificate)])
    })
  )

  it.scoped("is made from one text that holds key and certificate", () =>
    Effect.gen(function* () {
      const text = `${Redacted.value(pair.privateKey)}\n${pair.certificate}`
      yield* signed({ privateKey: Redacted.make(text), certificate: text })
    })
  )

  it.scoped("is kept for its tenant and audience until a minute before its end", () =>
    Effect.gen(function* () {
      const parameters = parametersOf(yield* prepared())
      const ask = (asked: Partial<Authentication> = {}) =>
        Effect.map(parameters({ ...authentication, ...asked }), assertionOf)
      const first = yield* ask()
      const elsewhere = yield* ask({ tenantId: "other", audience: "https://login.example/other" })
      yield* TestClock.adjust("539 seconds")
      assert.strictEqual(yield* ask(), first)
      assert.notStrictEqual(elsewhere, first)
      yield* TestClock.adjust("1 second")
      assert.notStrictEqual(yield* ask(), first)
    })
  )

  it.scoped("is signed once however many ask at the same time", () =>
    Effect.gen(function* () {
      const parameters = parametersOf(yield* prepared())
      const asked = Effect.map(parameters(authentication), assertionOf)
      const all = yield* Effect.replicateEffect(asked, 100, { concurrency: "unbounded" })
      assert.strictEqual(new Set(all).size, 1)
    })
  )

  it.scoped("is made anew for each request to any other server, of a type of its own", () =>
    Effect.gen(function* () {
      const parameters = parametersOf(yield* prepared())
      const asked = parameters({ ...authentication, authority: "custom", audience: "https://issuer.example" })
      const [one, two] = yield* Effect.all([asked, asked])
      assert.notStrictEqual(decodeJwt(assertionOf(one)).jti, decodeJwt(assertionOf(two)).jti)
      assert.strictEqual(decodeProtectedHeader(assertionOf(one)).typ, "client-authentication+jwt")
      assert.strictEqual(decodeJwt(assertionOf(one)).aud, "https://issuer.example")
    })
  )

  it.scoped("is of the plain type for an older server that is told apart", () =>
    Effect.gen(function* () {
      const parameters = parametersOf(yield* prepared({ assertionType: "JWT" }))
      const asked = parameters({ ...authentication, authority: "custom", audience: "https://issuer.example" })
      assert.strictEqual(decodeProtectedHeader(assertionOf(yield* asked)).typ, "JWT")
    })
  )
})

describe("what is no key or certificate", () => {
  const garbage = "-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----"
  const shortened = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
  const cases: ReadonlyArray<readonly [string, () => Partial<Options>, string, string]> = [
    ["no PEM", () => ({ privateKey: Redacted.make("hunter2") }), "privateKey", "PEM text"],
    ["a path", () => ({ certificate: "./certificate.pem" }), "certificate", "PEM text"],
    [
      "only a certificate",
      () => ({ privateKey: Redacted.make(pair.certificate) }),
      "privateKey",
      "a PRIVATE KEY block"
    ],
    ["only a key", () => ({ certificate: pkcs8 }), "certificate", "a CERTIFICATE block"],
    ["PKCS#1", () => ({ privateKey: Redacted.make(pkcs1) }), "privateKey", "block 1 (RSA PRIVATE KEY)"],
    ["an encrypted key", () => ({ privateKey: Redacted.make(encrypted) }), "privateKey", "(ENCRYPTED PRIVATE KEY)"],
    ["no base64", () => ({ privateKey: Redacted.make(garbage) }), "privateKey", "base64 in block 1 (PRIVATE KEY)"],
    ["a key of another kind", () => ({ privateKey: Redacted.make(ecPkcs8) }), "privateKey", "an RSA key in block 1"],
    ["half a certificate", () => ({ certificate: shortened }), "certificate", "in block 1 (CERTIFICATE)"],
    ["another's key", () => ({ privateKey: other.privateKey }), "privateKey", "the key of this certificate"],
    ["a megabyte", () => ({ certificate: "-".repeat(1024 * 1024 + 1) }), "certificate", "at most 1 MiB"]
  ]
  it.scoped.each(cases)("%s is refused by its place, and nothing of it is shown", ([, change, parameter, expected]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(prepared(change()))
      assert.strictEqual(error.parameter, parameter)
      assert.include(error.message, expected)
      const shown = inspect(error) + JSON.stringify(error)
      for (const secret of ["hunter2", "MII", Redacted.value(pair.privateKey).slice(40, 80)])
        assert.notInclude(shown, secret)
    })
  )
})

describe("a certificate's end", () => {
  const warnings = (certificate: KeyPair) =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.map(Logger.logfmtLogger, (line) => void lines.push(line))
      yield* TestClock.setTime(Date.now())
      yield* Effect.locally(
        ClientCertificate.fromPem(certificate).prepare,
        FiberRef.currentLoggers,
        HashSet.make(logger)
      )
      return lines
    })
  const days = (count: number) => new Date(Date.now() + count * 86_400_000)

  it.scoped("is announced when a client is made of it", () =>
    Effect.gen(function* () {
      const soon = yield* Effect.promise(() => makeCertificate({ notAfterDate: days(29) }))
      const [line = ""] = yield* warnings(soon)
      assert.include(line, days(29).toISOString().slice(0, 10))
      const later = yield* Effect.promise(() => makeCertificate({ notAfterDate: days(32) }))
      assert.deepStrictEqual(yield* warnings(later), [])
    })
  )

  it.scoped("is told from one that is near", () =>
    Effect.gen(function* () {
      const past = yield* Effect.promise(() => makeCertificate({ notAfterDate: days(-1) }))
      const [line = ""] = yield* warnings(past)
      assert.include(line, "has ended")
      assert.include(line, thumbprint("sha256", past.certificate))
    })
  )

  it.scoped("is a metric by its thumbprint, in epoch seconds", () =>
    Effect.gen(function* () {
      const end = days(200)
      const { certificate, privateKey } = yield* Effect.promise(() => makeCertificate({ notAfterDate: end }))
      yield* ClientCertificate.fromPem({ certificate, privateKey }).prepare
      const gauge = Metric.tagged(certificateEnds, "certificate", thumbprint("sha256", certificate))
      assert.strictEqual((yield* Metric.value(gauge)).value, Math.floor(end.getTime() / 1000))
    })
  )
})
