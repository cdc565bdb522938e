import type * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { EncryptJWT, type JWTPayload, jwtDecrypt } from "jose"
import { ConfigurationError } from "../core/TokenError.js"

/** Keeps what a program writes where others can lay hands on it: they can neither read nor change it. */
export interface Seal {
  /** Until a time in epoch milliseconds. */
  readonly close: (content: object, until: number) => Effect.Effect<string>
  /** Nothing where it is over, was changed, or was closed under another key. */
  readonly open: (sealed: string) => Effect.Effect<Option.Option<unknown>>
}

const algorithm = "dir"
const encryption = "A256GCM"
/** Bytes: a key shorter than the cipher's is weaker than the cipher. */
const shortest = 32

const tooShort = new ConfigurationError({
  parameter: "keys",
  expected: `secrets of at least ${shortest} random bytes`,
  remedy: "Make one with `openssl rand -base64 32`, and keep it as you keep a client secret."
})

/** HKDF (RFC 5869): what is closed for one purpose opens for no other. */
const deriveKey = (secret: Redacted.Redacted, purpose: string): Effect.Effect<CryptoKey, ConfigurationError> => {
  const bytes = new TextEncoder().encode(Redacted.value(secret))
  return bytes.length < shortest
    ? tooShort
    : Effect.promise(async () => {
        const info = new TextEncoder().encode(purpose)
        const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info }
        const material = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveKey"])
        const cipher = { name: "AES-GCM", length: 256 }
        return crypto.subtle.deriveKey(derivation, material, cipher, false, ["encrypt", "decrypt"])
      })
}

const decrypt = (sealed: string, key: CryptoKey, now: number): Effect.Effect<JWTPayload, void> =>
  Effect.tryPromise({
    try: () =>
      jwtDecrypt(sealed, key, {
        keyManagementAlgorithms: [algorithm],
        contentEncryptionAlgorithms: [encryption],
        requiredClaims: ["exp"],
        currentDate: new Date(now)
      }),
    catch: () => undefined
  }).pipe(Effect.map(({ payload }) => payload))

/**
 * Encrypted JWTs (RFC 7516, RFC 7518 4.5 and 5.3): the first key closes, every key opens.
 *
 * @internal
 */
export const make = (
  secrets: Arr.NonEmptyReadonlyArray<Redacted.Redacted>,
  purpose: string
): Effect.Effect<Seal, ConfigurationError> =>
  Effect.gen(function* () {
    const [first, ...others] = secrets
    const key = yield* deriveKey(first, purpose)
    const keys = [key, ...(yield* Effect.forEach(others, (secret) => deriveKey(secret, purpose)))]
    return {
      close: (content, until) =>
        Effect.promise(() =>
          new EncryptJWT({ ...content })
            .setProtectedHeader({ alg: algorithm, enc: encryption })
            .setExpirationTime(Math.floor(until / 1000))
            .encrypt(key)
        ),
      open: (sealed) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.option(Effect.firstSuccessOf(keys.map((each) => decrypt(sealed, each, now))))
        )
    }
  })
