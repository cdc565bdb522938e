import * as Duration from "effect/Duration"

/** Header fields by lower-case name. */
export type HeaderFields = Readonly<Record<string, string | undefined>>

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
const time = "(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})"
/** IMF-fixdate, the RFC 850 form and the asctime form (RFC 9110 5.6.7): a recipient must take all three. */
const dateForms = [
  new RegExp(`^[A-Z][a-z]{2}, (?<day>\\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\\d{4}) ${time} GMT$`),
  new RegExp(`^[A-Z][a-z]{5,8}, (?<day>\\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\\d{2}) ${time} GMT$`),
  new RegExp(`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`)
]

/** A year of two digits lies at most 50 years ahead (RFC 9110 5.6.7). */
const fullYear = (year: number, now: number): number => {
  const thisYear = new Date(now).getUTCFullYear()
  const guess = thisYear - (thisYear % 100) + year
  return guess > thisYear + 50 ? guess - 100 : guess
}

/** Nonsense such as a 99th of June, which Date.UTC lets roll over, is no date; a leap second is the last of its minute. */
const toEpochMillis = (parts: Readonly<Record<string, string>>, now: number): number | undefined => {
  const at = (name: string) => Number(parts[name])
  const year = parts.year?.length === 2 ? fullYear(at("year"), now) : at("year")
  const month = months.indexOf(parts.month ?? "")
  const date = Date.UTC(year, month, at("day"), at("hour"), at("minute"), Math.min(at("second"), 59))
  const isReal = month >= 0 && new Date(date).getUTCDate() === at("day") && at("hour") < 24 && at("minute") < 60
  return isReal && at("second") <= 60 ? date : undefined
}

/**
 * Reads an HTTP-date (RFC 9110 5.6.7) as epoch milliseconds.
 *
 * @internal
 */
export const parseHttpDate = (text: string, now: number): number | undefined => {
  for (const form of dateForms) {
    const parts = form.exec(text)?.groups
    if (parts !== undefined) return toEpochMillis(parts, now)
  }
  return undefined
}

const parseDigits = (text: string | undefined, unit: number): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) * unit : undefined

/** Measured against the response's own `Date`, when it has one, so that a skewed clock does not matter. */
const parseDate = (headers: HeaderFields, now: number): number | undefined => {
  const until = parseHttpDate(headers["retry-after"]?.trim() ?? "", now)
  return until === undefined ? undefined : Math.max(0, until - (parseHttpDate(headers.date ?? "", now) ?? now))
}

/** No answer makes a client wait longer than MSAL would. */
const longest = 3_600_000

/**
 * How long the server asks to wait: `retry-after-ms`, `x-ms-retry-after-ms`, then `Retry-After` in seconds or as a date
 * (RFC 9110 10.2.3). The past is 0, nonsense is absent, and nothing is longer than an hour.
 *
 * @internal
 */
export const retryAfter = (headers: HeaderFields, now: number): Duration.Duration | undefined => {
  const millis =
    parseDigits(headers["retry-after-ms"]?.trim(), 1) ??
    parseDigits(headers["x-ms-retry-after-ms"]?.trim(), 1) ??
    parseDigits(headers["retry-after"]?.trim(), 1000) ??
    parseDate(headers, now)
  return millis === undefined ? undefined : Duration.millis(Math.min(millis, longest))
}
