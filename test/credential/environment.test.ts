import { FileSystem } from "@effect/platform"
import { NodeFileSystem } from "@effect/platform-node"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { ConfigError, ConfigProvider, Effect, Redacted } from "effect"
import { decodeProtectedHeader } from "jose"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as ClientCertificateNode from "../../src/credential/ClientCertificateNode.js"
import * as FederatedCredential from "../../src/credential/FederatedCredential.js"
import { directoryWith } from "../emulator/assertions.js"
import { defaults, layer, tokenRequests } from "../support/emulated.js"
import { type KeyPair, makeCertificate } from "../support/keys.js"
import { ask } from "./asked.js"
import { passphrase, workshop } from "./openssl.js"

const shop = workshop()
afterAll(shop.remove)

let pair: KeyPair
beforeAll(async () => {
  pair = await makeCertificate()
})

const client = { AZURE_TENANT_ID: defaults.tenantId, AZURE_CLIENT_ID: defaults.clientId }

const withVariables = (variables: Readonly<Record<string, string>>) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))

const missing = (error: ConfigError.ConfigError): ReadonlyArray<string> =>
  ConfigError.isConfigError(error) && error._op === "And"
    ? [...missing(error.left), ...missing(error.right)]
    : [error._op === "MissingData" ? error.path.join() : error._op]

describe("a workload that its environment describes", () => {
  it.scoped("asks with the token in its file", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* fs.makeTempFileScoped()
      yield* fs.writeFileString(path, "a.b.c\n")
      const host = "https://login.microsoftonline.us/"
      const settings = yield* FederatedCredential.workloadIdentity.pipe(
        withVariables({ ...client, AZURE_FEDERATED_TOKEN_FILE: path, AZURE_AUTHORITY_HOST: host })
      )
      assert.strictEqual(settings.clientId, defaults.clientId)
      assert.deepInclude(settings.authority, { host, tenantId: defaults.tenantId })
      assert.strictEqual(yield* Effect.flatMap(settings.credential.prepare, ask()), "a.b.c")
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.effect("is told all that is missing at once", () =>
    Effect.gen(function* () {
      const workload = yield* Effect.flip(withVariables({})(FederatedCredential.workloadIdentity))
      assert.deepStrictEqual(missing(workload), ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"])
      const certificate = yield* Effect.flip(withVariables({})(ClientCertificateNode.environment))
      assert.deepStrictEqual(missing(certificate), [
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_CERTIFICATE_PATH"
      ])
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})

describe("a certificate that the environment describes", () => {
  const entra = () => layer({}, { directory: directoryWith({ certificates: [{ certificate: pair.certificate }] }) })

  const settingsOf = (path: string, more: Readonly<Record<string, string>> = {}) =>
    withVariables({ ...client, AZURE_CLIENT_CERTIFICATE_PATH: path, ...more })(ClientCertificateNode.environment)

  it.scoped("acquires a token, as PEM", () =>
    Effect.gen(function* () {
      shop.write("pair.pem", `${Redacted.value(pair.privateKey)}\n${pair.certificate}`)
      const settings = yield* settingsOf(shop.path("pair.pem"))
      const { app } = yield* ConfidentialClient.make(settings)
      yield* app.forScopes(defaults.apiScope).getToken()
      const [request] = yield* tokenRequests
      assert.notProperty(request?.assertion?.header, "x5c")
    }).pipe(Effect.provide(entra()), Effect.provide(NodeFileSystem.layer))
  )

  const files = {
    "encrypted.pem": () => {
      shop.openssl("pkey", "-in", "own.key", "-aes256", "-passout", `pass:${passphrase}`, "-out", "own.encrypted.key")
      shop.write("encrypted.pem", shop.text("own.encrypted.key") + pair.certificate)
    },
    "own.pfx": () => {
      const files = ["-inkey", "own.key", "-in", "own.crt"]
      shop.openssl("pkcs12", "-export", ...files, "-passout", `pass:${passphrase}`, "-out", "own.pfx")
    }
  }
  for (const [name, make] of Object.entries(files))
    it.scoped(`is opened by its passphrase, and its chain sent (${name})`, () =>
      Effect.gen(function* () {
        shop.write("own.key", Redacted.value(pair.privateKey))
        shop.write("own.crt", pair.certificate)
        make()
        const { credential } = yield* settingsOf(shop.path(name), {
          AZURE_CLIENT_CERTIFICATE_PASSWORD: passphrase,
          AZURE_CLIENT_SEND_CERTIFICATE_CHAIN: "true"
        })
        const header = decodeProtectedHeader(yield* Effect.flatMap(credential.prepare, ask()))
        assert.strictEqual(header.x5c?.length, 1)
        const wrong = yield* settingsOf(shop.path(name), { AZURE_CLIENT_CERTIFICATE_PASSWORD: "wrong" })
        assert.strictEqual((yield* Effect.flip(wrong.credential.prepare)).parameter, "passphrase")
      }).pipe(Effect.provide(NodeFileSystem.layer))
    )

  it.scoped("that is not there is told by its variable and its path", () =>
    Effect.gen(function* () {
      const { credential } = yield* settingsOf("/nowhere/own.pem")
      const error = yield* Effect.flip(credential.prepare)
      assert.strictEqual(error.parameter, "AZURE_CLIENT_CERTIFICATE_PATH")
      assert.include(error.message, "/nowhere/own.pem can't be read (NotFound)")
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})
