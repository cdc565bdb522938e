import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createLocalJWKSet, decodeProtectedHeader, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose"
import { ConfigurationError, InvalidToken, type InvalidTokenReason } from "../core/TokenError.js"
import * as Documents from "./documents.js"
import { issuerFor } from "./issuers.js"
import type { Transport } from "./transport.js"
import { KeySet, reader } from "./wire.js"

/** What a token must be. */
export interface Expectation {
  readonly token: InvalidToken["token"]
  readonly jwksUri: string
  /** The issuer as the metadata names it, with a place for the tenant perhaps. */
  readonly issuer: string
  readonly audience: string | ReadonlyArray<string>
  readonly timeout: Duration.Duration
}

/** @internal */
export interface JwtVerifier {
  /** The claims of a token whose signature, issuer, audience and times hold. */
  readonly verify: (
    token: string,
    expectation: Expectation
  ) => Effect.Effect<JWTPayload, InvalidToken | Documents.DocumentFailure>
}

const algorithms = ["RS256", "PS256", "ES256"]
/** Seconds. */
const clockTolerance = 300

const claimReasons: Readonly<Record<string, InvalidTokenReason>> = {
  aud: "audience",
  nbf: "notYetValid",
  exp: "expired"
}

const keyErrors = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JWKSInvalid]

/** What `jose` does not call by a name of its own is about the key: it can't be imported, or is too weak. */
const reasonOf = (error: unknown): InvalidTokenReason => {
  if (error instanceof errors.JWTExpired) return "expired"
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.reason === "missing" ? "malformed" : (claimReasons[error.claim] ?? "malformed")
  if (error instanceof errors.JOSEAlgNotAllowed) return "algorithm"
  if (error instanceof errors.JWSSignatureVerificationFailed) return "signature"
  return keyErrors.some((keyError) => error instanceof keyError) || !(error instanceof errors.JOSEError)
    ? "key"
    : "malformed"
}

interface Key {
  readonly kid?: unknown
  readonly issuer?: unknown
}

/** A key of Entra names the issuer that it signs for; others name none. A token without `kid` may be of any of them. */
const isHeldTo = (keys: ReadonlyArray<Key>, kid: unknown, { iss, tid }: JWTPayload): boolean =>
  keys.every(
    (key) =>
      (kid !== undefined && key.kid !== kid) || typeof key.issuer !== "string" || issuerFor(key.issuer, tid) === iss
  )

type LocalKeys = ReturnType<typeof createLocalJWKSet>

const usable = ({ keys }: typeof KeySet.Type): JSONWebKeySet => ({
  keys: keys.flatMap((key) => (typeof key.kty === "string" ? { ...key, kty: key.kty } : []))
})

const noKeys = ({ url }: Documents.DocumentRequest) =>
  new ConfigurationError({
    parameter: "authority",
    expected: `an authority that publishes its keys at ${url}`,
    remedy: "Check the metadata's jwks_uri."
  })

/**
 * Verifies JWTs by the keys that their issuers publish: one fetch however many ask, once a minute at most for a key that
 * nobody has heard of; what was read before serves while none can be had.
 *
 * Sources: RFC 7519 7.2; RFC 8725 3; OpenID Connect Core 3.1.3.7.
 *
 * @internal
 */
export const make = (transport: Transport): Effect.Effect<JwtVerifier, never, Scope.Scope> =>
  Effect.gen(function* () {
    const documents = yield* Documents.make(transport, { read: reader(KeySet, "keys"), refuse: noKeys })

    /** Importing a key costs as much as verifying by it: once for each reading of the keys. */
    const imported = new WeakMap<typeof KeySet.Type, LocalKeys>()
    const localKeys = (published: typeof KeySet.Type): LocalKeys => {
      const keys = imported.get(published) ?? createLocalJWKSet(usable(published))
      imported.set(published, keys)
      return keys
    }

    const verifyWith = (token: string, published: typeof KeySet.Type, expectation: Expectation) =>
      Effect.gen(function* () {
        const invalid = (reason: InvalidTokenReason) => new InvalidToken({ token: expectation.token, reason })
        const now = yield* Clock.currentTimeMillis
        const { payload, protectedHeader } = yield* Effect.tryPromise({
          try: () =>
            jwtVerify(token, localKeys(published), {
              algorithms,
              audience: typeof expectation.audience === "string" ? expectation.audience : [...expectation.audience],
              clockTolerance,
              currentDate: new Date(now),
              requiredClaims: ["iss", "exp"]
            }),
          catch: (error) => invalid(reasonOf(error))
        })
        if (payload.iss !== issuerFor(expectation.issuer, payload.tid)) return yield* invalid("issuer")
        return isHeldTo(published.keys, protectedHeader.kid, payload) ? payload : yield* invalid("issuer")
      })

    const isWellFormed = (token: string): boolean => {
      try {
        return decodeProtectedHeader(token).alg !== undefined
      } catch {
        return false
      }
    }

    return {
      verify: (token, expectation) => {
        if (!isWellFormed(token)) return new InvalidToken({ token: expectation.token, reason: "malformed" })
        const { jwksUri: url, timeout } = expectation
        const request = { url, host: new URL(url).host, timeout }
        return Effect.flatMap(documents.get(request), (keys) =>
          Effect.catchIf(
            verifyWith(token, keys, expectation),
            ({ reason }) => reason === "key",
            (failure) =>
              Effect.flatMap(documents.reread(request), (newer) =>
                newer === keys ? Effect.fail(failure) : verifyWith(token, newer, expectation)
              )
          )
        )
      }
    }
  })
