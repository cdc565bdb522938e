import type { KeyKind } from "./x509.js"

/**
 * The algorithms of RFC 7518 3.1 that sign an assertion. Entra takes the first two.
 *
 * @since 0.1.0
 * @category models
 */
export type Algorithm = "PS256" | "RS256" | "ES256" | "ES384" | "ES512"

type Parameters = { readonly name: string } | RsaPssParams | EcdsaParams

/** How WebCrypto is told of an algorithm, and of which keys it is. */
export interface AlgorithmFacts {
  /** For people. */
  readonly keys: string
  readonly hash: "SHA-256" | "SHA-384" | "SHA-512"
  readonly parameters: Parameters
  /** Bytes of each half of an ECDSA signature (RFC 7518 3.4). */
  readonly half: number | undefined
}

const ecdsa = (curve: string, hash: AlgorithmFacts["hash"], half: number): AlgorithmFacts => ({
  keys: `an EC key (${curve})`,
  hash,
  parameters: { name: "ECDSA", hash },
  half
})

const rsa = (parameters: Parameters): AlgorithmFacts => ({
  keys: "an RSA key",
  hash: "SHA-256",
  parameters,
  half: undefined
})

/** @internal */
export const algorithms: Readonly<Record<Algorithm, AlgorithmFacts>> = {
  PS256: rsa({ name: "RSA-PSS", saltLength: 32 }),
  RS256: rsa({ name: "RSASSA-PKCS1-v1_5" }),
  ES256: ecdsa("P-256", "SHA-256", 32),
  ES384: ecdsa("P-384", "SHA-384", 48),
  ES512: ecdsa("P-521", "SHA-512", 66)
}

const rsaEncryption = "2a864886f70d010101"
const ecPublicKey = "2a8648ce3d0201"
/** By the object identifiers of RFC 5480 2.1.1.1. */
const ofCurve: Readonly<Record<string, Algorithm>> = {
  "2a8648ce3d030107": "ES256",
  "2b81040022": "ES384",
  "2b81040023": "ES512"
}

/**
 * The algorithm that a key of this kind signs with unless told.
 *
 * @internal
 */
export const algorithmOf = ([key, curve = ""]: KeyKind): Algorithm | undefined => {
  if (key === rsaEncryption) return "PS256"
  return key === ecPublicKey ? ofCurve[curve] : undefined
}
