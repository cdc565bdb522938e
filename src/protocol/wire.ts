import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isGuid } from "../core/guid.js"

/**
 * What authorities write. The core of a success is strict, everything around it lenient: a member that is null or can't be
 * read counts as absent, for a token that was issued must not be lost to a malformed extra.
 */

const Absent = Schema.transform(Schema.Unknown, Schema.Undefined, {
  strict: true,
  decode: () => undefined,
  encode: () => undefined
})

const lenient = <A, I>(schema: Schema.Schema<A, I>) => Schema.optional(Schema.Union(schema, Absent))

const text = lenient(Schema.String)
const secret = lenient(Schema.Redacted(Schema.NonEmptyString))
/** v2 writes numbers; v1, AD FS, managed identities and proxies write strings. */
const Numeric = Schema.Union(Schema.Number, Schema.NumberFromString)
/** Up to the last day of the year 9999, as which epoch seconds still are a date. */
const seconds = lenient(Numeric.pipe(Schema.between(0, 253_402_300_799)))

const Bearer = Schema.String.pipe(Schema.filter((type) => type.toLowerCase() === "bearer"))

/**
 * A successful response (RFC 6749 5.1, with Entra's extensions).
 *
 * @internal
 */
export const TokenResponse = Schema.Struct({
  access_token: Schema.Redacted(Schema.NonEmptyString),
  token_type: Bearer,
  expires_in: seconds,
  /** Epoch seconds: v1, B2C and managed identities. */
  expires_on: seconds,
  ext_expires_in: seconds,
  refresh_in: seconds,
  scope: text,
  refresh_token: secret,
  refresh_token_expires_in: seconds,
  id_token: secret,
  client_info: secret,
  foci: text
})

/** @internal */
export type TokenResponse = typeof TokenResponse.Type

/**
 * RFC 6749 5.2: `error = 1*( %x20-21 / %x23-5B / %x5D-7E )`; longer than any real one is not kept.
 *
 * @internal
 */
export const ErrorCode = Schema.String.pipe(Schema.pattern(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,128}$/))
const Guid = Schema.String.pipe(Schema.filter(isGuid))
const Code = Numeric.pipe(Schema.int(), Schema.positive())
const Codes = Schema.Union(
  Schema.Array(Code),
  Schema.transform(Code, Schema.Array(Schema.typeSchema(Code)), {
    strict: true,
    decode: (code) => [code],
    encode: (codes) => codes[0] ?? 0
  })
)

/** Longer than any policy writes them. */
const longestClaims = 8192

/**
 * An error response (RFC 6749 5.2, with Entra's extensions).
 *
 * @internal
 */
export const ErrorResponse = Schema.Struct({
  error: ErrorCode,
  error_description: text,
  error_codes: lenient(Codes),
  suberror: lenient(ErrorCode),
  claims: lenient(Schema.NonEmptyString.pipe(Schema.maxLength(longestClaims))),
  trace_id: lenient(Guid),
  correlation_id: lenient(Guid),
  timestamp: text
})

/** @internal */
export type ErrorResponse = typeof ErrorResponse.Type

/**
 * A JSON Web Key Set; its keys are read when one is needed (RFC 7517 5).
 *
 * @internal
 */
export const KeySet = Schema.Struct({
  keys: Schema.Array(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
})

/**
 * What an OpenID provider publishes (OpenID Connect Discovery 3, RFC 8414 2, RFC 9207 3).
 *
 * @internal
 */
export const ProviderMetadata = Schema.Struct({
  issuer: Schema.NonEmptyString,
  token_endpoint: Schema.NonEmptyString,
  authorization_endpoint: text,
  device_authorization_endpoint: text,
  end_session_endpoint: text,
  jwks_uri: text,
  authorization_response_iss_parameter_supported: lenient(Schema.Boolean)
})

/** @internal */
export type ProviderMetadata = typeof ProviderMetadata.Type

/**
 * Where a device's user goes, and what the device asks with (RFC 8628 3.2); `verification_url` is older.
 *
 * @internal
 */
export const DeviceAuthorization = Schema.Struct({
  device_code: Schema.Redacted(Schema.NonEmptyString),
  /** Typed by a person: nothing that a terminal would not show. */
  user_code: Schema.Redacted(Schema.String.pipe(Schema.pattern(/^[\x20-\x7e]{1,64}$/))),
  verification_uri: text,
  verification_url: text,
  verification_uri_complete: secret,
  expires_in: Numeric.pipe(Schema.between(0, 86_400)),
  interval: seconds,
  message: secret
})

/** @internal */
export type DeviceAuthorization = typeof DeviceAuthorization.Type

/**
 * Entra's answer about a host that it knows.
 *
 * @internal
 */
export const InstanceMetadata = Schema.Struct({ tenant_discovery_endpoint: Schema.NonEmptyString })

const decodeErrorResponse = Schema.decodeUnknownOption(ErrorResponse)

/**
 * A body read: what was asked for, an error, or what keeps it from being either.
 *
 * @internal
 */
export type Body<A> =
  | { readonly _tag: "Success"; readonly response: A }
  | { readonly _tag: "Error"; readonly response: ErrorResponse }
  | { readonly _tag: "Unreadable"; readonly reason: "notJson" | "truncated" | "unexpectedShape" }

type Unreadable = Extract<Body<never>, { readonly _tag: "Unreadable" }>

const unreadable = (reason: Unreadable["reason"]): Unreadable => ({ _tag: "Unreadable", reason })

const parseJson = (body: string): Either.Either<unknown, unknown> => Either.try(() => JSON.parse(body))

/** Null and empty count as absent. */
const hasMember = (json: unknown, name: string): boolean =>
  typeof json === "object" && json !== null && !["", null, undefined].includes(Reflect.get(json, name))

/**
 * Reads JSON of one kind. Total: nothing of what it says is in what is wrong with it. What has both an `error` and the member
 * that makes it a success is neither: nobody knows what its sender meant.
 */
const jsonReader = <A, I>(schema: Schema.Schema<A, I>, essential: keyof I & string): ((json: unknown) => Body<A>) => {
  const decode = Schema.decodeUnknownOption(schema)
  return (json) => {
    if (hasMember(json, "error")) {
      return hasMember(json, essential)
        ? unreadable("unexpectedShape")
        : Option.match(decodeErrorResponse(json), {
            onNone: () => unreadable("unexpectedShape"),
            onSome: (response): Body<A> => ({ _tag: "Error", response })
          })
    }
    return Option.match(decode(json), {
      onNone: () => unreadable("unexpectedShape"),
      onSome: (response): Body<A> => ({ _tag: "Success", response })
    })
  }
}

/**
 * Reads bodies as JSON.
 *
 * @internal
 */
export const bodyReader =
  <A>(readJson: (json: unknown) => Body<A>) =>
  (body: string): Body<A> => {
    const trimmed = body.trim()
    const json = parseJson(trimmed)
    if (Either.isRight(json)) return readJson(json.right)
    return unreadable(trimmed.startsWith("{") ? "truncated" : "notJson")
  }

/**
 * Reads bodies of one kind.
 *
 * @internal
 */
export const reader = <A, I>(schema: Schema.Schema<A, I>, essential: keyof I & string): ((body: string) => Body<A>) =>
  bodyReader(jsonReader(schema, essential))

/**
 * Reads the JSON of a token endpoint.
 *
 * @internal
 */
export const readTokens: (json: unknown) => Body<TokenResponse> = jsonReader(TokenResponse, "access_token")

/**
 * Reads the answer of a token endpoint.
 *
 * @internal
 */
export const readBody: (body: string) => Body<TokenResponse> = bodyReader(readTokens)
