import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { defaultDirectory, EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { defaults } from "./helpers.js"
import {
  daemon,
  form,
  identityPath,
  json,
  lineHere,
  press,
  type Sent,
  sendHere,
  stateHere,
  tokenHere,
  tokenPath
} from "./inspectorHttp.js"

const here = EntraEmulatorNode.layer()

const secrets = [defaults.clientSecret, defaults.expiredSecret, defaults.secondUserPassword].map(Redacted.value)

const assertHidden = (text: string, hidden: ReadonlyArray<string>) => {
  for (const each of hidden) {
    assert.isAtLeast(each.length, 6)
    assert.notInclude(text, each)
    assert.notInclude(text, encodeURIComponent(each))
  }
}

describe("the page", () => {
  it.live("runs and loads only what is in it, and no other page can frame or read it", () =>
    Effect.gen(function* () {
      const { headers, status, text } = yield* sendHere("/")
      assert.strictEqual(status, 200)
      const policy = String(headers["content-security-policy"])
      for (const part of ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'"]) {
        assert.include(policy, part)
      }
      assert.notInclude(policy, "unsafe")
      assert.strictEqual(headers["cross-origin-resource-policy"], "same-origin")
      assert.strictEqual(headers["cache-control"], "no-store")
      assert.notMatch(text, /(?:src|href)="(?!data:|#)/)
      assertHidden(text, secrets)
    }).pipe(Effect.provide(here))
  )

  it.live("has another token at each start", () =>
    Effect.gen(function* () {
      const [one, other] = yield* Effect.all(
        [tokenHere, tokenHere].map((token) => Effect.provide(token, Layer.fresh(here)))
      )
      assert.notStrictEqual(one, other)
    })
  )
})

describe("who may look", () => {
  const paths = ["/", "/inspector/state", "/inspector/requests"]
  const strangers = ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.7"]

  it.live("not who came by a name that was rebound to this machine", () =>
    Effect.gen(function* () {
      for (const path of paths) {
        for (const host of strangers) {
          const { status, text } = yield* sendHere(path, { headers: { host } })
          assert.strictEqual(status, path === "/" ? 404 : 403, `${path} ${host}`)
          assert.notInclude(text, defaults.tenantId)
          assert.notInclude(text, "inspector-token")
        }
      }
    }).pipe(Effect.provide(here))
  )

  it.live("whoever calls this machine by one of its own names", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const { port } = new URL(origin)
      for (const path of paths) {
        for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) {
          assert.strictEqual((yield* sendHere(path, { headers: { host } })).status, 200)
        }
      }
    }).pipe(Effect.provide(here))
  )

  it.live("not another site's page, and no answer allows one to read it", () =>
    Effect.gen(function* () {
      for (const path of paths.slice(1)) {
        for (const site of ["cross-site", "same-site"]) {
          const headers = { "sec-fetch-site": site, origin: "https://evil.example" }
          assert.strictEqual((yield* sendHere(path, { headers })).status, 403)
        }
        const { headers, status } = yield* sendHere(path, { headers: { origin: "https://evil.example" } })
        assert.strictEqual(status, 200)
        assert.isUndefined(headers["access-control-allow-origin"])
        assert.strictEqual((yield* sendHere(path, { headers: { "sec-fetch-site": "same-origin" } })).status, 200)
      }
    }).pipe(Effect.provide(here))
  )
})

