import { FileSystem } from "@effect/platform"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Redacted, TestClock } from "effect"
import { decodeJwt, exportJWK, importX509 } from "jose"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as ClientCertificate from "../../src/credential/ClientCertificate.js"
import type * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as FederatedCredential from "../../src/credential/FederatedCredential.js"
import { directoryWith, github, sign } from "../emulator/assertions.js"
import { defaults, layer, options, tokenRequests } from "../support/emulated.js"
import { type KeyPair, makeCertificate } from "../support/keys.js"

let registered: KeyPair
let stranger: KeyPair
beforeAll(async () => {
  registered = await makeCertificate()
  stranger = await makeCertificate()
})

const entra = () => layer({}, { directory: directoryWith({ certificates: [registered] }) })

const clientOf = (credential: ClientCredential.ClientCredential) => ConfidentialClient.make({ ...options, credential })

const assertions = Effect.map(tokenRequests, (requests) => requests.map(({ assertion }) => assertion))

describe("a client with a certificate", () => {
  it.scoped.each(["PS256", "RS256"] as const)("acquires a token with %s", (algorithm) =>
    Effect.gen(function* () {
      const { app } = yield* clientOf(ClientCertificate.fromPem({ ...registered, algorithm }))
      const token = yield* app.forScopes(defaults.apiScope).getToken()
      assert.strictEqual(decodeJwt(Redacted.value(token.accessToken)).azpacr, "2")
      const [assertion] = yield* assertions
      assert.sameMembers(Object.keys(assertion?.claims ?? {}), ["aud", "iss", "sub", "jti", "nbf", "iat", "exp"])
    }).pipe(Effect.provide(entra()))
  )

  it.scoped("signs for each of its tenants once, and for no hit", () =>
    Effect.gen(function* () {
      const { app } = yield* clientOf(ClientCertificate.fromPem(registered))
      const sources = [defaults.tenantId, defaults.otherTenantId].map((tenantId) =>
        app.forScopes(defaults.apiScope, { tenantId })
      )
      for (let time = 0; time < 100; time++) for (const source of sources) yield* source.getToken()
      yield* TestClock.adjust("1 minute")
      for (const source of sources) yield* source.getToken({ forceRefresh: true })
      const ids = (yield* assertions).map((assertion) => assertion?.claims.jti)
      assert.deepStrictEqual([ids.length, new Set(ids).size], [4, 2])
    }).pipe(Effect.provide(entra()))
  )

  it.scoped("that is not registered is InvalidClient, by Entra's code", () =>
    Effect.gen(function* () {
      const { app } = yield* clientOf(ClientCertificate.fromPem(stranger))
      const error = yield* Effect.flip(app.forScopes(defaults.apiScope).getToken())
      assert.deepStrictEqual(error._tag === "InvalidClient" && error.errorCodes, ["AADSTS700027"])
    }).pipe(Effect.provide(entra()))
  )

  it.effect("whose key is another's is refused before any request", () =>
    Effect.gen(function* () {
      const mixed = ClientCertificate.fromPem({ ...registered, privateKey: stranger.privateKey })
      const error = yield* Effect.flip(Effect.scoped(clientOf(mixed)))
      assert.strictEqual(error.parameter, "privateKey")
      assert.strictEqual((yield* tokenRequests).length, 0)
    }).pipe(Effect.provide(entra()))
  )
})

describe("a workload with a federated token", () => {
  it.scoped("acquires a token with what its file holds at that moment", () =>
    Effect.gen(function* () {
      const publicKey = yield* Effect.promise(async () => exportJWK(await importX509(registered.certificate, "RS256")))
      const directory = directoryWith({ federatedCredentials: [{ ...github, publicKey }] })
      const fs = yield* FileSystem.FileSystem
      const path = yield* fs.makeTempFileScoped()
      const write = (exp: number) =>
        Effect.flatMap(
          sign({
            header: { alg: "RS256" },
            claims: { iss: github.issuer, sub: github.subject, aud: github.audience, exp },
            privateKey: Redacted.value(registered.privateKey)
          }),
          (jwt) => fs.writeFileString(path, jwt)
        )
      yield* Effect.gen(function* () {
        const { app } = yield* clientOf(yield* FederatedCredential.tokenFile(path))
        const api = app.forScopes(defaults.apiScope)
        yield* write(300)
        yield* api.getToken()
        yield* TestClock.adjust("2 hours")
        const expired = yield* Effect.flip(api.getToken())
        assert.deepStrictEqual(expired._tag === "InvalidClient" && expired.errorCodes, ["AADSTS700024"])
        yield* write(3 * 3600)
        assert.strictEqual((yield* api.getToken()).source, "identity_provider")
      }).pipe(Effect.provide(layer({}, { directory })))
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})
