import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it, layer } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as Jose from "jose"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import {
  ask,
  defaults,
  get,
  good,
  inProcess,
  publicOrigin,
  type TokenRequest,
  tokenRequest,
  without
} from "./helpers.js"

const tokenOf = (request: TokenRequest = {}) => Effect.map(ask(request), ({ json }) => String(json.access_token))

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/

describe("tokens", () => {
  it.effect("an application gets the documented answer", () =>
    Effect.gen(function* () {
      const { status, headers, json } = yield* ask({ headers: { "return-client-request-id": "true" } })
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(Object.keys(json), ["token_type", "expires_in", "ext_expires_in", "access_token"])
      assert.deepStrictEqual([json.token_type, json.expires_in, json.ext_expires_in], ["Bearer", 3599, 3599])
      assert.strictEqual(headers["content-type"], "application/json; charset=utf-8")
      assert.strictEqual(headers["cache-control"], "no-store, no-cache")
      assert.strictEqual(headers.date, "Thu, 01 Jan 1970 00:00:00 GMT")
      assert.match(headers["x-ms-request-id"] ?? "", guid)
      assert.match(headers["client-request-id"] ?? "", guid)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("the token is a v2.0 app token, signed by a key of the key set", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_700_000_000_500)
      const token = yield* tokenOf()
      const { json } = yield* get(`${publicOrigin}/${defaults.tenantId}/discovery/v2.0/keys`)
      const keys = Jose.createLocalJWKSet(json as unknown as Jose.JSONWebKeySet)
      const { payload, protectedHeader } = yield* Effect.promise(() =>
        Jose.jwtVerify(token, keys, { currentDate: new Date(1_700_000_000_500) })
      )
      assert.strictEqual(protectedHeader.alg, "RS256")
      const { uti, ...claims } = payload
      assert.match(String(uti), /^[\w-]{22}$/)
      assert.deepStrictEqual(claims, {
        aud: defaults.apiAppId,
        iss: `${publicOrigin}/${defaults.tenantId}/v2.0`,
        iat: 1_700_000_000,
        nbf: 1_700_000_000,
        exp: 1_700_003_599,
        appid: defaults.clientId,
        azp: defaults.clientId,
        azpacr: "1",
        idtyp: "app",
        oid: defaults.objectId,
        roles: [defaults.role],
        sub: defaults.objectId,
        tid: defaults.tenantId,
        ver: "2.0",
        emulator: "effect-entra"
      })
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect(
    "a tenant is named by its domain too, a resource by its application id, and each tenant has its own principal",
    () =>
      Effect.gen(function* () {
        const form = { ...good, scope: `${defaults.otherApiAppId}/.default` }
        const claims = Jose.decodeJwt(yield* tokenOf({ tenant: defaults.otherDomain.toUpperCase(), form }))
        assert.strictEqual(claims.tid, defaults.otherTenantId)
        assert.strictEqual(claims.aud, defaults.otherApiAppId)
        assert.notStrictEqual(claims.oid, defaults.objectId)
        assert.notProperty(claims, "roles")
      }).pipe(Effect.provide(inProcess()))
  )

  it.effect("HTTP Basic serves in place of the form, each half form-encoded", () =>
    Effect.gen(function* () {
      const pair = `${good.client_id}:${encodeURIComponent(good.client_secret)}`
      const form = { grant_type: good.grant_type, scope: good.scope }
      const headers = { authorization: `Basic ${Encoding.encodeBase64(pair)}` }
      assert.strictEqual((yield* ask({ form, headers })).status, 200)
      const wrong = { authorization: `Basic ${Encoding.encodeBase64(`${good.client_id}:no;&`)}` }
      assert.deepStrictEqual((yield* ask({ form, headers: wrong })).json.error_codes, [7000215])
      for (const authorization of ["Basic !", "Basic YQ", "Bearer abc"]) {
        assert.deepStrictEqual((yield* ask({ form, headers: { authorization } })).json.error_codes, [7000218])
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a declared capability comes back as xms_cc, other claims change nothing", () =>
    Effect.gen(function* () {
      const withClaims = (claims: unknown) =>
        Effect.map(tokenOf({ form: { ...good, claims: JSON.stringify(claims) } }), Jose.decodeJwt)
      const declared = yield* withClaims({ access_token: { xms_cc: { values: ["CP1", "other"] } } })
      assert.deepStrictEqual(declared.xms_cc, ["cp1"])
      for (const claims of [{}, { access_token: null }, { access_token: { acrs: { essential: true } } }]) {
        assert.notProperty(yield* withClaims(claims), "xms_cc")
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("lifetime and refresh_in are options", () =>
    Effect.gen(function* () {
      const { json } = yield* ask()
      assert.deepStrictEqual([json.expires_in, json.refresh_in], [86_400, 43_200])
    }).pipe(Effect.provide(inProcess({ tokenLifetime: "1 day", refreshIn: "12 hours" })))
  )

  it.effect("two emulators have two keys", () =>
    Effect.gen(function* () {
      const emulators = yield* Effect.all([EntraEmulator.make(), EntraEmulator.make()])
      assert.notStrictEqual(emulators[0], emulators[1])
      const [one, other] = yield* Effect.forEach(emulators, (emulator) =>
        get(`${publicOrigin}/common/discovery/v2.0/keys`).pipe(
          Effect.provide(EntraEmulator.layerHttpClient),
          Effect.provideService(EntraEmulator.EntraEmulator, emulator)
        )
      )
      assert.notDeepEqual(one?.json.keys, other?.json.keys)
    })
  )

  it.effect("a directory of one's own replaces the default one", () =>
    Effect.gen(function* () {
      const form = { ...good, client_id: "my-app", client_secret: "sesame", scope: "https://my.api/.default" }
      assert.strictEqual((yield* ask({ tenant: "mine.example", form })).status, 200)
      assert.strictEqual((yield* ask()).status, 400)
    }).pipe(
      Effect.provide(
        inProcess({
          directory: {
            tenants: [
              {
                id: "99999999-0000-4000-8000-000000000000",
                domains: ["mine.example"],
                apps: [
                  {
                    clientId: "my-app",
                    objectId: "o",
                    displayName: "Mine",
                    secrets: [{ value: Redacted.make("sesame"), expiresAt: DateTime.unsafeMake("2030-01-01") }]
                  }
                ],
                apis: [{ identifierUri: "https://my.api", appId: "api" }]
              }
            ]
          }
        })
      )
    )
  )
})

interface Case {
  readonly request: TokenRequest
  readonly status: number
  readonly error: string
  readonly code: number
}

const unknownGuid = "11111111-2222-4333-8444-555555555555"

const refusals: Readonly<Record<string, Case>> = {
  "a wrong secret": {
    request: { form: { ...good, client_secret: "hunter2-secret" } },
    status: 401,
    error: "invalid_client",
    code: 7000215
  },
  "an expired secret": {
    request: { form: { ...good, client_secret: Redacted.value(defaults.expiredSecret) } },
    status: 401,
    error: "invalid_client",
    code: 7000222
  },
  "no credential": { request: { form: without("client_secret") }, status: 401, error: "invalid_client", code: 7000218 },
  "an empty secret": {
    request: { form: { ...good, client_secret: "" } },
    status: 401,
    error: "invalid_client",
    code: 7000218
  },
  "an unknown app": {
    request: { form: { ...good, client_id: unknownGuid } },
    status: 400,
    error: "unauthorized_client",
    code: 700016
  },
  "an unknown tenant": { request: { tenant: unknownGuid }, status: 400, error: "invalid_request", code: 90002 },
  "the common endpoint": { request: { tenant: "common" }, status: 400, error: "invalid_request", code: 9001023 },
  "the consumers endpoint": { request: { tenant: "Consumers" }, status: 400, error: "invalid_request", code: 9001023 },
  "the organizations endpoint": {
    request: { tenant: "organizations" },
    status: 400,
    error: "invalid_request",
    code: 50059
  },
  "a scope that is none": {
    request: { form: { ...good, scope: "nonsense/.default" } },
    status: 400,
    error: "invalid_scope",
    code: 70011
  },
  "a blank scope": { request: { form: { ...good, scope: " " } }, status: 400, error: "invalid_scope", code: 70011 },
  "a scope without /.default": {
    request: { form: { ...good, scope: `${defaults.apiIdentifierUri}/Tasks.Read` } },
    status: 400,
    error: "invalid_scope",
    code: 1002012
  },
  "two resources": {
    request: { form: { ...good, scope: `${defaults.apiScope} ${defaults.otherApiScope}` } },
    status: 400,
    error: "invalid_scope",
    code: 700022
  },
  "an unknown resource": {
    request: { form: { ...good, scope: "https://nobody.example/.default" } },
    status: 400,
    error: "invalid_resource",
    code: 500011
  },
  "a missing grant_type": {
    request: { form: without("grant_type") },
    status: 400,
    error: "invalid_request",
    code: 900144
  },
  "a missing client_id": {
    request: { form: without("client_id") },
    status: 400,
    error: "invalid_request",
    code: 900144
  },
  "a missing scope": { request: { form: without("scope") }, status: 400, error: "invalid_request", code: 900144 },
  "an unsupported grant": {
    request: { form: { ...good, grant_type: "carrier_pigeon" } },
    status: 400,
    error: "unsupported_grant_type",
    code: 70003
  },
  "a repeated parameter": {
    request: { form: `${new URLSearchParams(good)}&client_id=${good.client_id}` },
    status: 400,
    error: "invalid_request",
    code: 9000411
  },
  "claims that are not JSON": {
    request: { form: { ...good, claims: "{" } },
    status: 400,
    error: "invalid_request",
    code: 9002313
  },
  "claims that are not a claims request": {
    request: { form: { ...good, claims: '{"access_token":{"xms_cc":{"values":"cp1"}}}' } },
    status: 400,
    error: "invalid_request",
    code: 9002313
  },
  "a body above the limit": {
    request: { form: { ...good, padding: "x".repeat(300_000) } },
    status: 413,
    error: "invalid_request",
    code: 9002313
  }
}

// One emulator for all of these: none changes it, and a key takes a while to make.
layer(inProcess())("refusals", (it) => {
  for (const [name, { request, status, error, code }] of Object.entries(refusals)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const correlationId = "0f0f0f0f-1111-4222-8333-444444444444"
        const answer = yield* ask({ ...request, headers: { "client-request-id": correlationId } })
        const { json } = answer
        assert.deepStrictEqual([answer.status, json.error, json.error_codes], [status, error, [code]])
        assert.strictEqual(json.correlation_id, correlationId)
        assert.match(String(json.trace_id), guid)
        assert.strictEqual(json.timestamp, "1970-01-01 00:00:00Z")
        assert.strictEqual(json.error_uri, `${publicOrigin}/error?code=${code}`)
        const [text, ...rest] = String(json.error_description).split("\r\n")
        assert.match(text ?? "", new RegExp(`^AADSTS${code}: `))
        assert.deepStrictEqual(rest, [
          `Trace ID: ${json.trace_id}`,
          `Correlation ID: ${correlationId}`,
          "Timestamp: 1970-01-01 00:00:00Z"
        ])
        const seen = JSON.stringify([answer.headers, json])
        for (const secret of [defaults.clientSecret, defaults.expiredSecret].map(Redacted.value)) {
          assert.notInclude(seen, secret)
        }
        assert.notInclude(seen, "hunter2")
      })
    )
  }

  it.effect("a body that is not a form is as good as none", () =>
    Effect.gen(function* () {
      const request = HttpClientRequest.post(`${publicOrigin}/${defaults.tenantId}/oauth2/v2.0/token`)
      const response = yield* HttpClient.execute(HttpClientRequest.bodyUnsafeJson(request, good))
      assert.strictEqual(response.status, 400)
      assert.include(yield* response.text, "AADSTS900144")
    })
  )

  it.effect("another method than POST is told so", () =>
    Effect.gen(function* () {
      const { status, json } = yield* get(`${publicOrigin}/${defaults.tenantId}/oauth2/v2.0/token`)
      assert.deepStrictEqual([status, json.error_codes], [400, [900561]])
    })
  )

  it.effect("a correlation id that is not a GUID is replaced, one in the form is taken", () =>
    Effect.gen(function* () {
      const form = { ...good, scope: "x" }
      const replaced = yield* ask({ form, headers: { "client-request-id": "<script>" } })
      assert.match(String(replaced.json.correlation_id), guid)
      const taken = yield* ask({ form: { ...form, "client-request-id": unknownGuid } })
      assert.strictEqual(taken.json.correlation_id, unknownGuid)
    })
  )

  it.effect("what is echoed has no control characters", () =>
    Effect.gen(function* () {
      const { json } = yield* ask({ form: { ...good, scope: "a\r\nb\u202e" } })
      assert.include(String(json.error_description), "for scope ab is")
    })
  )

  it.effect("a path that nobody serves is 404", () =>
    Effect.gen(function* () {
      for (const path of ["/", "/favicon.ico", "/%zz/oauth2/v2.0/token", `/api/${unknownGuid}`]) {
        assert.strictEqual((yield* get(`${publicOrigin}${path}`)).status, 404, path)
      }
    })
  )
})

// One emulator for all of these: none changes it, and a key takes a while to make.
layer(inProcess())("metadata", (it) => {
  const discover = (host: string) => {
    const endpoint = encodeURIComponent(`https://${host}/${defaults.tenantId}/oauth2/v2.0/authorize`)
    return get(`${publicOrigin}/common/discovery/instance?api-version=1.1&authorization_endpoint=${endpoint}`)
  }

  it.effect("instance discovery knows the hosts of the clouds", () =>
    Effect.gen(function* () {
      const { status, json } = yield* discover("login.windows.net")
      assert.strictEqual(status, 200)
      const [first] = json.metadata as ReadonlyArray<Record<string, unknown>>
      assert.deepStrictEqual(first, {
        preferred_network: "login.microsoftonline.com",
        preferred_cache: "login.windows.net",
        aliases: ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"]
      })
      assert.strictEqual(
        json.tenant_discovery_endpoint,
        `${publicOrigin}/${defaults.tenantId}/v2.0/.well-known/openid-configuration`
      )
    })
  )

  it.effect("instance discovery refuses a host it does not know, and no host", () =>
    Effect.gen(function* () {
      const { status, json } = yield* discover("login.evil.example")
      assert.deepStrictEqual([status, json.error, json.error_codes], [400, "invalid_instance", [50049]])
      const none = yield* get(`${publicOrigin}/common/discovery/instance`)
      assert.strictEqual(none.json.error, "invalid_instance")
    })
  )

  it.effect("the host that was asked is one of the known", () =>
    Effect.gen(function* () {
      const endpoint = encodeURIComponent("https://localhost:8443/common/oauth2/v2.0/authorize")
      const { json } = yield* get(`https://localhost:8443/common/discovery/instance?authorization_endpoint=${endpoint}`)
      assert.include(JSON.stringify(json.metadata), "localhost:8443")
    })
  )

  it.effect("OpenID metadata names the tenant by its GUID, in the origin that was asked", () =>
    Effect.gen(function* () {
      const { json } = yield* get(`http://127.0.0.1:99/${defaults.domain}/v2.0/.well-known/openid-configuration`)
      const tenant = `http://127.0.0.1:99/${defaults.tenantId}`
      assert.strictEqual(json.issuer, `${tenant}/v2.0`)
      assert.strictEqual(json.token_endpoint, `${tenant}/oauth2/v2.0/token`)
      assert.strictEqual(json.jwks_uri, `${tenant}/discovery/v2.0/keys`)
    })
  )

  it.effect("the endpoints for everybody have a template, or the tenant of personal accounts", () =>
    Effect.gen(function* () {
      const issuers = yield* Effect.forEach(["common", "organizations", "consumers"], (tenant) =>
        Effect.map(get(`${publicOrigin}/${tenant}/v2.0/.well-known/openid-configuration`), ({ json }) => json.issuer)
      )
      assert.deepStrictEqual(issuers, [
        `${publicOrigin}/{tenantid}/v2.0`,
        `${publicOrigin}/{tenantid}/v2.0`,
        `${publicOrigin}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0`
      ])
    })
  )

  it.effect("an unknown tenant has neither metadata nor keys", () =>
    Effect.gen(function* () {
      for (const path of ["v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"]) {
        const { status, json } = yield* get(`${publicOrigin}/${unknownGuid}/${path}`)
        assert.deepStrictEqual([status, json.error, json.error_codes], [400, "invalid_tenant", [90002]])
      }
    })
  )

  it.effect("a key names its use and its issuer, and has nothing private", () =>
    Effect.gen(function* () {
      const { json } = yield* get(`${publicOrigin}/common/discovery/v2.0/keys`)
      const [key] = json.keys as ReadonlyArray<Record<string, unknown>>
      assert.sameMembers(Object.keys(key ?? {}), ["kty", "use", "kid", "n", "e", "issuer"])
      assert.strictEqual(key?.issuer, `${publicOrigin}/{tenantid}/v2.0`)
    })
  )
})

describe("the protected API", () => {
  const api = `https://api.example${defaults.apiPath}`
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const refused = (authorization: Readonly<Record<string, string>>, reason: string) =>
    Effect.gen(function* () {
      const { status, headers } = yield* get(api, authorization)
      assert.strictEqual(status, 401)
      assert.strictEqual(
        headers["www-authenticate"],
        `Bearer authorization_uri="https://api.example/${defaults.tenantId}", error="invalid_token", ` +
          `error_description="${reason}"`
      )
    })

  it.effect("it tells who called", () =>
    Effect.gen(function* () {
      const { status, json } = yield* get(api, bearer(yield* tokenOf()))
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(json, {
        method: "GET",
        path: defaults.apiPath,
        bodyLength: 0,
        tid: defaults.tenantId,
        appid: defaults.clientId,
        roles: [defaults.role],
        xms_cc: []
      })
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("it takes every method at every path below its own, and tells how long the body was", () =>
    Effect.gen(function* () {
      const authorized = HttpClientRequest.setHeaders(bearer(yield* tokenOf()))
      for (const method of ["POST", "PUT", "PATCH", "DELETE"] as const) {
        const request = HttpClientRequest.make(method)(`${api}/tasks/7?all=true`).pipe(
          HttpClientRequest.bodyText("grüße", "text/plain"),
          authorized
        )
        const { status, json } = yield* HttpClient.execute(request)
        const told = (yield* json) as Readonly<Record<string, unknown>>
        const expected = [200, method, `${defaults.apiPath}/tasks/7`, 7]
        assert.deepStrictEqual([status, told.method, told.path, told.bodyLength], expected)
      }
      const binary = HttpClientRequest.post(api).pipe(
        HttpClientRequest.bodyUint8Array(Uint8Array.of(0xff, 0xfe, 0)),
        authorized
      )
      const counted = (yield* (yield* HttpClient.execute(binary)).json) as Readonly<Record<string, unknown>>
      assert.strictEqual(counted.bodyLength, 3)
      const large = HttpClientRequest.post(api).pipe(HttpClientRequest.bodyText("x".repeat(300_000)), authorized)
      assert.strictEqual((yield* HttpClient.execute(large)).status, 413)
      assert.strictEqual((yield* get(`${publicOrigin}/api/${unknownGuid}/tasks`)).status, 404)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("it refuses no token, nonsense, another scheme, another key and another audience", () =>
    Effect.gen(function* () {
      yield* refused({}, "The authentication failed because of missing 'Authorization' header.")
      yield* refused(bearer("nonsense"), "The access token is invalid.")
      yield* refused({ authorization: "Basic abc" }, "The access token is invalid.")
      const foreign = yield* Effect.flatMap(EntraEmulator.make(), (other) =>
        tokenOf().pipe(
          Effect.provide(EntraEmulator.layerHttpClient),
          Effect.provideService(EntraEmulator.EntraEmulator, other)
        )
      )
      yield* refused(bearer(foreign), "The access token's signature is invalid.")
      const elsewhere = yield* tokenOf({ form: { ...good, scope: defaults.otherApiScope } })
      yield* refused(bearer(elsewhere), "The access token is not meant for this resource or this time.")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("it refuses a token at its end, by the emulator's clock", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator.EntraEmulator
      const token = yield* tokenOf()
      yield* TestClock.adjust("3598 seconds")
      assert.strictEqual((yield* get(api, bearer(token))).status, 200)
      yield* emulator.skew("1 second")
      yield* refused(bearer(token), "The access token has expired.")
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("the emulator's clock", () => {
  it.effect("it runs ahead or behind of ours, in tokens, headers and refusals", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator.EntraEmulator
      yield* TestClock.setTime(Date.UTC(2030, 0, 1))
      yield* emulator.skew("10 minutes")
      const ahead = yield* ask()
      assert.strictEqual(ahead.headers.date, "Tue, 01 Jan 2030 00:10:00 GMT")
      assert.strictEqual(Jose.decodeJwt(String(ahead.json.access_token)).iat, Date.UTC(2030, 0, 1) / 1000 + 600)
      yield* emulator.skew("10 minutes", "behind")
      const behind = yield* ask({ form: {} })
      assert.strictEqual(behind.headers.date, "Mon, 31 Dec 2029 23:50:00 GMT")
      assert.strictEqual(behind.json.timestamp, "2029-12-31 23:50:00Z")
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("variation", () => {
  const shapes = Effect.forEach(Array.from({ length: 24 }), (_, index) =>
    Effect.map(ask(index % 2 === 0 ? {} : { form: { ...good, scope: "x" } }), ({ json }) => json)
  )
  // The key is new each time, and with it the signature.
  const unsigned = (answers: ReadonlyArray<Record<string, unknown>>) =>
    answers.map((answer) => JSON.stringify({ ...answer, access_token: undefined }))

  it.effect("a seed varies order, number or string, optional members and line ends, but never what matters", () =>
    Effect.gen(function* () {
      const answers = yield* shapes.pipe(Effect.provide(inProcess({ seed: "a" })))
      const tokens = answers.filter((answer) => "access_token" in answer)
      const errors = answers.filter((answer) => "error" in answer)
      assert.isAbove(new Set(tokens.map((answer) => Object.keys(answer).join())).size, 2)
      assert.sameMembers([...new Set(tokens.map((answer) => typeof answer.expires_in))], ["number", "string"])
      assert.strictEqual(new Set(tokens.map((answer) => "ext_expires_in" in answer)).size, 2)
      assert.strictEqual(new Set(errors.map((answer) => "trace_id" in answer)).size, 2)
      assert.strictEqual(new Set(errors.map((answer) => String(answer.error_description).includes("\r\n"))).size, 2)
      for (const answer of tokens) assert.containsAllKeys(answer, ["access_token", "token_type", "expires_in"])
      for (const answer of errors) assert.strictEqual(answer.error, "invalid_scope")
    })
  )

  it.effect("the same seed gives the same run, another one another", () =>
    Effect.gen(function* () {
      const run = (seed: string) => Effect.map(shapes.pipe(Effect.provide(inProcess({ seed }))), unsigned)
      assert.deepStrictEqual(yield* run("a"), yield* run("a"))
      assert.notDeepEqual(yield* run("a"), yield* run("b"))
    })
  )
})

describe("the record", () => {
  it.effect("it shows what was asked, when, and how it was answered, but no secret", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator.EntraEmulator
      yield* TestClock.setTime(5000)
      yield* ask({
        form: { ...good, client_assertion: "s1", code: "s2", refresh_token: "s3", password: "s4", whatever: "s5" },
        headers: { authorization: "Basic s6", cookie: "s7", "x-client-sku": "test" }
      })
      yield* get(`${publicOrigin}/nothing?client_secret=s8&api-version=1.1&api-version=1.2`)
      const [token, other] = yield* emulator.requests
      assert.deepInclude(token, {
        at: DateTime.unsafeMake(5000),
        method: "POST",
        origin: publicOrigin,
        path: `/${defaults.tenantId}/oauth2/v2.0/token`,
        status: 401,
        fault: undefined
      })
      assert.deepInclude(token?.form, {
        grant_type: "client_credentials",
        scope: defaults.apiScope,
        client_secret: "<masked>",
        whatever: "<masked>"
      })
      assert.deepInclude(token?.headers, { authorization: "<masked>", "x-client-sku": "test" })
      assert.deepStrictEqual(other?.query, { client_secret: "<masked>", "api-version": "1.1, 1.2" })
      assert.strictEqual(other?.status, 404)
      assert.notMatch(JSON.stringify(yield* emulator.requests), /"s\d"|emulator~/)
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("bodies that are streamed, raw or of a form element", () => {
  const text = new URLSearchParams(good).toString()
  const post = HttpClientRequest.post(`${publicOrigin}/${defaults.tenantId}/oauth2/v2.0/token`)
  const type = "application/x-www-form-urlencoded"

  it.effect("are read as they would be over a socket", () =>
    Effect.gen(function* () {
      const streamed = HttpClientRequest.bodyStream(
        post,
        Stream.encodeText(Stream.make(text.slice(0, 9), text.slice(9))),
        {
          contentType: type
        }
      )
      assert.strictEqual((yield* HttpClient.execute(streamed)).status, 200)
      const fields = new FormData()
      for (const [name, value] of Object.entries(good)) fields.set(name, value)
      const multipart = yield* HttpClient.execute(HttpClientRequest.bodyFormData(post, fields))
      assert.include(yield* multipart.text, "AADSTS900144")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a stream that fails is a request that could not be sent", () =>
    Effect.gen(function* () {
      const broken = HttpClientRequest.bodyStream(post, Stream.fail("broken"), { contentType: type })
      const error = yield* Effect.flip(HttpClient.execute(broken))
      assert.strictEqual(error._tag, "RequestError")
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("on a server that is provided", () => {
  it.scopedLive("it answers, and says that it can't reset", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator.EntraEmulator
      const origin = yield* HttpServer.addressFormattedWith(Effect.succeed)
      assert.strictEqual((yield* HttpClient.execute(tokenRequest({ origin: "" }))).status, 200)
      yield* emulator.script([Fault.reset("beforeHeaders")])
      const response = yield* HttpClient.execute(tokenRequest({ origin: "" }))
      assert.strictEqual(response.status, 501)
      assert.include(yield* response.text, "EntraEmulatorNode")
      const [first, second] = yield* emulator.requests
      assert.deepStrictEqual(
        [first?.origin, first?.status, second?.status],
        [origin.replace("0.0.0.0", "127.0.0.1"), 200, 501]
      )
      const large = yield* HttpClient.execute(tokenRequest({ origin: "", form: "x".repeat(300_000) }))
      assert.strictEqual(large.status, 413)
      const streamed = HttpClientRequest.post(`/${defaults.tenantId}/oauth2/v2.0/token`).pipe(
        HttpClientRequest.bodyStream(Stream.make(new Uint8Array(200_000), new Uint8Array(200_000)), {
          contentType: "application/x-www-form-urlencoded"
        })
      )
      // Of unknown length: the connection is closed as soon as it is too long.
      assert.strictEqual((yield* Effect.flip(HttpClient.execute(streamed)))._tag, "RequestError")
    }).pipe(
      Effect.provide(EntraEmulator.serve),
      Effect.provide(EntraEmulator.layer()),
      Effect.provide(NodeHttpServer.layerTest)
    )
  )
})
