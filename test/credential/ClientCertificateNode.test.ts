import { createPrivateKey } from "node:crypto"
import { inspect } from "node:util"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as ClientCertificateNode from "../../src/credential/ClientCertificateNode.js"
import { type KeyPair, makeCertificate } from "../support/keys.js"

const passphrase = "hunter2"
let pair: KeyPair
beforeAll(async () => {
  pair = await makeCertificate()
})

/** The certificate's key, written in another way. */
const written = (options: { readonly type: "pkcs1" | "pkcs8"; readonly isEncrypted: boolean }) =>
  Redacted.make(
    createPrivateKey(Redacted.value(pair.privateKey))
      .export({ type: options.type, format: "pem", ...(options.isEncrypted && { cipher: "aes-256-cbc", passphrase }) })
      .toString()
  )

describe("a private key", () => {
  const kinds = [
    { type: "pkcs8", isEncrypted: false },
    { type: "pkcs1", isEncrypted: false },
    { type: "pkcs8", isEncrypted: true },
    { type: "pkcs1", isEncrypted: true }
  ] as const
  it.scoped.each(kinds)(
    "of kind %j is read",
    (kind) =>
      ClientCertificateNode.fromPem({
        certificate: pair.certificate,
        privateKey: written(kind),
        passphrase: kind.isEncrypted ? Redacted.make(passphrase) : undefined
      }).prepare
  )

  it.scoped.each([["wrong"], [undefined]])(
    "under another passphrase (%s) is refused, and neither is shown",
    ([given]) =>
      Effect.gen(function* () {
        const error = yield* ClientCertificateNode.fromPem({
          certificate: pair.certificate,
          privateKey: written({ type: "pkcs8", isEncrypted: true }),
          passphrase: given === undefined ? undefined : Redacted.make(`${given}-${passphrase}`)
        }).prepare.pipe(Effect.flip)
        assert.strictEqual(error.parameter, given === undefined ? "privateKey" : "passphrase")
        assert.include(error.message, "block 1 (ENCRYPTED PRIVATE KEY)")
        assert.notInclude(inspect(error, { depth: 9 }), passphrase)
      })
  )
})
