import type * as DateTime from "effect/DateTime"
import type * as Redacted from "effect/Redacted"
import type { ResolvedAuthority } from "../core/Authority.js"
import { parseDescription, parseTimestamp } from "../core/errorDescription.js"
import { longestProse, redactedProse } from "../core/prose.js"
import type { ErrorResponse } from "./wire.js"

const mostCodes = 8

/** The members tell; the description tells what they leave out. The last codes are the specific ones. */
const codesOf = (response: ErrorResponse, described: ReadonlyArray<string>, prefix: string): ReadonlyArray<string> => {
  const codes = response.error_codes?.map((code) => `${prefix}${code}`) ?? []
  return (codes.length > 0 ? codes : described).slice(-mostCodes)
}

/** What an error response tells people. */
export interface Diagnosis {
  readonly errorCodes: ReadonlyArray<string>
  readonly correlationId?: string | undefined
  readonly traceId?: string | undefined
  readonly timestamp?: DateTime.Utc | undefined
  readonly description?: Redacted.Redacted | undefined
}

/**
 * Reads it within bounds; nothing where there was no error response.
 *
 * @internal
 */
export const diagnose = (response: ErrorResponse | undefined, authority: ResolvedAuthority["kind"]): Diagnosis => {
  if (response === undefined) return { errorCodes: [] }
  const prose = response.error_description
  const described = parseDescription(prose?.slice(0, longestProse) ?? "")
  return {
    errorCodes: codesOf(response, described.codes, authority === "entra" ? "AADSTS" : ""),
    correlationId: response.correlation_id ?? described.correlationId,
    traceId: response.trace_id ?? described.traceId,
    timestamp: parseTimestamp(response.timestamp ?? "") ?? described.timestamp,
    description: prose === undefined ? undefined : redactedProse(prose)
  }
}