describe("who may act", () => {
  it.live("only a page of this origin, with its token", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const emulator = yield* EntraEmulator
      const token = yield* tokenHere
      const reset = (headers: Record<string, string>) =>
        Effect.map(
          sendHere("/inspector/actions/reset", {
            method: "POST",
            headers: { "content-type": "application/json", ...headers },
            body: JSON.stringify({ endpoint: "token" })
          }),
          ({ status }) => status
        )
      const withToken = { "x-inspector-token": token }
      const attempts: ReadonlyArray<Record<string, string>> = [
        {},
        { origin },
        withToken,
        { origin, "x-inspector-token": "" },
        { origin, "x-inspector-token": `${token.slice(0, -1)}x` },
        { ...withToken, origin: "https://evil.example" },
        { ...withToken, origin: "null" },
        { ...withToken, origin: origin.replace("http:", "https:") },
        { ...withToken, origin: "http://127.0.0.1:1" },
        { ...withToken, origin: origin.replace("127.0.0.1", "localhost") },
        { ...withToken, "sec-fetch-site": "cross-site" },
        { ...withToken, "sec-fetch-site": "same-site" },
        { ...withToken, origin, "sec-fetch-site": "cross-site" },
        { ...withToken, origin, host: "evil.example" },
        { ...withToken, origin: "http://evil.example", host: "evil.example" },
        { ...withToken, "sec-fetch-site": "same-origin", host: "evil.example" }
      ]
      for (const headers of attempts) assert.strictEqual(yield* reset(headers), 403, JSON.stringify(headers))
      assert.strictEqual(yield* emulator.pendingFaults, 0)
      assert.strictEqual(yield* reset({ ...withToken, origin }), 200)
      assert.strictEqual(yield* reset({ ...withToken, "sec-fetch-site": "same-origin" }), 200)
      assert.strictEqual(yield* emulator.pendingFaults, 2)
    }).pipe(Effect.provide(here))
  )

  it.live("nobody by GET, and nobody for what is no action", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const headers = { origin, "x-inspector-token": yield* tokenHere }
      assert.strictEqual((yield* sendHere("/inspector/actions/reset?endpoint=token", { headers })).status, 404)
      assert.strictEqual((yield* press("explode", {})).status, 404)
      assert.strictEqual((yield* sendHere("/inspector/other")).status, 404)
    }).pipe(Effect.provide(here))
  )
})

describe("the state", () => {
  it.live("tells the directory, and none of its secrets", () =>
    Effect.gen(function* () {
      const answer = yield* sendHere("/inspector/state")
      for (const known of [defaults.tenantId, defaults.username, defaults.apiIdentifierUri, defaults.b2cUsername]) {
        assert.include(answer.text, known)
      }
      assert.include(answer.text, defaults.managedIdentity.systemAssigned.clientId)
      const emulator = yield* EntraEmulator
      const environment = emulator.managedIdentityEnvironment("appService", "")
      const users = defaultDirectory.tenants.flatMap(({ users = [] }) => users)
      const passwords = users.flatMap(({ password }) => (password === undefined ? [] : [Redacted.value(password)]))
      assertHidden(answer.text, [...secrets, ...passwords, environment.IDENTITY_HEADER ?? ""])
    }).pipe(Effect.provide(here))
  )

  it.live("tells what waits to go wrong, and the clock that goes wrong", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.skew("1 hour", "behind")
      yield* press("throttle", { endpoint: "api", count: 2, retryAfter: 7 })
      const { clockSkew, endpoints } = yield* stateHere
      assert.strictEqual(clockSkew, -3_600_000)
      const well = { pending: 0, next: [], downUntil: null, downFor: 0 }
      const next = ["429, Retry-After 7", "429, Retry-After 7"]
      assert.deepStrictEqual(endpoints, { token: well, api: { ...well, pending: 2, next }, identity: well })
    }).pipe(Effect.provide(here))
  )
})

