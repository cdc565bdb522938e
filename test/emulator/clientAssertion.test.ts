import { assert, describe, it, layer } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as TestClock from "effect/TestClock"
import * as Jose from "jose"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { assertionType, base64Url, directoryWith, endpoint, github, makeCertificate, sign } from "./assertions.js"
import { ask, defaults, good, inProcess, publicOrigin, type TokenRequest, without } from "./helpers.js"

const registered = await makeCertificate()
const second = await makeCertificate()
const stranger = await makeCertificate()
// An issuer's key, too, is only a key pair: a certificate is not registered for it.
const issuer = await makeCertificate()
const publicKey = {
  ...(await Jose.exportJWK(await Jose.importX509(issuer.certificate, "RS256", { extractable: true }))),
  kid: "key-1"
}

const directory = directoryWith({
  certificates: [{ certificate: registered.certificate }, { certificate: second.certificate }],
  federatedCredentials: [
    { issuer: github.issuer, subject: github.subject, publicKey },
    { issuer: github.issuer, subject: "own-audience", audience: "api://mine", publicKey }
  ]
})

const own: Jose.JWTPayload = {
  aud: endpoint,
  iss: defaults.clientId,
  sub: defaults.clientId,
  jti: "5f5b1c3e-0000-4000-8000-000000000000",
  nbf: 0,
  exp: 600
}

const ownWithout = (...names: ReadonlyArray<string>): Jose.JWTPayload =>
  Object.fromEntries(Object.entries(own).filter(([name]) => !names.includes(name)))

const foreign: Jose.JWTPayload = { iss: github.issuer, sub: github.subject, aud: github.audience, nbf: 0, exp: 600 }

const header: Jose.JWTHeaderParameters = { alg: "PS256", typ: "JWT", "x5t#S256": base64Url(registered.sha256) }

const form = (assertion: string) => ({
  ...without("client_secret"),
  client_assertion_type: assertionType,
  client_assertion: assertion
})

interface Given {
  readonly header?: Jose.JWTHeaderParameters
  readonly claims?: Jose.JWTPayload
  readonly privateKey?: string
}

const signed = (given: Given = {}) => sign({ header, claims: own, privateKey: registered.privateKey, ...given })

const federated = (given: Given = {}) =>
  sign({ header: { alg: "RS256", kid: "key-1" }, claims: foreign, privateKey: issuer.privateKey, ...given })

const askWith = (assertion: Effect.Effect<string>, request: TokenRequest = {}) =>
  Effect.flatMap(assertion, (token) => ask({ form: form(token), ...request }))

const accepted: Readonly<Record<string, Effect.Effect<string>>> = {
  "PS256 with x5t#S256": signed(),
  "RS256 with x5t": signed({ header: { alg: "RS256", x5t: base64Url(registered.sha1) } }),
  "RS256 with x5t#S256": signed({ header: { ...header, alg: "RS256" } }),
  "PS256 with x5t": signed({ header: { alg: "PS256", x5t: base64Url(registered.sha1) } }),
  "the second certificate": signed({
    header: { ...header, "x5t#S256": base64Url(second.sha256) },
    privateKey: second.privateKey
  }),
  "an x5c that is nonsense": signed({ header: { ...header, x5c: ["nonsense"] } }),
  "no typ, no jti, no nbf": signed({
    header: { alg: "PS256", "x5t#S256": base64Url(registered.sha256) },
    claims: ownWithout("nbf", "jti")
  }),
  "a client id in capitals": signed({
    claims: { ...own, iss: defaults.clientId.toUpperCase(), sub: defaults.clientId.toUpperCase() }
  }),
  "five minutes too early": signed({ claims: { ...own, nbf: 300 } }),
  "nearly five minutes too late": signed({ claims: { ...own, exp: -299 } }),
  "an end in a thousand years": signed({ claims: { ...own, exp: 31_556_952_000 } }),
  "a federated token": federated(),
  "a federated token with its audience in an array": federated({ claims: { ...foreign, aud: [github.audience] } }),
  "a federated token for an audience of one's own": federated({
    claims: { ...foreign, sub: "own-audience", aud: "api://mine" }
  }),
  "a federated token without kid": federated({ header: { alg: "RS256" } }),
  "a federated token with PS256": federated({ header: { alg: "PS256" } })
}

