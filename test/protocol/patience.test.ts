import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration } from "effect"
import * as Grants from "../../src/protocol/grants.js"
import * as Bodies from "./bodies.js"
import { check, failureOf, now } from "./classified.js"

const { entraError } = Bodies
const user = Grants.refreshToken

describe("a service that asks for patience", () => {
  const headers = { "retry-after": "17" }
  const wait = { retryAfter: Duration.seconds(17) }
  const until = DateTime.unsafeMake(now + 17_000)

  check([
    [
      "429 with an error",
      entraError("invalid_grant", 50196),
      { status: 429, headers },
      "Throttled",
      { ...wait, until, error: "invalid_grant" }
    ],
    [
      "429 without JSON",
      "Too many requests",
      { status: 429, headers },
      "Throttled",
      { ...wait, until, errorCodes: [] }
    ],
    ["429 without a body", "", { status: 429 }, "Throttled", { retryAfter: undefined, until: undefined }],
    ["429 with a token", Bodies.appToken, { status: 429, headers }, "Throttled", { status: 429, source: "server" }],
    ["429 with null", "null", { status: 429, headers }, "Throttled", wait],
    [
      "429 with an empty object",
      "{}",
      { status: 429, headers: { "retry-after-ms": "250" } },
      "Throttled",
      { retryAfter: Duration.millis(250) }
    ],
    [
      "a client that asks in a loop (50196), with 400 and no time",
      entraError("invalid_grant", 50196),
      { grant: user },
      "Throttled",
      { retryAfter: Duration.seconds(60), until: DateTime.unsafeMake(now + 60_000), status: 400 }
    ],
    [
      "a client that asks in a loop, with a time",
      entraError("invalid_grant", 50196),
      { grant: user, headers },
      "Throttled",
      wait
    ],
    ["a loop whose code is a string", { error: "invalid_grant", error_codes: "50196" }, { grant: user }, "Throttled"],
    [
      "the code of the loop elsewhere than at Entra",
      { error: "invalid_grant", error_codes: [50196] },
      { grant: user, authority: "custom" },
      "InvalidGrant"
    ],
    [
      "503 with an error",
      entraError("temporarily_unavailable", 90033),
      { status: 503, headers },
      "AuthorityUnavailable",
      { ...wait, error: "temporarily_unavailable" }
    ],
    [
      "503 with HTML",
      Bodies.html,
      { status: 503, headers },
      "AuthorityUnavailable",
      { ...wait, status: 503, errorCodes: [] }
    ],
    [
      "503 with an error that is none of its own",
      { error: "invalid_client" },
      { status: 503 },
      "AuthorityUnavailable",
      { error: "invalid_client", retryAfter: undefined }
    ],
    ["500", "", { status: 500 }, "AuthorityUnavailable", { status: 500, isRetryable: true }],
    ["501", "", { status: 501 }, "AuthorityUnavailable", { status: 501, isRetryable: false }],
    ["502 with a token", Bodies.appToken, { status: 502 }, "AuthorityUnavailable", { isRetryable: true }],
    ["504 with truncated JSON", '{"error":"temp', { status: 504 }, "AuthorityUnavailable", { isRetryable: true }],
    ["505", "", { status: 505 }, "AuthorityUnavailable", { isRetryable: false }],
    ["408", "", { status: 408 }, "AuthorityUnavailable", { isRetryable: true }],
    [
      "temporarily_unavailable with 400",
      entraError("temporarily_unavailable", 90033),
      { headers },
      "AuthorityUnavailable",
      { ...wait, status: 400, isRetryable: true }
    ],
    [
      "server_error with 400",
      { error: "server_error" },
      {},
      "AuthorityUnavailable",
      { status: 400, isRetryable: true }
    ],
    [
      "server_error with 200",
      { error: "server_error" },
      { status: 200 },
      "AuthorityUnavailable",
      { isRetryable: true }
    ],
    [
      "the backup service",
      Bodies.backupService,
      { grant: user },
      "AuthorityUnavailable",
      { errorCodes: ["AADSTS50033"] }
    ]
  ])

  it("is heard by every grant and every authority", () => {
    for (const grant of Object.values(Grants))
      for (const authority of ["entra", "custom"] as const) {
        assert.strictEqual(failureOf("", { grant, authority, status: 429 })._tag, "Throttled")
        assert.strictEqual(failureOf("", { grant, authority, status: 503 })._tag, "AuthorityUnavailable")
        assert.strictEqual(failureOf({ error: "server_error" }, { grant, authority })._tag, "AuthorityUnavailable")
      }
  })

  it("is measured by the response's own clock", () => {
    const skewed = { "retry-after": "Mon, 30 Jun 2025 14:00:30 GMT", date: "Mon, 30 Jun 2025 14:00:00 GMT" }
    const failure = failureOf("", { status: 429, headers: skewed })
    assert(failure._tag === "Throttled")
    assert.deepStrictEqual(failure.retryAfter, Duration.seconds(30))
    assert.strictEqual(failure.until?.epochMillis, now + 30_000)
  })
})