describe("the requests", () => {
  it.live("have no secret, token, code, or assertion, and not what the inspector asks itself", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      yield* emulator.signIn(defaults.username)
      const query = {
        client_id: defaults.clientId,
        response_type: "code",
        redirect_uri: defaults.redirectUri,
        scope: `openid offline_access ${defaults.apiUserScope}`,
        login_hint: defaults.username,
        state: "the-secret-state",
        nonce: "the-secret-nonce"
      }
      const signedIn = yield* sendHere(`/${defaults.tenantId}/oauth2/v2.0/authorize?${new URLSearchParams(query)}`)
      const code = new URL(String(signedIn.headers.location)).searchParams.get("code") ?? ""
      const credential = { client_id: defaults.clientId, client_secret: Redacted.value(defaults.clientSecret) }
      const redeem = { ...credential, grant_type: "authorization_code", code, redirect_uri: defaults.redirectUri }
      const tokens = json(yield* sendHere(tokenPath, form(redeem)))
      const refresh = { ...credential, grant_type: "refresh_token", refresh_token: String(tokens.refresh_token) }
      yield* sendHere(tokenPath, form(refresh))
      const middleTier = yield* emulator.userToken({ username: defaults.username, api: defaults.clientId })
      const onBehalfOf = {
        ...credential,
        grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
        requested_token_use: "on_behalf_of",
        assertion: Redacted.value(middleTier),
        scope: defaults.apiUserScope
      }
      const exchanged = json(yield* sendHere(tokenPath, form(onBehalfOf)))
      const authorization = `Bearer ${String(exchanged.access_token)}`
      const cookie = "ESTSAUTH=the-secret-session"
      assert.strictEqual((yield* sendHere(defaults.apiPath, { headers: { authorization, cookie } })).status, 200)
      const basic = `Basic ${btoa(`${defaults.clientId}:${encodeURIComponent(credential.client_secret)}`)}`
      const app = { grant_type: "client_credentials", scope: defaults.apiScope }
      const sent = form(app)
      yield* sendHere(tokenPath, { ...sent, headers: { ...sent.headers, authorization: basic } })
      const proof = { ...credential, ...app, client_assertion: Redacted.value(middleTier) }
      yield* sendHere(tokenPath, form(proof))

      const { text } = yield* sendHere("/inspector/requests")
      const hidden = [tokens.access_token, tokens.id_token, tokens.refresh_token, exchanged.access_token].map(String)
      const parts = hidden.flatMap((token) => token.split(".")).filter((part) => part.length > 20)
      assertHidden(text, [...secrets, code, ...hidden, ...parts, Redacted.value(middleTier), basic.slice(6)])
      assertHidden(text, ["the-secret-state", "the-secret-nonce", "the-secret-session"])

      const { requests } = yield* lineHere()
      assert.deepStrictEqual(
        requests.map(({ kind, what, user, status }) => [kind, what, user, status]),
        [
          ["sign-in", "authorize", defaults.username, 302],
          ["token", "authorization code", defaults.username, 200],
          ["token", "refresh token", defaults.username, 200],
          ["token", "on behalf of", defaults.username, 200],
          ["api", "GET", defaults.username, 200],
          ["token", "client credentials", null, 200],
          ["token", "client credentials", null, 400]
        ]
      )
      assert.isTrue(
        requests.every(({ client }) => client?.id === defaults.clientId && client.name === "Emulated daemon")
      )
      assert.strictEqual((yield* emulator.requests).length, requests.length)
    }).pipe(Effect.provide(here))
  )

  it.live("come once each, until something of them changes", () =>
    Effect.gen(function* () {
      yield* sendHere(tokenPath, daemon())
      const first = yield* lineHere()
      assert.lengthOf(first.requests, 1)
      assert.lengthOf((yield* lineHere(first.next)).requests, 0)
      yield* press("throttle", { endpoint: "token", count: 1, retryAfter: 9 })
      yield* sendHere(tokenPath, daemon())
      const second = yield* lineHere(first.next)
      assert.deepStrictEqual(
        second.requests.map(({ id, status, fault, next }) => [id, status, fault, next]),
        [[2, 429, "Respond", null]]
      )
      yield* sendHere(tokenPath, daemon())
      const third = yield* lineHere(second.next)
      assert.deepStrictEqual(
        third.requests.map(({ id, next }) => [id, next?.did, next?.by]),
        [
          [2, "retried", 3],
          [3, "served", undefined]
        ]
      )
      assert.lengthOf((yield* lineHere()).requests, 3)
      for (const odd of ["-1", "x", "", "1e9"]) {
        assert.lengthOf(JSON.parse((yield* sendHere(`/inspector/requests?after=${odd}`)).text).requests, 3)
      }
    }).pipe(Effect.provide(here))
  )

  it.live("name the code of a refusal, and a connection that was lost", () =>
    Effect.gen(function* () {
      yield* sendHere(tokenPath, daemon({ client_secret: "wrong" }))
      yield* sendHere("/metadata/identity/oauth2/token?resource=x")
      yield* press("reset", { endpoint: "token" })
      assert.strictEqual((yield* sendHere(tokenPath, daemon())).status, 0)
      const { requests } = yield* lineHere()
      assert.deepStrictEqual(
        requests.map(({ kind, phase, status, code, error, fault }) => [kind, phase, status, code, error, fault]),
        [
          ["token", "answered", 401, "AADSTS7000215", "invalid_client", null],
          ["identity", "answered", 400, null, "bad_request_102", null],
          ["token", "reset", null, null, null, "Reset"]
        ]
      )
    }).pipe(Effect.provide(here))
  )
})

