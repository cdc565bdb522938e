import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { defaults, inProcess } from "./helpers.js"
import {
  authorization,
  authorizeUrl,
  claimsOf,
  codeOf,
  defined,
  desktop,
  entra,
  exchange,
  type Parameters,
  post,
  redirected,
  submit,
  tokensOf,
  visit
} from "./people.js"

const emulator = EntraEmulator.EntraEmulator

const signedIn = (username: string | undefined) => Effect.flatMap(emulator, ({ signIn }) => signIn(username))

describe("the way back", () => {
  it.effect("a person who is signed in is sent back at once, with code and state", () =>
    Effect.gen(function* () {
      yield* signedIn(defaults.username)
      const { status, location, text } = yield* visit(authorizeUrl())
      assert.strictEqual(status, 302)
      assert.strictEqual(text, "")
      assert.strictEqual(`${location?.origin}${location?.pathname}`, defaults.redirectUri)
      const { code, state, session_state: session, ...more } = Object.fromEntries(location?.searchParams ?? [])
      assert.match(code ?? "", /^1\.[\w-]{88}$/)
      assert.strictEqual(state, "the state")
      assert.match(session ?? "", /^[0-9a-f-]{36}$/)
      assert.deepStrictEqual(more, {})
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("in the fragment, or in a form that posts itself, when it was asked so", () =>
    Effect.gen(function* () {
      yield* signedIn(defaults.username)
      const { location } = yield* visit(authorizeUrl({ ...authorization, response_mode: "fragment" }))
      assert.strictEqual(location?.search, "")
      const fragment = new URLSearchParams(location?.hash.slice(1))
      assert.strictEqual(fragment.get("state"), "the state")
      assert.isNotNull(fragment.get("code"))
      const state = `"><script>alert('1')</script>&`
      const { status, text } = yield* visit(authorizeUrl({ ...authorization, response_mode: "form_post", state }))
      assert.strictEqual(status, 200)
      assert.include(text, `<form method="post" action="${defaults.redirectUri}">`)
      assert.include(text, `name="state" value="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;"`)
      assert.match(text, /name="code" value="1\.[\w-]+"/)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("the client info comes when it was asked for", () =>
    Effect.gen(function* () {
      yield* signedIn(defaults.otherUsername)
      const { client_info: info = "" } = yield* redirected({ ...authorization, client_info: "1" })
      assert.deepStrictEqual(JSON.parse(Buffer.from(info, "base64url").toString()), {
        uid: defaults.otherUserObjectId,
        utid: defaults.otherTenantId
      })
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a loopback address is known whatever its port, and gets a slash where it has no path", () =>
    Effect.gen(function* () {
      yield* signedIn(defaults.username)
      for (const redirectUri of ["http://localhost", "http://localhost:1", "http://localhost:65535/"]) {
        const { location } = yield* visit(authorizeUrl({ ...desktop, redirect_uri: redirectUri }))
        assert.strictEqual(location?.href.split("?")[0], new URL(redirectUri).href)
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("the only redirect URI of an application needs not to be named", () =>
    Effect.gen(function* () {
      yield* signedIn(defaults.username)
      const { location } = yield* visit(authorizeUrl({ ...desktop, redirect_uri: undefined }))
      assert.strictEqual(location?.origin, "http://localhost")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a request may come as a form", () =>
    Effect.gen(function* () {
      yield* signedIn(defaults.username)
      const { status, location } = yield* submit(`${entra()}/authorize`, authorization)
      assert.strictEqual(status, 302)
      assert.strictEqual(location?.searchParams.get("state"), "the state")
    }).pipe(Effect.provide(inProcess()))
  )
})

interface Page {
  readonly parameters: Parameters
  readonly code: number
}

const pages: Readonly<Record<string, Page>> = {
  "no client id": { parameters: { ...authorization, client_id: undefined }, code: 900144 },
  "an unknown client": { parameters: { ...authorization, client_id: defaults.apiAppId }, code: 700016 },
  "a redirect URI that is not registered": {
    parameters: { ...authorization, redirect_uri: "http://localhost:3000/auth/callback/" },
    code: 50011
  },
  "a redirect URI on another host": {
    parameters: { ...authorization, redirect_uri: "http://localhost.evil.example:3000/auth/callback" },
    code: 50011
  },
  "a redirect URI with another scheme": {
    parameters: { ...authorization, redirect_uri: "https://localhost:3000/auth/callback" },
    code: 50011
  },
  "a redirect URI that is none": { parameters: { ...authorization, redirect_uri: "nonsense" }, code: 50011 },
  "no redirect URI where there are two": { parameters: { ...authorization, redirect_uri: undefined }, code: 900144 }
}

const redirects: Readonly<
  Record<string, { readonly change: Parameters; readonly error: string; readonly code: number }>
> = {
  "no response type": { change: { response_type: undefined }, error: "invalid_request", code: 900144 },
  "another response type": { change: { response_type: "token" }, error: "unsupported_response_type", code: 700051 },
  "another response mode": { change: { response_mode: "carrier_pigeon" }, error: "invalid_request", code: 70007 },
  "no scope": { change: { scope: undefined }, error: "invalid_request", code: 900144 },
  "another prompt": { change: { prompt: "hypnosis" }, error: "invalid_request", code: 90023 },
  "another challenge method": { change: { code_challenge_method: "S512" }, error: "invalid_request", code: 50149 },
  "a challenge that is too short": { change: { code_challenge: "short" }, error: "invalid_request", code: 501491 },
  "a method without a challenge": { change: { code_challenge: undefined }, error: "invalid_request", code: 900144 },
  "claims that are none": { change: { claims: "{" }, error: "invalid_request", code: 9002313 },
  "an unknown resource": {
    change: { scope: "https://nobody.example/Read" },
    error: "invalid_resource",
    code: 500011
  },
  "an unknown scope": {
    change: { scope: `${defaults.apiIdentifierUri}/Tasks.Eat` },
    error: "invalid_client",
    code: 650053
  },
  "an unknown scope of Graph": { change: { scope: "User.Eat" }, error: "invalid_client", code: 650053 }
}

// One emulator for all of these: none changes it, and a key takes a while to make.
layer(inProcess())("refusals", (it) => {
  for (const [name, { parameters, code }] of Object.entries(pages)) {
    it.effect(`${name} is told to the person, nobody is redirected`, () =>
      Effect.gen(function* () {
        yield* signedIn(defaults.username)
        const { status, location, text } = yield* visit(authorizeUrl(parameters))
        assert.strictEqual(status, 400)
        assert.isUndefined(location)
        assert.include(text, `AADSTS${code}: `)
      })
    )
  }

  it.effect("so are a repeated parameter and an unknown tenant, without their markup", () =>
    Effect.gen(function* () {
      const repeated = yield* visit(`${authorizeUrl()}&scope=openid`)
      assert.include(repeated.text, "AADSTS9000411")
      const unknown = yield* visit(authorizeUrl(authorization, entra("%3Cb%3Enobody")))
      assert.include(unknown.text, "AADSTS90002")
      assert.notInclude(unknown.text, "<b>")
      assert.deepStrictEqual([repeated.status, unknown.status], [400, 400])
    })
  )

  for (const [name, { change, error, code }] of Object.entries(redirects)) {
    it.effect(`${name} is told to the application`, () =>
      Effect.gen(function* () {
        yield* signedIn(defaults.username)
        const answer = yield* redirected({ ...authorization, ...change })
        assert.deepStrictEqual([answer.error, answer.state], [error, "the state"])
        assert.match(answer.error_description ?? "", new RegExp(`^AADSTS${code}: .*\r\nTrace ID: `))
        assert.strictEqual(answer.error_uri?.split("?")[1], `code=${code}`)
      })
    )
  }
})

describe("the pages", () => {
  it.effect("without a session the accounts of the tenant can be picked, the hinted one first", () =>
    Effect.gen(function* () {
      const { status, text } = yield* visit(authorizeUrl({ ...authorization, login_hint: defaults.secondUsername }))
      assert.strictEqual(status, 200)
      const names = [...text.matchAll(/name="login" value="([^"]+)"/g)].map(([, name]) => name)
      assert.deepStrictEqual(names, [defaults.secondUsername, defaults.username, defaults.otherUsername])
      assert.include(text, `action="/${defaults.tenantId}/oauth2/v2.0/authorize?client_id=`)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("at the endpoint for everybody people are at home", () =>
    Effect.gen(function* () {
      const { text } = yield* visit(authorizeUrl(authorization, entra("organizations")))
      const names = [...text.matchAll(/name="login" value="([^"]+)"/g)].map(([, name]) => name)
      assert.deepStrictEqual(names, [defaults.username, defaults.secondUsername, defaults.otherUsername])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a click signs in who has no password, and the browser is known from then on", () =>
    Effect.gen(function* () {
      const { location, cookie = "" } = yield* submit(authorizeUrl(), { login: defaults.username })
      assert.isNotNull(location?.searchParams.get("code"))
      assert.match(cookie, /^ESTSAUTH=/)
      const again = yield* visit(authorizeUrl({ ...authorization, prompt: "none" }), cookie)
      assert.isNotNull(again.location?.searchParams.get("code"))
      for (const prompt of ["login", "select_account"]) {
        assert.strictEqual((yield* visit(authorizeUrl({ ...authorization, prompt }), cookie)).status, 200)
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a password is checked, an unknown account refused", () =>
    Effect.gen(function* () {
      const passwd = Redacted.value(defaults.secondUserPassword)
      const login = defaults.secondUsername
      for (const fields of [{ login }, { login, passwd: "wrong" }]) {
        const { status, text } = yield* submit(authorizeUrl(), fields)
        assert.strictEqual(status, 200)
        assert.include(text, "AADSTS50126")
      }
      assert.include((yield* submit(authorizeUrl(), { login: "<nobody>" })).text, "no account &lt;nobody&gt; here")
      assert.strictEqual((yield* submit(authorizeUrl(), { login, passwd })).status, 302)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("who cancels goes back with access_denied", () =>
    Effect.gen(function* () {
      const { location } = yield* submit(authorizeUrl(), { decision: "cancel" })
      const { error, error_subcode: subcode, state } = Object.fromEntries(location?.searchParams ?? [])
      assert.deepStrictEqual([error, subcode, state], ["access_denied", "cancel", "the state"])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("what nobody has consented to is asked for, once", () =>
    Effect.gen(function* () {
      const url = authorizeUrl({ ...authorization, scope: `openid ${defaults.unconsentedApiUserScope}` })
      const { status, text } = yield* submit(url, { login: defaults.username })
      assert.strictEqual(status, 200)
      assert.include(text, `<li>${defaults.unconsentedApiUserScope}</li>`)
      const session = /name="session" value="([^"]+)"/.exec(text)?.[1]
      const declined = yield* submit(url, { session, decision: "cancel" })
      assert.strictEqual(declined.location?.searchParams.get("error"), "access_denied")
      const accepted = yield* submit(url, { session, decision: "accept" })
      assert.isNotNull(accepted.location?.searchParams.get("code"))
      const again = yield* submit(url, { login: defaults.username })
      assert.strictEqual(again.status, 302)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("prompt=consent asks for what was consented to long ago", () =>
    Effect.gen(function* () {
      const url = authorizeUrl({ ...authorization, prompt: "consent" })
      const { text } = yield* submit(url, { login: defaults.username })
      assert.include(text, `<li>${defaults.apiUserScope}</li>`)
      yield* signedIn(defaults.username)
      assert.strictEqual((yield* visit(url)).status, 302)
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("prompt=none", () => {
  const silently = (change: Parameters = {}) => redirected({ ...authorization, prompt: "none", ...change })

  it.effect("without a session, or with another's, it is login_required", () =>
    Effect.gen(function* () {
      const none = yield* silently()
      assert.strictEqual(none.error, "login_required")
      assert.include(none.error_description, "AADSTS50058")
      yield* signedIn(defaults.username)
      assert.isString((yield* silently({ login_hint: defaults.username })).code)
      assert.strictEqual((yield* silently({ login_hint: defaults.secondUsername })).error, "login_required")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("without consent it is consent_required", () =>
    Effect.gen(function* () {
      yield* signedIn(defaults.username)
      const { error, suberror } = yield* silently({ scope: defaults.unconsentedApiUserScope })
      assert.deepStrictEqual([error, suberror], ["consent_required", "consent_required"])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("with a policy that the session does not satisfy it is interaction_required, with claims", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).setPolicies(defaults.apiAppId, [{ id: "the-policy", requires: "mfa" }])
      yield* signedIn(defaults.username)
      const { error, claims } = yield* silently()
      assert.strictEqual(error, "interaction_required")
      assert.strictEqual(claims, '{"access_token":{"capolids":{"essential":true,"values":["the-policy"]}}}')
      assert.isString((yield* redirected()).code)
      assert.isString((yield* silently()).code)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("an account of another tenant is told to the application", () =>
    Effect.gen(function* () {
      yield* signedIn(defaults.secondUsername)
      const { error } = yield* redirected({ ...authorization, prompt: "none" }, entra(defaults.otherTenantId))
      assert.strictEqual(error, "interaction_required")
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("accounts that may not sign in", () => {
  it.effect("one of another tenant, one that is disabled, and one whom a policy blocks see a page", () =>
    Effect.gen(function* () {
      const { disable, setPolicies } = yield* emulator
      yield* signedIn(defaults.username)
      const foreign = yield* visit(authorizeUrl(authorization, entra(defaults.otherTenantId)))
      yield* setPolicies(defaults.apiAppId, [{ id: "the-policy", requires: "block" }])
      const blocked = yield* visit(authorizeUrl())
      yield* disable(defaults.username)
      const disabled = yield* visit(authorizeUrl())
      const seen = [foreign, blocked, disabled].map(({ status, text }) => [status, /AADSTS\d+/.exec(text)?.[0]])
      assert.deepStrictEqual(seen, [
        [400, "AADSTS50020"],
        [400, "AADSTS53003"],
        [400, "AADSTS50057"]
      ])
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("nobody is known at the endpoint of personal accounts", () =>
    Effect.gen(function* () {
      const { status, text } = yield* visit(authorizeUrl(authorization, entra("consumers")))
      assert.strictEqual(status, 400)
      assert.include(text, "AADSTS700016")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a user whom the directory does not have is a defect of the test", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(signedIn("nobody@contoso.onmicrosoft.com"))
      assert.isTrue(exit._tag === "Failure" && exit.cause._tag === "Die")
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("signing in again", () => {
  it.effect("a new sign-in has a new time, a session keeps its own", () =>
    Effect.gen(function* () {
      const authTime = (parameters: Parameters) =>
        Effect.gen(function* () {
          const { code = "" } = yield* redirected(parameters)
          const { json } = yield* post(exchange(code))
          return claimsOf(json.id_token).auth_time
        })
      yield* TestClock.setTime(0)
      yield* signedIn(defaults.username)
      yield* TestClock.adjust("1 minute")
      const claims = JSON.stringify({ id_token: { auth_time: { essential: true } } })
      assert.strictEqual(yield* authTime({ ...authorization, claims }), 0)
      assert.strictEqual(yield* authTime({ ...authorization, claims, prompt: "login" }), 60)
      assert.isUndefined(yield* authTime(authorization))
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("signing out", () => {
  const logout = (parameters: Parameters) => `${entra()}/logout?${new URLSearchParams(defined(parameters))}`

  it.effect("the session ends, and the way leads to a registered address only", () =>
    Effect.gen(function* () {
      yield* signedIn(defaults.username)
      const parameters = { post_logout_redirect_uri: defaults.postLogoutRedirectUri, state: "bye" }
      const { status, location } = yield* visit(logout(parameters))
      assert.deepStrictEqual([status, location?.href], [302, `${defaults.postLogoutRedirectUri}?state=bye`])
      assert.strictEqual((yield* redirected({ ...authorization, prompt: "none" })).error, "login_required")
      const elsewhere = yield* visit(logout({ post_logout_redirect_uri: "https://evil.example/" }))
      assert.deepStrictEqual([elsewhere.status, elsewhere.location], [200, undefined])
      assert.include(elsewhere.text, "You signed out")
      assert.strictEqual((yield* visit(`${entra("nobody")}/logout`)).status, 400)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a session by cookie ends too", () =>
    Effect.gen(function* () {
      const { cookie } = yield* submit(authorizeUrl(), { login: defaults.username })
      yield* visit(logout({}), cookie)
      assert.strictEqual((yield* visit(authorizeUrl(), cookie)).status, 200)
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("the record", () => {
  it.effect("it shows no code, verifier, token, password or client info", () =>
    Effect.gen(function* () {
      const { requests } = yield* emulator
      const passwd = Redacted.value(defaults.secondUserPassword)
      const { cookie = "" } = yield* submit(authorizeUrl({ ...authorization, client_info: "1" }), {
        login: defaults.secondUsername,
        passwd
      })
      yield* visit(authorizeUrl(), cookie)
      const code = yield* codeOf(defaults.username)
      const { json } = yield* post({ ...exchange(code), client_info: "1" })
      const forms = { assertion: String(json.access_token), refresh_token: String(json.refresh_token) }
      yield* post({ ...forms, client_info: String(json.client_info) })
      const text = JSON.stringify(yield* requests)
      for (const [, value] of Object.entries({ ...exchange(code), ...forms, passwd, cookie })) {
        if (value !== undefined && value.length > 40) assert.notInclude(text, value)
      }
      assert.notInclude(text, passwd)
      assert.notInclude(text, String(json.client_info))
      assert.include(text, '"client_info":"1"')
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("tokens of a browser and of a robot", () => {
  it.effect("are alike", () =>
    Effect.gen(function* () {
      const robot = claimsOf((yield* tokensOf(defaults.username)).access_token)
      yield* signedIn(undefined)
      const { location } = yield* submit(authorizeUrl(), { login: defaults.username })
      const { json } = yield* post(exchange(location?.searchParams.get("code") ?? ""))
      const { uti, ...browser } = claimsOf(json.access_token)
      assert.deepStrictEqual({ ...browser, uti: robot.uti }, { ...robot })
      assert.notStrictEqual(uti, robot.uti)
    }).pipe(Effect.provide(inProcess()))
  )
})
