import { assert, describe, it } from "@effect/vitest"
import { FastCheck, Redacted } from "effect"
import type { Kind } from "../../src/core/Authority.js"
import { authorizationFailure } from "../../src/protocol/authorizationResponse.js"
import { correlationId, traceId } from "./bodies.js"

const ofRedirect = (query: string, kind: Kind = "entra") =>
  authorizationFailure(Object.fromEntries(new URLSearchParams(query)), kind)

describe("an error redirect", () => {
  it.each<readonly [query: string, kind: Kind, tag: string, fields: Readonly<Record<string, unknown>>]>([
    ["error=access_denied&error_subcode=cancel", "entra", "AuthorizationDeclined", { suberror: "cancel" }],
    ["error=access_denied", "custom", "AuthorizationDeclined", { error: "access_denied", isRetryable: false }],
    [
      "error=access_denied&error_description=AADB2C90118: The user has forgotten their password.",
      "b2c",
      "AuthorizationDeclined",
      { errorCodes: ["AADB2C90118"] }
    ],
    ["error=server_error", "entra", "AuthorityUnavailable", { error: "server_error", isRetryable: true }],
    ["error=temporarily_unavailable", "custom", "AuthorityUnavailable", { isRetryable: true }],
    ["error=login_required", "entra", "InteractionRequired", { classification: "none" }],
    ["error=interaction_required&claims={}", "entra", "InteractionRequired", { claims: "{}" }],
    [
      "error=interaction_required&suberror=basic_action",
      "entra",
      "InteractionRequired",
      { classification: "basic_action" }
    ],
    ["error=consent_required", "custom", "InteractionRequired", { classification: "consent_required" }],
    ["error=account_selection_required", "custom", "InteractionRequired", {}],
    ["error=invalid_request", "entra", "RequestRejected", { error: "invalid_request" }],
    ["error=unauthorized_client", "entra", "RequestRejected", {}],
    ["error=invalid_scope", "adfs", "RequestRejected", {}],
    ["error=invalid_client", "entra", "InvalidClient", {}]
  ])("%s at %s is %s", (query, kind, tag, fields) => {
    const failure = ofRedirect(query, kind)
    assert.strictEqual(failure?._tag, tag)
    for (const [name, expected] of Object.entries(fields))
      assert.deepStrictEqual<unknown>(Reflect.get(failure ?? {}, name), expected, name)
  })

  it("has no status, and tells what support asks for", () => {
    const description = `AADSTS65004: hunter2. Trace ID: ${traceId} Correlation ID: ${correlationId}`
    const failure = ofRedirect(
      new URLSearchParams({ error: "access_denied", error_description: description }).toString()
    )
    assert(failure?._tag === "AuthorizationDeclined")
    assert.deepStrictEqual([...failure.errorCodes], ["AADSTS65004"])
    assert.deepStrictEqual(
      [failure.correlationId, failure.traceId, failure.status],
      [correlationId, traceId, undefined]
    )
    assert.isTrue(Redacted.isRedacted(failure.description))
    assert.notInclude(JSON.stringify(failure) + failure.message, "hunter2")
  })

  it.each(["", "code=x", "error=", 'error="x"', "error=%0d%0aSet-Cookie:x", `error=${"x".repeat(129)}`, "error=é"])(
    "is none that can be read: %s",
    (query) => {
      assert.isUndefined(ofRedirect(query))
    }
  )

  it.prop(
    "is read without a defect, whatever it says",
    [FastCheck.dictionary(FastCheck.string(), FastCheck.string()), FastCheck.string()],
    ([others, error]) => {
      const failure = authorizationFailure({ ...others, error }, "entra")
      if (failure !== undefined) assert.isNotEmpty(failure.message)
    }
  )
})