describe("the buttons", () => {
  const endpoints: ReadonlyArray<readonly [string, string, Sent]> = [
    ["token", tokenPath, daemon()],
    ["api", defaults.apiPath, {}],
    ["identity", identityPath, { headers: { metadata: "true" } }]
  ]

  for (const [endpoint, path, sent] of endpoints) {
    it.live(`throttle, take down, reset and free: ${endpoint}, and it alone`, () =>
      Effect.gen(function* () {
        const status = (of = path, how = sent) => Effect.map(sendHere(of, how), (answer) => answer.status)
        const others = endpoints.filter(([other]) => other !== endpoint)
        const usual = yield* status()
        yield* press("throttle", { endpoint, count: 2, retryAfter: 4 })
        const throttled = yield* sendHere(path, sent)
        assert.deepStrictEqual([throttled.status, throttled.headers["retry-after"]], [429, "4"])
        assert.deepStrictEqual([yield* status(), yield* status()], [429, usual])
        yield* press("reset", { endpoint })
        assert.deepStrictEqual([yield* status(), yield* status()], [0, usual])
        yield* press("down", { endpoint, seconds: 60 })
        const down = yield* sendHere(path, sent)
        assert.strictEqual(down.status, 503)
        assert.include(["59", "60"], down.headers["retry-after"])
        for (const [, other, how] of others) assert.notStrictEqual(yield* status(other, how), 503)
        yield* press("throttle", { endpoint })
        yield* press("clear", { endpoint })
        assert.strictEqual(yield* status(), usual)
      }).pipe(Effect.provide(here))
    )
  }

  it.live("revoke, disable and enable a user, demand MFA, and withdraw consent", () =>
    Effect.gen(function* () {
      const emulator = yield* EntraEmulator
      const { username } = defaults
      const middleTier = { username, api: defaults.clientId }
      const exchange = (assertion: Redacted.Redacted) =>
        Effect.map(
          sendHere(
            tokenPath,
            daemon({
              grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
              requested_token_use: "on_behalf_of",
              assertion: Redacted.value(assertion),
              scope: defaults.apiUserScope
            })
          ),
          (answer) => /AADSTS\d+/.exec(answer.text)?.[0] ?? String(answer.status)
        )
      const before = yield* emulator.userToken(middleTier)
      assert.strictEqual(yield* exchange(before), "200")
      yield* press("revoke", { username })
      assert.strictEqual(yield* exchange(before), "AADSTS50173")
      const after = yield* emulator.userToken(middleTier)
      for (const of of [username, defaults.apiAppId]) {
        yield* press("demand-mfa", { of })
        assert.strictEqual(yield* exchange(after), "AADSTS50076")
        yield* press("demand-mfa", { of, demanded: false })
        assert.strictEqual(yield* exchange(after), "200")
      }
      yield* press("withdraw-consent", { clientId: defaults.clientId, api: defaults.apiAppId })
      assert.strictEqual(yield* exchange(after), "AADSTS65001")
      yield* press("disable", { username })
      assert.include(["AADSTS50057", "AADSTS50173"], yield* exchange(after))
      yield* press("enable", { username })
      assert.strictEqual(yield* exchange(yield* emulator.userToken(middleTier)), "AADSTS65001")
    }).pipe(Effect.provide(here))
  )

  it.live("take a form as well as JSON, and decline what makes no sense", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const emulator = yield* EntraEmulator
      const sent = form({ endpoint: "token", count: "4", retryAfter: "1" })
      const headers = { ...sent.headers, origin, "x-inspector-token": yield* tokenHere }
      assert.strictEqual((yield* sendHere("/inspector/actions/throttle", { ...sent, headers })).status, 200)
      assert.strictEqual(yield* emulator.pendingFaults, 4)
      const senseless: ReadonlyArray<readonly [string, Record<string, unknown>]> = [
        ["throttle", { endpoint: "other" }],
        ["throttle", { endpoint: "token", count: 0 }],
        ["throttle", { endpoint: "token", count: 1.5 }],
        ["throttle", { endpoint: "token", count: 1_000_000 }],
        ["down", { endpoint: "token", seconds: -1 }],
        ["revoke", {}],
        ["revoke", { username: "<b>nobody</b>" }],
        ["disable", { username: 7 }],
        ["demand-mfa", { of: "nobody" }],
        ["withdraw-consent", { clientId: defaults.clientId, api: "nothing" }],
        ["withdraw-consent", { clientId: "nobody", api: defaults.apiAppId }]
      ]
      for (const [name, fields] of senseless) {
        const { status, text } = yield* press(name, fields)
        assert.strictEqual(status, 400, name)
        assert.notInclude(text, "nobody")
      }
      const broken = { method: "POST", headers: { ...headers, "content-type": "application/json" } }
      assert.strictEqual((yield* sendHere("/inspector/actions/reset", { ...broken, body: "{" })).status, 400)
      const long = JSON.stringify({ endpoint: "token", more: "x".repeat(100_000) })
      assert.strictEqual((yield* sendHere("/inspector/actions/reset", { ...broken, body: long })).status, 400)
      assert.strictEqual(yield* emulator.pendingFaults, 4)
    }).pipe(Effect.provide(here))
  )
})
