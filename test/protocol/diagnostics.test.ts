import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Redacted } from "effect"
import * as Bodies from "./bodies.js"
import { type Fields, failureOf } from "./classified.js"

const { entraError } = Bodies

describe("what an error tells for people", () => {
  const diagnosed = (body: Fields) => {
    const failure = failureOf(body)
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

  it("holds no description when there is none", () => {
    assert.isUndefined(diagnosed({ error: "invalid_scope" }).description)
  })
})
