import { constants, createPrivateKey, type DSAEncoding, sign as nodeSign } from "node:crypto"
import { inspect } from "node:util"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Cause, Data, Deferred, Duration, Effect, Fiber, Option, Predicate, Redacted, TestClock } from "effect"
import { compactVerify, decodeProtectedHeader, importSPKI } from "jose"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as ClientCertificate from "../../src/credential/ClientCertificate.js"
import type { ClientCredential } from "../../src/credential/ClientCredential.js"
import { directoryWith } from "../emulator/assertions.js"
import { defaults, layer, options, tokenRequests } from "../support/emulated.js"
import { ask, elsewhere } from "./asked.js"
import { workshop } from "./openssl.js"

class Throttling extends Data.TaggedError("Throttling")<{ readonly detail: string }> {}

const shop = workshop()
afterAll(shop.remove)
const { text } = shop

for (const name of ["rsa", "other"]) {
  shop.rsa(`${name}.key`)
  shop.selfSigned(`${name}.key`, `${name}.crt`)
}
for (const curve of ["P-256", "P-521"]) {
  shop.ec(`${curve}.key`, curve)
  shop.openssl("pkey", "-in", `${curve}.key`, "-pubout", "-out", `${curve}.pub`)
}

type Sign<E = never> = (request: ClientCertificate.SigningRequest) => Effect.Effect<Uint8Array, E>

/** A vault that signs, and counts how often it is asked. */
const vault = (key: string, change: { readonly dsaEncoding?: DSAEncoding } = {}) => {
  const asked: Array<ClientCertificate.SigningRequest> = []
  const sign: Sign = (request) =>
    Effect.sync(() => {
      asked.push(request)
      const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      const given = { key: createPrivateKey(text(key)), ...(request.algorithm === "PS256" && pss), ...change }
      return nodeSign(request.algorithm === "ES512" ? "sha512" : "sha256", request.input, given)
    })
  return { asked, sign }
}

const getToken = (credential: ClientCredential) =>
  Effect.flatMap(ConfidentialClient.make({ ...options, credential }), ({ app }) =>
    app.forScopes(defaults.apiScope).getToken()
  )

const entra = () => layer({}, { directory: directoryWith({ certificates: [{ certificate: text("rsa.crt") }] }) })

const refusal = <E>(sign: Sign<E>, certificate = text("rsa.crt")) =>
  Effect.flip(getToken(ClientCertificate.signer({ sign, certificate })))

