import {
  type AuthError,
  type ClientAssertionCallback,
  ClientAuthError,
  ConfidentialClientApplication,
  type NodeAuthOptions,
  ServerError
} from "@azure/msal-node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Jose from "jose"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Fault from "../../src/emulator/Fault.js"
import { base64Url, directoryWith, github, makeCertificate, sign } from "./assertions.js"
import { defaults } from "./helpers.js"
import { agent, networkOver } from "./msal.js"

interface Account {
  readonly tenant?: string
  readonly proof?: Proof
}

type AssertionConfig = Parameters<ClientAssertionCallback>[0]

type Proof = Pick<NodeAuthOptions, "clientSecret" | "clientCertificate" | "clientAssertion">

const secret: Proof = { clientSecret: Redacted.value(defaults.clientSecret) }

const application = ({ tenant = defaults.tenantId, proof = secret }: Account = {}) =>
  Effect.gen(function* () {
    const { origin } = yield* EntraEmulatorNode.Address
    return new ConfidentialClientApplication({
      auth: {
        clientId: defaults.clientId,
        ...proof,
        authority: `${origin}/${tenant}`,
        knownAuthorities: [new URL(origin).host]
      },
      system: { networkClient: networkOver(yield* agent) }
    })
  })

const acquire = (client: ConfidentialClientApplication, scope: string = defaults.apiScope) =>
  Effect.tryPromise({
    try: () => client.acquireTokenByClientCredential({ scopes: [scope] }),
    catch: (error) => error
  })

const tokenRequests = Effect.gen(function* () {
  const { requests } = yield* EntraEmulator
  return (yield* requests).filter(({ path }) => path.endsWith("/token"))
})

describe("@azure/msal-node over TLS", () => {
  for (const [shape, options] of Object.entries({ plain: {}, varied: { seed: "msal" } })) {
    it.scopedLive(`acquires by client credential, then hits its cache (${shape} answers)`, () =>
      Effect.gen(function* () {
        const client = yield* application()
        const first = yield* acquire(client)
        assert.strictEqual(first?.tokenType, "Bearer")
        assert.isFalse(first?.fromCache)
        const second = yield* acquire(client)
        assert.strictEqual(second?.accessToken, first?.accessToken)
        assert.isTrue(second?.fromCache)
        const [request, ...more] = yield* tokenRequests
        assert.lengthOf(more, 0)
        assert.strictEqual(request?.form.client_secret, "<masked>")
        assert.strictEqual(request?.form.scope, defaults.apiScope)
      }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true, ...options })))
    )
  }

  it.scopedLive("refresh_in is understood", () =>
    Effect.gen(function* () {
      const result = yield* acquire(yield* application())
      assert.isAbove(result?.refreshOn?.getTime() ?? 0, 0)
      assert.isBelow(result?.refreshOn?.getTime() ?? 0, result?.expiresOn?.getTime() ?? 0)
    }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true, tokenLifetime: "2 hours", refreshIn: "1 hour" })))
  )

  it.scopedLive("a wrong secret is its ServerError, with our codes and the correlation id that it sent", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(acquire(yield* application({ proof: { clientSecret: "not-the-secret" } })))
      assert.instanceOf(error, ServerError)
      if (!(error instanceof ServerError)) return
      assert.strictEqual(error.errorCode, "invalid_client")
      assert.include(error.errorMessage, "AADSTS7000215")
      assert.notInclude(error.errorMessage, "not-the-secret")
      assert.include(error.errorMessage, error.correlationId)
    }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true })))
  )

  it.scopedLive("an unknown tenant ends at discovery, as its ClientAuthError", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(acquire(yield* application({ tenant: "11111111-2222-4333-8444-555555555555" })))
      assert.instanceOf(error, ClientAuthError)
      assert.strictEqual((error as AuthError).errorCode, "endpoints_resolution_error")
      assert.lengthOf(yield* tokenRequests, 0)
      const { requests } = yield* EntraEmulator
      assert.deepStrictEqual([...new Set((yield* requests).map(({ status }) => status))], [400])
    }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true })))
  )

  it.scopedLive("it obeys a throttled answer: the next call does not leave the process", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.script([Fault.unavailable("30")])
      const client = yield* application()
      const first = yield* Effect.flip(acquire(client))
      const second = yield* Effect.flip(acquire(client))
      for (const error of [first, second]) assert.include((error as AuthError).errorMessage, "AADSTS90033")
      assert.lengthOf(yield* tokenRequests, 1)
    }).pipe(Effect.provide(EntraEmulatorNode.layer({ tls: true })))
  )
})

const certificates = await Promise.all([makeCertificate(), makeCertificate(), makeCertificate()])
const [registered, stranger, issuer] = certificates
const publicKey = await Jose.exportJWK(await Jose.importX509(issuer.certificate, "RS256", { extractable: true }))

