/** The `claims` parameter (OpenID Connect Core 5.5), as far as Entra acts on it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Checked } from "./answers.js"
import * as Refusals from "./refusals.js"

export interface ClaimsRequest {
  /** The capabilities that the client declares (https://learn.microsoft.com/entra/identity-platform/claims-challenge). */
  readonly capabilities: ReadonlyArray<string>
  /** Conditional Access policies that the sign-in shall satisfy, by id. */
  readonly policies: ReadonlyArray<string>
  /** Authentication contexts that it shall satisfy. */
  readonly contexts: ReadonlyArray<string>
  /** Epoch milliseconds that the sign-in shall not be older than. */
  readonly notBefore: number | undefined
  readonly wantsAuthTime: boolean
}

const Wanted = Schema.NullOr(
  Schema.Struct({
    value: Schema.optional(Schema.String),
    values: Schema.optional(Schema.Array(Schema.String)),
    // https://github.com/AzureAD/azure-activedirectory-library-for-nodejs/issues/151
    Values: Schema.optional(Schema.Array(Schema.String))
  })
)

const Instant = Schema.NullOr(Schema.Struct({ value: Schema.optional(Schema.Union(Schema.String, Schema.Number)) }))

const Parameter = Schema.parseJson(
  Schema.Struct({
    access_token: Schema.optional(
      Schema.NullOr(
        Schema.Struct({
          xms_cc: Schema.optional(Wanted),
          acrs: Schema.optional(Wanted),
          polids: Schema.optional(Wanted),
          capolids: Schema.optional(Wanted),
          nbf: Schema.optional(Instant),
          xms_rp_ipaddr: Schema.optional(Wanted)
        })
      )
    ),
    id_token: Schema.optional(Schema.NullOr(Schema.Struct({ auth_time: Schema.optional(Schema.Unknown) })))
  })
)

const decode = Schema.decodeUnknown(Parameter)

const valuesOf = (wanted: typeof Wanted.Type | undefined): ReadonlyArray<string> => {
  if (wanted === null || wanted === undefined) return []
  const { value, values = [], Values = [] } = wanted
  return [...(value === undefined ? [] : [value]), ...values, ...Values]
}

/**
 * After a revocation. Beside an address it is about the token alone, which is always new: the place is looked at, and
 * nobody has to sign in again for having moved.
 */
const notBeforeOf = (wanted: (typeof Parameter.Type)["access_token"]): number | undefined => {
  if (wanted?.nbf?.value === undefined || wanted.xms_rp_ipaddr !== undefined) return undefined
  const millis = Number(wanted.nbf.value) * 1000
  return Number.isNaN(millis) ? undefined : millis
}

/** Whether a sign-in is too old, to the second. */
export const isOlder = ({ notBefore }: ClaimsRequest, authTime: number): boolean =>
  notBefore !== undefined && Math.floor(authTime / 1000) * 1000 < notBefore

export const parse = (parameters: URLSearchParams): Checked<ClaimsRequest> =>
  decode(parameters.get("claims") || "{}").pipe(
    Effect.mapError(() => Refusals.malformed),
    Effect.map(({ access_token: wanted, id_token: identity }) => ({
      capabilities: valuesOf(wanted?.xms_cc)
        .map((value) => value.toLowerCase())
        .filter((value) => value === "cp1"),
      policies: [...valuesOf(wanted?.capolids), ...valuesOf(wanted?.polids)],
      contexts: valuesOf(wanted?.acrs),
      notBefore: notBeforeOf(wanted),
      wantsAuthTime: identity !== null && identity !== undefined && "auth_time" in identity
    }))
  )
