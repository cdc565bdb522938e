const year = "(?<year>\\d{4})"
const time = "(?<hour>\\d{1,2}):(?<minute>\\d{2}):(?<second>\\d{2})"
const zone = "(?:[Zz]|(?<sign>[+-])(?<offsetHour>\\d{2}):?(?<offsetMinute>\\d{2}))"

/** ISO 8601, and what .NET writes for the invariant culture (`MM/dd/yyyy HH:mm:ss`) and for en-US (`M/d/yyyy h:mm:ss tt`). */
const dateForms = [
  new RegExp(`^${year}-(?<month>\\d{2})-(?<day>\\d{2})(?:[Tt]|\\s+)${time}(?:[.,]\\d+)?\\s*${zone}$`),
  new RegExp(`^(?<month>\\d{1,2})/(?<day>\\d{1,2})/${year}\\s+${time}(?:\\s*(?<half>[AaPp])[Mm])?\\s*${zone}$`)
]

/** No date that is meant comes near this. */
const longestText = 64
/** 9999-12-31T23:59:59Z. */
const last = 253_402_300_799

const inRange = (seconds: number): number | undefined =>
  seconds >= 0 && seconds <= last ? Math.floor(seconds) : undefined

/**
 * The hour of the day. Beside AM or PM, 12 is the 0th hour of its half, and so is 0, which the documentation's example has
 * (`00:00:00 PM`): V8 reads it as noon too. An hour beyond 12 is of the afternoon already.
 */
const hourOfDay = (hour: number, half: string | undefined): number | undefined => {
  if (half === undefined) return hour
  const isAfternoon = half.toLowerCase() === "p"
  if (hour > 12) return isAfternoon ? hour : undefined
  return (hour % 12) + (isAfternoon ? 12 : 0)
}

/** Nonsense such as a 31st of June, which Date.UTC lets roll over, is no date. */
const epochOf = (parts: Readonly<Record<string, string | undefined>>): number | undefined => {
  const at = (name: string) => Number(parts[name] ?? 0)
  const hour = hourOfDay(at("hour"), parts.half)
  if (hour === undefined || hour > 23 || at("minute") > 59 || at("second") > 59) return undefined
  if (at("offsetHour") > 23 || at("offsetMinute") > 59) return undefined
  const local = new Date(Date.UTC(at("year"), at("month") - 1, at("day"), hour, at("minute"), at("second")))
  const isReal =
    local.getUTCFullYear() === at("year") && local.getUTCMonth() === at("month") - 1 && local.getUTCDate() === at("day")
  const offset = (at("offsetHour") * 60 + at("offsetMinute")) * 60 * (parts.sign === "-" ? -1 : 1)
  return isReal ? inRange(local.getTime() / 1000 - offset) : undefined
}

const epochOfText = (text: string): number | undefined => {
  if (text.length > longestText) return undefined
  if (/^\d+(?:\.\d+)?$/.test(text)) return inRange(Number(text))
  for (const form of dateForms) {
    const parts = form.exec(text)?.groups
    if (parts !== undefined) return epochOf(parts)
  }
  return undefined
}

/**
 * Reads `expires_on` of a managed identity's endpoint as whole epoch seconds: seconds as a number or as text, an ISO 8601 date
 * with an offset, or App Service's dates of 2017-09-01 (`06/19/2019 23:42:01 +00:00` on Linux, `1/16/2020 5:24:12 AM +00:00` on
 * Windows), whose month comes first. What is nonsense, before 1970 or after the year 9999 is absent.
 *
 * Sources: azure-docs, issue 33604; Azure SDK for Python, pull request 9480; Azure SDK for .NET, issue 12869.
 *
 * @internal
 */
export const epochSecondsOf = (value: unknown): number | undefined => {
  if (typeof value === "number") return inRange(value)
  return typeof value === "string" ? epochOfText(value.trim()) : undefined
}