interface Case {
  readonly assertion: Effect.Effect<string>
  readonly status: number
  readonly error: string
  readonly code: number
  /** What the text says before its reason. */
  readonly says: string
}

const invalidClient = (code: number, assertion: Effect.Effect<string>, says: string): Case => ({
  assertion,
  status: 401,
  error: "invalid_client",
  code,
  says
})

const malformed = (assertion: Effect.Effect<string>): Case => ({
  assertion,
  status: 400,
  error: "invalid_request",
  code: 50027,
  says: "JWT token is invalid or malformed."
})

const notRegistered = "The certificate with identifier used to sign the client assertion is not registered"
const wrongSignature = "Client assertion contains an invalid signature."
const wrongAudience = "Client assertion audience claim does not match Realm issuer."
const noRecord = "No matching federated identity record found for presented assertion"

const unsecured = (head: object) =>
  Effect.succeed(`${Encoding.encodeBase64Url(JSON.stringify(head))}.${Encoding.encodeBase64Url(JSON.stringify(own))}.`)

const changed = (token: string) => {
  const [head, , signature] = token.split(".")
  return [head, Encoding.encodeBase64Url(JSON.stringify({ ...own, exp: 601 })), signature].join(".")
}

const refused: Readonly<Record<string, Case>> = {
  "no JWT": malformed(Effect.succeed("a.b.c")),
  "a JWT without its signature": malformed(Effect.map(signed(), (token) => token.split(".").slice(0, 2).join("."))),
  "no issuer": malformed(signed({ claims: ownWithout("iss") })),
  "a subject that is no text": malformed(signed({ claims: { ...own, sub: 5 as never } })),
  "no end": malformed(signed({ claims: ownWithout("exp") })),
  "an end that no clock shows": malformed(signed({ claims: { ...own, exp: 1e300 } })),
  "a start that is no number": malformed(signed({ claims: { ...own, nbf: "0" as never } })),
  "the endpoint in an array": malformed(signed({ claims: { ...own, aud: [endpoint] } })),
  "an extension that must be understood": malformed(
    Effect.succeed(
      `${Encoding.encodeBase64Url(JSON.stringify({ ...header, crit: ["x"], x: 1 }))}.${Encoding.encodeBase64Url(JSON.stringify(own))}.AA`
    )
  ),
  "no algorithm": {
    ...malformed(unsecured({ alg: "none" })),
    code: 5002730,
    says: "Invalid JWT token. Unsupported key for the signing algorithm."
  },
  "an algorithm with a shared key": {
    ...malformed(unsecured({ alg: "HS256" })),
    code: 5002730,
    says: "Invalid JWT token. Unsupported key for the signing algorithm."
  },
  "a certificate that is not registered": invalidClient(
    700027,
    signed({ header: { ...header, "x5t#S256": base64Url(stranger.sha256) }, privateKey: stranger.privateKey }),
    notRegistered
  ),
  "a SHA-1 thumbprint in the place of SHA-256": invalidClient(
    700027,
    signed({ header: { ...header, "x5t#S256": base64Url(registered.sha1) } }),
    notRegistered
  ),
  "no thumbprint": invalidClient(700027, signed({ header: { alg: "PS256", kid: registered.sha1 } }), notRegistered),
  "the thumbprint of one certificate, the key of another": invalidClient(
    700027,
    signed({ privateKey: stranger.privateKey }),
    wrongSignature
  ),
  "claims that were changed": invalidClient(700027, Effect.map(signed(), changed), wrongSignature),
  "a subject that is not the issuer": invalidClient(
    50048,
    signed({ claims: { ...own, sub: "somebody" } }),
    "Subject must match the issuer claim in the client assertion."
  ),
  "another application": invalidClient(
    700021,
    signed({ claims: { ...own, iss: "another", sub: "another" } }),
    "Client assertion application identifier doesn't match 'client_id' parameter."
  ),
  "another tenant's endpoint": invalidClient(
    700023,
    signed({ claims: { ...own, aud: endpoint.replace(defaults.tenantId, defaults.otherTenantId) } }),
    wrongAudience
  ),
  "the same endpoint by the tenant's other name": invalidClient(
    700023,
    signed({ claims: { ...own, aud: endpoint.replace(defaults.tenantId, defaults.domain) } }),
    wrongAudience
  ),
  "the issuer as audience": invalidClient(
    700023,
    signed({ claims: { ...own, aud: `${publicOrigin}/${defaults.tenantId}/v2.0` } }),
    wrongAudience
  ),
  "more than five minutes too early": invalidClient(
    700024,
    signed({ claims: { ...own, nbf: 301 } }),
    "Client assertion is not within its valid time range. Current time: 1970-01-01T00:00:00.0000000Z, assertion valid " +
      "from 1970-01-01T00:05:01.0000000Z, expiry time of assertion 1970-01-01T00:10:00.0000000Z."
  ),
  "five minutes too late": invalidClient(
    700024,
    signed({ claims: { ...ownWithout("nbf"), exp: -300 } }),
    "Client assertion is not within its valid time range. Current time: 1970-01-01T00:00:00.0000000Z, assertion valid " +
      "from 1970-01-01T00:00:00.0000000Z, expiry time of assertion 1969-12-31T23:55:00.0000000Z."
  ),
  "an unknown issuer": invalidClient(
    700211,
    federated({ claims: { ...foreign, iss: `${github.issuer}/` } }),
    `${noRecord} issuer '${github.issuer}/'. Check`
  ),
  "an unknown subject": invalidClient(
    700213,
    federated({ claims: { ...foreign, sub: "repo:octo-org/other" } }),
    `${noRecord} subject 'repo:octo-org/other'. Check`
  ),
  "a subject in another case": invalidClient(
    7002138,
    federated({ claims: { ...foreign, sub: github.subject.toLowerCase() } }),
    `${noRecord} subject '${github.subject.toLowerCase()}'. The subject matches with case-insensitive`
  ),
  "an audience that is not the credential's": invalidClient(
    700212,
    federated({ claims: { ...foreign, aud: "api://mine" } }),
    `${noRecord} audience 'api://mine'. Check`
  ),
  "several audiences": malformed(federated({ claims: { ...foreign, aud: [github.audience, "api://mine"] } })),
  "a federated token that is over": invalidClient(
    700024,
    federated({ claims: { ...foreign, exp: -300 } }),
    "Client assertion is not within its valid time range."
  ),
  "an issuer's key that is not registered": invalidClient(
    7000272,
    federated({ header: { alg: "RS256", kid: "key-2" }, privateKey: stranger.privateKey }),
    "The certificate with identifier used to sign the federated credential could not be found in the metadata of " +
      `identity provider ${github.issuer}.`
  ),
  "an issuer's kid on another's signature": invalidClient(
    700027,
    federated({ privateKey: stranger.privateKey }),
    wrongSignature
  ),
  "an issuer's token signed with a certificate of the application": invalidClient(
    700027,
    federated({ privateKey: registered.privateKey }),
    wrongSignature
  ),
  "an application's token signed by an issuer": invalidClient(
    700027,
    signed({ privateKey: issuer.privateKey }),
    wrongSignature
  )
}

