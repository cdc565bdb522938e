import { assert, describe, it } from "@effect/vitest"
import { DateTime, FastCheck } from "effect"
import { parseDescription } from "../../src/core/Aadsts.js"
import { parseTimestamp } from "../../src/core/errorDescription.js"

const trace = "0f5d4e1a-8c55-4b0a-9d0d-2a6b1f3c5e00"
const correlation = "1a2b3c4d-5e6f-4a0b-8c9d-0e1f2a3b4c5d"
const time = "2025-06-30 11:22:33Z"

const told = (text: string) => {
  const { timestamp, ...rest } = parseDescription(text)
  return { ...rest, timestamp: timestamp === undefined ? undefined : DateTime.formatIso(timestamp) }
}

const everything = {
  codes: ["AADSTS7000215"],
  traceId: trace,
  correlationId: correlation,
  timestamp: "2025-06-30T11:22:33.000Z"
}
const nothing = { codes: [], traceId: undefined, correlationId: undefined, timestamp: undefined }

describe("parseDescription", () => {
  it.each([
    ["in lines that end in CRLF", "\r\n"],
    ["with single spaces, as newer answers write", " "],
    ["in lines that end in LF", "\n"]
  ])("reads codes, ids and time %s", (_, separator) => {
    const text = ["AADSTS7000215: Invalid client secret provided.", `Trace ID: ${trace}`]
    const rest = [`Correlation ID: ${correlation}`, `Timestamp: ${time}`]
    assert.deepStrictEqual(told([...text, ...rest].join(separator)), everything)
  })

  const codes: ReadonlyArray<readonly [what: string, text: string, codes: ReadonlyArray<string>]> = [
    [
      "two codes, the specific one last",
      "AADSTS70002: Error. AADSTS500133: Not valid.",
      ["AADSTS70002", "AADSTS500133"]
    ],
    ["a code that is told twice once", "AADSTS50076: See AADSTS50076.", ["AADSTS50076"]],
    ["a code of B2C", "AADB2C90118: The user has forgotten their password.", ["AADB2C90118"]],
    ["a code of AD FS", "MSIS9605: The client is not allowed.", ["MSIS9605"]],
    ["the bare number of the backup service", "50033 - [6/1/2021]: CCS could not serve.", ["AADSTS50033"]],
    ["the bare number after spaces", "  50033 - [6/1/2021]: CCS could not serve.", ["AADSTS50033"]],
    ["no bare number in the middle", "Something 50033 - of no meaning", []],
    ["no code in a longer word", "XAADSTS50076 AADSTS50076X", []],
    ["no code of one digit, nor of ten", "AADSTS5 AADSTS1234567890", []]
  ]
  it.each(codes)("reads %s", (_, text, expected) => {
    assert.deepStrictEqual(parseDescription(text).codes, expected)
  })

  const none = ["", " ", "Bad Request", "<html>503</html>", "AADSTS", "Trace ID: none Timestamp: yesterday"]
  it.each(none)("finds nothing in %j", (text) => {
    assert.deepStrictEqual(told(text), nothing)
  })

  it("does not take for an id what is no GUID", () => {
    assert.deepStrictEqual(told(`Trace ID: ${trace}0 Correlation ID: <script>`), nothing)
  })

  it("does not take for a time what is none", () => {
    assert.isUndefined(parseDescription("Timestamp: 2025-13-45 99:99:99Z").timestamp)
  })

  it.each([
    "2025",
    "2025-06-30",
    "2025-06-30T11:22:33",
    "2025-06-30T11:22:33+02:00",
    "2025-06-30 11:22:33.5Z",
    "+010000-01-01T00:00:00Z",
    "Mon, 30 Jun 2025 11:22:33 GMT",
    `${time} `,
    "0",
    ""
  ])("takes a time in its one form only, not as %j", (text) => {
    assert.isUndefined(parseTimestamp(text))
  })

  it("takes that form with a T, too", () => {
    assert.deepStrictEqual(parseTimestamp("2025-06-30T11:22:33Z"), parseTimestamp(time))
    assert.isDefined(parseTimestamp(time))
  })

  const fragment = FastCheck.oneof(
    FastCheck.fullUnicodeString({ maxLength: 8 }),
    FastCheck.constantFrom(
      "AADSTS",
      "AADB2C",
      "MSIS",
      "50033 - ",
      "Trace ID: ",
      "Correlation ID:",
      "Timestamp: ",
      "\r\n"
    ),
    FastCheck.constantFrom(trace, correlation, time, "9".repeat(12), "0".repeat(3))
  )
  it.prop("never throws, and every code it tells stands in the text", [FastCheck.array(fragment)], ([fragments]) => {
    const text = fragments.join("")
    for (const code of parseDescription(text).codes) assert.include(text, code.replace("AADSTS", ""))
  })

  const hostile = ["AADSTS", "AADSTS1", "Trace ID: 0", "Timestamp: 2025-", "\t", "1", `Trace ID: ${trace.slice(0, -1)}`]
  it.each(hostile)("reads a hostile megabyte of %j", (unit) => {
    assert.deepStrictEqual(told(unit.repeat(Math.ceil(1_000_000 / unit.length))), nothing)
  })
})
