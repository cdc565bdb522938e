import { inspect } from "node:util"
import { FileSystem } from "@effect/platform"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as ClientCertificate from "../../src/credential/ClientCertificate.js"
import * as ClientCertificateNode from "../../src/credential/ClientCertificateNode.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import { directoryWith } from "../emulator/assertions.js"
import { defaults, layer, options, tokenRequests } from "../support/emulated.js"
import { type KeyPair, makeCertificate } from "../support/keys.js"

let old: KeyPair
let renewed: KeyPair
beforeAll(async () => {
  old = await makeCertificate()
  renewed = await makeCertificate()
})

const oneText = ({ certificate, privateKey }: KeyPair) => `${Redacted.value(privateKey)}\n${certificate}`

const file = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempFileScoped()
  return { path, write: (content: string) => Effect.orDie(fs.writeFileString(path, content)) }
})

const clientOf = (credential: ClientCredential.ClientCredential) => ConfidentialClient.make({ ...options, credential })

describe("a certificate in files", () => {
  it.scoped("is read when a client is made, in one file or in two", () =>
    Effect.gen(function* () {
      const [one, two, key] = yield* Effect.all([file, file, file])
      yield* one.write(oneText(old))
      yield* two.write(old.certificate)
      yield* key.write(Redacted.value(old.privateKey))
      for (const { fromFile } of [ClientCertificate, ClientCertificateNode])
        for (const paths of [{ path: one.path }, { path: two.path, keyPath: key.path }])
          yield* clientOf(yield* fromFile(paths))
    }).pipe(Effect.provide([NodeFileSystem.layer, layer()]))
  )

  it.scoped("that is renewed is taken up when the authority refuses the old one", () =>
    Effect.gen(function* () {
      const { path, write } = yield* file
      yield* write(oneText(old))
      const certificate = yield* ClientCertificate.fromFile({ path })
      const { app } = yield* clientOf(ClientCredential.rotating(Effect.succeed(certificate)))
      const api = app.forScopes(defaults.apiScope)
      const refusal = yield* Effect.flip(api.getToken())
      assert.deepStrictEqual(refusal._tag === "InvalidClient" && refusal.errorCodes, ["AADSTS700027"])
      assert.strictEqual((yield* tokenRequests).length, 1)
      yield* write(oneText(renewed))
      assert.strictEqual((yield* api.getToken()).source, "identity_provider")
      assert.strictEqual((yield* tokenRequests).length, 3)
    }).pipe(
      Effect.provide(layer({}, { directory: directoryWith({ certificates: [{ certificate: renewed.certificate }] }) })),
      Effect.provide(NodeFileSystem.layer)
    )
  )

  it.scoped("that is half written leaves the refusal as it is, and is read again later", () =>
    Effect.gen(function* () {
      const { path, write } = yield* file
      yield* write(oneText(old))
      const certificate = yield* ClientCertificate.fromFile({ path })
      const { app } = yield* clientOf(ClientCredential.rotating(Effect.succeed(certificate)))
      const api = app.forScopes(defaults.apiScope)
      yield* Effect.flip(api.getToken())
      yield* write(oneText(renewed).slice(0, 1000))
      assert.strictEqual((yield* Effect.flip(api.getToken()))._tag, "InvalidClient")
      yield* write(oneText(renewed))
      assert.strictEqual((yield* api.getToken()).source, "identity_provider")
    }).pipe(
      Effect.provide(layer({}, { directory: directoryWith({ certificates: [{ certificate: renewed.certificate }] }) })),
      Effect.provide(NodeFileSystem.layer)
    )
  )

  const contents: ReadonlyArray<readonly [string, string, string]> = [
    ["empty", "", "is empty"],
    ["larger than a megabyte", "hunter2".repeat(150_000), "is larger than 1 MiB"]
  ]
  it.scoped.each(contents)("that is %s is told by its path", ([, content, told]) =>
    Effect.gen(function* () {
      const { path, write } = yield* file
      yield* write(content)
      const error = yield* Effect.flip((yield* ClientCertificate.fromFile({ path })).prepare)
      assert.strictEqual(error.parameter, "path")
      assert.include(error.message, `${path} ${told}`)
      assert.notInclude(inspect(error), "hunter2")
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scoped("that is not there, is a folder, or never ends is told by its path", () =>
    Effect.gen(function* () {
      const { path } = yield* file
      for (const keyPath of ["/nowhere/tls.key", "/tmp", "/dev/zero"]) {
        const { write } = yield* file
        yield* write("x")
        const error = yield* Effect.flip((yield* ClientCertificate.fromFile({ path: keyPath, keyPath: path })).prepare)
        assert.strictEqual(error.parameter, "path")
        assert.include(error.message, keyPath)
      }
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scoped("whose key is in an absent file is told by that path", () =>
    Effect.gen(function* () {
      const { path, write } = yield* file
      yield* write(old.certificate)
      const error = yield* Effect.flip((yield* ClientCertificate.fromFile({ path, keyPath: `${path}.key` })).prepare)
      assert.strictEqual(error.parameter, "keyPath")
      assert.include(error.message, `${path}.key can't be read (NotFound)`)
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})
