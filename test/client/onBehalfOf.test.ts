import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, TestClock } from "effect"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import { jwtClaims } from "../../src/core/jwtClaims.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import { defaults, options, script, tokenRequests } from "../support/emulated.js"
import { callerToken, client, layer } from "../support/people.js"

const scopes = defaults.apiUserScope

const claimsOf = ({ accessToken }: { readonly accessToken: Redacted.Redacted }) =>
  jwtClaims(Redacted.value(accessToken))

const policy = { id: "12345678-90ab-cdef-1234-567890abcdef", requires: "mfa" } as const

describe("on behalf of a caller", () => {
  it.effect("the app gets a token of the caller's user for another API", () =>
    Effect.gen(function* () {
      const { acquireTokenOnBehalfOf } = yield* client
      const token = yield* acquireTokenOnBehalfOf({ assertion: yield* callerToken(), scopes })
      const claims = claimsOf(token)
      assert.deepStrictEqual([claims?.aud, claims?.oid], [defaults.apiAppId, defaults.userObjectId])
      const [request] = yield* tokenRequests
      assert.strictEqual(request?.form.requested_token_use, "on_behalf_of")
      assert.strictEqual(request?.headers["x-anchormailbox"], "<masked>", "it is sent, and is nobody's to read")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("a thousand calls at once are one request", () =>
    Effect.gen(function* () {
      const { onBehalfOf } = yield* client
      const text = Redacted.value(yield* callerToken())
      const call = Effect.suspend(() => onBehalfOf(Redacted.make(text)).forScopes(scopes).getToken())
      yield* Effect.all(Effect.replicate(call, 1000), { concurrency: "unbounded" })
      assert.lengthOf(yield* tokenRequests, 1)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("two sessions of one user that alternate are two requests", () =>
    Effect.gen(function* () {
      const { onBehalfOf } = yield* client
      const sessions = [yield* callerToken(), yield* callerToken()]
      for (let round = 0; round < 10; round += 1)
        for (const assertion of sessions) yield* onBehalfOf(assertion).forScopes(scopes).getToken()
      assert.lengthOf(yield* tokenRequests, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("its token is not kept longer than the caller's own lives", () =>
    Effect.gen(function* () {
      const { onBehalfOf } = yield* client
      const source = onBehalfOf(yield* callerToken({ lifetime: "10 minutes" })).forScopes(scopes)
      yield* source.getToken()
      yield* TestClock.adjust("7 minutes")
      assert.strictEqual((yield* source.getToken()).source, "cache")
      yield* TestClock.adjust("2 minutes")
      yield* source.getToken()
      assert.lengthOf(yield* tokenRequests, 2)
    }).pipe(Effect.provide(layer({}, { tokenLifetime: "1 hours" })))
  )

  it.effect("a policy's demand comes with its claims", () =>
    Effect.gen(function* () {
      const { setPolicies } = yield* EntraEmulator.EntraEmulator
      yield* setPolicies(defaults.apiAppId, [policy])
      const { onBehalfOf } = yield* client
      const failure = yield* Effect.flip(
        onBehalfOf(yield* callerToken())
          .forScopes(scopes)
          .getToken()
      )
      assert(failure._tag === "InteractionRequired", failure._tag)
      assert.deepStrictEqual(Object.keys(JSON.parse(failure.claims ?? "{}")), ["access_token"])
      const satisfied = yield* callerToken({ satisfies: ["mfa"] })
      yield* onBehalfOf(satisfied).forScopes(scopes).getToken()
    }).pipe(Effect.provide(layer()))
  )

  it.effect("a scope that nobody consented to is told apart", () =>
    Effect.gen(function* () {
      const { onBehalfOf } = yield* client
      const source = onBehalfOf(yield* callerToken()).forScopes(defaults.unconsentedApiUserScope)
      const failure = yield* Effect.flip(source.getToken())
      assert(failure._tag === "InteractionRequired", failure._tag)
      assert.strictEqual(failure.classification, "consent_required")
    }).pipe(Effect.provide(layer()))
  )

  it.effect.each(["app", "id"] as const)("an %s token is refused before anything is sent", (kind) =>
    Effect.gen(function* () {
      const { onBehalfOf } = yield* client
      const assertion = yield* callerToken({ kind })
      const failure = yield* Effect.flip(onBehalfOf(assertion).forScopes(scopes).getToken())
      assert(failure._tag === "ConfigurationError", failure._tag)
      assert.strictEqual(failure.parameter, "assertion")
      assert.notInclude(failure.message, Redacted.value(assertion))
      assert.isEmpty(yield* tokenRequests)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("what is no token is the authority's to refuse; nothing is the caller's mistake", () =>
    Effect.gen(function* () {
      const { onBehalfOf } = yield* client
      const opaque = onBehalfOf(Redacted.make("opaque")).forScopes(scopes)
      assert.include(["InvalidGrant", "RequestRejected"], (yield* Effect.flip(opaque.getToken()))._tag)
      const nothing = onBehalfOf(Redacted.make(" ")).forScopes(scopes)
      assert.strictEqual((yield* Effect.flip(nothing.getToken()))._tag, "ConfigurationError")
      assert.lengthOf(yield* tokenRequests, 1)
    }).pipe(Effect.provide(layer()))
  )
})

describe("in many tenants", () => {
  const organizations = Authority.entra({ tenantId: "organizations" })
  const carol = { username: defaults.otherUsername, tenantId: defaults.otherTenantId }

  it.effect("the caller's own tenant is asked", () =>
    Effect.gen(function* () {
      const { onBehalfOf } = yield* client
      yield* onBehalfOf(yield* callerToken())
        .forScopes(scopes)
        .getToken()
      yield* onBehalfOf(yield* callerToken(carol))
        .forScopes(scopes)
        .getToken()
      const paths = (yield* tokenRequests).map(({ path }) => path.split("/")[1])
      assert.deepStrictEqual(paths, [defaults.tenantId, defaults.otherTenantId])
    }).pipe(Effect.provide(layer({ authority: organizations })))
  )

  it.effect("only those are served that are allowed", () =>
    Effect.gen(function* () {
      const { app, onBehalfOf } = yield* client
      yield* onBehalfOf(yield* callerToken())
        .forScopes(scopes)
        .getToken()
      const refused = [
        onBehalfOf(yield* callerToken(carol)).forScopes(scopes),
        onBehalfOf(yield* callerToken()).forScopes(scopes, { tenantId: defaults.otherTenantId }),
        app.forScopes(defaults.apiScope, { tenantId: defaults.otherTenantId })
      ]
      for (const { getToken } of refused) {
        const failure = yield* Effect.flip(getToken())
        assert(failure._tag === "ConfigurationError", failure._tag)
        assert.strictEqual(failure.parameter, "tenantId")
      }
      assert.lengthOf(yield* tokenRequests, 1)
    }).pipe(Effect.provide(layer({ authority: organizations, allowedTenants: [defaults.tenantId.toUpperCase()] })))
  )
})

it.effect("tenants that are served are named by their GUID, as their tokens do", () =>
  Effect.gen(function* () {
    const allowedTenants = [defaults.domain]
    const failure = yield* Effect.flip(ConfidentialClient.make({ ...options, allowedTenants }))
    assert.strictEqual(failure.parameter, "allowedTenants")
  }).pipe(Effect.scoped, Effect.provide(layer()))
)

describe("a long-running process", () => {
  it.effect("goes on when the caller's token is over, until it is stopped", () =>
    Effect.gen(function* () {
      const { longRunningOnBehalfOf } = yield* client
      const assertion = yield* callerToken({ lifetime: "10 minutes" })
      const process = "report 7"
      yield* longRunningOnBehalfOf.initiate({ assertion, process, scopes })
      yield* TestClock.adjust("3 hours")
      const source = longRunningOnBehalfOf.acquire(process).forScopes(scopes)
      assert.strictEqual(claimsOf(yield* source.getToken())?.oid, defaults.userObjectId)
      assert.deepStrictEqual(
        (yield* tokenRequests).map(({ form }) => form.grant_type),
        ["urn:ietf:params:oauth:grant-type:jwt-bearer", "refresh_token"]
      )
      assert.isTrue(yield* longRunningOnBehalfOf.stop(process))
      assert.isFalse(yield* longRunningOnBehalfOf.stop(process))
      assert.strictEqual((yield* Effect.flip(source.getToken()))._tag, "InteractionRequired")
      assert.lengthOf(yield* tokenRequests, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("is in its caller's tenant, and unknown under another key", () =>
    Effect.gen(function* () {
      const { longRunningOnBehalfOf } = yield* client
      const assertion = yield* callerToken({ username: defaults.otherUsername, tenantId: defaults.otherTenantId })
      yield* longRunningOnBehalfOf.initiate({ assertion, process: "one", scopes })
      yield* longRunningOnBehalfOf.acquire("one").forScopes(defaults.otherApiUserScope).getToken()
      const paths = (yield* tokenRequests).map(({ path }) => path.split("/")[1])
      assert.deepStrictEqual(paths, [defaults.otherTenantId, defaults.otherTenantId])
      const other = longRunningOnBehalfOf.acquire("two").forScopes(scopes)
      assert.strictEqual((yield* Effect.flip(other.getToken()))._tag, "InteractionRequired")
    }).pipe(Effect.provide(layer({ authority: Authority.entra({ tenantId: "organizations" }) })))
  )

  it.effect("of one user is not mixed with another's under the same key", () =>
    Effect.gen(function* () {
      const { longRunningOnBehalfOf } = yield* client
      const process = "report 7"
      yield* longRunningOnBehalfOf.initiate({ assertion: yield* callerToken(), process, scopes })
      yield* script(
        Fault.respond({ status: 200, body: { access_token: "bob's", token_type: "Bearer", expires_in: 3600 } })
      )
      const assertion = yield* callerToken({ username: defaults.secondUsername })
      yield* longRunningOnBehalfOf.initiate({ assertion, process, scopes })
      const acquired = longRunningOnBehalfOf.acquire(process)
      const token = yield* acquired.forScopes(scopes).getToken()
      assert.strictEqual(Redacted.value(token.accessToken), "bob's")
      const other = yield* Effect.flip(acquired.forScopes(defaults.otherApiUserScope).getToken())
      assert.strictEqual(other._tag, "InteractionRequired")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("begins in no tenant that is not served", () =>
    Effect.gen(function* () {
      const { longRunningOnBehalfOf, onBehalfOf } = yield* client
      const assertion = yield* callerToken({ username: defaults.otherUsername, tenantId: defaults.otherTenantId })
      const refused = yield* Effect.flip(longRunningOnBehalfOf.initiate({ assertion, process: "one", scopes }))
      assert.include(refused, { _tag: "ConfigurationError", parameter: "tenantId" })
      const opaque = yield* Effect.flip(onBehalfOf(Redacted.make("opaque")).forScopes(scopes).getToken())
      assert.include(opaque, { _tag: "ConfigurationError", parameter: "tenantId" })
      assert.isEmpty(yield* tokenRequests)
    }).pipe(
      Effect.provide(
        layer({ authority: Authority.entra({ tenantId: "organizations" }), allowedTenants: [defaults.tenantId] })
      )
    )
  )
})
