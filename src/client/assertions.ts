import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
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

const Claims = Schema.Struct({
  exp: Schema.optional(Schema.Finite),
  idtyp: Schema.optional(Schema.String),
  scp: Schema.optional(Schema.String),
  tid: Schema.optional(Schema.String),
  oid: Schema.optional(Schema.String)
})
const decodeClaims = Schema.decodeUnknownOption(Claims)

/** A user's access token has scopes (`scp`); an app's has none, nor has an id token. Encrypted ones don't tell. */
const refusalOf = (claims: typeof Claims.Type | undefined): ConfigurationError | undefined => {
  if (claims === undefined || claims.scp !== undefined) return undefined
  return claims.idtyp === "app"
    ? refuse("a user's access token, not an app's", "An app has no user to act for: ask as the app itself.")
    : refuse("a user's access token: with scp", "Pass the access token that the caller sent, not an id token.")
}

const hashOf = (text: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
    (digest) => Encoding.encodeBase64Url(new Uint8Array(digest))
  )

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
        const claims = Option.getOrUndefined(Option.flatMap(Option.fromNullable(jwtClaims(text)), decodeClaims))
        const refusal = refusalOf(claims)
        if (refusal !== undefined) return yield* refusal
        const read = {
          value: assertion,
          hash: yield* hashOf(text),
          endsAt: claims?.exp === undefined ? undefined : claims.exp * 1000,
          tenantId: claims?.tid,
          userId: claims?.oid
        }
        seen.set(tailOf(assertion), read)
        return read
      })
  }
}
