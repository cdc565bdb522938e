import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { makeGuid } from "../core/guid.js"
import { CredentialUnavailable } from "../core/TokenError.js"
import { BoundedMap } from "../resilience/boundedMap.js"
import * as SingleFlight from "../resilience/singleFlight.js"
import { type Algorithm, algorithms } from "./algorithm.js"
import { type Authentication, inTime } from "./ClientCredential.js"

/** A key, wherever it is, with what its assertions say of it. */
export interface SigningKey {
  readonly algorithm: Algorithm
  /** How the authority finds the key: `x5t#S256`, `x5t`, `x5c`, `kid`. */
  readonly header: Readonly<Record<string, string | ReadonlyArray<string>>>
  /** The signature as a JWS has it (RFC 7518 3). */
  readonly sign: (input: Uint8Array) => Effect.Effect<Uint8Array, CredentialUnavailable>
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

/** @internal */
export const unavailable = (reason: string, cause?: unknown): CredentialUnavailable =>
  new CredentialUnavailable({
    credential: "client assertion",
    reason,
    ...(cause !== undefined && { cause: Redacted.make(cause) })
  })

const closed = unavailable("the client's scope is closed")

const part = (members: object): string => Encoding.encodeBase64Url(JSON.stringify(members))

/** RFC 7515 5.1: what is signed. */
const signingInput = ({ algorithm, header }: SigningKey, authentication: Authentication, now: number, jti: string) => {
  const { audience, authority, clientId } = authentication
  // draft-ietf-oauth-rfc7523bis 4: the type keeps an assertion from being taken for another kind of JWT.
  const typ = authority === "custom" ? "client-authentication+jwt" : "JWT"
  const claims = { aud: audience, iss: clientId, sub: clientId, jti, iat: now, nbf: now, exp: now + lifetime }
  return `${part({ alg: algorithm, typ, ...header })}.${part(claims)}`
}

const sign = (signingKey: SigningKey, authentication: Authentication): Effect.Effect<Kept, CredentialUnavailable> =>
  Effect.gen(function* () {
    const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    const input = signingInput(signingKey, authentication, now, yield* makeGuid)
    const signature = yield* inTime(authentication)(signingKey.sign(new TextEncoder().encode(input)))
    const jwt = Redacted.make(`${input}.${Encoding.encodeBase64Url(signature)}`)
    return { jwt, expiresAt: (now + lifetime) * 1000 }
  })

/** The kinds of authorities that are Entra, whose documentation knows certificates of RSA keys alone. */
const entra: ReadonlySet<string> = new Set(["entra", "b2c"])

const isEntra = ({ authority }: Authentication): boolean => entra.has(authority)

const wrongKey = ({ algorithm }: SigningKey) =>
  unavailable(`Entra takes RSA keys only (PS256, RS256), not ${algorithm}`)

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
    const flights = yield* SingleFlight.make<Kept, CredentialUnavailable>(closed)
    const isEc = algorithms[signingKey.algorithm].half !== undefined

    const signedFor = (authentication: Authentication, key: string) =>
      flights.join({
        key,
        consumes: false,
        pass: Effect.void,
        run: Effect.tap(sign(signingKey, authentication), (signed) => Effect.sync(() => kept.set(key, signed)))
      })

    return (authentication) => {
      if (isEc && isEntra(authentication)) return wrongKey(signingKey)
      if (!isEntra(authentication)) return Effect.map(sign(signingKey, authentication), ({ jwt }) => jwt)
      const key = `${authentication.tenantId} ${authentication.audience}`
      return Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const known = kept.get(key)
        return known !== undefined && now < known.expiresAt - margin
          ? Effect.succeed(known.jwt)
          : // The flight has the time of who started it; who joins it may have less.
            Effect.map(inTime(authentication)(signedFor(authentication, key)), ({ jwt }) => jwt)
      })
    }
  })
