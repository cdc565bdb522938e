import { inspect } from "node:util"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, FastCheck, Redacted } from "effect"
import { compactVerify, importSPKI } from "jose"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as ClientCertificate from "../../src/credential/ClientCertificate.js"
import * as ClientCertificateNode from "../../src/credential/ClientCertificateNode.js"
import * as ClientCertificatePkcs12 from "../../src/credential/ClientCertificatePkcs12.js"
import type { ClientCredential } from "../../src/credential/ClientCredential.js"
import { directoryWith } from "../emulator/assertions.js"
import { defaults, layer, options, tokenRequests } from "../support/emulated.js"
import { ask, elsewhere } from "./asked.js"
import { passphrase, workshop } from "./openssl.js"

const shop = workshop()
afterAll(shop.remove)

const { openssl, secret, text } = shop

const getToken = (credential: ClientCredential) =>
  Effect.flatMap(ConfidentialClient.make({ ...options, credential }), ({ app }) =>
    app.forScopes(defaults.apiScope).getToken()
  )

const entra = (...names: ReadonlyArray<string>) =>
  layer({}, { directory: directoryWith({ certificates: names.map((name) => ({ certificate: text(name) })) }) })

describe("a key that OpenSSL made", () => {
  for (const bits of [1024, 2048, 3072, 4096]) {
    shop.rsa(`rsa${bits}.key`, bits)
    shop.selfSigned(`rsa${bits}.key`, `rsa${bits}.crt`)
  }
  shop.issued("rsa2048.key", "chained.crt", { key: "rsa3072.key", certificate: "rsa3072.crt" })
  shop.write("chain.crt", text("chained.crt") + text("rsa3072.crt"))
  openssl("req", "-new", "-key", "rsa2048.key", "-subj", "/CN=expired", "-out", "expired.csr")
  openssl("x509", "-req", "-in", "expired.csr", "-signkey", "rsa2048.key", "-days", "-1", "-out", "expired.crt")
  const out = ["-in", "rsa2048.key", "-passout", `pass:${passphrase}`]
  openssl("rsa", "-in", "rsa2048.key", "-traditional", "-out", "pkcs1.key")
  openssl("rsa", ...out, "-traditional", "-aes256", "-out", "pkcs1.encrypted.key")
  openssl("pkcs8", "-topk8", ...out, "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-out", "pbes2.key")
  openssl("pkcs8", "-topk8", ...out, "-scrypt", "-out", "scrypt.key")
  openssl("pkcs8", "-topk8", ...out, "-v1", "PBE-SHA1-3DES", "-out", "3des.key")
  openssl(
    "pkcs8",
    "-topk8",
    ...out,
    "-v1",
    "PBE-SHA1-RC2-40",
    "-provider",
    "legacy",
    "-provider",
    "default",
    "-out",
    "rc2.key"
  )
  openssl("genpkey", "-algorithm", "ED25519", "-out", "ed25519.key")
  shop.selfSigned("ed25519.key", "ed25519.crt")
  openssl("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "pss.key")
  shop.selfSigned("pss.key", "pss.crt")
  openssl("ecparam", "-name", "secp256k1", "-genkey", "-noout", "-out", "k1.sec1.key")
  openssl("pkcs8", "-topk8", "-nocrypt", "-in", "k1.sec1.key", "-out", "k1.key")
  shop.selfSigned("k1.key", "k1.crt")
  for (const curve of ["P-256", "P-384", "P-521"]) {
    shop.ec(`${curve}.key`, curve)
    shop.selfSigned(`${curve}.key`, `${curve}.crt`)
    openssl("pkey", "-in", `${curve}.key`, "-pubout", "-out", `${curve}.pub`)
  }
  openssl("ec", "-in", "P-256.key", "-out", "P-256.sec1.key")

  const plain: ReadonlyArray<readonly [string, string]> = [
    ["rsa2048.key", "rsa2048.crt"],
    ["rsa3072.key", "rsa3072.crt"],
    ["rsa4096.key", "rsa4096.crt"],
    ["rsa2048.key", "chain.crt"],
    ["rsa2048.key", "expired.crt"]
  ]
  it.scoped.each(plain)("%s with %s acquires a token", ([key, certificate]) =>
    getToken(
      ClientCertificate.fromPem({ privateKey: secret(key), certificate: text(certificate), sendChain: true })
    ).pipe(Effect.provide(entra(certificate)))
  )

  const wrapped = ["pkcs1.key", "pkcs1.encrypted.key", "pbes2.key", "scrypt.key", "3des.key"]
  it.scoped.each(wrapped)("%s acquires a token by ClientCertificateNode", (key) =>
    getToken(
      ClientCertificateNode.fromPem({
        privateKey: secret(key),
        certificate: text("rsa2048.crt"),
        passphrase: Redacted.make(passphrase)
      })
    ).pipe(Effect.provide(entra("rsa2048.crt")))
  )

  const refused: ReadonlyArray<readonly [string, string, string, string]> = [
    ["rsa1024.key", "rsa1024.crt", "certificate", "an RSA key of 2048 bits or more in block 1"],
    ["rsa3072.key", "rsa2048.crt", "privateKey", "the key of this certificate"],
    ["P-256.key", "rsa2048.crt", "privateKey", "an RSA key in block 1"],
    ["rsa2048.key", "P-256.crt", "privateKey", "an EC key (P-256) in block 1"],
    ["P-384.key", "P-256.crt", "privateKey", "an EC key (P-256) in block 1"],
    ["ed25519.key", "ed25519.crt", "certificate", "an RSA key, or an EC key on P-256, P-384 or P-521, in block 1"],
    ["pss.key", "pss.crt", "certificate", "an RSA key, or an EC key"],
    ["k1.key", "k1.crt", "certificate", "an RSA key, or an EC key"],
    ["P-256.sec1.key", "P-256.crt", "privateKey", "block 1 (EC PRIVATE KEY)"]
  ]
  it.scoped.each(refused)("%s with %s is refused when a client is made of it", ([key, certificate, parameter, told]) =>
    Effect.gen(function* () {
      const pair = { privateKey: secret(key), certificate: text(certificate) }
      const error = yield* Effect.flip(ClientCertificate.fromPem(pair).prepare)
      assert.strictEqual(error.parameter, parameter)
      assert.include(error.message, told)
    })
  )

  it.scoped("that only Node's legacy provider would open is refused by its block", () =>
    Effect.gen(function* () {
      const pair = { privateKey: secret("rc2.key"), certificate: text("rsa2048.crt") }
      const opened = ClientCertificateNode.fromPem({ ...pair, passphrase: Redacted.make(passphrase) })
      const error = yield* Effect.flip(opened.prepare)
      assert.strictEqual(error.parameter, "passphrase")
      assert.include(error.message, "block 1 (ENCRYPTED PRIVATE KEY)")
    })
  )

  it.scoped.each([
    ["P-256", "ES256"],
    ["P-384", "ES384"],
    ["P-521", "ES512"]
  ] as const)("on %s signs with %s for servers that are not Entra", ([curve, algorithm]) =>
    Effect.gen(function* () {
      const publicKey = yield* Effect.promise(() => importSPKI(text(`${curve}.pub`), algorithm))
      const byCertificate = { privateKey: secret(`${curve}.key`), certificate: text(`${curve}.crt`) }
      const byId = { privateKey: secret(`${curve}.key`), keyId: "key-1" }
      for (const given of [byCertificate, byId]) {
        const jwt = yield* Effect.flatMap(ClientCertificate.fromPem(given).prepare, ask(elsewhere))
        const { protectedHeader } = yield* Effect.promise(() => compactVerify(jwt, publicKey))
        assert.strictEqual(protectedHeader.alg, algorithm)
        assert.strictEqual(protectedHeader.kid, given === byId ? "key-1" : undefined)
      }
    })
  )

  it.scoped("of EC is refused at Entra before anything is sent", () =>
    Effect.gen(function* () {
      const credential = ClientCertificateNode.fromPem({
        privateKey: secret("P-256.sec1.key"),
        certificate: text("P-256.crt")
      })
      const error = yield* Effect.flip(getToken(credential))
      assert.strictEqual(error._tag, "CredentialUnavailable")
      assert.include(error.message, "Entra takes RSA keys only (PS256, RS256), not ES256")
      assert.strictEqual((yield* tokenRequests).length, 0)
    }).pipe(Effect.provide(entra("rsa2048.crt")))
  )

  it.scoped("without certificate and without id is refused", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        ClientCertificate.fromPem({ privateKey: secret("rsa2048.key"), keyId: "" }).prepare
      )
      assert.strictEqual(error.parameter, "keyId")
    })
  )
})