// One emulator for all of these: none changes it, and a key takes a while to make.
layer(inProcess({ directory }))("client assertions", (it) => {
  for (const [name, assertion] of Object.entries(accepted)) {
    it.effect(`accepted: ${name}`, () =>
      Effect.gen(function* () {
        const { status, json } = yield* askWith(assertion)
        assert.strictEqual(status, 200, String(json.error_description))
        const { azpacr, azp, oid } = Jose.decodeJwt(String(json.access_token))
        assert.deepStrictEqual([azpacr, azp, oid], ["2", defaults.clientId, defaults.objectId])
      })
    )
  }

  for (const [name, { assertion, status, error, code, says }] of Object.entries(refused)) {
    it.effect(`refused: ${name}`, () =>
      Effect.gen(function* () {
        const token = yield* assertion
        const answer = yield* ask({ form: form(token) })
        const { json } = answer
        assert.deepStrictEqual([answer.status, json.error, json.error_codes], [status, error, [code]])
        assert.include(String(json.error_description), `AADSTS${code}: ${says}`)
        const seen = JSON.stringify([answer.headers, json])
        for (const part of token.split(".").filter((part) => part.length > 2)) assert.notInclude(seen, part)
      })
    )
  }

  it.effect("a token by assertion differs from one by secret in azpacr alone", () =>
    Effect.gen(function* () {
      const [byAssertion, bySecret] = yield* Effect.forEach([askWith(signed()), ask()], (answer) =>
        Effect.map(answer, ({ json }) => {
          const { uti, ...claims } = Jose.decodeJwt(String(json.access_token))
          return claims
        })
      )
      assert.deepStrictEqual(byAssertion, { ...bySecret, azpacr: "2" })
      assert.strictEqual(bySecret?.azpacr, "1")
    })
  )

  it.effect("it is accepted again, with the same jti", () =>
    Effect.gen(function* () {
      const token = yield* signed()
      for (const _ of [1, 2]) assert.strictEqual((yield* ask({ form: form(token) })).status, 200)
    })
  )

  it.effect("the audience is the endpoint as it was asked", () =>
    Effect.gen(function* () {
      const origin = "http://127.0.0.1:4321"
      const asked = { ...own, aud: `${origin}/${defaults.otherDomain}/oauth2/v2.0/token` }
      const request = { origin, tenant: defaults.otherDomain }
      const token = yield* signed({ claims: asked })
      assert.strictEqual((yield* ask({ ...request, form: form(token) })).status, 200)
      const other = yield* askWith(signed(), request)
      assert.deepStrictEqual(other.json.error_codes, [700023])
    })
  )

  it.effect("the type is wanted, and only one is known", () =>
    Effect.gen(function* () {
      const { client_assertion_type, ...untyped } = form(yield* signed())
      const none = yield* ask({ form: untyped })
      assert.deepStrictEqual([none.status, none.json.error_codes], [400, [900144]])
      assert.include(String(none.json.error_description), "'client_assertion_type'")
      const saml = assertionType.replace("jwt", "saml2")
      const other = yield* ask({ form: { ...untyped, client_assertion_type: saml } })
      assert.deepStrictEqual(
        [other.status, other.json.error, other.json.error_codes],
        [400, "invalid_request", [90011]]
      )
    })
  )

  it.effect("a secret beside it is refused, in the form and in the header; an empty one is none", () =>
    Effect.gen(function* () {
      const withAssertion = form(yield* signed())
      const authorization = `Basic ${Encoding.encodeBase64(`${good.client_id}:${good.client_secret}`)}`
      const both = yield* ask({ form: { ...withAssertion, client_secret: good.client_secret } })
      const inHeader = yield* ask({ form: withAssertion, headers: { authorization } })
      for (const { status, json } of [both, inHeader]) {
        assert.deepStrictEqual([status, json.error, json.error_codes], [400, "invalid_request", [9002313]])
      }
      assert.strictEqual((yield* ask({ form: { ...withAssertion, client_secret: "" } })).status, 200)
    })
  )

  it.effect("an empty one is no credential", () =>
    Effect.map(ask({ form: form("") }), ({ json }) => assert.deepStrictEqual(json.error_codes, [7000218]))
  )
})