const withProofs = EntraEmulatorNode.layer({
  tls: true,
  directory: directoryWith({
    certificates: [{ certificate: registered.certificate }],
    federatedCredentials: [{ issuer: github.issuer, subject: github.subject, publicKey }]
  })
})

const isGuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

describe("@azure/msal-node with a client assertion", () => {
  const { privateKey, sha1, sha256, certificate } = registered
  const base64 = certificate.replace(/-----[A-Z ]+-----|\s/g, "")

  // What MSAL sends, member for member: our own assertions are compared with this.
  const shapes: Readonly<
    Record<string, { readonly proof: Proof; readonly header: Readonly<Record<string, unknown>> }>
  > = {
    "a SHA-256 thumbprint": {
      proof: { clientCertificate: { thumbprintSha256: sha256, privateKey } },
      header: { alg: "PS256", typ: "JWT", "x5t#S256": base64Url(sha256) }
    },
    "a SHA-256 thumbprint and the certificate": {
      proof: { clientCertificate: { thumbprintSha256: sha256, privateKey, x5c: certificate } },
      header: { alg: "PS256", typ: "JWT", "x5t#S256": base64Url(sha256), x5c: [base64] }
    },
    "a SHA-1 thumbprint": {
      proof: { clientCertificate: { thumbprint: sha1, privateKey } },
      header: { alg: "RS256", typ: "JWT", x5t: base64Url(sha1) }
    }
  }

  for (const [name, { proof, header }] of Object.entries(shapes)) {
    it.scopedLive(`acquires with a certificate, named by ${name}`, () =>
      Effect.gen(function* () {
        const { origin } = yield* EntraEmulatorNode.Address
        const result = yield* acquire(yield* application({ proof }))
        assert.strictEqual(Jose.decodeJwt(result?.accessToken ?? "").azpacr, "2")
        const [request] = yield* tokenRequests
        assert.strictEqual(request?.form.client_assertion, "<masked>")
        assert.notProperty(request?.form, "client_secret")
        assert.deepStrictEqual(request?.assertion?.header, header)
        const claims = request?.assertion?.claims ?? {}
        assert.sameMembers(Object.keys(claims), ["aud", "exp", "iss", "sub", "nbf", "jti", "iat"])
        const { nbf, jti } = claims
        assert.isTrue(Number.isInteger(nbf))
        assert.match(String(jti), isGuid)
        assert.deepStrictEqual(claims, {
          aud: `${origin}/${defaults.tenantId}/oauth2/v2.0/token`,
          exp: Number(nbf) + 600,
          iss: defaults.clientId,
          sub: defaults.clientId,
          nbf,
          jti,
          iat: claims.iat
        })
        assert.approximately(Number(claims.iat), Number(nbf), 1)
      }).pipe(Effect.provide(withProofs))
    )
  }

  it.scopedLive("a certificate that is not registered is its ServerError", () =>
    Effect.gen(function* () {
      const proof = { clientCertificate: { thumbprintSha256: stranger.sha256, privateKey: stranger.privateKey } }
      const error = yield* Effect.flip(acquire(yield* application({ proof })))
      assert.instanceOf(error, ServerError)
      assert.strictEqual((error as AuthError).errorCode, "invalid_client")
      assert.include((error as AuthError).errorMessage, "AADSTS700027")
    }).pipe(Effect.provide(withProofs))
  )

  const federated = (privateKey: string, calls: Array<AssertionConfig> = []): Proof => ({
    clientAssertion: (config) => {
      calls.push(config)
      const now = Math.floor(Date.now() / 1000)
      const claims = { iss: github.issuer, sub: github.subject, aud: github.audience, iat: now, exp: now + 600 }
      return Effect.runPromise(sign({ header: { alg: "RS256" }, claims, privateKey }))
    }
  })

  it.scopedLive("acquires with another issuer's token, which its callback gives for the endpoint", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const calls: Array<AssertionConfig> = []
      const client = yield* application({ proof: federated(issuer.privateKey, calls) })
      const result = yield* acquire(client)
      assert.strictEqual(Jose.decodeJwt(result?.accessToken ?? "").azpacr, "2")
      assert.isTrue((yield* acquire(client))?.fromCache)
      const [request, ...more] = yield* tokenRequests
      assert.lengthOf(more, 0)
      assert.deepStrictEqual(request?.assertion?.header, { alg: "RS256" })
      assert.strictEqual(request?.assertion?.claims.iss, github.issuer)
      const tokenEndpoint = `${origin}/${defaults.tenantId}/oauth2/v2.0/token`
      for (const call of calls) assert.deepInclude(call, { clientId: defaults.clientId, tokenEndpoint })
      assert.isAbove(calls.length, 0)
    }).pipe(Effect.provide(withProofs))
  )

  it.scopedLive("another issuer's token with a wrong signature is its ServerError", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(acquire(yield* application({ proof: federated(stranger.privateKey) })))
      assert.instanceOf(error, ServerError)
      assert.include((error as AuthError).errorMessage, "AADSTS700027")
    }).pipe(Effect.provide(withProofs))
  )
})
