import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { epochSecondsOf } from "../../src/protocol/expiry.js"

const at = (iso: string) => Date.parse(iso) / 1000
const last = at("9999-12-31T23:59:59Z")

const seconds = FastCheck.integer({ min: 0, max: last })
const offset = FastCheck.integer({ min: -14 * 60, max: 14 * 60 })

const two = (value: number) => String(value).padStart(2, "0")

/** A moment as clocks of another offset (minutes) show it. */
const shown = (moment: number, minutes: number) => {
  const date = new Date((moment + minutes * 60) * 1000)
  const size = Math.abs(minutes)
  return {
    date,
    hour: date.getUTCHours(),
    time: `${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`,
    zone: `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`
  }
}

type Format = (moment: number, minutes: number) => string

const formats: Readonly<Record<string, Format>> = {
  "ISO 8601": (moment, minutes) => {
    const { date, zone } = shown(moment, minutes)
    return `${date.toISOString().slice(0, 19)}${zone}`
  },
  "ISO 8601 with fractions and a space": (moment, minutes) => {
    const { date, zone } = shown(moment, minutes)
    return `${date.toISOString().slice(0, 19).replace("T", " ")}.1234567 ${zone}`
  },
  "App Service on Linux": (moment, minutes) => {
    const { date, hour, time, zone } = shown(moment, minutes)
    return `${two(date.getUTCMonth() + 1)}/${two(date.getUTCDate())}/${date.getUTCFullYear()} ${two(hour)}:${time} ${zone}`
  },
  "App Service on Windows": (moment, minutes) => {
    const { date, hour, time, zone } = shown(moment, minutes)
    const half = hour < 12 ? "AM" : "PM"
    return `${date.getUTCMonth() + 1}/${date.getUTCDate()}/${date.getUTCFullYear()} ${hour % 12 || 12}:${time} ${half} ${zone}`
  }
}

describe("the end of a managed identity's token", () => {
  it.prop("is read from seconds, as a number or as text", [seconds], ([moment]) => {
    assert.strictEqual(epochSecondsOf(moment), moment)
    assert.strictEqual(epochSecondsOf(String(moment)), moment)
    assert.strictEqual(epochSecondsOf(` ${moment}\n`), moment)
  })

  // A day from the ends, so that no offset leaves the years that can be written.
  const midst = FastCheck.integer({ min: 86_400, max: last - 86_400 })
  for (const [name, format] of Object.entries(formats))
    it.prop(`is read as it was written: ${name}`, [midst, offset], ([moment, minutes]) => {
      const text = format(moment, minutes)
      assert.strictEqual(epochSecondsOf(text), moment, text)
      assert.strictEqual(epochSecondsOf(`\t ${text.replaceAll(" ", "  ")} \n`), moment, text)
    })

  it.each([
    ["2019-06-19T23:42:01Z", "2019-06-19T23:42:01Z"],
    ["2019-06-19t23:42:01z", "2019-06-19T23:42:01Z"],
    ["2019-06-19T23:42:01.999Z", "2019-06-19T23:42:01Z"],
    ["2019-06-20T01:42:01+0200", "2019-06-19T23:42:01Z"],
    ["06/19/2019 23:42:01 +00:00", "2019-06-19T23:42:01Z"],
    ["11/05/2021 15:18:31 +00:00", "2021-11-05T15:18:31Z"],
    ["1/16/2020 5:24:12 AM +00:00", "2020-01-16T05:24:12Z"],
    ["1/2/2019 3:04:05 PM +00:00", "2019-01-02T15:04:05Z"],
    ["1/2/2019 3:04:05\u202fpm +00:00", "2019-01-02T15:04:05Z"],
    ["1/2/2019 12:00:00 AM +00:00", "2019-01-02T00:00:00Z"],
    ["1/2/2019 12:00:00 PM +00:00", "2019-01-02T12:00:00Z"],
    ["09/14/2017 00:00:00 PM +00:00", "2017-09-14T12:00:00Z"],
    ["09/14/2017 00:00:00 AM +00:00", "2017-09-14T00:00:00Z"],
    ["06/19/2019 23:42:01 PM +00:00", "2019-06-19T23:42:01Z"],
    ["2/29/2020 0:00:00 Z", "2020-02-29T00:00:00Z"],
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"],
    ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"]
  ])("is read from %j", (text, iso) => {
    assert.strictEqual(epochSecondsOf(text), at(iso))
  })

  it("is a whole second, and never later than it was told", () => {
    assert.strictEqual(epochSecondsOf(1_560_987_721.9), 1_560_987_721)
    assert.strictEqual(epochSecondsOf("1560987721.9"), 1_560_987_721)
  })

  it.each([
    "",
    " ",
    "never",
    "NaN",
    "Infinity",
    "0x5d0ac0c9",
    "1e9",
    "-1",
    "+1560987721",
    "1 560 987 721",
    "2019-06-19",
    "2019-06-19T23:42:01",
    "2019-06-31T00:00:00Z",
    "2019-02-29T00:00:00Z",
    "2019-00-10T00:00:00Z",
    "2019-13-10T00:00:00Z",
    "2019-06-19T24:00:00Z",
    "2019-06-19T23:60:00Z",
    "2019-06-19T23:59:60Z",
    "2019-06-19T23:42:01+24:00",
    "2019-06-19T23:42:01+00:60",
    "19/06/2019 23:42:01 +00:00",
    "06/19/2019 23:42:01",
    "06/19/2019 13:00:00 AM +00:00",
    "06/19/19 23:42:01 +00:00",
    "0071-06-19T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-00:01",
    "12/31/9999 23:59:59 -00:01",
    "253402300800",
    "1560987721000",
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    253_402_300_800,
    null,
    undefined,
    true,
    {},
    [1_560_987_721],
    new Date(0),
    1n
  ])("is not read from %o", (value) => {
    assert.isUndefined(epochSecondsOf(value))
  })

  it("is not looked for in what is long", () => {
    assert.isUndefined(epochSecondsOf(`06/19/2019${" ".repeat(1_000_000)}23:42:01 +00:00`))
    assert.isUndefined(epochSecondsOf("1".repeat(1_000_000)))
  })

  const datelike = FastCheck.stringMatching(
    /^\d{1,4}[/-]\d{1,2}[/-]\d{1,4}[ T]\d{1,2}:\d{2}:\d{2}( [AP]M)? ?(Z|[+-]\d{2}:\d{2})$/
  )
  it.prop(
    "is a whole second of these years or absent, and nothing is thrown",
    [FastCheck.oneof(FastCheck.anything(), FastCheck.fullUnicodeString(), FastCheck.double(), datelike)],
    ([value]) => {
      const read = epochSecondsOf(value)
      assert.isTrue(read === undefined || (Number.isInteger(read) && read >= 0 && read <= last))
    }
  )
})
