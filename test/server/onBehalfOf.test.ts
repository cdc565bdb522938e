import * as OpenApi from "@effect/platform/OpenApi"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SignJWT } from "jose"
import * as Authority from "../../src/core/Authority.js"
import * as ClaimsChallenge from "../../src/core/ClaimsChallenge.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as Fault from "../../src/emulator/Fault.js"
import { base64 } from "../protocol/tokens.js"
import { type Answered, Api, capable, defaults, makeServer, type Server, styles, token } from "./calls.js"

const challengeOf = ({ headers }: Answered): string => headers.get("www-authenticate") ?? ""
const policy = (requires: "mfa" | "block") => [{ id: "aaaaaaaa-1111-2222-3333-bbbbbbbbbbbb", requires }]
const stepUp = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'

const uriOf = ({ host }: Server) => `authorization_uri="${host}/${defaults.tenantId}/oauth2/v2.0/authorize"`

const assertInvalid = (server: Server, answer: Answered): void => {
  assert.strictEqual(answer.status, 401)
  assert.strictEqual(challengeOf(answer), `Bearer ${uriOf(server)}, error="invalid_token"`)
  assert.deepInclude(answer.json, { _tag: "Unauthorized", reason: "invalid_token" })
}

describe.each(styles)("a server by %s", (style) => {
  it.scopedLive("knows who calls, and acts for them", () =>
    Effect.gen(function* () {
      const { call, emulator } = yield* makeServer({ style })
      const me = yield* call("/do")
      assert.strictEqual(me.text, `"${defaults.tenantId}.${defaults.userObjectId} by ${defaults.publicClientId}"`)
      assert.isNull(me.headers.get("www-authenticate"))
      const first = yield* call(token(defaults.apiUserScope))
      assert.deepStrictEqual([first.status, first.text], [200, '"identity_provider"'])
      const posts = (yield* emulator.requests).filter(({ method }) => method === "POST")
      assert.lengthOf(posts, 1)
    })
  )

  it.scopedLive("answers each cause as its caller can make use of it", () =>
    Effect.gen(function* () {
      const server = yield* makeServer({ style })
      const { call, emulator, get } = server
      const api = token(defaults.apiUserScope)

      for (const authorization of [undefined, "", "Basic dXNlcjpwYXNz", "Bearerx y", "Negotiate"]) {
        const none = yield* get("/do", authorization)
        assert.strictEqual(none.status, 401)
        assert.strictEqual(challengeOf(none), `Bearer ${uriOf(server)}`)
        assert.deepStrictEqual(none.json, { _tag: "Unauthorized", reason: "no_token" })
      }

      yield* emulator.setPolicies(defaults.apiAppId, policy("mfa"))
      const demanded = yield* call(api)
      assert.strictEqual(demanded.status, 401)
      const claims = ClaimsChallenge.parse(challengeOf(demanded))?.claims ?? ""
      assert.match(claims, /^\{"access_token":/)
      assert.strictEqual(
        challengeOf(demanded),
        `Bearer realm="", ${uriOf(server)}, error="insufficient_claims", claims="${btoa(claims)}"`
      )
      assert.deepInclude(demanded.json, { _tag: "Unauthorized", reason: "insufficient_claims", claims })
      assert.match(String(demanded.json.correlationId), /^[0-9a-f-]{36}$/)
      assert.strictEqual((yield* call(api, { satisfies: ["mfa"] })).status, 200)

      yield* emulator.setPolicies(defaults.apiAppId, policy("block"))
      const blocked = yield* call(api)
      assert.strictEqual(blocked.status, 403)
      assert.deepInclude(blocked.json, { _tag: "Forbidden", reason: "access_denied" })

      const unconsented = yield* call(token(defaults.unconsentedApiUserScope))
      assert.strictEqual(unconsented.status, 403)
      const { correlationId: _, ...consent } = unconsented.json
      assert.deepStrictEqual(consent, {
        _tag: "Forbidden",
        reason: "consent_required",
        scope: defaults.unconsentedApiUserScope
      })

      const stepped = yield* call("/do?context=c1", capable)
      assert.strictEqual(stepped.status, 401)
      assert.strictEqual(ClaimsChallenge.parse(challengeOf(stepped))?.claims, stepUp)
      const closed = yield* call("/do?context=c1")
      assert.strictEqual(closed.status, 403)
      assert.deepStrictEqual(closed.json, { _tag: "Forbidden", reason: "interaction_required" })
      assert.strictEqual((yield* call("/do?context=c1", { satisfies: [{ authenticationContext: "c1" }] })).status, 200)

      const scoped = yield* call("/own")
      assert.strictEqual(scoped.status, 403)
      assert.deepStrictEqual(scoped.json, {
        _tag: "Forbidden",
        reason: "insufficient_scope",
        scope: "Tasks.Own Tasks.All"
      })
      const roleless = yield* call("/own", { scopes: ["Tasks.All"], claims: { roles: ["Guest"] } })
      assert.deepStrictEqual(roleless.json, { _tag: "Forbidden", reason: "insufficient_scope", scope: "Owner" })
      assert.strictEqual((yield* call("/own", { scopes: ["Tasks.All"], claims: { roles: ["Owner"] } })).status, 200)

      yield* emulator.script([Fault.throttled("7")])
      const throttled = yield* call(token(defaults.otherApiUserScope))
      assert.strictEqual(throttled.status, 503)
      assert.strictEqual(throttled.headers.get("retry-after"), "7")
      assert.deepInclude(throttled.json, { _tag: "Unavailable", reason: "throttled", retryAfter: 7000 })

      yield* emulator.script([Fault.html(502)])
      const down = yield* call(token(defaults.otherApiUserScope), { username: defaults.secondUsername })
      assert.strictEqual(down.status, 503)
      assert.isNull(down.headers.get("retry-after"))
      assert.deepInclude(down.json, { _tag: "Unavailable", reason: "unavailable" })

      for (const { headers } of [blocked, unconsented, closed, scoped, throttled, down])
        assert.isNull(headers.get("www-authenticate"))
    })
  )

  it.scopedLive("takes no token but a valid access token for itself", () =>
    Effect.gen(function* () {
      const server = yield* makeServer({ style })
      const { call, emulator, get, tokenOf } = server
      const good = yield* tokenOf()
      const [, payload = ""] = good.split(".")
      const jwks = yield* Effect.promise(async () => {
        const response = await fetch(`${server.host}/${defaults.tenantId}/discovery/v2.0/keys`)
        return await response.text()
      })
      const hs256 = yield* Effect.promise(() =>
        new SignJWT(JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))))
          .setProtectedHeader({ alg: "HS256", kid: JSON.parse(jwks).keys[0].kid })
          .sign(new TextEncoder().encode(jwks))
      )
      const raw = [
        `${base64('{"alg":"none"}')}.${payload}.`,
        hs256,
        good.slice(0, -8),
        "garbage",
        "a b",
        `${good} ${good}`,
        `${good}, Bearer x`
      ]
      for (const text of raw) assertInvalid(server, yield* get("/do", `Bearer ${text}`))
      assertInvalid(server, yield* get("/do", "Bearer"))
      const now = Math.floor(Date.now() / 1000)
      const changes = [
        { claims: { iss: "https://evil.example" } },
        { username: defaults.otherUsername, tenantId: defaults.otherTenantId },
        { kind: "id" },
        { api: defaults.apiIdentifierUri },
        { claims: { exp: now - 301 } },
        { claims: { nbf: now + 360 } },
        { claims: { cnf: { jkt: "x" } } },
        { claims: { oid: "alice@contoso.onmicrosoft.com" } }
      ] as const
      for (const change of changes) assertInvalid(server, yield* call("/do", change))
      const app = yield* call("/do", { kind: "app", clientId: defaults.clientId })
      assert.strictEqual(app.status, 403)
      assert.deepStrictEqual(app.json, { _tag: "Forbidden", reason: "user_required" })
      const lower = yield* get("/do", `bearer  ${good}`)
      assert.strictEqual(lower.status, 200)
      const posts = (yield* emulator.requests).filter(({ method }) => method === "POST")
      assert.lengthOf(posts, 0)
      const odd = yield* call("/do", { claims: JSON.parse('{"__proto__":{"scp":"x"},"constructor":{},"roles":{}}') })
      assert.strictEqual(odd.status, 200)
    })
  )
})

