/** The key that signs tokens: made at start, never written anywhere, gone at the end. */
import * as Effect from "effect/Effect"
import * as Jose from "jose"
import type { Members } from "./chance.js"

export interface SigningKey {
  readonly jwk: Members
  readonly sign: (claims: Members) => Effect.Effect<string>
  /** Whether a token, valid or over, was signed by this key. */
  readonly hasSigned: (token: string) => Effect.Effect<boolean>
  /** The claims of a token that this key signed for `audience` and that is valid at `now` (epoch milliseconds). */
  readonly verify: (token: string, audience: string, now: number) => Effect.Effect<Jose.JWTPayload, Rejected>
}

/** Why a token is refused, in words for the `WWW-Authenticate` header. */
export interface Rejected {
  readonly reason: string
}

const algorithm = "RS256"

const reasons: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: "The access token has expired.",
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: "The access token's signature is invalid.",
  ERR_JWT_CLAIM_VALIDATION_FAILED: "The access token is not meant for this resource or this time."
}

const rejected = (error: unknown): Rejected => ({
  reason: (error instanceof Jose.errors.JOSEError ? reasons[error.code] : undefined) ?? "The access token is invalid."
})

export const make: Effect.Effect<SigningKey> = Effect.promise(async () => {
  const pair = await Jose.generateKeyPair(algorithm, { modulusLength: 2048 })
  const { n = "", e = "" } = await Jose.exportJWK(pair.publicKey)
  const kid = await Jose.calculateJwkThumbprint({ kty: "RSA", n, e })
  return {
    // As in Entra's key set, without `alg`.
    jwk: { kty: "RSA", use: "sig", kid, n, e },
    sign: (claims) =>
      Effect.promise(() =>
        new Jose.SignJWT(claims).setProtectedHeader({ typ: "JWT", alg: algorithm, kid }).sign(pair.privateKey)
      ),
    hasSigned: (token) =>
      Effect.promise(() =>
        Jose.compactVerify(token, pair.publicKey, { algorithms: [algorithm] }).then(
          () => true,
          () => false
        )
      ),
    verify: (token, audience, now) =>
      Effect.map(
        Effect.tryPromise({
          try: () =>
            Jose.jwtVerify(token, pair.publicKey, { algorithms: [algorithm], audience, currentDate: new Date(now) }),
          catch: rejected
        }),
        (verified) => verified.payload
      )
  }
})
