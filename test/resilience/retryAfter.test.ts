import { assert, describe, it } from "@effect/vitest"
import { Duration, FastCheck } from "effect"
import { type HeaderFields, parseHttpDate, retryAfter } from "../../src/resilience/retryAfter.js"

const now = Date.UTC(2025, 5, 30, 12, 0, 0)
const hour = 3_600_000

const wait = (headers: HeaderFields, at = now) => {
  const duration = retryAfter(headers, at)
  return duration === undefined ? undefined : Duration.toMillis(duration)
}

describe("an HTTP-date", () => {
  // The three examples of RFC 9110 5.6.7 are one moment.
  const moment = Date.UTC(1994, 10, 6, 8, 49, 37)
  it.each([
    ["IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT"],
    ["RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT"],
    ["asctime", "Sun Nov  6 08:49:37 1994"]
  ])("is read in the form of %s", (_, text) => {
    assert.strictEqual(parseHttpDate(text, now), moment)
  })

  it("with a year of two digits lies at most 50 years ahead", () => {
    const yearOf = (text: string) => new Date(parseHttpDate(text, now) ?? 0).getUTCFullYear()
    assert.strictEqual(yearOf("Monday, 30-Jun-25 12:00:00 GMT"), 2025)
    assert.strictEqual(yearOf("Sunday, 30-Jun-75 12:00:00 GMT"), 2075)
    assert.strictEqual(yearOf("Wednesday, 30-Jun-76 12:00:00 GMT"), 1976)
  })

  it.each([
    "",
    "now",
    "2025-06-30T12:00:00Z",
    "Mon, 30 Jun 2025 12:00:00",
    "Mon, 30 Jun 2025 12:00:00 +0200",
    "Mon, 30 Abc 2025 12:00:00 GMT",
    "30 Jun 2025",
    "Mon, 30 Jun 2025 12:00 GMT"
  ])("is not %j", (text) => {
    assert.isUndefined(parseHttpDate(text, now))
  })

  it.each([
    "Mon, 31 Feb 2025 12:00:00 GMT",
    "Mon, 00 Jun 2025 12:00:00 GMT",
    "Mon, 99 Jun 2025 12:00:00 GMT",
    "Sat, 29 Feb 2025 12:00:00 GMT",
    "Mon, 30 Jun 2025 24:00:00 GMT",
    "Mon, 30 Jun 2025 12:60:00 GMT",
    "Mon, 30 Jun 2025 12:00:61 GMT",
    "Monday, 31-Jun-25 12:00:00 GMT",
    "Mon Jun 31 12:00:00 2025",
    "Mon Jun  0 12:00:00 2025"
  ])("is not one that no calendar and no clock has: %s", (text) => {
    assert.isUndefined(parseHttpDate(text, now))
    assert.isUndefined(wait({ "retry-after": text }))
  })

  it("is a leap day in a leap year", () => {
    assert.strictEqual(parseHttpDate("Thu, 29 Feb 2024 12:00:00 GMT", now), Date.UTC(2024, 1, 29, 12))
  })

  it.prop("round trip of an IMF-fixdate", [FastCheck.integer({ min: 0, max: 253_402_300_799 })], ([seconds]) => {
    assert.strictEqual(parseHttpDate(new Date(seconds * 1000).toUTCString(), now), seconds * 1000)
  })
})

describe("Retry-After", () => {
  const inTwoMinutes = new Date(now + 120_000).toUTCString()

  it.each([
    ["in seconds", "120", 120_000],
    ["of no seconds", "0", 0],
    ["between spaces", " 120 ", 120_000],
    ["as a date", inTwoMinutes, 120_000],
    ["as a date in the form of RFC 850", "Monday, 30-Jun-25 12:02:00 GMT", 120_000],
    ["as a date in the form of asctime", "Mon Jun 30 12:02:00 2025", 120_000],
    ["as a date in the past", new Date(now - 1000).toUTCString(), 0],
    ["of exactly an hour", "3600", hour],
    ["of a day, cut to an hour", "86400", hour],
    ["of more than numbers can hold, cut to an hour", "9".repeat(400), hour],
    ["as a date in a year, cut to an hour", "Tue, 30 Jun 2026 12:00:00 GMT", hour]
  ])("%s", (_, value, expected) => {
    assert.strictEqual(wait({ "retry-after": value }), expected)
  })

  it.each(["", " ", "-5", "+5", "1.5", "1e3", "0x10", "soon", "Infinity", "NaN", "5, 10", "5 seconds", "٥"])(
    "is absent when it is nonsense: %j",
    (value) => {
      assert.isUndefined(wait({ "retry-after": value }))
    }
  )

  it("is absent when there is none", () => {
    assert.isUndefined(wait({}))
    assert.isUndefined(wait({ date: inTwoMinutes }))
  })

  it("as an HTTP-date is measured against the response's own Date, so that a skewed clock does not matter", () => {
    const date = new Date(now).toUTCString()
    for (const skew of [-hour, 0, hour])
      assert.strictEqual(wait({ "retry-after": inTwoMinutes, date }, now + skew), 120_000)
  })

  it("as an HTTP-date is measured against our clock when the response's Date is unreadable", () => {
    assert.strictEqual(wait({ "retry-after": inTwoMinutes, date: "yesterday" }), 120_000)
  })

  it("in seconds needs no Date", () => {
    assert.strictEqual(wait({ "retry-after": "7", date: new Date(0).toUTCString() }), 7000)
  })
})

describe("the three headers", () => {
  const all = { "retry-after-ms": "1500", "x-ms-retry-after-ms": "2500", "retry-after": "3" }

  it("retry-after-ms comes first, x-ms-retry-after-ms second, Retry-After last", () => {
    assert.strictEqual(wait(all), 1500)
    assert.strictEqual(wait({ ...all, "retry-after-ms": undefined }), 2500)
    assert.strictEqual(wait({ "retry-after": "3" }), 3000)
  })

  it("one that is nonsense leaves the word to the next", () => {
    assert.strictEqual(wait({ ...all, "retry-after-ms": "soon" }), 2500)
    assert.strictEqual(wait({ ...all, "retry-after-ms": "-1", "x-ms-retry-after-ms": "" }), 3000)
  })

  it("of milliseconds are no dates", () => {
    assert.isUndefined(wait({ "retry-after-ms": new Date(now + 1000).toUTCString() }))
  })
})

const value = FastCheck.oneof(
  FastCheck.string(),
  FastCheck.fullUnicodeString(),
  FastCheck.nat().map(String),
  FastCheck.date().map((date) => date.toUTCString()),
  FastCheck.stringMatching(/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/)
)
const header = FastCheck.option(value, { nil: undefined })
const headers = FastCheck.record({
  "retry-after-ms": header,
  "x-ms-retry-after-ms": header,
  "retry-after": header,
  date: header
})

it.prop("whatever the headers say, the wait is absent or lies within an hour", [headers], ([fields]) => {
  const millis = wait(fields)
  if (millis !== undefined) assert.isTrue(millis >= 0 && millis <= hour, `${millis} ms`)
})