describe("a key in a vault", () => {
  it.scoped.each(["PS256", "RS256"] as const)("acquires a token with %s, signing once", (algorithm) =>
    Effect.gen(function* () {
      const { asked, sign } = vault("rsa.key")
      const credential = ClientCertificate.signer({ sign, certificate: text("rsa.crt"), algorithm })
      const { app } = yield* ConfidentialClient.make({ ...options, credential })
      const scopes = [defaults.apiScope, defaults.otherApiScope, defaults.graphScope]
      yield* Effect.forEach(scopes, (scope) => app.forScopes(scope).getToken(), { concurrency: "unbounded" })
      assert.strictEqual(asked.length, 1)
      const [request] = asked
      assert(request !== undefined)
      assert.strictEqual(request.algorithm, algorithm)
      const digest = yield* Effect.promise(() => crypto.subtle.digest("SHA-256", Uint8Array.from(request.input)))
      assert.deepStrictEqual([...request.digest], [...new Uint8Array(digest)])
      yield* TestClock.adjust("9 minutes")
      yield* app.forScopes(defaults.apiScope).getToken({ forceRefresh: true })
      assert.strictEqual(asked.length, 2)
    }).pipe(Effect.provide(entra()))
  )

  it.scoped.each([
    ["P-256", "ES256", "der"],
    ["P-256", "ES256", "ieee-p1363"],
    ["P-521", "ES512", "der"]
  ] as const)("on %s signs with %s, whether it gives DER or not (%s)", ([curve, algorithm, dsaEncoding]) =>
    Effect.gen(function* () {
      const { sign } = vault(`${curve}.key`, { dsaEncoding })
      const credential = ClientCertificate.signer({ sign, keyId: "projects/1/keys/2", algorithm })
      const prepared = yield* credential.prepare
      const publicKey = yield* Effect.promise(() => importSPKI(text(`${curve}.pub`), algorithm))
      // Integers of DER are shorter now and then.
      for (let time = 0; time < 300; time++) {
        const jwt = yield* ask(elsewhere)(prepared)
        yield* Effect.promise(() => compactVerify(jwt, publicKey))
      }
      const header = decodeProtectedHeader(yield* ask(elsewhere)(prepared))
      assert.deepStrictEqual(header, { alg: algorithm, typ: "client-authentication+jwt", kid: "projects/1/keys/2" })
    })
  )

  it.scoped("that is another one than the certificate's is told before anything is sent", () =>
    Effect.gen(function* () {
      const error = yield* refusal(vault("other.key").sign)
      assert.strictEqual(error._tag, "CredentialUnavailable")
      assert.include(error.message, "another key signed than that of the certificate")
      assert.strictEqual((yield* tokenRequests).length, 0)
    }).pipe(Effect.provide(entra()))
  )

  it.scoped("that can't sign is CredentialUnavailable, which keeps the error and does not print it", () =>
    Effect.gen(function* () {
      const error = yield* refusal(() => new Throttling({ detail: "hunter2" }))
      assert(error._tag === "CredentialUnavailable" && error.cause !== undefined)
      assert.isTrue(Predicate.isTagged(Redacted.value(error.cause), "Throttling"))
      const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)
      assert.notInclude(shown + Cause.pretty(Cause.fail(error)), "hunter2")
      assert.strictEqual((yield* tokenRequests).length, 0)
    }).pipe(Effect.provide(entra()))
  )

  const escapes: ReadonlyArray<readonly [string, Sign, string]> = [
    ["throws", () => assert.fail("hunter2"), "failed"],
    ["dies", () => Effect.dieMessage("hunter2"), "failed"],
    ["interrupts itself", () => Effect.interrupt, "failed"],
    ["gives nothing", () => Effect.succeed(new Uint8Array()), "empty"],
    ["gives too little", () => Effect.succeed(new Uint8Array(32)), "32 bytes are no signature by PS256"],
    ["gives zeros", () => Effect.succeed(new Uint8Array(256)), "another key"]
  ]
  it.scoped.each(escapes)("that %s is CredentialUnavailable", ([, sign, told]) =>
    Effect.gen(function* () {
      const error = yield* refusal(sign)
      assert.strictEqual(error._tag, "CredentialUnavailable")
      assert.include(error.message, told)
      assert.notInclude(inspect(error, { depth: 9 }), "hunter2")
    }).pipe(Effect.provide(entra()))
  )

  it.scoped("that hangs holds up who asks again for no longer than their own time", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const sign: Sign = () => Effect.zipRight(Deferred.succeed(started, undefined), Effect.never)
      const prepared = yield* ClientCertificate.signer({ sign, certificate: text("rsa.crt") }).prepare
      const first = yield* Effect.fork(Effect.flip(ask({})(prepared)))
      yield* Deferred.await(started)
      const hurried = yield* Effect.fork(Effect.flip(ask({ timeout: Duration.seconds(1) })(prepared)))
      yield* TestClock.adjust("1 second")
      assert.include((yield* Fiber.join(hurried)).message, "in time")
      assert.isTrue(Option.isNone(yield* Fiber.poll(first)))
      yield* TestClock.adjust("9 seconds")
      assert.include((yield* Fiber.join(first)).message, "in time")
    })
  )

  it.scoped("of EC is refused by the wrong number of bytes, or by DER that is none", () =>
    Effect.gen(function* () {
      for (const bytes of [
        [],
        [0x30],
        [0x30, 3, 2, 1, 1],
        [0x30, 6, 2, 1, 1, 2, 1],
        new Array<number>(70).fill(0x30)
      ]) {
        const sign = () => Effect.succeed(Uint8Array.from(bytes))
        const prepared = yield* ClientCertificate.signer({ sign, keyId: "1", algorithm: "ES256" }).prepare
        assert.strictEqual((yield* Effect.flip(ask(elsewhere)(prepared)))._tag, "CredentialUnavailable")
      }
    })
  )

  it.scoped("is PS256 unless told, where no certificate tells", () =>
    Effect.gen(function* () {
      const prepared = yield* ClientCertificate.signer({ ...vault("rsa.key"), keyId: "1" }).prepare
      assert.deepStrictEqual(decodeProtectedHeader(yield* ask({})(prepared)), { alg: "PS256", typ: "JWT", kid: "1" })
    })
  )
})