describe("a server", () => {
  it.scopedLive("answers a downstream API's challenge itself, and passes on what only Entra refuses", () =>
    Effect.gen(function* () {
      const { call, emulator, get, host, tokenOf } = yield* makeServer()
      const path = `${token(defaults.apiUserScope)}&url=${encodeURIComponent(`${host}${defaults.apiPath}`)}`
      const assertion = `Bearer ${yield* tokenOf(capable)}`
      assert.strictEqual((yield* get(path, assertion)).text, '"200"')

      yield* emulator.moveTo(defaults.username, "203.0.113.7")
      assert.strictEqual((yield* get(path, assertion)).text, '"200"')

      yield* emulator.revoke(defaults.username)
      const answers = yield* Effect.all(
        Array.from({ length: 50 }, () => get(path, assertion)),
        { concurrency: "unbounded" }
      )
      for (const answer of answers) {
        assert.strictEqual(answer.status, 401)
        const claims = ClaimsChallenge.parse(challengeOf(answer))?.claims ?? ""
        assert.match(claims, /"nbf"/)
        assert.deepInclude(answer.json, { reason: "insufficient_claims", claims })
      }
      const posts = (yield* emulator.requests).filter(({ method }) => method === "POST")
      const succeeded = posts.filter(({ status }) => status === 200)
      assert.lengthOf(succeeded, 2)
      // From the third identical refusal on, nobody is asked for a while (DECISIONS.md 5): with the claims, and without.
      assert.isAtMost(posts.length - succeeded.length, 6)

      assert.strictEqual((yield* call(path, capable)).text, '"200"')
    })
  )

  it.scopedLive("passes challenges on to capable callers alone, where it is told to", () =>
    Effect.gen(function* () {
      const { call, emulator } = yield* makeServer({ callers: { challenged: "capable" } })
      yield* emulator.setPolicies(defaults.apiAppId, policy("mfa"))
      const withheld = yield* call(token(defaults.apiUserScope))
      assert.strictEqual(withheld.status, 403)
      assert.deepInclude(withheld.json, { _tag: "Forbidden", reason: "interaction_required" })
      assert.isNull(withheld.headers.get("www-authenticate"))
      const told = yield* call(token(defaults.apiUserScope), capable)
      assert.strictEqual(told.status, 401)
      assert.isDefined(ClaimsChallenge.parse(challengeOf(told)))
    })
  )

  it.scopedLive("serves apps with a wanted role, and acts for none", () =>
    Effect.gen(function* () {
      const { call } = yield* makeServer({ validator: { appRoles: ["Owner", "Tasks.Run"] } })
      const app = { kind: "app", clientId: defaults.clientId } as const
      const roleless = yield* call("/do", app)
      assert.deepStrictEqual(roleless.json, {
        _tag: "Forbidden",
        reason: "insufficient_scope",
        scope: "Owner Tasks.Run"
      })
      const daemon = { ...app, claims: { roles: ["Tasks.Run"], xms_cc: ["cp1"] } }
      assert.strictEqual((yield* call("/do", daemon)).status, 200)
      for (const path of [token(defaults.apiUserScope), "/do?context=c1"])
        assert.deepStrictEqual((yield* call(path, daemon)).json, { _tag: "Forbidden", reason: "user_required" })
      assert.deepInclude((yield* call("/own", daemon)).json, { reason: "insufficient_scope" })
    })
  )

  it.scopedLive("blames itself for its own mistakes, and tells who runs it", () =>
    Effect.gen(function* () {
      const { call, seen } = yield* makeServer({
        client: { credential: ClientCredential.secret(defaults.expiredSecret) }
      })
      const answer = yield* call(token(defaults.apiUserScope))
      assert.strictEqual(answer.status, 503)
      assert.deepInclude(answer.json, { _tag: "Unavailable", reason: "server_error" })
      assert.notInclude(answer.text, "AADSTS")
      assert.match(seen(), /level=ERROR .*AADSTS7000222/)
      const unwritable = yield* call(token('bad"scope'))
      assert.deepInclude(unwritable.json, { _tag: "Unavailable", reason: "server_error" })
    })
  )

  it.scopedLive("sends no header of a failure that its handler has caught", () =>
    Effect.gen(function* () {
      const { call } = yield* makeServer()
      const answer = yield* call("/caught")
      assert.deepStrictEqual([answer.status, answer.text], [200, '"caught"'])
      assert.isNull(answer.headers.get("www-authenticate"))
    })
  )

  it.scopedLive("tells nothing when its authority's keys can't be had", () =>
    Effect.gen(function* () {
      const authority = Authority.entra({ tenantId: defaults.tenantId, host: "http://127.0.0.1:9" })
      const { call } = yield* makeServer({ validator: { authority, retryPolicy: { attempts: 1 } } })
      const answer = yield* call("/do")
      assert.strictEqual(answer.status, 503)
      assert.deepStrictEqual(answer.json, { _tag: "Unavailable", reason: "unavailable" })
    })
  )

  it.scopedLive("documents its security for OpenAPI", () =>
    Effect.sync(() => {
      const { components, paths } = OpenApi.fromApi(Api)
      assert.deepInclude(components.securitySchemes, { bearer: { type: "http", scheme: "bearer" } })
      assert.includeMembers(Object.keys(paths["/do"]?.get?.responses ?? {}), ["200", "401", "403", "503"])
    })
  )

  it.scopedLive("hands on claims, whatever they hold, in one header", () =>
    Effect.gen(function* () {
      const { call, emulator } = yield* makeServer()
      const rows = [
        ['{"access_token":{"a":"\\r\\nSet-Cookie: a=b"}}', true],
        ['{"access_token":{"é":"\\", error=\\"x"}}', true],
        ['x", error="invalid_token"\r\nSet-Cookie: a=b', false],
        ["[1]", false],
        [`{"a":${"[".repeat(50)}${"]".repeat(50)}}`, false]
      ] as const
      for (const [claims, isPassedOn] of rows) {
        yield* emulator.script([Fault.respond({ status: 400, body: { error: "interaction_required", claims } })])
        const answer = yield* call(token(defaults.apiUserScope))
        assert.strictEqual(answer.status, 401)
        assert.isNull(answer.headers.get("set-cookie"))
        assert.strictEqual(ClaimsChallenge.parse(challengeOf(answer))?.claims, isPassedOn ? claims : undefined)
        assert.deepInclude(answer.json, { reason: isPassedOn ? "insufficient_claims" : "invalid_token" })
      }
    })
  )

  it.scopedLive("lets no secret out", () =>
    Effect.gen(function* () {
      const { call, emulator, get, host, seen, tokenOf } = yield* makeServer()
      const assertion = yield* tokenOf(capable)
      const api = `${token(defaults.apiUserScope)}&url=${encodeURIComponent(`${host}${defaults.apiPath}`)}`
      const answers = [yield* get(api, `Bearer ${assertion}`), yield* get(`/do`, `Bearer ${assertion}x`)]
      yield* emulator.setPolicies(defaults.apiAppId, policy("mfa"))
      yield* emulator.setPolicies(defaults.otherApiAppId, policy("block"))
      for (const scope of [defaults.apiUserScope, defaults.otherApiUserScope, defaults.unconsentedApiUserScope])
        answers.push(yield* call(token(scope)))
      yield* emulator.script([
        Fault.respond({ status: 400, body: { error: "invalid_request", error_description: "AADSTS1: secret prose" } })
      ])
      answers.push(yield* call(token(defaults.graphUserScope)))
      const out = answers.map(({ headers, text }) => `${JSON.stringify([...headers])} ${text}`).join("\n")
      const [, , signature = ""] = assertion.split(".")
      for (const secret of [assertion, signature, Redacted.value(defaults.clientSecret)]) {
        assert.notInclude(out, secret)
        assert.notInclude(seen(), secret)
      }
      assert.notMatch(out, /AADSTS|eyJhbGci|prose/)
      assert.notMatch(seen(), /eyJhbGci|prose/)
      assert.match(seen(), /A caller was answered/)
    })
  )
})
