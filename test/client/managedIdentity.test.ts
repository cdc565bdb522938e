import { HttpClient, HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type * as ManagedIdentity from "../../src/client/ManagedIdentity.js"
import { jwtClaims } from "../../src/core/jwtClaims.js"
import { ConfigurationError } from "../../src/core/TokenError.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import { elapsed } from "../support/emulated.js"
import { defaults, type Host, hosts, identityOn, identityRequests, layer, paced } from "./identities.js"

const { otherUserAssigned, resource, systemAssigned, userAssigned } = defaults.managedIdentity

const clientIdOf = ({ accessToken }: { readonly accessToken: Redacted.Redacted }) =>
  jwtClaims(Redacted.value(accessToken))?.appid

const callApi = (token: Redacted.Redacted) =>
  Effect.flatMap(HttpClient.HttpClient, (http) =>
    http.execute(
      HttpClientRequest.bearerToken(HttpClientRequest.get(`http://localhost${defaults.apiPath}`), Redacted.value(token))
    )
  )

/** How each host wants a user-assigned identity named; by what is left out it can't be. */
const names: Readonly<Record<Host, Partial<Record<"clientId" | "objectId" | "resourceId", string>>>> = {
  appService: { clientId: "client_id", objectId: "object_id", resourceId: "mi_res_id" },
  appServiceLegacy: { clientId: "clientid" },
  azureArc: { clientId: "client_id", objectId: "object_id", resourceId: "msi_res_id" },
  azureMl: { clientId: "clientid" },
  cloudShell: {},
  imds: { clientId: "client_id", objectId: "object_id", resourceId: "msi_res_id" },
  serviceFabric: { objectId: "principalId" }
}

const kinds = ["clientId", "objectId", "resourceId"] as const
const named = hosts.flatMap((host) => kinds.map((kind) => [host, kind] as const))
const taken = named.filter(([host, kind]) => names[host][kind] !== undefined)
const untaken = named.filter(([host, kind]) => names[host][kind] === undefined)

describe.each(hosts)("a managed identity on %s", (host) => {
  it.scoped("has a token that the API takes, and asks once for it", () =>
    Effect.gen(function* () {
      const { acquireToken, identity, source } = yield* identityOn(host)
      assert.strictEqual(source, host)
      const token = yield* acquireToken({ resource })
      assert.strictEqual(token.source, "identity_provider")
      assert.strictEqual(clientIdOf(token), systemAssigned.clientId)
      assert.strictEqual((yield* callApi(token.accessToken)).status, 200)
      const before = (yield* identityRequests).length
      assert.strictEqual((yield* identity.forScopes(`${resource}/.default`).getToken()).source, "cache")
      assert.strictEqual((yield* identityRequests).length, before)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("asks once for a thousand callers", () =>
    Effect.gen(function* () {
      const { acquireToken } = yield* identityOn(host)
      yield* Effect.all(
        Array.from({ length: 1000 }, () => acquireToken({ resource })),
        { concurrency: "unbounded" }
      )
      const served = (yield* identityRequests).filter(({ status }) => status === 200)
      assert.strictEqual(served.length, 1)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("survives what passes", () =>
    Effect.gen(function* () {
      const { acquireToken } = yield* identityOn(host)
      const emulator = yield* EntraEmulator.EntraEmulator
      yield* emulator.scriptIdentity([
        Fault.respond({ status: 500 }),
        Fault.throttled("3"),
        Fault.reset("beforeHeaders")
      ])
      const token = yield* paced(acquireToken({ resource }), 60)
      assert.strictEqual(clientIdOf(token), systemAssigned.clientId)
      assert.strictEqual(yield* emulator.pendingIdentityFaults, 0)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("follows no redirect", () =>
    Effect.gen(function* () {
      const { acquireToken } = yield* identityOn(host)
      const emulator = yield* EntraEmulator.EntraEmulator
      yield* emulator.scriptIdentity([Fault.redirect("http://elsewhere.example/token", 302)])
      const failure = yield* Effect.flip(acquireToken({ resource }))
      assert.deepInclude(failure, { _tag: "MalformedResponse", reason: "redirect" })
      assert.notInclude(
        (yield* emulator.requests).map(({ origin }) => origin),
        "http://elsewhere.example"
      )
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("is of one tenant, and takes scopes alone", () =>
    Effect.gen(function* () {
      const { identity } = yield* identityOn(host)
      for (const [parameter, options] of [
        ["tenantId", { tenantId: defaults.tenantId }],
        ["claims", { claims: "{}" }],
        ["resource", { resource: "https://x" }],
        ["parameters", { parameters: { a: "1" } }]
      ] as const) {
        const failure = yield* Effect.flip(identity.forScopes(resource, options).getToken())
        assert.deepInclude(failure, { _tag: "ConfigurationError", parameter })
      }
      assert.strictEqual((yield* identityRequests).length, 0)
    }).pipe(Effect.provide(layer()))
  )
})

describe("an API that does not exist", () => {
  it.scoped.each(["azureArc", "cloudShell", "imds"] as const)("is told as such by %s, and asked for once", (host) =>
    Effect.gen(function* () {
      const { acquireToken } = yield* identityOn(host)
      const failure = yield* Effect.flip(acquireToken({ resource: "api://nobody-knows" }))
      assert.deepInclude(failure, { _tag: "RequestRejected", isRetryable: false })
    }).pipe(Effect.provide(layer()))
  )

  it.scoped.each(["appService", "appServiceLegacy", "azureMl", "serviceFabric"] as const)(
    "looks at %s like a fault of the service, by its own answer",
    (host) =>
      Effect.gen(function* () {
        const { acquireToken } = yield* identityOn(host)
        const failure = yield* elapsed(Effect.flip(acquireToken({ resource: "api://nobody-knows" })), "1 minute")
        assert.deepInclude(failure, { _tag: "AuthorityUnavailable", status: 500 })
        assert.strictEqual((yield* identityRequests).length, 4)
      }).pipe(Effect.provide(layer()))
  )
})

describe("a user-assigned identity", () => {
  it.scoped.each(taken)("is named at %s by its %s", ([host, kind]) =>
    Effect.gen(function* () {
      const { acquireToken } = yield* identityOn(host, { userAssigned: { [kind]: userAssigned[kind] } })
      assert.strictEqual(clientIdOf(yield* acquireToken({ resource })), userAssigned.clientId)
      const last = (yield* identityRequests).at(-1)
      assert.strictEqual(last?.query[names[host][kind] ?? ""], userAssigned[kind])
    }).pipe(Effect.provide(layer()))
  )

  it.scoped.each(untaken)("is refused at %s by its %s before anything is sent", ([host, kind]) =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(identityOn(host, { userAssigned: { [kind]: userAssigned[kind] } }))
      assert.instanceOf(failure, ConfigurationError)
      assert.strictEqual(failure.parameter, `userAssigned.${kind}`)
      assert.strictEqual((yield* identityRequests).length, 0)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("is not the system's own, nor another one, in the cache", () =>
    Effect.gen(function* () {
      const own = yield* identityOn("imds")
      const one = yield* identityOn("imds", { userAssigned: { clientId: userAssigned.clientId } })
      const other = yield* identityOn("imds", { userAssigned: { objectId: otherUserAssigned.objectId } })
      const tokens = yield* Effect.all([own, one, other].map(({ acquireToken }) => acquireToken({ resource })))
      assert.deepStrictEqual(tokens.map(clientIdOf), [
        systemAssigned.clientId,
        userAssigned.clientId,
        otherUserAssigned.clientId
      ])
    }).pipe(Effect.provide(layer()))
  )

  it.scoped.each(["imds", "azureArc"] as const)("is not another one that %s answers with", (host) =>
    Effect.gen(function* () {
      const { acquireToken } = yield* identityOn(host, { userAssigned: { clientId: userAssigned.clientId } })
      const emulator = yield* EntraEmulator.EntraEmulator
      yield* emulator.scriptIdentity([
        Fault.respond({
          status: 200,
          body: {
            access_token: "secret-of-another",
            expires_in: "3600",
            token_type: "Bearer",
            client_id: otherUserAssigned.clientId
          }
        })
      ])
      const failure = yield* Effect.flip(acquireToken({ resource }))
      assert.deepInclude(failure, { _tag: "MalformedResponse", reason: "otherIdentity", isRetryable: false })
      assert.strictEqual(clientIdOf(yield* acquireToken({ resource })), userAssigned.clientId)
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("is confirmed by Azure Arc, or refused: an agent that knows none answers with its own", () =>
    Effect.gen(function* () {
      const { acquireToken } = yield* identityOn("azureArc", { userAssigned: { clientId: userAssigned.clientId } })
      const emulator = yield* EntraEmulator.EntraEmulator
      yield* emulator.scriptIdentity([
        Fault.respond({ status: 200, body: { access_token: "own", expires_in: "3600", token_type: "Bearer" } })
      ])
      const failure = yield* Effect.flip(acquireToken({ resource }))
      assert.deepInclude(failure, { _tag: "MalformedResponse", reason: "otherIdentity" })
    }).pipe(Effect.provide(layer()))
  )
})

describe("an environment that is half of one", () => {
  it.scoped("is refused when the identity is made", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(identityOn("appService", { userAssigned: {} }))
      assert.deepInclude(failure, { _tag: "ConfigurationError", parameter: "userAssigned" })
    }).pipe(Effect.provide(layer()))
  )
})

describe("continuous access evaluation", () => {
  const cae: ManagedIdentity.Options = { clientCapabilities: ["cp1"] }
  const claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'

  it.scoped.each(["serviceFabric", "appService"] as const)(
    "has %s told what the program can do, and which token its API refused",
    (host) =>
      Effect.gen(function* () {
        const { acquireToken } = yield* identityOn(host, cae)
        const first = yield* acquireToken({ resource })
        const second = yield* acquireToken({ resource, claims, rejected: first })
        assert.notStrictEqual(Redacted.value(second.accessToken), Redacted.value(first.accessToken))
        const [before, after] = (yield* identityRequests).map(({ query }) => query)
        assert.strictEqual(before?.xms_cc, "cp1")
        assert.isUndefined(before?.token_sha256_to_refresh)
        assert.match(after?.token_sha256_to_refresh ?? "", /^[0-9a-f]{64}$/)
        assert.notProperty(after, "claims")
      }).pipe(Effect.provide(layer()))
  )

  it.scoped.each(["imds", "azureArc", "azureMl", "appServiceLegacy"] as const)(
    "tells %s nothing of it: the same token comes back, which is a failure, and nobody asks for it again for a minute",
    (host) =>
      Effect.gen(function* () {
        const { acquireToken } = yield* identityOn(host, cae)
        const first = yield* acquireToken({ resource })
        const failure = yield* Effect.flip(acquireToken({ resource, claims, rejected: first }))
        assert.deepInclude(failure, { _tag: "RequestRejected", error: "insufficient_claims" })
        const before = (yield* identityRequests).length
        for (const request of [{}, { claims, rejected: first }, {}])
          yield* Effect.flip(acquireToken({ resource, ...request }))
        assert.strictEqual((yield* identityRequests).length, before)
        for (const { query } of yield* identityRequests) {
          assert.notProperty(query, "xms_cc")
          assert.notProperty(query, "token_sha256_to_refresh")
        }
      }).pipe(Effect.provide(layer()))
  )
})

describe("a token that lives for a day", () => {
  it.scoped("is renewed behind the caller's back after half of it", () =>
    Effect.gen(function* () {
      const { acquireToken } = yield* identityOn("appService")
      yield* acquireToken({ resource })
      yield* elapsed(acquireToken({ resource }), "11 hours")
      assert.strictEqual((yield* identityRequests).length, 1)
      yield* elapsed(Effect.void, "90 minutes")
      assert.strictEqual((yield* acquireToken({ resource })).source, "cache")
      yield* elapsed(Effect.void, "1 second")
      assert.strictEqual((yield* identityRequests).length, 2)
    }).pipe(Effect.provide(layer()))
  )
})
