import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type CryptoKey, type JWTHeaderParameters, SignJWT } from "jose"
import { makeGuid } from "../core/guid.js"
import { CredentialUnavailable } from "../core/TokenError.js"
import { BoundedMap } from "../resilience/boundedMap.js"
import * as SingleFlight from "../resilience/singleFlight.js"
import type { Authentication } from "./ClientCredential.js"

/** A key with what its assertions say of it. */
export interface SigningKey {
  readonly key: CryptoKey
  readonly algorithm: string
  /** How the authority finds the key: `x5t#S256`, `x5t`, `x5c`, `kid`. */
  readonly header: Readonly<Record<string, string | ReadonlyArray<string>>>
}

interface Kept {
  readonly jwt: Redacted.Redacted
  readonly expiresAt: number
}

/** Seconds. MSAL's, and the most that Entra's documentation advises. */
const lifetime = 600
/** An assertion is not sent that ends while it is on its way (milliseconds). */
const margin = 60_000
const capacity = 1000

const headerOf = ({ algorithm, header }: SigningKey, { authority }: Authentication): JWTHeaderParameters => ({
  alg: algorithm,
  // draft-ietf-oauth-rfc7523bis 4: the type keeps an assertion from being taken for another kind of JWT.
  typ: authority === "entra" ? "JWT" : "client-authentication+jwt",
  ...header
})

const unavailable = new CredentialUnavailable({
  credential: "client assertion",
  reason: "the key can't sign with its algorithm"
})

const sign = (signingKey: SigningKey, authentication: Authentication): Effect.Effect<Kept, CredentialUnavailable> =>
  Effect.gen(function* () {
    const { audience, clientId } = authentication
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    const jwt = new SignJWT({ aud: audience, iss: clientId, sub: clientId, jti: yield* makeGuid })
      .setProtectedHeader(headerOf(signingKey, authentication))
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + lifetime)
    const signed = yield* Effect.tryPromise({ try: () => jwt.sign(signingKey.key), catch: () => unavailable })
    return { jwt: Redacted.make(signed), expiresAt: (now + lifetime) * 1000 }
  })

/**
 * Makes assertions with one key (RFC 7523 3). For Entra one is kept for each tenant and audience until a minute before its
 * end, and one is signed at a time; other servers may refuse to see one twice, so each request gets its own.
 *
 * @internal
 */
export const make = (
  signingKey: SigningKey
): Effect.Effect<
  (authentication: Authentication) => Effect.Effect<Redacted.Redacted, CredentialUnavailable>,
  never,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const kept = new BoundedMap<Kept>(capacity)
    const flights = yield* SingleFlight.make<Kept, CredentialUnavailable>(unavailable)

    const signedFor = (authentication: Authentication, key: string) =>
      flights.join({
        key,
        consumes: false,
        pass: Effect.void,
        run: Effect.tap(sign(signingKey, authentication), (signed) => Effect.sync(() => kept.set(key, signed)))
      })

    return (authentication) => {
      if (authentication.authority !== "entra") return Effect.map(sign(signingKey, authentication), ({ jwt }) => jwt)
      const key = `${authentication.tenantId} ${authentication.audience}`
      return Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const known = kept.get(key)
        return known !== undefined && now < known.expiresAt - margin
          ? Effect.succeed(known.jwt)
          : Effect.map(signedFor(authentication, key), ({ jwt }) => jwt)
      })
    }
  })
