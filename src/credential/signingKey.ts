import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { CryptoKey } from "jose"
import type { CredentialUnavailable } from "../core/TokenError.js"
import { type Algorithm, algorithms } from "./algorithm.js"
import { unavailable } from "./clientAssertion.js"
import { toRaw } from "./ecdsaSignature.js"

/** WebCrypto wants bytes of which it knows that nobody shares them. */
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes)

/**
 * Signs with a key in this process.
 *
 * @internal
 */
export const local =
  (key: CryptoKey, algorithm: Algorithm) =>
  (input: Uint8Array): Effect.Effect<Uint8Array, CredentialUnavailable> =>
    Effect.tryPromise({
      try: async () => new Uint8Array(await crypto.subtle.sign(algorithms[algorithm].parameters, key, own(input))),
      catch: () => unavailable("the key can't sign with its algorithm")
    })

/**
 * Whether a signature is of the private key to a public one.
 *
 * @internal
 */
export const isSignedBy = (key: CryptoKey, algorithm: Algorithm, signature: Uint8Array, input: Uint8Array) =>
  Effect.orElseSucceed(
    Effect.tryPromise(() => crypto.subtle.verify(algorithms[algorithm].parameters, key, own(signature), own(input))),
    () => false
  )

/**
 * What a key that is elsewhere is asked to sign.
 *
 * @since 0.1.0
 * @category models
 */
export interface SigningRequest {
  /** The bytes to be signed: a JWS signing input (RFC 7515 5.1). */
  readonly input: Uint8Array
  /** Their hash by the algorithm's own function, for services that sign digests. */
  readonly digest: Uint8Array
  readonly algorithm: Algorithm
}

/** A key that is elsewhere. */
interface Remote<E> {
  readonly sign: (request: SigningRequest) => Effect.Effect<Uint8Array, E>
  readonly algorithm: Algorithm
  /** Whose signatures they should be, where that is known. */
  readonly publicKey: CryptoKey | undefined
}

const digestOf = (algorithm: Algorithm, input: Uint8Array) =>
  Effect.promise(async () => new Uint8Array(await crypto.subtle.digest(algorithms[algorithm].hash, own(input))))

/** Bytes of RSA keys of 2048 to 16384 bits. */
const isRsaSignature = ({ length }: Uint8Array): boolean => length >= 256 && length <= 2048

const asInJws = (signature: Uint8Array, algorithm: Algorithm): Uint8Array | undefined => {
  const { half } = algorithms[algorithm]
  if (half !== undefined) return toRaw(signature, half)
  return isRsaSignature(signature) ? signature : undefined
}

const asked = <E>({ algorithm, sign }: Remote<E>, input: Uint8Array) =>
  Effect.gen(function* () {
    const digest = yield* digestOf(algorithm, input)
    const given = yield* Effect.suspend(() => sign({ input, digest, algorithm })).pipe(
      Effect.catchAllCause((cause) => unavailable("the Effect that signs failed", Cause.squash(cause)))
    )
    if (given.length === 0) return yield* unavailable("the Effect that signs gave an empty signature")
    const signature = asInJws(given, algorithm)
    return signature ?? (yield* unavailable(`${given.length} bytes are no signature by ${algorithm}`))
  })

/**
 * Signs with a key that is elsewhere. Its first signature is proven, where its certificate is known; later ones are not: a
 * key that is replaced behind its name is then refused by the authority, upon which a rotating credential is loaded again.
 *
 * @internal
 */
export const remote = <E>(key: Remote<E>) => {
  let isProven = key.publicKey === undefined
  return (input: Uint8Array): Effect.Effect<Uint8Array, CredentialUnavailable> =>
    Effect.tap(asked(key, input), (signature) => {
      if (isProven || key.publicKey === undefined) return Effect.void
      return Effect.flatMap(isSignedBy(key.publicKey, key.algorithm, signature, input), (isIts) => {
        isProven = isIts
        return isIts ? Effect.void : unavailable("another key signed than that of the certificate")
      })
    })
}
