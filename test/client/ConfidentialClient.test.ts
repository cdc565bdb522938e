import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, DateTime, Effect, Exit, Fiber, Layer, Redacted, Scope, TestClock } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import {
  defaults,
  type Emulated,
  elapsed,
  eventually,
  getToken,
  layer,
  options,
  script,
  tokenRequests
} from "../support/emulated.js"

describe("a token for the app", () => {
  it.effect("is acquired once, and then comes from the cache", () =>
    Effect.gen(function* () {
      const first = yield* getToken()
      const second = yield* getToken()
      assert.strictEqual(first.source, "identity_provider")
      assert.strictEqual(second.source, "cache")
      assert.strictEqual(Redacted.value(first.accessToken), Redacted.value(second.accessToken))
      assert.deepStrictEqual(first.scopes, [defaults.apiScope])
      assert.strictEqual((yield* tokenRequests).length, 1)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("comes by MSAL's name too, from the same cache", () =>
    Effect.gen(function* () {
      const client = yield* ConfidentialClient.ConfidentialClient
      yield* getToken()
      const token = yield* client.acquireTokenByClientCredential({ scopes: [defaults.apiScope] })
      assert.strictEqual(token.source, "cache")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("is one request however many ask, in whatever order they name the scopes", () =>
    Effect.gen(function* () {
      yield* script(Fault.delay("1 second"))
      const tokens = yield* elapsed(
        Effect.all(
          Array.from({ length: 1000 }, () => getToken()),
          { concurrency: "unbounded" }
        ),
        "1 second"
      )
      assert.strictEqual(tokens.length, 1000)
      assert.strictEqual((yield* tokenRequests).length, 1)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("is another one for another tenant of the same app", () =>
    Effect.gen(function* () {
      const { app } = yield* ConfidentialClient.ConfidentialClient
      const here = yield* app.forScopes(defaults.apiScope).getToken()
      const there = yield* app.forScopes(defaults.apiScope, { tenantId: defaults.otherTenantId }).getToken()
      assert.notStrictEqual(Redacted.value(here.accessToken), Redacted.value(there.accessToken))
      const paths = (yield* tokenRequests).map(({ path }) => path)
      assert.deepStrictEqual(paths, [
        `/${defaults.tenantId}/oauth2/v2.0/token`,
        `/${defaults.otherTenantId}/oauth2/v2.0/token`
      ])
    }).pipe(Effect.provide(layer()))
  )

  it.effect("is shared by the clients of one cloud, whichever of its hosts they name", () =>
    Effect.gen(function* () {
      yield* getToken()
      const alias = yield* ConfidentialClient.make({
        ...options,
        authority: Authority.entra({ tenantId: defaults.tenantId.toUpperCase(), host: "https://login.windows.net" })
      })
      const token = yield* alias.app.forScopes([defaults.apiScope.toUpperCase()]).getToken()
      assert.strictEqual(token.source, "cache")
    }).pipe(Effect.scoped, Effect.provide(layer()))
  )
})

describe("a cache that clients share", () => {
  it.effect("keeps what a younger client acquires, however much an older one has", () =>
    Effect.gen(function* () {
      const older = yield* ConfidentialClient.ConfidentialClient
      for (let times = 0; times < 5; times++)
        yield* older.app.forScopes(defaults.apiScope).getToken({ forceRefresh: true })
      yield* TestClock.adjust("2 hours")
      const younger = yield* ConfidentialClient.make(options)
      for (let times = 0; times < 5; times++) yield* younger.app.forScopes(defaults.apiScope).getToken()
      assert.strictEqual((yield* tokenRequests).length, 6)
    }).pipe(Effect.scoped, Effect.provide(layer()))
  )
})

describe("the end of a token", () => {
  it.effect("300 seconds before it, a new one is asked for", () =>
    Effect.gen(function* () {
      yield* getToken()
      yield* TestClock.adjust("3298 seconds")
      assert.strictEqual((yield* getToken()).source, "cache")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* getToken()).source, "identity_provider")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("while the service is down, the token in hand is served until 10 seconds before its end", () =>
    Effect.gen(function* () {
      yield* getToken()
      yield* script(...Array.from({ length: 100 }, () => Fault.html(502)))
      yield* TestClock.adjust("3400 seconds")
      assert.strictEqual((yield* elapsed(getToken(), "1 second")).source, "cache_stale")
      yield* TestClock.adjust("188 seconds")
      const end = yield* Effect.exit(elapsed(getToken(), "2 minutes"))
      assert.isTrue(Exit.isFailure(end))
    }).pipe(Effect.provide(layer()))
  )

  it.effect("a slow service keeps nobody who holds a token longer than a second, and its answer is kept", () =>
    Effect.gen(function* () {
      yield* getToken()
      yield* TestClock.adjust("3400 seconds")
      yield* script(Fault.delay("5 seconds"))
      assert.strictEqual((yield* elapsed(getToken(), "1 second")).source, "cache_stale")
      yield* TestClock.adjust("4 seconds")
      yield* eventually(getToken(), ({ source }) => source === "cache")
      assert.strictEqual((yield* tokenRequests).length, 2)
    }).pipe(Effect.provide(layer()))
  )
})

describe("a call that wants more than any token", () => {
  it.effect("forceRefresh asks, and its token replaces the cached one", () =>
    Effect.gen(function* () {
      const old = yield* getToken()
      const fresh = yield* getToken({ forceRefresh: true })
      assert.strictEqual(fresh.source, "identity_provider")
      assert.notStrictEqual(Redacted.value(old.accessToken), Redacted.value(fresh.accessToken))
      assert.strictEqual(Redacted.value((yield* getToken()).accessToken), Redacted.value(fresh.accessToken))
    }).pipe(Effect.provide(layer()))
  )

  it.effect("claims are sent as they are, and skip the cached token", () =>
    Effect.gen(function* () {
      yield* getToken()
      const claims = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'
      const token = yield* getToken({ claims })
      assert.strictEqual(token.source, "identity_provider")
      assert.strictEqual((yield* tokenRequests)[1]?.form?.claims, claims)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("a rejected token is dropped; whoever comes later with it gets the newer one", () =>
    Effect.gen(function* () {
      const rejected = yield* getToken()
      const next = yield* getToken({ rejected })
      assert.strictEqual(next.source, "identity_provider")
      const late = yield* getToken({ rejected })
      assert.strictEqual(late.source, "cache")
      assert.strictEqual(Redacted.value(late.accessToken), Redacted.value(next.accessToken))
      assert.strictEqual((yield* tokenRequests).length, 2)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("the correlation id is the caller's, or one made for the exchange, and the authority sees it", () =>
    Effect.gen(function* () {
      const correlationId = "01234567-89ab-4cde-8f01-23456789abcd"
      assert.strictEqual((yield* getToken({ correlationId })).correlationId, correlationId)
      const made = yield* getToken({ forceRefresh: true })
      const ids = (yield* tokenRequests).map(({ headers }) => headers["client-request-id"])
      assert.deepStrictEqual(ids, [correlationId, made.correlationId])
    }).pipe(Effect.provide(layer()))
  )
})

describe("a service that fails for a while", () => {
  it.effect("is asked again after the time it asked for, and then by backoff", () =>
    Effect.gen(function* () {
      yield* script(Fault.throttled("7"), Fault.unavailable())
      const token = yield* elapsed(getToken(), "20 seconds")
      assert.strictEqual(token.source, "identity_provider")
      const [first, second, third] = (yield* tokenRequests).map(({ at }) => DateTime.toEpochMillis(at))
      assert.isTrue(second !== undefined && first !== undefined && second - first >= 7000 && second - first <= 7700)
      assert.isTrue(third !== undefined && second !== undefined && third - second <= 1000)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("that asks for a longer wait than the policy allows, the caller is told at once when to come back", () =>
    Effect.gen(function* () {
      yield* script(Fault.unavailable("120"))
      const error = yield* Effect.flip(getToken())
      assert.strictEqual(error._tag, "Throttled")
      assert.strictEqual(error._tag === "Throttled" && error.until && DateTime.toEpochMillis(error.until), 120_000)
      assert.strictEqual((yield* tokenRequests).length, 1)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("is asked four times at most", () =>
    Effect.gen(function* () {
      yield* script(...Array.from({ length: 9 }, () => Fault.reset("beforeHeaders")))
      const error = yield* Effect.flip(elapsed(getToken(), "1 minute"))
      assert.strictEqual(error._tag, "TransportError")
      assert.strictEqual((yield* tokenRequests).length, 4)
    }).pipe(Effect.provide(layer()))
  )

  it.effect("its failure is not remembered as an answer", () =>
    Effect.gen(function* () {
      yield* script(...Array.from({ length: 4 }, () => Fault.html(502)))
      yield* Effect.flip(elapsed(getToken(), "1 minute"))
      assert.strictEqual((yield* getToken()).source, "identity_provider")
    }).pipe(Effect.provide(layer()))
  )
})

describe("a refusal", () => {
  const refused = (change: Partial<ConfidentialClient.Options>, scope: string = defaults.apiScope) =>
    Effect.flatMap(ConfidentialClient.make({ ...options, ...change }), ({ app }) =>
      Effect.flip(app.forScopes(scope).getToken())
    ).pipe(Effect.scoped, Effect.provide(layer()))

  it.effect("of a wrong secret is InvalidClient with Entra's code", () =>
    Effect.gen(function* () {
      const error = yield* refused({ credential: ClientCredential.secret(Redacted.make("wrong")) })
      assert.strictEqual(error._tag, "InvalidClient")
      assert.deepStrictEqual(error._tag === "InvalidClient" && error.errorCodes, ["AADSTS7000215"])
    })
  )

  it.effect("of an expired secret is InvalidClient too, with its own code", () =>
    Effect.gen(function* () {
      const error = yield* refused({ credential: ClientCredential.secret(defaults.expiredSecret) })
      assert.deepStrictEqual(error._tag === "InvalidClient" && error.errorCodes, ["AADSTS7000222"])
    })
  )

  it.effect("of an unknown app, tenant or scope is RequestRejected", () =>
    Effect.gen(function* () {
      const unknown = "99999999-9999-4999-8999-999999999999"
      const errors = yield* Effect.all([
        refused({ clientId: unknown }),
        refused({ authority: Authority.entra({ tenantId: unknown }) }),
        refused({}, "api://unknown/.default"),
        refused({}, `${defaults.apiIdentifierUri}/Tasks.Read`)
      ])
      assert.deepStrictEqual(
        errors.map((error) => error._tag === "RequestRejected" && [error.error, error.errorCodes[0]]),
        [
          ["unauthorized_client", "AADSTS700016"],
          ["invalid_request", "AADSTS90002"],
          ["invalid_resource", "AADSTS500011"],
          ["invalid_scope", "AADSTS1002012"]
        ]
      )
    })
  )
})

describe("bad input", () => {
  const parameterOf = (effect: Effect.Effect<unknown, unknown, Emulated>) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(effect)
      assert.strictEqual((yield* tokenRequests).length, 0)
      return typeof error === "object" && error !== null && "parameter" in error ? error.parameter : error
    })

  const cases: ReadonlyArray<readonly [string, string, Partial<ConfidentialClient.ClientCredentialRequest>]> = [
    ["no scope", "scopes", { scopes: [] }],
    ["an empty scope", "scopes", { scopes: "" }],
    ["a scope with a space inside", "scopes", { scopes: "openid profile" }],
    ["two resources", "scopes", { scopes: [defaults.apiScope, "https://graph.microsoft.com/.default"] }],
    ["a tenant that is none", "tenantId", { tenantId: "not a tenant" }],
    ["a tenant that would change the path", "tenantId", { tenantId: "../evil" }],
    ["common for an app", "tenantId", { tenantId: "common" }],
    ["organizations for an app", "tenantId", { tenantId: "organizations" }],
    ["consumers for an app", "tenantId", { tenantId: "consumers" }],
    ["claims that are no JSON", "claims", { claims: "eyJhY2Nlc3NfdG9rZW4iOnt9fQ==" }],
    ["claims that are no object", "claims", { claims: "[]" }],
    ["a correlation id that is no GUID", "correlationId", { correlationId: "1\r\nx-injected: 1" }]
  ]
  it.effect.each(cases)("%s is refused before any request", ([, parameter, request]) =>
    Effect.gen(function* () {
      const client = yield* ConfidentialClient.ConfidentialClient
      const refused = client.acquireTokenByClientCredential({ scopes: defaults.apiScope, ...request })
      assert.strictEqual(yield* parameterOf(refused), parameter)
    }).pipe(Effect.provide(layer()))
  )

  const clients: ReadonlyArray<readonly [string, string, Partial<ConfidentialClient.Options>]> = [
    ["an empty secret", "credential", { credential: ClientCredential.secret(Redacted.make("")) }],
    ["no client id", "clientId", { clientId: " " }],
    ["a tenant that is none", "tenantId", { authority: Authority.entra({ tenantId: "" }) }],
    ["a relative authority", "authority", { authority: Authority.entra({ tenantId: "common", host: "/common" }) }],
    ["an http authority", "authority", { authority: Authority.entra({ tenantId: "a.b", host: "http://a.b" }) }],
    ["no attempts", "attempts", { retryPolicy: { attempts: 0 } }]
  ]
  it.effect.each(clients)("%s is refused when the client is made", ([, parameter, change]) =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* parameterOf(Effect.scoped(ConfidentialClient.make({ ...options, ...change }))),
        parameter
      )
    }).pipe(Effect.provide(layer()))
  )

  it.effect("the same scope twice is one scope", () =>
    Effect.gen(function* () {
      const client = yield* ConfidentialClient.ConfidentialClient
      yield* client.acquireTokenByClientCredential({ scopes: [defaults.apiScope, defaults.apiScope] })
      assert.strictEqual((yield* tokenRequests)[0]?.form?.scope, defaults.apiScope)
    }).pipe(Effect.provide(layer()))
  )
})

describe("the life of a client", () => {
  it.effect("those who wait when it is closed are told so, and so is who comes later", () =>
    Effect.gen(function* () {
      yield* script(Fault.hang)
      const scope = yield* Scope.make()
      const { app } = yield* Scope.extend(ConfidentialClient.make(options), scope)
      const waiting = yield* Effect.fork(Effect.flip(app.forScopes(defaults.apiScope).getToken()))
      yield* TestClock.adjust("1 second")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "ClientClosed")
      assert.strictEqual((yield* Effect.flip(app.forScopes(defaults.apiScope).getToken()))._tag, "ClientClosed")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("a caller who gives up leaves the exchange to the others", () =>
    Effect.gen(function* () {
      yield* script(Fault.delay("2 seconds"))
      const impatient = yield* Effect.fork(Effect.timeoutOption(getToken(), "1 second"))
      const patient = yield* Effect.fork(getToken())
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(impatient))._tag, "None")
      assert.strictEqual((yield* Fiber.join(patient)).source, "identity_provider")
      assert.strictEqual((yield* tokenRequests).length, 1)
    }).pipe(Effect.provide(layer()))
  )
})

describe("a client from the environment", () => {
  const environment = (entries: Readonly<Record<string, string>>) =>
    ConfidentialClient.layerConfig().pipe(
      Layer.provide(TokenCache.layerMemory()),
      Layer.provide(EntraEmulator.layerHttpClient),
      Layer.provideMerge(EntraEmulator.layer()),
      Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(entries)))))
    )

  it.effect("reads Azure's names", () =>
    Effect.gen(function* () {
      yield* getToken()
      assert.strictEqual((yield* tokenRequests)[0]?.headers.host, "login.microsoftonline.us")
    }).pipe(
      Effect.provide(
        environment({
          AZURE_TENANT_ID: defaults.tenantId,
          AZURE_CLIENT_ID: defaults.clientId,
          AZURE_CLIENT_SECRET: Redacted.value(defaults.clientSecret),
          AZURE_AUTHORITY_HOST: "https://login.microsoftonline.us/"
        })
      )
    )
  )

  it.effect("reports all names that are missing at once", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(getToken(), environment({})))
      for (const name of ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"])
        assert.include(error.toString(), name)
    })
  )
})
