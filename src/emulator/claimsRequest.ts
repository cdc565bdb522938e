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

const Parameter = Schema.parseJson(
  Schema.Struct({
    access_token: Schema.optional(
      Schema.NullOr(
        Schema.Struct({
          xms_cc: Schema.optional(Wanted),
          acrs: Schema.optional(Wanted),
          polids: Schema.optional(Wanted),
          capolids: Schema.optional(Wanted)
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

export const parse = (parameters: URLSearchParams): Checked<ClaimsRequest> =>
  decode(parameters.get("claims") || "{}").pipe(
    Effect.mapError(() => Refusals.malformed),
    Effect.map(({ access_token: wanted, id_token: identity }) => ({
      capabilities: valuesOf(wanted?.xms_cc)
        .map((value) => value.toLowerCase())
        .filter((value) => value === "cp1"),
      policies: [...valuesOf(wanted?.capolids), ...valuesOf(wanted?.polids)],
      contexts: valuesOf(wanted?.acrs),
      wantsAuthTime: identity !== null && identity !== undefined && "auth_time" in identity
    }))
  )
