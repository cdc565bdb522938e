import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

/**
 * What an `error_description` tells beside its prose.
 *
 * @since 0.1.0
 * @category models
 */
export interface ErrorDescription {
  /** The codes in the order of the text, with their prefix; where there are two, the last is the more specific one. */
  readonly codes: ReadonlyArray<string>
  readonly traceId: string | undefined
  readonly correlationId: string | undefined
  readonly timestamp: DateTime.Utc | undefined
}

const prefixedCode = /\b(?:AADSTS|AADB2C|MSIS)\d{2,9}\b/g
// The backup authentication service (CCS) writes the number alone: "50033 - [date]: CCS could not serve ...".
const bareCode = /^\s{0,8}(\d{5,9}) - /
const labelledGuid = (label: string): RegExp =>
  new RegExp(`\\b${label} ID: ?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\\b`, "i")
const traceId = labelledGuid("Trace")
const correlationId = labelledGuid("Correlation")
const moment = "\\d{4}-\\d{2}-\\d{2}[ T]\\d{2}:\\d{2}:\\d{2}Z"
const wholeMoment = new RegExp(`^${moment}$`)
const timestamp = new RegExp(`\\bTimestamp: ?(${moment})`, "i")

const codesOf = (text: string): ReadonlyArray<string> => {
  const prefixed = text.match(prefixedCode)
  if (prefixed !== null) return [...new Set(prefixed)]
  const bare = bareCode.exec(text)?.[1]
  return bare === undefined ? [] : [`AADSTS${bare}`]
}

/**
 * Reads `YYYY-MM-DD HH:MM:SSZ`, which is not quite ISO 8601.
 *
 * @internal
 */
export const parseTimestamp = (text: string): DateTime.Utc | undefined =>
  wholeMoment.test(text)
    ? Option.getOrUndefined(Option.map(DateTime.make(text.replace(" ", "T")), DateTime.toUtc))
    : undefined

/**
 * Reads codes, ids and time out of an `error_description` in any of its forms (CRLF or single spaces; `AADSTS`, `AADB2C`
 * or `MSIS` codes, one or two of them, or a number without prefix). Total: a text without them gives empty fields.
 *
 * Source: Microsoft Entra authentication and authorization error codes (reference-error-codes), and recorded bodies.
 *
 * @since 0.1.0
 * @category parsing
 */
export const parseDescription = (text: string): ErrorDescription => {
  return {
    codes: codesOf(text),
    traceId: traceId.exec(text)?.[1],
    correlationId: correlationId.exec(text)?.[1],
    timestamp: parseTimestamp(timestamp.exec(text)?.[1] ?? "")
  }
}
