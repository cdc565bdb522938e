import { createHash } from "node:crypto"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Html from "../../src/emulator/html.js"
import * as Browser from "./browser.js"
import { defaults, inProcess } from "./helpers.js"
import {
  authorization,
  authorizeUrl,
  claimsOf,
  defined,
  entra,
  exchange,
  type Parameters,
  post,
  refresh,
  refusal
} from "./people.js"

const emulator = EntraEmulator.EntraEmulator

const passwd = Redacted.value(defaults.password)

const unconsented = { ...authorization, scope: `openid ${defaults.unconsentedApiUserScope}` }

/** Bob has signed in with his password, up to the next page. */
const asBob = (browser: Browser.Browser, parameters: Parameters = authorization, base = entra()) =>
  Effect.gen(function* () {
    const picker = yield* browser.open(authorizeUrl(parameters, base))
    const password = yield* browser.press(picker, defaults.secondUsername)
    return yield* browser.press(password, "next", { passwd })
  })

const codeIn = ({ location, text }: Browser.Page): string => {
  const code = location?.searchParams.get("code")
  assert.isString(code, text)
  return code ?? ""
}

interface Change {
  readonly apps?: (app: EntraEmulator.App) => EntraEmulator.App
  readonly apis?: (api: EntraEmulator.Api) => EntraEmulator.Api
  readonly users?: (user: EntraEmulator.User) => EntraEmulator.User
}

const same = <A>(a: A): A => a

const directoryWhere = ({ apps = same, apis = same, users = same }: Change): EntraEmulator.Directory => ({
  tenants: EntraEmulator.defaultDirectory.tenants.map((tenant) => ({
    ...tenant,
    apps: tenant.apps.map(apps),
    apis: tenant.apis.map(apis),
    users: (tenant.users ?? []).map(users)
  }))
})

const problemOf = ({ location }: Browser.Page) => {
  const {
    error,
    error_description: description = "",
    error_subcode: subcode,
    state
  } = Object.fromEntries(location?.searchParams ?? [])
  return [error, /AADSTS\d+/.exec(description)?.[0], subcode, state]
}

