import { X509Certificate } from "node:crypto"
import { inspect } from "node:util"
import { NodeFileSystem } from "@effect/platform-node"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { decodeProtectedHeader } from "jose"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as ClientCertificatePkcs12 from "../../src/credential/ClientCertificatePkcs12.js"
import { directoryWith } from "../emulator/assertions.js"
import { defaults, layer, options } from "../support/emulated.js"
import { ask, elsewhere } from "./asked.js"
import { passphrase, workshop } from "./openssl.js"

const shop = workshop()
afterAll(shop.remove)
const { openssl, text } = shop

const own = ["-inkey", "leaf.key", "-in", "leaf.crt"]
const withPassphrase = ["-passout", `pass:${passphrase}`]
const exported = (name: string, ...args: ReadonlyArray<string>) => openssl("pkcs12", "-export", ...args, "-out", name)

for (const name of ["root", "middle", "leaf"]) shop.rsa(`${name}.key`)
shop.selfSigned("root.key", "root.crt")
shop.issued("middle.key", "middle.crt", { key: "root.key", certificate: "root.crt" })
shop.issued("leaf.key", "leaf.crt", { key: "middle.key", certificate: "middle.crt" })
shop.write("issuers.crt", text("root.crt") + text("middle.crt"))
shop.ec("ec.key")
shop.selfSigned("ec.key", "ec.crt")
const chain = [...own, "-certfile", "issuers.crt", "-name", "a friend"]
exported("modern.pfx", ...chain, ...withPassphrase)
exported("legacy.pfx", "-legacy", ...chain, ...withPassphrase)
exported(
  "3des.pfx",
  ...chain,
  ...withPassphrase,
  "-keypbe",
  "PBE-SHA1-3DES",
  "-certpbe",
  "PBE-SHA1-3DES",
  "-macalg",
  "sha1"
)
exported("sha512.pfx", ...chain, ...withPassphrase, "-macalg", "sha512")
exported("unencrypted.pfx", ...chain, ...withPassphrase, "-keypbe", "NONE", "-certpbe", "NONE")
exported("open.pfx", ...chain, "-passout", "pass:")
exported("umlaut.pfx", ...chain, "-passout", "pass:hünter2")
exported("umlaut.legacy.pfx", "-legacy", ...chain, "-passout", "pass:hünter2")
exported("ec.pfx", "-inkey", "ec.key", "-in", "ec.crt", ...withPassphrase)
exported("nokey.pfx", "-nokeys", "-in", "leaf.crt", ...withPassphrase)
exported("nocert.pfx", "-nocerts", "-inkey", "leaf.key", ...withPassphrase)

const of = (name: string, given: string | undefined = passphrase) =>
  ClientCertificatePkcs12.fromBytes({
    content: Redacted.make(shop.bytes(name)),
    passphrase: given === undefined ? undefined : Redacted.make(given),
    sendChain: true
  })

describe("a PKCS#12 file", () => {
  const opened: ReadonlyArray<readonly [string, string]> = [
    ["modern.pfx", passphrase],
    ["legacy.pfx", passphrase],
    ["3des.pfx", passphrase],
    ["sha512.pfx", passphrase],
    ["unencrypted.pfx", passphrase],
    ["open.pfx", ""],
    ["umlaut.pfx", "hünter2"],
    ["umlaut.legacy.pfx", "hünter2"]
  ]
  it.scoped.each(opened)("%s acquires a token, and its chain is sent in order", ([name, given]) =>
    Effect.gen(function* () {
      const prepared = yield* of(name, given).prepare
      const der = (certificate: string) => new X509Certificate(text(certificate)).raw.toString("base64")
      const { x5c } = decodeProtectedHeader(yield* ask()(prepared))
      assert.deepStrictEqual(x5c, ["leaf.crt", "middle.crt", "root.crt"].map(der))
      const { app } = yield* ConfidentialClient.make({ ...options, credential: of(name, given) })
      yield* app.forScopes(defaults.apiScope).getToken()
    }).pipe(
      Effect.provide(layer({}, { directory: directoryWith({ certificates: [{ certificate: text("leaf.crt") }] }) }))
    )
  )

  it.scoped("may hold an EC key, for servers that take one", () =>
    Effect.gen(function* () {
      const jwt = yield* Effect.flatMap(of("ec.pfx").prepare, ask(elsewhere))
      assert.strictEqual(decodeProtectedHeader(jwt).alg, "ES256")
    })
  )

  const refused: ReadonlyArray<readonly [string, string | undefined, string, string]> = [
    ["modern.pfx", "wrong", "passphrase", "this passphrase opens"],
    ["legacy.pfx", "wrong", "passphrase", "this passphrase opens"],
    ["umlaut.pfx", "hönter2", "passphrase", "this passphrase opens"],
    ["modern.pfx", "", "passphrase", "this passphrase opens"],
    ["nokey.pfx", passphrase, "content", "one private key, not 0"],
    ["nocert.pfx", passphrase, "content", "with a certificate"],
    ["leaf.crt", passphrase, "content", "a whole PKCS#12 file"],
    ["leaf.key", passphrase, "content", "a whole PKCS#12 file"]
  ]
  it.scoped.each(refused)(
    "%s with passphrase '%s' is refused by %s, and nothing is shown",
    ([name, given, parameter, told]) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(of(name, given).prepare)
        assert.strictEqual(error.parameter, parameter)
        assert.include(error.message, told)
        assert.notInclude(inspect(error, { depth: 9 }), given === "" ? passphrase : `${given}`)
      })
  )

  it.scoped("that was cut off anywhere is refused", () =>
    Effect.gen(function* () {
      const bytes = shop.bytes("modern.pfx")
      for (let length = 0; length < bytes.length; length += 97) {
        const content = Redacted.make(bytes.subarray(0, length))
        const cut = ClientCertificatePkcs12.fromBytes({ content, passphrase: Redacted.make(passphrase) })
        assert.strictEqual((yield* Effect.flip(cut.prepare)).parameter, "content")
      }
    })
  )

  it.scoped("with a flipped byte is opened or refused, and never a defect", () =>
    Effect.gen(function* () {
      const whole = shop.bytes("legacy.pfx")
      for (let at = 0; at < whole.length; at += 61) {
        const content = Redacted.make(Uint8Array.from(whole, (byte, index) => (index === at ? byte ^ 1 : byte)))
        const bent = ClientCertificatePkcs12.fromBytes({ content, passphrase: Redacted.make(passphrase) })
        yield* Effect.either(bent.prepare)
      }
    })
  )

  it.scoped("is read by its path", () =>
    Effect.gen(function* () {
      const given = { path: shop.path("modern.pfx"), passphrase: Redacted.make(passphrase) }
      yield* (yield* ClientCertificatePkcs12.fromFile(given)).prepare
      const absent = yield* ClientCertificatePkcs12.fromFile({ ...given, path: shop.path("absent.pfx") })
      assert.include((yield* Effect.flip(absent.prepare)).message, "absent.pfx can't be read (NotFound)")
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})