describe("an application without certificates and federated credentials", () => {
  it.effect("is told which of them it lacks", () =>
    Effect.gen(function* () {
      const certificate = yield* askWith(signed())
      assert.deepStrictEqual([certificate.status, certificate.json.error_codes], [401, [700027]])
      const { status, json } = yield* askWith(federated())
      assert.deepStrictEqual([status, json.error, json.error_codes], [401, "invalid_client", [70025]])
      assert.include(
        String(json.error_description),
        "'(Emulated daemon) has no configured federated identity credentials"
      )
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("the emulator's clock", () => {
  it.effect("decides about an assertion", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator.EntraEmulator
      const now = Date.UTC(2030, 0, 1)
      yield* TestClock.setTime(now)
      const claims = { ...own, nbf: now / 1000, exp: now / 1000 + 600 }
      assert.strictEqual((yield* askWith(signed({ claims }))).status, 200)
      yield* emulator.skew("15 minutes")
      assert.deepStrictEqual((yield* askWith(signed({ claims }))).json.error_codes, [700024])
      yield* emulator.skew("5001 millis", "behind")
      assert.strictEqual((yield* askWith(signed({ claims }))).status, 200)
      yield* emulator.skew("301 seconds", "behind")
      assert.deepStrictEqual((yield* askWith(signed({ claims }))).json.error_codes, [700024])
    }).pipe(Effect.provide(inProcess({ directory })))
  )
})

describe("the record of an assertion", () => {
  it.effect("has its header and claims, proven or not, but never its signature", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator.EntraEmulator
      const good = yield* signed()
      const bad = yield* signed({ privateKey: stranger.privateKey })
      for (const token of [good, bad, "a.b.c"]) yield* ask({ form: form(token) })
      yield* ask()
      const requests = yield* emulator.requests
      const said = { header, claims: own }
      assert.deepStrictEqual(
        requests.map(({ assertion }) => assertion),
        [said, said, undefined, undefined]
      )
      assert.strictEqual(requests[0]?.form.client_assertion, "<masked>")
      assert.strictEqual(requests[0]?.form.client_assertion_type, assertionType)
      for (const token of [good, bad]) {
        for (const part of token.split(".")) assert.notInclude(JSON.stringify(requests), part)
      }
    }).pipe(Effect.provide(inProcess({ directory })))
  )
})

describe("a directory that can't be used", () => {
  const defects = {
    "a certificate that is none": [
      { certificates: [{ certificate: "secret-nonsense" }] },
      "certificates[0] must be a certificate in PEM"
    ],
    "a private key in the place of a certificate": [
      { certificates: [{ certificate: registered.privateKey }] },
      "certificates[0] must be a certificate in PEM"
    ],
    "a key of another kind": [
      { federatedCredentials: [{ ...github, publicKey: { kty: "oct", k: "secret-nonsense" } }] },
      "federatedCredentials[0].publicKey must be a JWK"
    ]
  } as const

  for (const [name, [proofs, message]] of Object.entries(defects)) {
    it.effect(`${name} is a defect that names its place and not its content`, () =>
      Effect.gen(function* () {
        const cause = yield* Effect.flip(Effect.sandbox(EntraEmulator.make({ directory: directoryWith(proofs) })))
        const text = Cause.pretty(cause)
        assert.include(text, message)
        assert.notMatch(text, /secret-nonsense|PRIVATE/)
      })
    )
  }

  it.effect("so is a key of 1024 bits", () =>
    Effect.gen(function* () {
      const { certificate } = yield* Effect.promise(() => makeCertificate(1024))
      const short = directoryWith({ certificates: [{ certificate }] })
      const cause = yield* Effect.flip(Effect.sandbox(EntraEmulator.make({ directory: short })))
      assert.include(Cause.pretty(cause), "2048 bits")
    })
  )
})