describe("whatever is given instead of a key, a certificate or a file", () => {
  const marker = "hunter2hunter2"
  const label = FastCheck.constantFrom("PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "CERTIFICATE", "X")
  const body = FastCheck.oneof(
    FastCheck.base64String({ maxLength: 200 }),
    FastCheck.uint8Array({ maxLength: 80 }).map((bytes) =>
      Buffer.from([0x30, bytes.length, ...bytes]).toString("base64")
    ),
    FastCheck.fullUnicodeString({ maxLength: 60 })
  )
  const block = FastCheck.tuple(label, body).map(
    ([name, content]) => `-----BEGIN ${name}-----\n${content}\n${marker}\n-----END ${name}-----`
  )
  const garbage = FastCheck.oneof(
    FastCheck.array(block, { maxLength: 3 }).map((blocks) => blocks.join("\n")),
    FastCheck.fullUnicodeString({ maxLength: 60 }).map((content) => marker + content)
  )

  const assertRefused = (exit: Exit.Exit<unknown, unknown>) => {
    assert(Exit.isFailure(exit) && exit.cause._tag === "Fail", inspect(exit))
    const shown = inspect(exit, { depth: 9, showHidden: true }) + JSON.stringify(exit) + Cause.pretty(exit.cause)
    assert.notInclude(shown, marker)
  }
  const refusesAll = (...all: ReadonlyArray<ClientCredential>) =>
    Effect.runPromise(
      Effect.forEach(all, ({ prepare }) => Effect.map(Effect.exit(Effect.scoped(prepare)), assertRefused))
    )

  it("as PEM is a ConfigurationError that shows nothing of it", () =>
    FastCheck.assert(
      FastCheck.asyncProperty(garbage, garbage, async (key, certificate) => {
        const pair = { privateKey: Redacted.make(key), certificate }
        await refusesAll(
          ClientCertificate.fromPem(pair),
          ClientCertificate.fromPem({ ...pair, algorithm: "ES256" }),
          ClientCertificate.fromPem({ privateKey: pair.privateKey, keyId: "1" }),
          ClientCertificateNode.fromPem({ ...pair, passphrase: Redacted.make(marker) }),
          ClientCertificate.signer({ certificate, sign: ({ input }) => Effect.succeed(input) })
        )
      })
    ))

  it("as PKCS#12 is a ConfigurationError that shows nothing of it", () => {
    const bytes = new TextEncoder().encode(marker)
    const sequence = FastCheck.uint8Array({ maxLength: 80 }).map((content) =>
      Uint8Array.from([0x30, content.length + bytes.length + 3, 2, 1, 3, ...content, ...bytes])
    )
    const content = FastCheck.oneof(sequence, FastCheck.uint8Array({ maxLength: 200 }))
    return FastCheck.assert(
      FastCheck.asyncProperty(content, (given) =>
        refusesAll(
          ClientCertificatePkcs12.fromBytes({ content: Redacted.make(given), passphrase: Redacted.make(marker) })
        ).then(() => undefined)
      )
    )
  })
})
