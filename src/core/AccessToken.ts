/**
 * An access token as the library hands it out.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"

/**
 * Where a token came from: this call's own exchange, the cache, or the cache because no newer one could be had in time.
 *
 * @since 0.1.0
 * @category models
 */
export type Source = "identity_provider" | "cache" | "cache_stale"

/**
 * What a token consists of (RFC 6749 5.1), times in epoch milliseconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fields {
  readonly accessToken: Redacted.Redacted
  /** The scheme of the Authorization header, usually `Bearer`. */
  readonly tokenType: string
  /** What was granted; what was asked where the server does not say. */
  readonly scopes: ReadonlyArray<string>
  /** `undefined` when the server told no lifetime: such a token is not cached. */
  readonly expiresAtMillis: number | undefined
  /** When the server advises to ask for the next token (`refresh_in`). */
  readonly refreshAtMillis: number | undefined
  readonly source: Source
  /** The request id under which the authority issued it: what its support asks for. */
  readonly correlationId: string | undefined
}

/** Total, for a token has to be printable whatever its numbers are. */
const toDateTime = (millis: number | undefined): DateTime.Utc | undefined =>
  millis === undefined ? undefined : Option.getOrUndefined(Option.map(DateTime.make(millis), DateTime.toUtc))

const toIso = (time: DateTime.Utc | undefined): string | undefined =>
  time === undefined ? undefined : DateTime.formatIso(time)

/**
 * An access token: its value `Redacted`, its times as numbers, its dates computed when asked.
 *
 * @since 0.1.0
 * @category models
 */
export class AccessToken extends Inspectable.Class implements Fields {
  readonly accessToken: Redacted.Redacted
  readonly tokenType: string
  readonly scopes: ReadonlyArray<string>
  readonly expiresAtMillis: number | undefined
  readonly refreshAtMillis: number | undefined
  readonly source: Source
  readonly correlationId: string | undefined

  constructor(fields: Fields) {
    super()
    this.accessToken = fields.accessToken
    this.tokenType = fields.tokenType
    this.scopes = fields.scopes
    this.expiresAtMillis = fields.expiresAtMillis
    this.refreshAtMillis = fields.refreshAtMillis
    this.source = fields.source
    this.correlationId = fields.correlationId
  }

  /** When the token ends. */
  get expiresOn(): DateTime.Utc | undefined {
    return toDateTime(this.expiresAtMillis)
  }

  /** When the server advises to ask for the next token. */
  get refreshOn(): DateTime.Utc | undefined {
    return toDateTime(this.refreshAtMillis)
  }

  toJSON(): unknown {
    return {
      _id: "AccessToken",
      tokenType: this.tokenType,
      scopes: this.scopes,
      expiresOn: toIso(this.expiresOn),
      refreshOn: toIso(this.refreshOn),
      source: this.source,
      correlationId: this.correlationId
    }
  }
}

/**
 * Makes a token, for users' own providers and unit tests.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  fields: Pick<Fields, "accessToken"> & { readonly [K in keyof Fields]?: Fields[K] | undefined }
): AccessToken =>
  new AccessToken({
    accessToken: fields.accessToken,
    tokenType: fields.tokenType ?? "Bearer",
    scopes: fields.scopes ?? [],
    expiresAtMillis: fields.expiresAtMillis,
    refreshAtMillis: fields.refreshAtMillis,
    source: fields.source ?? "identity_provider",
    correlationId: fields.correlationId
  })

/**
 * The same token, told to come from elsewhere.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withSource = (token: AccessToken, source: Source): AccessToken => new AccessToken({ ...token, source })
