import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Either, FastCheck, Redacted } from "effect"
import { isTokenError, TransportError } from "../../src/core/TokenError.js"
import type { Outcome } from "../../src/protocol/classify.js"
import { classifyIdentity, type Expected } from "../../src/protocol/identityAnswer.js"
import { html } from "./bodies.js"

/** The moment at which every answer of these tests arrives. */
const now = Date.UTC(2025, 5, 30, 12)

const clientId = "00001111-aaaa-2222-bbbb-3333cccc4444"
const objectId = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
const otherId = "99998888-aaaa-2222-bbbb-3333cccc4444"
const resourceId =
  "/subscriptions/0a1b2c3d-4e5f-4a6b-8c7d-9e8f0a1b2c3d/resourceGroups/Orders/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Api"
const correlationId = "fa6c0d05-5b6b-4bd2-9b4a-7c0e3a1d1f0e"

interface Asked extends Partial<Expected> {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

const meaningOf = (outcome: Outcome, { identity, mustEcho = false, passing = new Set() }: Partial<Expected> = {}) =>
  classifyIdentity(outcome, { identity, mustEcho, passing }, now)

const answer = (body: unknown, status: number, headers: Asked["headers"] = {}): Outcome => ({
  _tag: "Answer",
  status,
  headers,
  body: typeof body === "string" ? body : JSON.stringify(body)
})

const tokenOf = (body: unknown, { headers, status = 200, ...expected }: Asked = {}) =>
  Either.getOrThrow(meaningOf(answer(body, status, headers), expected))

const failureOf = (body: unknown, { headers, status = 400, ...expected }: Asked = {}) =>
  Either.getOrThrow(Either.flip(meaningOf(answer(body, status, headers), expected)))

const rejectionOf = (body: unknown, asked?: Asked) => {
  const failure = failureOf(body, asked)
  assert(failure._tag === "RequestRejected", failure._tag)
  return failure
}

const malformedOf = (body: unknown, asked: Asked) => {
  const failure = failureOf(body, asked)
  assert(failure._tag === "MalformedResponse", failure._tag)
  return failure
}

const described = ({ description }: { readonly description?: Redacted.Redacted | undefined }) =>
  description === undefined ? undefined : Redacted.value(description)

const expiresOn = Date.UTC(2025, 6, 1, 12) / 1000

/** Every member is a string: how-to-use-vm-token. */
const imds = {
  access_token: "eyJ0eXAi.e30.sig",
  refresh_token: "",
  expires_in: "3599",
  expires_on: String(expiresOn),
  not_before: "1506480273",
  resource: "https://management.azure.com/",
  token_type: "Bearer"
}

/** overview-managed-identity, 2019-08-01: no `expires_in`. */
const appService = {
  access_token: "eyJ0eXAi.e30.sig",
  client_id: clientId,
  expires_on: String(expiresOn),
  not_before: "1586898472",
  resource: "https://vault.azure.net",
  token_type: "Bearer"
}

const appServiceLegacy = { ...imds, expires_in: undefined, expires_on: "07/01/2025 12:00:00 +00:00" }

/** how-to-managed-identity-service-fabric-app-code: numbers. */
const serviceFabric = {
  token_type: "Bearer",
  access_token: "eyJ0eXAi.e30.sig",
  expires_on: expiresOn,
  resource: "https://management.azure.com/"
}

describe("a managed identity's token", () => {
  it.each([
    ["of IMDS and Azure Arc", imds],
    ["of App Service", appService],
    ["of App Service's older endpoint, on Linux", appServiceLegacy],
    ["of App Service's older endpoint, on Windows", { ...appServiceLegacy, expires_on: "7/1/2025 12:00:00 PM +00:00" }],
    ["that ends at an ISO 8601 date", { ...appService, expires_on: "2025-07-01T12:00:00Z" }],
    ["of Service Fabric", serviceFabric],
    ["that ends within a second", { ...serviceFabric, expires_on: expiresOn + 0.9 }]
  ])("%s: when it ends is read", (_, body) => {
    const token = tokenOf(body)
    assert.strictEqual(Redacted.value(token.access_token), "eyJ0eXAi.e30.sig")
    assert.strictEqual(token.expires_on, expiresOn)
    assert.strictEqual(token.token_type, "Bearer")
    assert.isUndefined(token.refresh_token)
  })

  it("may tell how long it lives, as text or as a number", () => {
    assert.strictEqual(tokenOf(imds).expires_in, 3599)
    assert.strictEqual(tokenOf({ ...imds, expires_in: 3599 }).expires_in, 3599)
    assert.isUndefined(tokenOf(appService).expires_in)
  })

  it.each([undefined, null, "", "soon", "NaN", -1, 1e99, [], {}])("is not lost to an end that is none: %j", (end) => {
    const token = tokenOf({ ...appService, expires_on: end })
    assert.isUndefined(token.expires_on)
    assert.strictEqual(Redacted.value(token.access_token), "eyJ0eXAi.e30.sig")
  })

  it("may leave out its type, and may write it in any case", () => {
    const { token_type: _, ...untyped } = appService
    assert.strictEqual(tokenOf(untyped).token_type, "Bearer")
    assert.strictEqual(tokenOf({ ...appService, token_type: "bearer" }).token_type, "bearer")
  })

  // Fails: an empty or null member overwrites the type that is meant (standard).
  it.each([null, ""])("may leave its type empty: %j", (type) => {
    assert.strictEqual(tokenOf({ ...appService, token_type: type }).token_type, "Bearer")
  })

  it("of another type is none", () => {
    const failure = malformedOf({ ...appService, token_type: "mtls_pop" }, { status: 200 })
    assert.strictEqual(failure.reason, "unexpectedShape")
  })

  it("may come with spaces around it, and with members that nobody knows", () => {
    const body = `\r\n ${JSON.stringify({ ...imds, ext: { a: [1] }, error: null })} \n`
    assert.strictEqual(Redacted.value(tokenOf(body).access_token), "eyJ0eXAi.e30.sig")
  })

  it("beside an error is neither", () => {
    for (const error of ["invalid_request", { code: "InternalServerError", message: "hunter2" }])
      assert.strictEqual(malformedOf({ ...imds, error }, { status: 200 }).reason, "unexpectedShape")
  })

  it("is none with a status that promises none", () => {
    for (const status of [302, 400, 401, 403, 404, 408, 410, 429, 500, 503])
      assert.isTrue(Either.isLeft(meaningOf(answer(imds, status))), `HTTP ${status}`)
  })

  it("is not shown", () => {
    assert.notInclude(inspect(tokenOf(imds), { depth: 9 }) + JSON.stringify(tokenOf(imds)), "eyJ0eXAi")
  })
})

describe("whose token it is", () => {
  const kinds = [
    ["clientId", clientId, ["client_id"]],
    ["objectId", objectId, ["object_id", "principal_id"]],
    ["resourceId", resourceId, ["msi_res_id", "mi_res_id"]]
  ] as const

  for (const [kind, id, members] of kinds) {
    const identity = { kind, id } as const
    for (const member of members)
      for (const mustEcho of [true, false]) {
        const asked = { identity, mustEcho, status: 200 }
        const which = `${kind} by ${member}, ${mustEcho ? "which has to be told" : "which need not be told"}`

        it(`is the one that was asked for, in whatever case: ${which}`, () => {
          for (const named of [id, id.toUpperCase(), id.toLowerCase()])
            assert.strictEqual(tokenOf({ ...serviceFabric, [member]: named }, asked).expires_on, expiresOn)
        })

        it(`is another: ${which}`, () => {
          const failure = malformedOf({ ...serviceFabric, [member]: otherId }, asked)
          assert.deepStrictEqual([failure.reason, failure.status, failure.isRetryable], ["otherIdentity", 200, false])
          assert.notInclude(inspect(failure, { depth: 9 }) + JSON.stringify(failure), otherId)
        })
      }

    it.each([{}, ...members.flatMap((member) => [{ [member]: "" }, { [member]: null }, { [member]: 7 }])])(
      `is not told for ${kind}: %j`,
      (named) => {
        const body = { ...serviceFabric, ...named }
        assert.strictEqual(tokenOf(body, { identity, mustEcho: false }).expires_on, expiresOn)
        assert.strictEqual(malformedOf(body, { identity, mustEcho: true, status: 200 }).reason, "otherIdentity")
      }
    )
  }

  it("is told by another id than the one that was asked for, which confirms nothing", () => {
    const body = { ...serviceFabric, client_id: otherId, msi_res_id: "/another" }
    const identity = { kind: "objectId", id: objectId } as const
    assert.strictEqual(tokenOf(body, { identity, mustEcho: false }).expires_on, expiresOn)
    assert.strictEqual(malformedOf(body, { identity, mustEcho: true, status: 200 }).reason, "otherIdentity")
  })

  it("does not matter where the system's own was asked for", () => {
    for (const mustEcho of [true, false])
      assert.strictEqual(tokenOf({ ...serviceFabric, client_id: otherId }, { mustEcho }).expires_on, expiresOn)
  })

  it("does not hide why there is none", () => {
    const identity = { kind: "clientId", id: clientId } as const
    const failure = rejectionOf(
      { error: "invalid_request", error_description: "Identity not found" },
      { identity, mustEcho: true }
    )
    assert.strictEqual(failure.error, "invalid_request")
  })
})

describe("a refusal", () => {
  it.each([
    [
      "as RFC 6749 has it, by IMDS and Azure Arc",
      { error: "invalid_request", error_description: "Identity not found" },
      "invalid_request",
      "Identity not found"
    ],
    [
      "of Cloud Shell, an object",
      { error: { code: "AudienceNotSupported", message: "Audience hunter2 is not supported." } },
      "AudienceNotSupported",
      "Audience hunter2 is not supported."
    ],
    [
      "of Service Fabric, an object with its correlation id",
      { error: { correlationId, code: "ManagedIdentityNotFound", message: "Check that it is set." } },
      "ManagedIdentityNotFound",
      "Check that it is set."
    ],
    [
      "of App Service, a message beside a status",
      { statusCode: 400, message: "No Managed Identity found.", correlationId },
      "unknown_error",
      "No Managed Identity found."
    ],
    [
      "of App Service, as .NET writes it",
      { StatusCode: 400, Message: "No Managed Identity found." },
      "unknown_error",
      "No Managed Identity found."
    ],
    ["without a description", { error: "unauthorized" }, "unauthorized", undefined],
    ["an object without a code", { error: { message: "No code." } }, "unknown_error", "No code."],
    ["an object without a message", { error: { code: "BadRequest" } }, "BadRequest", undefined],
    ["an object that is empty", { error: {} }, "unknown_error", undefined],
    ["an object whose code is none", { error: { code: "a\u0007b", message: "hunter2" } }, "unknown_error", "hunter2"],
    [
      "an object whose code is too long",
      { error: { code: "c".repeat(129), message: "hunter2" } },
      "unknown_error",
      "hunter2"
    ],
    ["an object whose code is a number", { error: { code: 17, message: "hunter2" } }, "unknown_error", "hunter2"],
    ["a list", { error: ["a"], message: "hunter2" }, "unknown_error", "hunter2"],
    ["a code beside a message", { code: "NotAllowed", message: "hunter2" }, "NotAllowed", "hunter2"]
  ] as const)("%s", (_, body, error, description) => {
    const failure = rejectionOf(body)
    assert.deepStrictEqual([failure.error, described(failure), failure.status], [error, description, 400])
    assert.deepStrictEqual([failure.source, failure.isRetryable], ["server", false])
    if (description !== undefined)
      assert.notInclude(failure.message + inspect(failure, { depth: 9 }) + JSON.stringify(failure), description)
  })

  it.each([
    { error: { correlationId, code: "SecretHeaderNotFound", message: "m" } },
    { statusCode: 400, message: "m", correlationId },
    { error: "invalid_request", error_description: "m", correlation_id: correlationId },
    { error: "invalid_request", error_description: `m\r\nCorrelation ID: ${correlationId}` }
  ])("tells its correlation id: %j", (body) => {
    assert.strictEqual(rejectionOf(body).correlationId, correlationId)
  })

  it("tells no correlation id that is none", () => {
    assert.isUndefined(rejectionOf({ statusCode: 400, message: "m", correlationId: "hunter2" }).correlationId)
  })

  it.each([
    { error: "invalid_resource", error_description: "AADSTS500011: hunter2 was not found in the tenant." },
    { error: { code: "BadRequest", message: "AADSTS500011: hunter2 was not found in the tenant." } },
    { statusCode: 400, message: "AADSTS500011: hunter2 was not found in the tenant." },
    { statusCode: 400, Message: "Failed: AADSTS500011: hunter2." }
  ])("tells Entra's code out of its description: %j", (body) => {
    const failure = rejectionOf(body)
    assert.deepStrictEqual(failure.errorCodes, ["AADSTS500011"])
    assert.include(failure.message, "AADSTS500011")
    assert.notInclude(failure.message + inspect(failure, { depth: 9 }) + JSON.stringify(failure), "hunter2")
  })

  it("is found whatever the status is that brings it, 2xx too", () => {
    for (const status of [200, 400, 401, 403, 404, 405, 422])
      assert.strictEqual(rejectionOf({ error: "unknown_source" }, { status }).status, status)
  })
})

/**
 * What IMDS passes on as Entra wrote it (msal-dotnet, issue 3979).
 */
const passedOn = {
  error: "invalid_resource",
  error_description: "The resource principal was not found in the tenant.",
  error_codes: [500011],
  timestamp: "2025-06-30 12:00:00Z",
  trace_id: "30df6a3b-2d6e-4c0e-8d7b-8ad7b5f10f00",
  correlation_id: correlationId,
  error_uri: "https://login.microsoftonline.com/error?code=500011"
}

describe("a refusal that IMDS passes on as Entra wrote it", () => {
  it("tells its error and correlation id", () => {
    const failure = rejectionOf(passedOn)
    assert.deepStrictEqual([failure.error, failure.correlationId], ["invalid_resource", correlationId])
  })

  // Fails: the codes, the trace id and the time are dropped on the way (standardError).
  it("tells its codes, trace id and time, which its description may leave out", () => {
    const failure = rejectionOf(passedOn)
    assert.deepStrictEqual(failure.errorCodes, ["AADSTS500011"])
    assert.strictEqual(failure.traceId, passedOn.trace_id)
    assert.strictEqual(failure.timestamp?.epochMillis, now)
  })

  // Fails for the same reason: where the code decides (classify, clientLoop), it is gone.
  it("says by its code that this client asks in a loop", () => {
    const body = { ...passedOn, error: "invalid_request", error_codes: [50196] }
    assert.strictEqual(failureOf(body)._tag, "Throttled")
  })
})

describe("a service that asks for patience", () => {
  it.each([
    ["of IMDS", { error: "too_many_requests", error_description: "hunter2" }, "too_many_requests"],
    ["of Service Fabric", { error: { code: "Throttled", message: "hunter2" } }, "Throttled"],
    ["of App Service", { statusCode: 429, message: "hunter2" }, "unknown_error"],
    ["of a proxy", html, undefined],
    ["without words", "", undefined]
  ] as const)("says so by 429, %s", (_, body, error) => {
    const failure = failureOf(body, { status: 429, headers: { "retry-after": "7" } })
    assert(failure._tag === "Throttled", failure._tag)
    assert.deepStrictEqual(failure.retryAfter, Duration.seconds(7))
    assert.strictEqual(failure.until?.epochMillis, now + 7000)
    assert.deepStrictEqual([failure.error, failure.status], [error, 429])
    assert.notInclude(inspect(failure, { depth: 9 }) + JSON.stringify(failure), "hunter2")
  })

  it.each([408, 500, 502, 503, 504])("is down with %d, whatever it says", (status) => {
    for (const body of [
      imds,
      { error: "unknown", error_description: "m" },
      { statusCode: 500, message: "m" },
      html,
      ""
    ]) {
      const failure = failureOf(body, { status, headers: { "retry-after": "3" } })
      assert(failure._tag === "AuthorityUnavailable", failure._tag)
      assert.deepStrictEqual([failure.status, failure.isRetryable], [status, true])
      assert.deepStrictEqual(failure.retryAfter, Duration.seconds(3))
    }
  })
})

describe("a status that passes at this source", () => {
  const passing = new Set([404, 410])

  it.each([
    ["an error", { error: "not_found", error_description: "AADSTS90033: hunter2" }, "not_found", ["AADSTS90033"]],
    ["an error as an object", { error: { code: "NotFound", message: "hunter2" } }, "NotFound", []],
    ["a token", imds, undefined, []],
    ["HTML", html, undefined, []],
    ["nothing", "", undefined, []],
    ["JSON that breaks off", '{"error":"hunter2', undefined, []]
  ] as const)("is no refusal, with %s", (_, body, error, errorCodes) => {
    for (const status of passing) {
      const failure = failureOf(body, { status, passing, headers: { "retry-after": "10" } })
      assert(failure._tag === "AuthorityUnavailable", failure._tag)
      assert.deepStrictEqual([failure.status, failure.isRetryable, failure.source], [status, true, "server"])
      assert.deepStrictEqual([failure.error, failure.errorCodes], [error, errorCodes])
      assert.deepStrictEqual(failure.retryAfter, Duration.seconds(10))
      assert.strictEqual(DateTime.toEpochMillis(failure.until ?? DateTime.unsafeMake(0)), now + 10_000)
      assert.notInclude(inspect(failure, { depth: 9 }) + JSON.stringify(failure), "hunter2")
    }
  })

  it("is none of a body that was not read to its end, too", () => {
    const reset = new TransportError({ reason: "cutOff", host: "169.254.169.254" })
    for (const failure of [reset, "tooLarge"] as const) {
      const outcome: Outcome = { _tag: "Partial", status: 410, headers: {}, failure }
      const meaning = Either.getOrThrow(Either.flip(meaningOf(outcome, { passing })))
      assert.strictEqual(meaning._tag, "AuthorityUnavailable")
    }
  })

  it("is a refusal at another source, which says that there is no such identity", () => {
    const body = { error: { code: "ManagedIdentityNotFound", message: "m" } }
    assert.strictEqual(rejectionOf(body, { status: 404 }).error, "ManagedIdentityNotFound")
    assert.strictEqual(rejectionOf(body, { status: 410 }).error, "ManagedIdentityNotFound")
  })

  it("changes nothing of the other statuses", () => {
    assert.strictEqual(rejectionOf({ error: "invalid_request" }, { status: 400, passing }).status, 400)
    assert.strictEqual(failureOf("", { status: 429, passing })._tag, "Throttled")
    assert.strictEqual(tokenOf(imds, { status: 200, passing }).expires_in, 3599)
  })
})

describe("an answer that is none", () => {
  it.each([
    ["HTML with 200", html, 200, "notJson", true],
    ["HTML with 403, as Docker Desktop's proxy writes it", html, 403, "notJson", false],
    ["nothing with 200", "", 200, "notJson", true],
    ["nothing with 400", "", 400, "notJson", false],
    ["nothing with 401, as Azure Arc without a challenge", "", 401, "notJson", false],
    ["a token that breaks off", '{"access_token":"hunter2', 200, "truncated", true],
    ["an error that breaks off", '{"error":{"code":"hunter2', 400, "truncated", true],
    ["{}", {}, 200, "unexpectedShape", true],
    ["a status alone", { statusCode: 400 }, 400, "unexpectedShape", false],
    ["null", "null", 200, "unexpectedShape", true],
    ["a list", "[]", 200, "unexpectedShape", true],
    ["a text", '"hunter2"', 200, "unexpectedShape", true],
    ["a number", "7", 400, "unexpectedShape", false],
    ["an empty token", { ...imds, access_token: "" }, 200, "unexpectedShape", true],
    ["a token that is no text", { ...imds, access_token: { value: "hunter2" } }, 200, "unexpectedShape", true],
    // These two fail: null and empty count as absent everywhere else (wire, hasMember), here as a refusal (standardError).
    ["an error that is empty", { error: "" }, 400, "unexpectedShape", false],
    ["an error that is null", { error: null }, 200, "unexpectedShape", true],
    ["a redirect", imds, 302, "redirect", false]
  ] as const)("%s", (_, body, status, reason, isRetryable) => {
    const failure = malformedOf(body, { status })
    assert.deepStrictEqual([failure.reason, failure.status, failure.isRetryable], [reason, status, isRetryable])
    assert.notInclude(failure.message + inspect(failure, { depth: 9 }) + JSON.stringify(failure), "hunter2")
  })

  it("did not come", () => {
    const failure = new TransportError({ reason: "timeout", host: "169.254.169.254" })
    const meaning = Either.flip(meaningOf({ _tag: "NoAnswer", failure }, { passing: new Set([404]) }))
    assert.strictEqual(Either.getOrThrow(meaning), failure)
  })

  it("broke off, or was more than we read", () => {
    const reset = new TransportError({ reason: "cutOff", host: "169.254.169.254" })
    const meaning = (failure: TransportError | "tooLarge") =>
      Either.getOrThrow(Either.flip(meaningOf({ _tag: "Partial", status: 200, headers: {}, failure })))
    assert.strictEqual(meaning(reset), reset)
    const large = meaning("tooLarge")
    assert(large._tag === "MalformedResponse")
    assert.strictEqual(large.reason, "tooLarge")
  })
})

describe("whatever is answered", () => {
  /** Nothing that an error's code may consist of: a code is told. */
  const secret = "hünter2"
  const names = FastCheck.constantFrom(
    "access_token",
    "token_type",
    "expires_on",
    "expires_in",
    "error",
    "code",
    "message",
    "Message",
    "error_description",
    "error_codes",
    "correlationId",
    "client_id",
    "__proto__"
  )
  const told = FastCheck.oneof(
    FastCheck.constantFrom(secret, `AADSTS50001: ${secret}`, "Bearer", "1751371200", clientId, ""),
    FastCheck.jsonValue()
  )
  const members = FastCheck.array(FastCheck.tuple(names, told), { maxLength: 8 })
  /** Written by hand, so that `__proto__` is a member like any other. */
  const written = members.map(
    (entries) => `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`
  )
  const nested = written.map((inner) => `{"error":${inner}}`)
  const cut = FastCheck.tuple(written, FastCheck.nat(80)).map(([text, at]) => text.slice(0, at))
  const bodies = FastCheck.oneof(
    written,
    nested,
    cut,
    FastCheck.json(),
    FastCheck.fullUnicodeString(),
    FastCheck.string()
  )
  const statuses = FastCheck.oneof(
    FastCheck.constantFrom(200, 400, 401, 403, 404, 408, 410, 429, 500, 503),
    FastCheck.integer({ min: 0, max: 999 })
  )
  const identities = FastCheck.constantFrom<Expected["identity"]>(undefined, { kind: "clientId", id: clientId })
  const passings = FastCheck.subarray([404, 410, 200]).map((each) => new Set(each))

  it.prop(
    "is a token or a failure, which shows nothing of the body",
    [bodies, statuses, identities, FastCheck.boolean(), passings],
    ([body, status, identity, mustEcho, passing]) => {
      const meaning = meaningOf(answer(body, status), { identity, mustEcho, passing })
      if (Either.isRight(meaning)) {
        assert.isTrue(status >= 200 && status < 300 && !passing.has(status))
        assert.isNotEmpty(Redacted.value(meaning.right.access_token))
        return
      }
      const failure = meaning.left
      assert.isTrue(isTokenError(failure))
      if (passing.has(status)) assert.strictEqual(failure._tag, "AuthorityUnavailable")
      assert.notInclude(failure.message + inspect(failure, { depth: 9 }) + JSON.stringify(failure), secret)
    },
    { fastCheck: { numRuns: 1000 } }
  )

  // Fails beside a token and in anything: JSON.stringify recurses where JSON.parse does not (read).
  it.each([
    ["beside a token", (nest: string) => `{"access_token":"t","nested":${nest}}`, 200],
    ["in an error", (nest: string) => `{"error":{"code":"a","inner":${nest}}}`, 400],
    ["in anything", (nest: string) => `{"nested":${nest}}`, 200]
  ] as const)("is read however deep it nests: %s", (_, body, status) => {
    const depth = 100_000
    const outcome = answer(body(`${"[".repeat(depth)}${"]".repeat(depth)}`), status)
    assert.doesNotThrow(() => meaningOf(outcome))
  })
})
