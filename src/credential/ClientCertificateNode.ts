/**
 * The kinds of private keys that only Node reads: PKCS#1, and keys under a passphrase.
 *
 * @since 0.1.0
 */
import { createPrivateKey } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { ConfigurationError } from "../core/TokenError.js"
import * as ClientCertificate from "./ClientCertificate.js"
import type { ClientCredential } from "./ClientCredential.js"
import { keyBlock, type PemBlock } from "./pem.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends ClientCertificate.Options {
  /** What an encrypted key is encrypted with. */
  readonly passphrase?: Redacted.Redacted | undefined
}

const refusal = ({ label, position }: PemBlock, passphrase: Redacted.Redacted | undefined) =>
  new ConfigurationError({
    parameter: passphrase === undefined ? "privateKey" : "passphrase",
    expected: `a private key in block ${position} (${label})${passphrase === undefined ? "" : " that this passphrase opens"}`,
    remedy: "Try it with: openssl pkey -in key.pem -noout"
  })

const toPkcs8 = (block: PemBlock, passphrase: Redacted.Redacted | undefined) =>
  Effect.try({
    try: () =>
      createPrivateKey({
        key: block.text,
        ...(passphrase !== undefined && { passphrase: Redacted.value(passphrase) })
      }).export({ type: "pkcs8", format: "pem" }),
    catch: () => refusal(block, passphrase)
  }).pipe(Effect.map((pem) => Redacted.make(pem.toString())))

/**
 * A certificate from PEM texts whose key may be PKCS#8, PKCS#1 or encrypted; else as `ClientCertificate.fromPem`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPem = (options: Options): ClientCredential => ({
  prepare: Effect.gen(function* () {
    const block = yield* keyBlock(Redacted.value(options.privateKey))
    const privateKey = yield* toPkcs8(block, options.passphrase)
    return yield* ClientCertificate.fromPem({ ...options, privateKey }).prepare
  })
})
