import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import { type CryptoKey, importX509 } from "jose"
import { ConfigurationError } from "../core/TokenError.js"
import { type Algorithm, algorithmOf, algorithms } from "./algorithm.js"
import { announceEnd } from "./certificateEnd.js"
import type { SigningKey } from "./clientAssertion.js"
import { type PemBlock, parsePem, wrongBlock } from "./pem.js"
import { kindOfCertificate } from "./x509.js"

/** How the authority finds a key, as it was given. */
export interface Identity {
  readonly certificate?: string | undefined
  readonly keyId?: string | undefined
  readonly algorithm?: Algorithm | undefined
  readonly sendChain?: boolean | undefined
  readonly assertionType?: "JWT" | undefined
}

/** How the authority finds a key, checked. */
export interface Identified extends Pick<SigningKey, "algorithm" | "header"> {
  /** Absent where there is no certificate. */
  readonly publicKey: CryptoKey | undefined
}

const refuse = (parameter: string, expected: string, remedy: string) =>
  new ConfigurationError({ parameter, expected, remedy })

const certificateBlocks = (
  text: string
): Either.Either<readonly [PemBlock, ...ReadonlyArray<PemBlock>], ConfigurationError> =>
  Either.flatMap(parsePem("certificate", text), (blocks) => {
    const [first, ...chain] = blocks.filter(({ label }) => label === "CERTIFICATE")
    return first === undefined
      ? Either.left(refuse("certificate", "a CERTIFICATE block", "Give the certificate beside its key."))
      : Either.right([first, ...chain])
  })

/** What is shorter no authority takes (RFC 7518 3.3, 3.5). */
const minModulusLength = 2048

const isLongEnough = ({ algorithm }: CryptoKey): boolean =>
  !("modulusLength" in algorithm) || Number(algorithm.modulusLength) >= minModulusLength

/**
 * Makes a key of a block of PEM.
 *
 * @internal
 */
export const imported = (
  parameter: string,
  block: PemBlock,
  what: string,
  load: () => Promise<CryptoKey>
): Effect.Effect<CryptoKey, ConfigurationError> =>
  Effect.filterOrFail(
    Effect.tryPromise({
      try: load,
      catch: () => wrongBlock(parameter, block, what, "Other kinds of keys can't sign with this algorithm.")
    }),
    isLongEnough,
    () => wrongBlock(parameter, block, `an RSA key of ${minModulusLength} bits or more`, "Make a longer key.")
  )

const digest = (algorithm: "SHA-1" | "SHA-256", bytes: Uint8Array): Effect.Effect<string> =>
  Effect.promise(async () =>
    Encoding.encodeBase64Url(new Uint8Array(await crypto.subtle.digest(algorithm, Uint8Array.from(bytes))))
  )

const anyKey = "an RSA key, or an EC key on P-256, P-384 or P-521,"

/**
 * The algorithm of a block, by what it says of its key.
 *
 * @internal
 */
export const inferred = (
  parameter: string,
  block: PemBlock,
  algorithm: Algorithm | undefined
): Either.Either<Algorithm, ConfigurationError> =>
  Either.fromNullable(algorithm, () =>
    wrongBlock(parameter, block, anyKey, "Export it again; other kinds of keys can't sign assertions.")
  )

const typeOf = ({ assertionType }: Identity) => (assertionType === undefined ? {} : { typ: assertionType })

const byCertificate = (text: string, identity: Identity) =>
  Effect.gen(function* () {
    const { algorithm: wanted, keyId, sendChain } = identity
    const [certificate, ...chain] = yield* certificateBlocks(text)
    const algorithm =
      wanted ?? (yield* inferred("certificate", certificate, algorithmOf(kindOfCertificate(certificate.bytes))))
    const publicKey = yield* imported(
      "certificate",
      certificate,
      `a certificate of ${algorithms[algorithm].keys}`,
      () => importX509(certificate.text, algorithm)
    )
    const sha256 = yield* digest("SHA-256", certificate.bytes)
    yield* announceEnd(certificate.bytes, sha256)
    const header = {
      ...typeOf(identity),
      ...(algorithm === "RS256" ? { x5t: yield* digest("SHA-1", certificate.bytes) } : { "x5t#S256": sha256 }),
      ...(keyId !== undefined && { kid: keyId }),
      ...(sendChain === true && { x5c: [certificate, ...chain].map(({ bytes }) => Encoding.encodeBase64(bytes)) })
    }
    return { algorithm, header, publicKey }
  })

/**
 * Checks how the authority is to find a key. `otherwise` tells the algorithm where neither the caller nor a certificate does.
 *
 * @internal
 */
export const identify = (
  identity: Identity,
  otherwise: Either.Either<Algorithm, ConfigurationError>
): Effect.Effect<Identified, ConfigurationError> => {
  const { certificate, keyId } = identity
  if (certificate !== undefined) return byCertificate(certificate, identity)
  if (keyId === undefined || keyId.length === 0)
    return refuse("keyId", "the id of the key, or its certificate", "Without either the authority can't find the key.")
  return Effect.map(identity.algorithm === undefined ? otherwise : Either.right(identity.algorithm), (algorithm) => ({
    algorithm,
    header: { ...typeOf(identity), kid: keyId },
    publicKey: undefined
  }))
}
