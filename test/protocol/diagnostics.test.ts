import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Array as Arr, DateTime, Redacted } from "effect"
import * as Bodies from "./bodies.js"
import { type Fields, failureOf } from "./classified.js"

const { entraError } = Bodies

describe("what an error tells for people", () => {
  const diagnosed = (body: Fields, authority?: "entra" | "custom") => {
    const failure = failureOf(body, authority === undefined ? {} : { authority })
    assert(failure._tag === "RequestRejected")
    return failure
  }

  it("comes from the members", () => {
    const { correlationId, errorCodes, timestamp, traceId } = diagnosed(entraError("invalid_scope", 70011))
    assert.deepStrictEqual([correlationId, traceId], [Bodies.correlationId, Bodies.traceId])
    assert.deepStrictEqual(errorCodes, ["AADSTS70011"])
    assert.deepStrictEqual(timestamp, DateTime.unsafeMake("2025-06-30T11:22:33Z"))
  })

  it("comes from the description where members are missing", () => {
    const { correlationId, errorCodes, timestamp, traceId } = diagnosed(Bodies.descriptionOnly)
    assert.deepStrictEqual([correlationId, traceId], [Bodies.correlationId, Bodies.traceId])
    assert.deepStrictEqual(errorCodes, ["AADSTS50076"])
    assert.deepStrictEqual(timestamp, DateTime.unsafeMake("2025-06-30T11:22:33Z"))
  })

  it("comes from the description where members are nonsense", () => {
    const body = {
      ...entraError("invalid_scope", 70011),
      error_codes: "x",
      trace_id: "1",
      correlation_id: {},
      timestamp: "x"
    }
    const { description, ...expected } = diagnosed(entraError("invalid_scope", 70011))
    const { description: _, ...told } = diagnosed(body)
    assert.deepStrictEqual(told, expected)
  })

  it("ends with the most specific code", () => {
    assert.strictEqual(diagnosed(Bodies.twoCodes).errorCodes.at(-1), "AADSTS500133")
  })

  it("is eight codes at most, the last and so the most specific ones", () => {
    const numbers = Arr.range(50_001, 50_020)
    const last = numbers.slice(-8).map((code) => `AADSTS${code}`)
    const prose = numbers.map((code) => `AADSTS${code}: No.`).join(" ")
    assert.deepStrictEqual(diagnosed({ error: "invalid_scope", error_codes: numbers }).errorCodes, last)
    assert.deepStrictEqual(diagnosed({ error: "invalid_scope", error_description: prose }).errorCodes, last)
  })

  it("has Entra's prefix at Entra only", () => {
    const body = { error: "invalid_scope", error_codes: [70011] }
    assert.deepStrictEqual(diagnosed(body, "entra").errorCodes, ["AADSTS70011"])
    assert.deepStrictEqual(diagnosed(body, "custom").errorCodes, ["70011"])
  })

  it.each(["2025-06-30", "2025-06-30T11:22:33+02:00", "0", "Mon, 30 Jun 2025 11:22:33 GMT"])(
    "holds no time that is written otherwise: %s",
    (timestamp) => {
      assert.isUndefined(diagnosed({ error: "invalid_scope", timestamp }).timestamp)
    }
  )

  it("holds no id that is no GUID", () => {
    const id = "\u001b[2J; drop"
    const { correlationId, message, traceId } = diagnosed({ error: "invalid_scope", trace_id: id, correlation_id: id })
    assert.deepStrictEqual([correlationId, traceId], [undefined, undefined])
    assert.strictEqual(message, "The authority rejected the request (invalid_scope, HTTP 400)")
  })

  it("holds the description redacted, 2 kB of it at most, without control characters", () => {
    const prose = `AADSTS70011: hunter2\r\n\u0000\u001b[31mred\u0085${"x".repeat(100_000)}`
    const failure = diagnosed({ error: "invalid_scope", error_description: prose })
    const description = Redacted.value(failure.description ?? Redacted.make(""))
    assert.isAtMost(description.length, 2048)
    assert.notMatch(description, /\p{Cc}/u)
    assert.match(description, /^AADSTS70011: hunter2 \[31mred x+$/)
    assert.notInclude(inspect(failure, { depth: 9 }) + JSON.stringify(failure) + failure.message, "hunter2")
  })

  it.each([2046, 2047, 2048])("holds no half of a character, where %d others stand before it", (before) => {
    const failure = diagnosed({ error: "invalid_scope", error_description: `${"x".repeat(before)}${"😀".repeat(9)}` })
    const description = Redacted.value(failure.description ?? Redacted.make(""))
    assert.notMatch(description, /[\ud800-\udfff]/u)
    assert.isAtMost(description.length, 2048)
  })

  it("holds no description when there is none", () => {
    assert.isUndefined(diagnosed({ error: "invalid_scope" }).description)
  })
})