describe("signing in by hand", () => {
  it.effect("takes a pick, a password and a consent, and gives a code that is worth tokens", () =>
    Effect.gen(function* () {
      const browser = Browser.make()
      const picker = yield* browser.open(authorizeUrl(unconsented))
      assert.deepStrictEqual([picker.status, picker.title], [200, "Pick an account"])
      const password = yield* browser.press(picker, defaults.secondUsername)
      assert.deepStrictEqual([password.title, password.alert], ["Enter password", undefined])
      const consent = yield* browser.press(password, "next", { passwd })
      assert.strictEqual(consent.title, "Permissions requested")
      assert.include(consent.text, "Emulated daemon asks for:")
      assert.include(consent.text, `<li>${defaults.unconsentedApiUserScope}</li>`)
      const done = yield* browser.press(consent, "accept")
      assert.strictEqual(done.location?.searchParams.get("state"), "the state")
      const { json } = yield* post(exchange(codeIn(done)))
      assert.strictEqual(claimsOf(json.access_token).oid, defaults.secondUserObjectId)
      const again = yield* browser.open(authorizeUrl({ ...unconsented, prompt: "none" }))
      codeIn(again)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a wrong password is asked for again, in Entra's words, and is told to nobody else", () =>
    Effect.gen(function* () {
      const browser = Browser.make()
      const picker = yield* browser.open(authorizeUrl())
      const password = yield* browser.press(picker, defaults.secondUsername)
      const again = yield* browser.press(password, "next", { passwd: "wrong" })
      assert.deepStrictEqual([again.status, again.title], [200, "Enter password"])
      assert.strictEqual(again.alert, "AADSTS50126: Error validating credentials due to invalid username or password.")
      assert.isFalse(browser.cookies.has("ESTSAUTH"))
      codeIn(yield* browser.press(again, "next", { passwd }))
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("a way back leads from the password to the other accounts", () =>
    Effect.gen(function* () {
      const browser = Browser.make()
      const password = yield* browser.press(yield* browser.open(authorizeUrl()), defaults.secondUsername)
      const picker = yield* browser.press(password, "other")
      assert.strictEqual(picker.title, "Pick an account")
      codeIn(yield* browser.press(picker, defaults.username))
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("the hinted account is first and has the focus", () =>
    Effect.gen(function* () {
      const { text, forms } = yield* Browser.make().open(
        authorizeUrl({ ...authorization, login_hint: defaults.otherUsername })
      )
      assert.include(forms[0]?.button ?? "", defaults.otherUsername)
      assert.strictEqual(text.split(" autofocus").length, 2)
    }).pipe(Effect.provide(inProcess()))
  )

  for (const [where, reach] of Object.entries({
    "the accounts": (browser: Browser.Browser) => browser.open(authorizeUrl()),
    "the password": (browser: Browser.Browser) =>
      Effect.flatMap(browser.open(authorizeUrl()), (page) => browser.press(page, defaults.secondUsername)),
    "the permissions": (browser: Browser.Browser) => asBob(browser, unconsented)
  })) {
    it.effect(`who cancels at ${where} is sent back with access_denied`, () =>
      Effect.gen(function* () {
        const browser = Browser.make()
        const cancelled = yield* browser.press(yield* reach(browser), "cancel")
        assert.deepStrictEqual(problemOf(cancelled), ["access_denied", "AADSTS65004", "cancel", "the state"])
      }).pipe(Effect.provide(inProcess()))
    )
  }

  it.effect("a new sign-in is one on every page of it, however often pages are answered", () =>
    Effect.gen(function* () {
      const { requireMfa } = yield* emulator
      yield* requireMfa(defaults.secondUsername)
      const browser = Browser.make()
      const parameters = { ...unconsented, prompt: "login" }
      const approve = yield* asBob(browser, parameters)
      const consent = yield* browser.press(approve, "approve")
      codeIn(yield* browser.press(consent, "accept"))
      assert.strictEqual((yield* browser.open(authorizeUrl(parameters))).title, "Pick an account")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("signing out ends the session", () =>
    Effect.gen(function* () {
      const browser = Browser.make()
      codeIn(yield* asBob(browser))
      codeIn(yield* browser.open(authorizeUrl()))
      yield* browser.open(`${entra()}/logout`)
      assert.strictEqual((yield* browser.open(authorizeUrl())).title, "Pick an account")
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("works at Azure AD B2C and AD FS too", () =>
    Effect.gen(function* () {
      const origin = entra().split("/").slice(0, 3).join("/")
      const places = [
        [`${origin}/${defaults.b2cDomain}/${defaults.b2cUserFlow}/oauth2/v2.0`, defaults.b2cScope, "Dora"],
        [`${origin}/adfs/oauth2`, defaults.adfsScope, "Erik"]
      ] as const
      for (const [base, scope, name] of places) {
        const browser = Browser.make()
        const picker = yield* browser.open(authorizeUrl({ ...authorization, scope: `openid ${scope}` }, base))
        const password = yield* browser.press(picker, name)
        codeIn(yield* browser.press(password, "next", { passwd }))
      }
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("a second factor", () => {
  it.effect("is asked for where a policy demands it, and the code that is shown will do", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).requireMfa(defaults.apiIdentifierUri)
      const browser = Browser.make()
      const asked = yield* asBob(browser)
      assert.strictEqual(asked.title, "Approve sign in request")
      const shown = Browser.shownCode(asked)
      assert.match(shown, /^\d{6}$/)
      const wrong = yield* browser.press(asked, "verify", { otc: shown === "000000" ? "1" : "000000" })
      assert.include(wrong.alert ?? "", "not the code")
      assert.strictEqual(Browser.shownCode(wrong), shown)
      codeIn(yield* browser.press(wrong, "verify", { otc: ` ${shown} ` }))
      codeIn(yield* browser.open(authorizeUrl()))
      codeIn(yield* browser.open(authorizeUrl({ ...authorization, prompt: "none" })))
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("can be approved without the code, or declined, which the application is told", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).requireMfa(defaults.secondUsername)
      const browser = Browser.make()
      const asked = yield* asBob(browser)
      const declined = yield* browser.press(asked, "decline")
      assert.deepStrictEqual(problemOf(declined), ["access_denied", "AADSTS500121", undefined, "the state"])
      const again = yield* browser.open(authorizeUrl())
      assert.strictEqual(again.title, "Approve sign in request")
      codeIn(yield* browser.press(again, "approve"))
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("is asked of who is signed in without it, when claims name a policy or a context", () =>
    Effect.gen(function* () {
      const { setPolicies } = yield* emulator
      const requires = { authenticationContext: "c1" }
      yield* setPolicies(defaults.otherApiAppId, [{ id: "the-policy", requires: "mfa" }])
      yield* setPolicies(defaults.apiAppId, [{ id: "the-context", requires }])
      for (const demand of [{ capolids: { values: ["the-policy"] } }, { acrs: { value: "c1" } }]) {
        const browser = Browser.make()
        codeIn(yield* asBob(browser))
        const claims = JSON.stringify({ access_token: demand })
        const asked = yield* browser.open(authorizeUrl({ ...authorization, claims }))
        assert.strictEqual(asked.title, "Approve sign in request")
        codeIn(yield* browser.press(asked, "approve"))
        codeIn(yield* browser.open(authorizeUrl({ ...authorization, claims })))
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("is not asked of whose every sign-in has it, nor for a compliant device", () =>
    Effect.gen(function* () {
      const { setPolicies } = yield* emulator
      yield* setPolicies(defaults.apiAppId, [{ id: "a-device", requires: "compliantDevice" }])
      codeIn(yield* asBob(Browser.make()))
      yield* setPolicies(defaults.apiAppId, [{ id: "a-factor", requires: "mfa" }])
      const browser = Browser.make()
      codeIn(yield* browser.press(yield* browser.open(authorizeUrl()), defaults.username))
    }).pipe(
      Effect.provide(
        inProcess({
          directory: directoryWhere({
            users: (user) => (user.username === defaults.username ? { ...user, satisfies: ["mfa"] } : user)
          })
        })
      )
    )
  )

  it.effect("is demanded of a person or for an API later on, of refreshes and on behalf of, until it is not", () =>
    Effect.gen(function* () {
      const { requireMfa } = yield* emulator
      const code = codeIn(yield* asBob(Browser.make()))
      const { json } = yield* post(exchange(code))
      for (const whom of [defaults.secondUsername, defaults.apiAppId]) {
        yield* requireMfa(whom)
        const refused = yield* post(refresh(json))
        assert.deepStrictEqual(refusal(refused), [400, "invalid_grant", [50076], "basic_action"])
        assert.match(
          String(refused.json.claims),
          /^\{"access_token":\{"capolids":\{"essential":true,"values":\["[\w-]+"\]/
        )
        const claims = String(refused.json.claims)
        const browser = Browser.make()
        const asked = yield* asBob(browser, { ...authorization, claims })
        const again = yield* browser.press(asked, "approve")
        const { status } = yield* post(exchange(codeIn(again)))
        assert.strictEqual(status, 200)
        yield* requireMfa(whom, false)
        assert.strictEqual((yield* post(refresh(json))).status, 200)
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("on behalf of a person of whom it is demanded, the middle tier is told the claims", () =>
    Effect.gen(function* () {
      const { requireMfa, userToken } = yield* emulator
      const assertionOf = (satisfies: ReadonlyArray<EntraEmulator.Requirement>) =>
        Effect.map(
          userToken({ username: defaults.username, api: defaults.middleTierIdentifierUri, satisfies }),
          Redacted.value
        )
      const onBehalf = (assertion: string) =>
        post({
          grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
          client_id: defaults.clientId,
          client_secret: Redacted.value(defaults.clientSecret),
          requested_token_use: "on_behalf_of",
          scope: defaults.apiUserScope,
          assertion
        })
      yield* requireMfa(defaults.username)
      const refused = yield* onBehalf(yield* assertionOf([]))
      assert.deepStrictEqual(refusal(refused), [400, "interaction_required", [50076], "basic_action"])
      assert.isString(refused.json.claims)
      assert.strictEqual((yield* onBehalf(yield* assertionOf(["mfa"]))).status, 200)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("an application may demand it of everybody, by the directory's word", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* asBob(Browser.make())).title, "Approve sign in request")
    }).pipe(
      Effect.provide(inProcess({ directory: directoryWhere({ apps: (app) => ({ ...app, requiresMfa: true }) }) }))
    )
  )

  it.effect("of somebody whom the directory does not have it is a defect to demand it", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit((yield* emulator).requireMfa("nobody@contoso.onmicrosoft.com"))
      assert.isTrue(exit._tag === "Failure" && exit.cause._tag === "Die")
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("permissions that only an administrator can grant", () => {
  const reserved = inProcess({
    directory: directoryWhere({ apis: (api) => ({ ...api, administratorScopes: ["Tasks.Write"] }) })
  })

  it.effect("stop everybody at a page, from which a way leads back to the application", () =>
    Effect.gen(function* () {
      const browser = Browser.make()
      const stopped = yield* asBob(browser, unconsented)
      assert.strictEqual(stopped.title, "Need admin approval")
      assert.include(stopped.alert ?? "", "AADSTS90094")
      assert.strictEqual(problemOf(yield* browser.press(stopped, "cancel"))[0], "access_denied")
      const silent = yield* browser.open(authorizeUrl({ ...unconsented, prompt: "none" }))
      assert.strictEqual(problemOf(silent)[0], "consent_required")
      yield* (yield* emulator).signIn(defaults.username)
      assert.strictEqual((yield* browser.open(authorizeUrl(unconsented))).title, "Need admin approval")
    }).pipe(Effect.provide(reserved))
  )
})

describe("an administrator's consent", () => {
  it.effect("is for everybody, until it is withdrawn", () =>
    Effect.gen(function* () {
      const { grantConsent, withdrawConsent } = yield* emulator
      const titleOf = Effect.suspend(() => Effect.map(asBob(Browser.make(), unconsented), ({ title }) => title))
      assert.strictEqual(yield* titleOf, "Permissions requested")
      yield* grantConsent(defaults.clientId, defaults.apiIdentifierUri, ["Tasks.Write"])
      const browser = Browser.make()
      const { json } = yield* post(exchange(codeIn(yield* asBob(browser, unconsented))))
      assert.strictEqual(claimsOf(json.access_token).scp, "Tasks.Read Tasks.Write")
      yield* withdrawConsent(defaults.clientId, defaults.apiAppId)
      assert.strictEqual(yield* titleOf, "Permissions requested")
      yield* grantConsent(defaults.clientId, defaults.apiAppId, ["Tasks.Write"])
      const after = yield* post(exchange(codeIn(yield* asBob(Browser.make(), unconsented))))
      assert.strictEqual(claimsOf(after.json.access_token).scp, "Tasks.Write")
    }).pipe(Effect.provide(inProcess()))
  )
})

const forged = { ...authorization, scope: `openid ${defaults.unconsentedApiUserScope}` }

const send = (fields: Parameters, headers: Readonly<Record<string, string>>) =>
  Effect.flatMap(
    HttpClient.execute(
      HttpClientRequest.post(authorizeUrl(forged)).pipe(
        HttpClientRequest.bodyUrlParams(defined(fields)),
        HttpClientRequest.setHeaders(headers)
      )
    ),
    (response) => Effect.map(response.text, (text) => ({ status: response.status, text, headers: response.headers }))
  )

const cookieHeader = ({ cookies }: Browser.Browser) =>
  [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")

layer(inProcess())("what was not answered on a page of this browser", (it) => {
  const answers: Readonly<Record<string, Parameters>> = {
    "a sign-in": { login: defaults.username },
    "a consent": { decision: "accept" },
    "a second factor": { mfa: "approve" }
  }

  for (const [name, fields] of Object.entries(answers)) {
    it.effect(`${name} from another site is refused`, () =>
      Effect.gen(function* () {
        const browser = Browser.make()
        yield* asBob(browser, unconsented)
        const other = Browser.make()
        const theirs = (yield* other.open(authorizeUrl())).forms[0]?.fields.canary ?? ""
        const cookie = cookieHeader(browser)
        const attempts = [
          // The browser kept its cookies to itself, as SameSite has it, or it did not.
          [fields, { origin: "https://evil.example" }],
          [fields, { origin: "null", cookie }],
          [{ ...fields, canary: "" }, { cookie }],
          [{ ...fields, canary: theirs }, { cookie }],
          [{ ...fields, canary: theirs }, { "sec-fetch-site": "cross-site" }]
        ] as const
        for (const [body, headers] of attempts) {
          const { status, text, headers: answered } = yield* send(body, headers)
          assert.strictEqual(status, 400, JSON.stringify(headers))
          assert.include(text, "AADSTS165000")
          assert.isUndefined(answered["set-cookie"])
        }
      })
    )
  }

  it.effect("a program that has no page needs none of it", () =>
    Effect.gen(function* () {
      const { status } = yield* send({ login: defaults.username }, {})
      assert.strictEqual(status, 200)
    })
  )
})

const markup = `</h1><script>alert("1")</script>'&<b>`

describe("the pages", () => {
  it.effect("show names as they are, whatever markup they hold", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).requireMfa(defaults.secondUsername)
      const browser = Browser.make()
      const hint = `${markup}@example.com`
      const picker = yield* browser.open(authorizeUrl({ ...unconsented, login_hint: hint, state: markup }))
      const password = yield* browser.press(picker, defaults.secondUsername)
      const factor = yield* browser.press(password, "next", { passwd })
      const consent = yield* browser.press(factor, "approve")
      const unknown = yield* browser.press(picker, defaults.secondUsername, { login: markup })
      for (const { text } of [picker, password, factor, consent, unknown]) {
        assert.notInclude(text, "<script")
        assert.notInclude(text, "<b>")
      }
      assert.include(consent.text, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;&lt;b&gt; asks for:")
      assert.strictEqual((yield* browser.press(consent, "accept")).location?.searchParams.get("state"), markup)
    }).pipe(
      Effect.provide(
        inProcess({
          directory: directoryWhere({
            apps: (app) => ({ ...app, displayName: markup }),
            users: (user) => ({ ...user, displayName: markup })
          })
        })
      )
    )
  )

  it.effect("load nothing, run nothing, and lead nowhere but to the application", () =>
    Effect.gen(function* () {
      const browser = Browser.make()
      for (const page of [yield* browser.open(authorizeUrl()), yield* asBob(browser, unconsented)]) {
        const policy = page.headers["content-security-policy"] ?? ""
        assert.include(policy, "default-src 'none'")
        assert.include(
          policy,
          "form-action 'self' http://localhost:* http://127.0.0.1:* https://localhost:* http://localhost:3000;"
        )
        assert.include(policy, "frame-ancestors 'none'")
        assert.notInclude(policy, "script-src")
        assert.notInclude(policy, "unsafe")
        assert.notMatch(page.text, /<script|src=|style="|https?:\/\/[^l]/)
        assert.strictEqual(page.headers["cache-control"], "no-store")
      }
    }).pipe(Effect.provide(inProcess()))
  )

  it("have a policy that fits their style and their script", () => {
    const digest = (text: string) => `sha256-${createHash("sha256").update(text).digest("base64")}`
    assert.deepStrictEqual({ ...Html.hashes }, { style: digest(Html.style), script: digest(Html.script) })
  })

  it.effect("post the answer to an application with the only script", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).signIn(defaults.username)
      const { headers, text } = yield* Browser.make().open(
        authorizeUrl({ ...authorization, response_mode: "form_post" })
      )
      assert.include(headers["content-security-policy"] ?? "", `script-src '${Html.hashes.script}'`)
      assert.include(text, `<script>${Html.script}</script>`)
    }).pipe(Effect.provide(inProcess()))
  )

  it.effect("and the record show no password, code or canary", () =>
    Effect.gen(function* () {
      yield* (yield* emulator).requireMfa(defaults.secondUsername)
      const browser = Browser.make()
      const asked = yield* asBob(browser)
      yield* browser.press(asked, "verify", { otc: Browser.shownCode(asked) })
      const text = JSON.stringify(yield* (yield* emulator).requests)
      for (const secret of [passwd, ...browser.cookies.values(), asked.forms[0]?.fields.canary ?? "none"]) {
        assert.notInclude(text, secret)
      }
    }).pipe(Effect.provide(inProcess()))
  )
})

describe("over real HTTP", () => {
  it.scopedLive("the same pages lead to tokens", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const base = `${origin}/${defaults.tenantId}/oauth2/v2.0`
      const browser = Browser.make()
      const consent = yield* asBob(browser, unconsented, base)
      assert.sameMembers([...browser.cookies.keys()], ["ESTSAUTH", "esctx"])
      const done = yield* browser.press(consent, "accept")
      const { status } = yield* post(exchange(codeIn(done)), base)
      assert.strictEqual(status, 200)
    }).pipe(Effect.provide(EntraEmulatorNode.layer().pipe(Layer.provideMerge(NodeHttpClient.layerUndici))))
  )
})
