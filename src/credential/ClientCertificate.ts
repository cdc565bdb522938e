/**
 * A certificate as a client's credential: a JWT signed with its key, made anew when it has to be.
 *
 * @since 0.1.0
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { type CryptoKey, importPKCS8 } from "jose"
import { ConfigurationError } from "../core/TokenError.js"
import { type Algorithm, algorithmOf, algorithms } from "./algorithm.js"
import { assertionParameters, type ClientCredential, constant } from "./ClientCredential.js"
import { fromPaths } from "./certificateFile.js"
import * as ClientAssertion from "./clientAssertion.js"
import { type Identified, identify, imported, inferred } from "./identification.js"
import { keyBlock, type PemBlock, wrongBlock } from "./pem.js"
import { isSignedBy, local, remote, type SigningRequest } from "./signingKey.js"
import { kindOfKey } from "./x509.js"

export type { Algorithm } from "./algorithm.js"
export type { SigningRequest } from "./signingKey.js"

/**
 * How the authority finds a key by its certificate.
 *
 * @since 0.1.0
 * @category models
 */
export interface ByCertificate {
  /** The certificate as PEM, followed by those that issued it, if they are to be sent. */
  readonly certificate: string
  /** The key's id (`kid`), for servers that want it beside the certificate. */
  readonly keyId?: string | undefined
  /**
   * By the key unless told: `PS256` with `x5t#S256`, or for EC keys `ES256`, `ES384`, `ES512`. `RS256` with `x5t` for AD FS
   * and other servers that know nothing newer.
   */
  readonly algorithm?: Algorithm | undefined
  /** Sends the whole chain (`x5c`), for apps that are registered by subject name and issuer. */
  readonly sendChain?: boolean | undefined
  /** `JWT` for servers that don't know the newer type of client assertions (`client-authentication+jwt`). */
  readonly assertionType?: "JWT" | undefined
}

/**
 * How an authority finds a key that it knows by its id (OpenID Connect Core 9, `private_key_jwt`). Entra's documentation knows
 * certificates only.
 *
 * @since 0.1.0
 * @category models
 */
export interface ByKeyId {
  readonly certificate?: undefined
  /** The key's id (`kid`), as the authority has it. */
  readonly keyId: string
  /** By the key unless told; `PS256` for a key that is elsewhere. */
  readonly algorithm?: Algorithm | undefined
  /** `JWT` for servers that don't know the newer type of client assertions (`client-authentication+jwt`). */
  readonly assertionType?: "JWT" | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface PrivateKey {
  /** The private key as PEM (PKCS#8). It may stand in one text with the certificate. */
  readonly privateKey: Redacted.Redacted
}

/**
 * @since 0.1.0
 * @category models
 */
export type Options = PrivateKey & (ByCertificate | ByKeyId)

const pkcs8 = "Convert it (openssl pkcs8 -topk8 -nocrypt -in key.pem), or use ClientCertificateNode."

const pkcs8Block = (text: string): Either.Either<PemBlock, ConfigurationError> =>
  Either.filterOrLeft(
    keyBlock(text),
    ({ label }) => label === "PRIVATE KEY",
    (found) => wrongBlock("privateKey", found, "an unencrypted PKCS#8 key (PRIVATE KEY)", pkcs8)
  )

const notItsKey = () =>
  new ConfigurationError({
    parameter: "privateKey",
    expected: "the key of this certificate",
    remedy: "Export both from the same place; the certificate comes first."
  })

/** Proven by a signature, whatever the two texts say of themselves. */
const requirePair = (privateKey: CryptoKey, { algorithm, publicKey }: Identified) => {
  if (publicKey === undefined) return Effect.void
  const proof = new Uint8Array([1])
  return local(
    privateKey,
    algorithm
  )(proof).pipe(
    Effect.flatMap((signature) => isSignedBy(publicKey, algorithm, signature, proof)),
    Effect.filterOrFail((isIts) => isIts, notItsKey),
    Effect.mapError(notItsKey)
  )
}

const prepared = (identity: unknown, key: ClientAssertion.SigningKey) =>
  Effect.map(ClientAssertion.make(key), (assertionFor) =>
    constant(identity, (authentication) => Effect.map(assertionFor(authentication), assertionParameters))
  )

/**
 * A certificate from PEM texts (RFC 7468). Key and certificate are parsed once, when a client is made, and refused there with
 * the place and the label of the block that is wrong; a certificate that ends within 30 days is announced by a warning, and
 * its end is a metric. One assertion is signed for each tenant, and kept for 9 of its 10 minutes; a cached token never costs
 * a signature.
 *
 * RSA keys of 2048 bits or more, and EC keys for authorities other than Entra, which are `CredentialUnavailable` there before
 * anything is sent. Instead of a certificate, such authorities may know the key by its id.
 *
 * Sources: RFC 7523; Microsoft identity platform, application authentication certificate credentials.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPem = (options: Options): ClientCredential => ({
  prepare: Effect.gen(function* () {
    const block = yield* pkcs8Block(Redacted.value(options.privateKey))
    const identified = yield* identify(options, inferred("privateKey", block, algorithmOf(kindOfKey(block.bytes))))
    const { algorithm, header } = identified
    const key = yield* imported("privateKey", block, algorithms[algorithm].keys, () =>
      importPKCS8(block.text, algorithm)
    )
    yield* requirePair(key, identified)
    const identity = Data.tuple(JSON.stringify(header), Redacted.make(block.text))
    return yield* prepared(identity, { algorithm, header, sign: local(key, algorithm) })
  })
})

/**
 * @since 0.1.0
 * @category models
 */
export interface SignerOptions<out E> {
  /**
   * Signs, and gives the signature: of an RSA key as it is, of an EC key as JWS has it (both integers) or as DER. Its failure
   * is `CredentialUnavailable`, with the error itself as its `cause`.
   */
  readonly sign: (request: SigningRequest) => Effect.Effect<Uint8Array, E>
}

/**
 * A key that never leaves its vault, service or hardware. It is asked for each assertion that has to be made, which is kept as
 * that of a key in this process; one signature is under way for each tenant, and takes at most as long as a request may.
 * With a certificate the first signature is proven; with a key's id alone a wrong key is told by the authority only.
 *
 * Sources: RFC 7515; RFC 7518 3.
 *
 * @since 0.1.0
 * @category constructors
 */
export const signer = <E>(options: SignerOptions<E> & (ByCertificate | ByKeyId)): ClientCredential => ({
  prepare: Effect.gen(function* () {
    const { algorithm, header, publicKey } = yield* identify(options, Either.right("PS256"))
    const sign = remote({ sign: options.sign, algorithm, publicKey })
    return yield* prepared(JSON.stringify(header), { algorithm, header, sign })
  })
})

/**
 * Where the PEM texts are.
 *
 * @since 0.1.0
 * @category models
 */
export interface FileOptions extends Omit<ByCertificate, "certificate"> {
  /** The file of the certificate, and of those that issued it, if they are to be sent. */
  readonly path: string
  /** The file of the private key, when it isn't the same. */
  readonly keyPath?: string | undefined
}

/**
 * A certificate from PEM files of at most 1 MiB, read when a client is made; else as {@link fromPem}. Someone who renews the
 * files is followed by `ClientCredential.rotating(Effect.succeed(credential))`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromFile = (options: FileOptions): Effect.Effect<ClientCredential, never, FileSystem.FileSystem> =>
  Effect.map(FileSystem.FileSystem, (fs) => fromPaths(fs, options, (texts) => fromPem({ ...options, ...texts })))
