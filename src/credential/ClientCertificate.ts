/**
 * A certificate as a client's credential: a JWT signed with its key, made anew when it has to be.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import { CompactSign, type CryptoKey, compactVerify, importPKCS8, importX509 } from "jose"
import { ConfigurationError } from "../core/TokenError.js"
import { assertionParameters, type ClientCredential, constant } from "./ClientCredential.js"
import * as ClientAssertion from "./clientAssertion.js"
import { keyBlock, type PemBlock, parsePem, wrongBlock } from "./pem.js"
import { endOf } from "./x509Validity.js"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The RSA private key as PEM (PKCS#8). It may stand in one text with the certificate. */
  readonly privateKey: Redacted.Redacted
  /** The certificate as PEM, followed by those that issued it, if they are to be sent. */
  readonly certificate: string
  /** `PS256` with `x5t#S256` unless told; `RS256` with `x5t` for AD FS and other servers that know nothing newer. */
  readonly algorithm?: "PS256" | "RS256" | undefined
  /** Sends the whole chain (`x5c`), for apps that are registered by subject name and issuer. */
  readonly sendChain?: boolean | undefined
}

const refuse = (parameter: string, expected: string, remedy: string) =>
  new ConfigurationError({ parameter, expected, remedy })

const pkcs8 = "Convert it (openssl pkcs8 -topk8 -nocrypt -in key.pem), or use ClientCertificateNode."

const pkcs8Block = (text: string): Either.Either<PemBlock, ConfigurationError> =>
  Either.filterOrLeft(
    keyBlock(text),
    ({ label }) => label === "PRIVATE KEY",
    (found) => wrongBlock("privateKey", found, "an unencrypted PKCS#8 key (PRIVATE KEY)", pkcs8)
  )

const certificateBlocks = (
  text: string
): Either.Either<readonly [PemBlock, ...ReadonlyArray<PemBlock>], ConfigurationError> =>
  Either.flatMap(parsePem("certificate", text), (blocks) => {
    const [first, ...chain] = blocks.filter(({ label }) => label === "CERTIFICATE")
    return first === undefined
      ? Either.left(refuse("certificate", "a CERTIFICATE block", "Give the certificate beside its key."))
      : Either.right([first, ...chain])
  })

const imported = (
  parameter: string,
  block: PemBlock,
  what: string,
  load: () => Promise<CryptoKey>
): Effect.Effect<CryptoKey, ConfigurationError> =>
  Effect.tryPromise({
    try: load,
    catch: () => wrongBlock(parameter, block, what, "Other kinds of keys can't sign for Entra.")
  })

/** Proven by a signature, whatever the two texts say of themselves. */
const requirePair = (algorithm: string, key: CryptoKey, certificate: CryptoKey) =>
  Effect.tryPromise({
    try: async () => {
      const proof = await new CompactSign(new Uint8Array([1])).setProtectedHeader({ alg: algorithm }).sign(key)
      await compactVerify(proof, certificate)
    },
    catch: () =>
      refuse(
        "privateKey",
        "the key of this certificate",
        "Export both from the same place; the certificate comes first."
      )
  })

const digest = (algorithm: "SHA-1" | "SHA-256", bytes: Uint8Array): Effect.Effect<string> =>
  Effect.promise(async () =>
    Encoding.encodeBase64Url(new Uint8Array(await crypto.subtle.digest(algorithm, Uint8Array.from(bytes))))
  )

const thumbprint = (algorithm: string, { bytes }: PemBlock): Effect.Effect<Readonly<Record<string, string>>> =>
  algorithm === "PS256"
    ? Effect.map(digest("SHA-256", bytes), (value) => ({ "x5t#S256": value }))
    : Effect.map(digest("SHA-1", bytes), (value) => ({ x5t: value }))

/** How long before its end a certificate is announced. */
const notice = "30 days"

const announceEnd = ({ bytes }: PemBlock): Effect.Effect<void> =>
  Effect.flatMap(DateTime.now, (now) => {
    const end = endOf(bytes)
    return end === undefined || DateTime.greaterThan(end, DateTime.addDuration(now, notice))
      ? Effect.void
      : Effect.annotateLogs(Effect.logWarning("the client's certificate is at its end"), {
          package: "effect-entra",
          "entra.certificate_end": DateTime.formatIso(end)
        })
  })

/**
 * A certificate from PEM texts (RFC 7468). Key and certificate are parsed once, when a client is made, and refused there with
 * the place and the label of the block that is wrong; a certificate that ends within 30 days is announced by a warning. One
 * assertion is signed for each tenant, and kept for 9 of its 10 minutes; a cached token never costs a signature.
 *
 * Sources: RFC 7523; Microsoft identity platform, application authentication certificate credentials.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPem = (options: Options): ClientCredential => ({
  prepare: Effect.gen(function* () {
    const algorithm = options.algorithm ?? "PS256"
    const key = yield* pkcs8Block(Redacted.value(options.privateKey))
    const [certificate, ...chain] = yield* certificateBlocks(options.certificate)
    const privateKey = yield* imported("privateKey", key, "an RSA key", () => importPKCS8(key.text, algorithm))
    const publicKey = yield* imported("certificate", certificate, "a certificate of an RSA key", () =>
      importX509(certificate.text, algorithm)
    )
    yield* requirePair(algorithm, privateKey, publicKey)
    yield* announceEnd(certificate)
    const x5c = [certificate, ...chain].map(({ bytes }) => Encoding.encodeBase64(bytes))
    const header = { ...(yield* thumbprint(algorithm, certificate)), ...(options.sendChain === true && { x5c }) }
    const assertionFor = yield* ClientAssertion.make({ key: privateKey, algorithm, header })
    return constant(certificate.text, (authentication) => Effect.map(assertionFor(authentication), assertionParameters))
  })
})
