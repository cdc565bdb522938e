import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { sha256 } from "../core/digest.js"
import { jwtClaims } from "../core/jwtClaims.js"
import { ConfigurationError } from "../core/TokenError.js"
import { BoundedMap } from "../resilience/boundedMap.js"

/** A caller's access token, read. */
export interface Assertion {
  readonly value: Redacted.Redacted
  /** SHA-256: what stands for it in keys. */
  readonly hash: string
  /** When it ends, in epoch milliseconds; absent where it does not say. */
  readonly endsAt: number | undefined
  readonly tenantId: string | undefined
  /** The object id of its user. */
  readonly userId: string | undefined
}

/** The callers' tokens that were seen last. */
export interface Assertions {
  /** Without hashing anything: a token that was seen is found by its end, and compared whole. */
  readonly known: (assertion: Redacted.Redacted) => Assertion | undefined
  readonly read: (assertion: Redacted.Redacted) => Effect.Effect<Assertion, ConfigurationError>
}

/** The characters of an ECDSA P-256 signature's second half, or the end of an RSA one: no two tokens share them. */
const tailLength = 43
const capacity = 10_000

const tailOf = (assertion: Redacted.Redacted): string => Redacted.value(assertion).slice(-tailLength)

const refuse = (expected: string, remedy: string) =>
  new ConfigurationError({ parameter: "assertion", expected, remedy })

type Claims = NonNullable<ReturnType<typeof jwtClaims>>

/** Each claim is read by itself: an odd one counts as absent, and takes no other with it. */
const textIn = (claim: unknown): string | undefined => (typeof claim === "string" ? claim : undefined)

/** Seconds in a token, milliseconds here. */
const timeIn = (claim: unknown): number | undefined =>
  typeof claim === "number" && Number.isFinite(claim) ? claim * 1000 : undefined

/** `scp` is Entra's name, `scope` that of RFC 9068 2.2.3; some servers write lists. */
const hasScopes = ({ scope, scp }: Claims): boolean => scp !== undefined || scope !== undefined

/** A user's access token has scopes; an app's has none, nor has an id token. Encrypted ones don't tell. */
const refusalOf = (claims: Claims | undefined): ConfigurationError | undefined => {
  if (claims === undefined || hasScopes(claims)) return undefined
  return claims.idtyp === "app"
    ? refuse("a user's access token, not an app's", "An app has no user to act for: ask as the app itself.")
    : refuse("a user's access token: with scp or scope", "Pass the access token that the caller sent, not an id token.")
}

/**
 * @internal
 */
export const make = (): Assertions => {
  const seen = new BoundedMap<Assertion>(capacity)
  return {
    known: (assertion) => {
      const found = seen.get(tailOf(assertion))
      return found !== undefined && Redacted.value(found.value) === Redacted.value(assertion) ? found : undefined
    },
    read: (assertion) =>
      Effect.gen(function* () {
        const text = Redacted.value(assertion)
        if (text.trim() === "") return yield* refuse("the caller's access token", "Take it from its request.")
        const claims = jwtClaims(text)
        const refusal = refusalOf(claims)
        if (refusal !== undefined) return yield* refusal
        const read = {
          value: assertion,
          hash: yield* sha256(text),
          endsAt: timeIn(claims?.exp),
          tenantId: textIn(claims?.tid),
          userId: textIn(claims?.oid)
        }
        seen.set(tailOf(assertion), read)
        return read
      })
  }
}
