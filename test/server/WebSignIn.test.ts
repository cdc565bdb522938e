import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TokenCache from "../../src/cache/TokenCache.js"
import { Account } from "../../src/core/Account.js"
import {
  ClaimsChallengeRequired,
  ClientClosed,
  InteractionRequired,
  Throttled,
  type TokenError
} from "../../src/core/TokenError.js"
import * as TokenProvider from "../../src/core/TokenProvider.js"
import * as BearerHttpClient from "../../src/http/BearerHttpClient.js"
import * as WebSignIn from "../../src/server/WebSignIn.js"
import { watchedStore } from "../cache/stores.js"
import { formsOf, type Visit } from "./browser.js"
import { appOrigin, defaults, makeSite, signedInSite, signedOutUri } from "./site.js"

const jsonOf = ({ text }: Visit): Record<string, unknown> => JSON.parse(text)
const at = (path: string) => `${appOrigin}${path}`
const isCallback = ({ pathname }: URL) => pathname === "/auth/callback"

const assertDiscreet = ({ headers }: Visit) => {
  assert.strictEqual(headers["cache-control"], "no-store")
  assert.strictEqual(headers["referrer-policy"], "no-referrer")
}

/** A page of the module's own: it runs nothing, and nobody keeps it. */
const assertPage = (visit: Visit, status: number, text: string) => {
  assert.strictEqual(visit.status, status, visit.text)
  assert.include(visit.text, text)
  assertDiscreet(visit)
  assert.match(String(visit.headers["content-security-policy"]), /^default-src 'none'; style-src 'sha256-/)
}

describe("signing in", () => {
  it.scopedLive("leads from a page through the authority back to it", () =>
    Effect.gen(function* () {
      const { arrival, browser } = yield* signedInSite()
      assert.strictEqual(arrival.url.href, at("/me"))
      assert.strictEqual(jsonOf(arrival).username, defaults.username)
      const [first, start, authority, callback] = browser.history
      assert.deepStrictEqual([first?.status, start?.status, authority?.status, callback?.status], [303, 303, 302, 303])
      assert.strictEqual(first?.headers.location, "/auth/sign-in?returnTo=%2Fme")
      for (const visit of [first, start, callback]) if (visit !== undefined) assertDiscreet(visit)
      assert.strictEqual(arrival.headers["cache-control"], "no-store")
    })
  )

  it.scopedLive("is remembered, and gives tokens for APIs", () =>
    Effect.gen(function* () {
      const { browser } = yield* signedInSite()
      assert.deepStrictEqual(jsonOf(yield* browser.ask(at("/api"))), { username: defaults.username, source: "cache" })
      const other = jsonOf(yield* browser.ask(at("/other-api")))
      assert.deepStrictEqual(other, { username: defaults.username, source: "identity_provider" })
    })
  )

  it.scopedLive("is remembered by every replica that shares the cache, and over", () =>
    Effect.gen(function* () {
      const cache = Layer.orDie(TokenCache.layerStore(watchedStore().store))
      const { browser, replica, restart } = yield* signedInSite({ cache })
      const elsewhere = yield* replica
      yield* restart({ client: elsewhere })
      assert.deepStrictEqual(jsonOf(yield* browser.ask(at("/api"))), { username: defaults.username, source: "cache" })
      const other = jsonOf(yield* browser.ask(at("/other-api")))
      assert.deepStrictEqual(other, { username: defaults.username, source: "identity_provider" })
      yield* browser.visit(at("/auth/sign-out"), { method: "POST", form: {}, from: new URL(at("/me")) })
      yield* restart({})
      assert.strictEqual((yield* browser.ask(at("/me"))).status, 303)
    })
  )

  it.scopedLive("goes back to path and query, and home where none is told", () =>
    Effect.gen(function* () {
      const { emulator, browser } = yield* makeSite()
      yield* emulator.signIn(defaults.username)
      const there = yield* browser().visit(at("/me?a=1&b=%2F"))
      assert.strictEqual(there.url.href, at("/me?a=1&b=%2F"))
      const home = yield* browser().visit(at("/auth/sign-in"))
      assert.strictEqual(home.url.href, at("/"))
    })
  )

  it.scopedLive("goes to no other site, whoever asks for it", () =>
    Effect.gen(function* () {
      const { emulator, browser } = yield* makeSite()
      yield* emulator.signIn(defaults.username)
      for (const evil of [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/.//evil.example",
        "/auth/sign-in"
      ]) {
        const home = yield* browser().visit(at(`/auth/sign-in?returnTo=${encodeURIComponent(evil)}`))
        assert.strictEqual(home.url.href, at("/"), evil)
      }
    })
  )

  it.scopedLive("works in two tabs at once", () =>
    Effect.gen(function* () {
      const { emulator, browser: newBrowser } = yield* makeSite()
      yield* emulator.signIn(defaults.username)
      const browser = newBrowser()
      const [one, other] = yield* Effect.all(
        [
          browser.visit(at("/me?tab=1"), { isThere: isCallback }),
          browser.visit(at("/me?tab=2"), { isThere: isCallback })
        ],
        { concurrency: 2 }
      )
      assert.strictEqual((yield* browser.follow(one)).url.href, at("/me?tab=1"))
      assert.strictEqual((yield* browser.follow(other)).url.href, at("/me?tab=2"))
      assert.strictEqual([...browser.cookies(appOrigin).keys()].join(), "__Host-entra-session")
    })
  )

  it.scopedLive("by form_post, whose cookie comes along with the authority's POST", () =>
    Effect.gen(function* () {
      const { arrival, browser } = yield* signedInSite({ options: { responseMode: "form_post" } })
      assert.strictEqual(jsonOf(arrival).username, defaults.username)
      const begun = browser.history.flatMap(({ setCookies }) => setCookies).find((line) => line.includes("sign-in."))
      assert.include(begun, "SameSite=None")
      assert.isFalse(browser.history.some(({ url }) => url.searchParams.has("code")))
    })
  )

  it.scopedLive("on localhost, without TLS", () =>
    Effect.gen(function* () {
      const { arrival, browser, origin } = yield* signedInSite({ isLocal: true })
      assert.strictEqual(jsonOf(arrival).username, defaults.username)
      assert.deepStrictEqual([...browser.cookies(origin).keys()], ["entra-session"])
    })
  )

  it.scopedLive("makes the session anew, and ends the one before", () =>
    Effect.gen(function* () {
      const { arrival, browser, client, newBrowser } = yield* signedInSite()
      const before = browser.cookies(appOrigin).get("__Host-entra-session")
      const again = yield* browser.visit(at("/auth/sign-in?returnTo=/me"))
      assert.notStrictEqual(jsonOf(again).session, jsonOf(arrival).session)
      assert.deepStrictEqual(yield* client.getAccounts({ session: String(jsonOf(arrival).session) }), [])
      const thief = newBrowser()
      thief.plant(appOrigin, "__Host-entra-session", before?.value ?? "")
      assert.strictEqual((yield* thief.ask(at("/me"), { isScript: true })).status, 401)
    })
  )

  it.scopedLive("with prompt=none asks once more in full where nobody is signed in", () =>
    Effect.gen(function* () {
      const { browser: newBrowser } = yield* makeSite({ options: { prompt: "none" } })
      const browser = newBrowser()
      const picker = yield* browser.visit(at("/me"))
      assert.include(picker.text, "Pick an account")
      const prompts = browser.history
        .filter(({ url }) => url.pathname.endsWith("/authorize"))
        .map(({ url }) => url.searchParams.get("prompt"))
      assert.deepStrictEqual(prompts, ["none", null])
    })
  )

  it.scopedLive("asks no third time", () =>
    Effect.gen(function* () {
      const { browser: newBrowser } = yield* makeSite({ options: { prompt: "none" } })
      const browser = newBrowser()
      const isSecond = ({ pathname, searchParams }: URL) =>
        pathname.endsWith("/authorize") && !searchParams.has("prompt")
      const second = yield* browser.visit(at("/me"), { isThere: isSecond })
      const state = new URL(second.headers.location ?? "").searchParams.get("state") ?? ""
      const refused = yield* browser.ask(at(`/auth/callback?error=interaction_required&state=${state}`))
      assertPage(refused, 403, "refused all the same")
    })
  )
})

describe("who has not signed in", () => {
  it.scopedLive("gets 401 without a body for whatever is no page", () =>
    Effect.gen(function* () {
      const { browser } = yield* makeSite()
      for (const ask of [
        { isScript: true },
        { method: "POST" as const, form: {} },
        { headers: { "sec-fetch-dest": "iframe" } }
      ]) {
        const refused = yield* browser().ask(at("/me"), ask)
        assert.deepStrictEqual([refused.status, refused.text, refused.setCookies], [401, "", []])
        assertDiscreet(refused)
      }
    })
  )

  it.scopedLive("sees nothing of another browser's user", () =>
    Effect.gen(function* () {
      const { arrival, browser, client, emulator, newBrowser } = yield* signedInSite()
      yield* emulator.signIn(defaults.secondUsername)
      const second = newBrowser()
      assert.strictEqual((yield* second.ask(at("/me"), { isScript: true })).status, 401)
      const other = yield* second.visit(at("/me"))
      assert.strictEqual(jsonOf(other).username, defaults.secondUsername)
      assert.strictEqual(jsonOf(yield* browser.ask(at("/me"))).username, defaults.username)
      const accountsOf = (visit: Visit) => client.getAccounts({ session: String(jsonOf(visit).session) })
      const seen = yield* Effect.all([accountsOf(arrival), accountsOf(other), client.getAccounts({ session: "" })])
      assert.deepStrictEqual(
        seen.map((accounts) => accounts.map(({ username }) => username)),
        [[defaults.username], [defaults.secondUsername], []]
      )
    })
  )
})

describe("a callback", () => {
  it.scopedLive("of another browser's sign-in is ignored, and both go on", () =>
    Effect.gen(function* () {
      const { emulator, browser: newBrowser } = yield* makeSite()
      yield* emulator.signIn(defaults.username)
      const [victim, attacker] = [newBrowser(), newBrowser()]
      const mine = yield* victim.visit(at("/me"), { isThere: isCallback })
      const theirs = yield* attacker.visit(at("/me"), { isThere: isCallback })
      const planted = yield* victim.ask(theirs.headers.location ?? "")
      assertPage(planted, 400, "was not begun in this browser")
      assert.deepStrictEqual(planted.setCookies, [])
      assert.strictEqual((yield* victim.follow(mine)).url.href, at("/me"))
      assert.strictEqual((yield* attacker.follow(theirs)).url.href, at("/me"))
    })
  )

  it.scopedLive("without a state, with a wrong one or with two is ignored", () =>
    Effect.gen(function* () {
      const { emulator, browser: newBrowser } = yield* makeSite()
      yield* emulator.signIn(defaults.username)
      const browser = newBrowser()
      const there = yield* browser.visit(at("/me"), { isThere: isCallback })
      const state = new URL(there.headers.location ?? "").searchParams.get("state")
      for (const query of [
        "",
        "code=c",
        "code=c&state=",
        "code=c&state=wrong",
        `code=c&state=${state}&state=${state}`
      ]) {
        const refused = yield* browser.ask(at(`/auth/callback?${query}`))
        assertPage(refused, 400, "was not begun in this browser")
        assert.deepStrictEqual(refused.setCookies, [], query)
      }
      assert.strictEqual((yield* browser.follow(there)).url.href, at("/me"))
    })
  )

  it.scopedLive("serves once, even for who kept the cookie", () =>
    Effect.gen(function* () {
      const { emulator, browser: newBrowser } = yield* makeSite()
      yield* emulator.signIn(defaults.username)
      const browser = newBrowser()
      const there = yield* browser.visit(at("/me"), { isThere: isCallback })
      const [kept] = browser.cookies(appOrigin).values()
      yield* browser.follow(there)
      const twice = yield* browser.ask(there.headers.location ?? "")
      assertPage(twice, 400, "was finished already")
      const thief = newBrowser()
      thief.plant(appOrigin, kept?.name ?? "", kept?.value ?? "")
      assertPage(yield* thief.ask(there.headers.location ?? ""), 400, "was finished already")
      assert.isFalse(thief.cookies(appOrigin).has("__Host-entra-session"))
      assert.strictEqual((yield* browser.ask(at("/me"))).status, 200)
    })
  )

  it.scopedLive("that comes twice at once is one sign-in", () =>
    Effect.gen(function* () {
      const { emulator, browser: newBrowser } = yield* makeSite()
      yield* emulator.signIn(defaults.username)
      const browser = newBrowser()
      const there = yield* browser.visit(at("/me"), { isThere: isCallback })
      const url = there.headers.location ?? ""
      const both = yield* Effect.all([browser.ask(url), browser.ask(url)], { concurrency: 2 })
      assert.deepStrictEqual(
        both.map(({ headers, status }) => [status, headers.location]),
        [
          [303, "/me"],
          [303, "/me"]
        ]
      )
      assert.strictEqual((yield* browser.ask(at("/me"))).status, 200)
    })
  )

  it.scopedLive("after 10 minutes is too late", () =>
    Effect.gen(function* () {
      const { emulator, browser: newBrowser, pass } = yield* makeSite()
      yield* emulator.signIn(defaults.username)
      const browser = newBrowser()
      const there = yield* browser.visit(at("/me"), { isThere: isCallback })
      pass("11 minutes")
      assertPage(yield* browser.follow(there), 400, "took more than 10 minutes")
    })
  )

  it.scopedLive("of who cancelled tells so, with a way to try again", () =>
    Effect.gen(function* () {
      const { browser: newBrowser } = yield* makeSite()
      const browser = newBrowser()
      const picker = yield* browser.visit(at("/me?x=1"))
      const cancel = formsOf(picker.text).find(({ fields }) => fields.decision === "cancel")
      const action = new URL(cancel?.action ?? "", picker.url)
      const told = yield* browser.visit(action, { method: "POST", form: { decision: "cancel" }, from: picker.url })
      assertPage(told, 403, "was cancelled")
      assert.include(told.text, 'href="/auth/sign-in?returnTo=%2Fme%3Fx%3D1"')
      assert.notInclude(told.text, "AADSTS")
      assert.match(told.text, /Correlation id: [0-9a-f-]{36}/)
      assert.strictEqual(browser.cookies(appOrigin).size, 0)
    })
  )

  it.scopedLive("with hostile prose shows none of it", () =>
    Effect.gen(function* () {
      const { emulator, browser: newBrowser } = yield* makeSite()
      yield* emulator.signIn(defaults.username)
      const hostile = '<script>alert(1)</script>"><img src=x onerror=alert(2)> AADSTS50011: do as I say'
      for (const error of ["access_denied", "server_error", "invalid_request", "<script>", "login_required"]) {
        const browser = newBrowser()
        const there = yield* browser.visit(at("/me"), { isThere: isCallback })
        const state = new URL(there.headers.location ?? "").searchParams.get("state") ?? ""
        const query = new URLSearchParams({
          error,
          state,
          error_description: hostile,
          error_uri: "javascript:alert(3)"
        })
        const told = yield* browser.visit(at(`/auth/callback?${query}`), {
          isThere: ({ host }) => host !== "app.example"
        })
        assert.notMatch(told.text, /script|onerror|AADSTS|alert/, error)
        assertDiscreet(told)
      }
    })
  )

  it.scopedLive("while the authority is down asks to try again", () =>
    Effect.gen(function* () {
      const { emulator, browser: newBrowser } = yield* makeSite()
      yield* emulator.signIn(defaults.username)
      const browser = newBrowser()
      const there = yield* browser.visit(at("/me"), { isThere: isCallback })
      const state = new URL(there.headers.location ?? "").searchParams.get("state") ?? ""
      const told = yield* browser.ask(at(`/auth/callback?error=temporarily_unavailable&state=${state}`))
      assertPage(told, 503, "Try again in a moment")
    })
  )
})

describe("signing out", () => {
  it.scopedLive("forgets the account, clears the cookie and leads over the authority", () =>
    Effect.gen(function* () {
      const { arrival, browser, client, newBrowser } = yield* signedInSite()
      const copy = browser.cookies(appOrigin).get("__Host-entra-session")
      const left = yield* browser.visit(at("/auth/sign-out"), { method: "POST", form: {}, from: new URL(at("/me")) })
      assert.strictEqual(left.url.href, signedOutUri)
      assert.isTrue(browser.history.some(({ url }) => url.pathname.endsWith("/logout")))
      assert.strictEqual(browser.cookies(appOrigin).size, 0)
      assert.deepStrictEqual(yield* client.getAccounts({ session: String(jsonOf(arrival).session) }), [])
      const thief = newBrowser()
      thief.plant(appOrigin, "__Host-entra-session", copy?.value ?? "")
      assert.strictEqual((yield* thief.ask(at("/me"), { isScript: true })).status, 401)
    })
  )

  it.scopedLive("is not for other sites to ask", () =>
    Effect.gen(function* () {
      const { browser } = yield* signedInSite()
      const path = at("/auth/sign-out")
      const evil = new URL("https://evil.example")
      const asks = [
        { from: evil },
        { headers: { "sec-fetch-site": "same-site" } },
        { headers: { "sec-fetch-site": "none" } },
        { headers: { "sec-fetch-site": "cross-site", origin: appOrigin } }
      ]
      for (const ask of asks) {
        const refused = yield* browser.ask(path, { method: "POST", form: {}, ...ask })
        assert.deepStrictEqual([refused.status, refused.text], [403, ""])
      }
      assert.strictEqual((yield* browser.ask(path)).status, 404)
      assert.strictEqual((yield* browser.ask(at("/me"))).status, 200)
    })
  )

  it.scopedLive("by a link, where the app wants that", () =>
    Effect.gen(function* () {
      const { browser } = yield* signedInSite({ options: { isSignOutByLink: true } })
      const crossSite = yield* browser.ask(at("/auth/sign-out"), { from: new URL("https://evil.example") })
      assert.strictEqual(crossSite.status, 403)
      const left = yield* browser.visit(at("/auth/sign-out"), { from: new URL(at("/me")) })
      assert.strictEqual(left.url.href, signedOutUri)
    })
  )
})

describe("who has just signed in where the account is lost", () => {
  it.scopedLive("is told so, and not sent round for ever; later they are asked again", () =>
    Effect.gen(function* () {
      const client = { getAccounts: () => Effect.succeed([]) }
      const { browser: newBrowser, emulator, pass } = yield* makeSite({ client })
      yield* emulator.signIn(defaults.username)
      const browser = newBrowser()
      const told = yield* browser.visit(at("/me?a=1"))
      assertPage(told, 503, "has lost it already")
      assert.include(told.text, 'href="/auth/sign-in?returnTo=%2Fme%3Fa%3D1"')
      assert.strictEqual(browser.history.filter(({ url }) => isCallback(url)).length, 1)
      assert.strictEqual((yield* browser.ask(at("/me"), { isScript: true })).status, 401)
      pass("2 minutes")
      assert.strictEqual((yield* browser.ask(at("/me"))).headers.location, "/auth/sign-in?returnTo=%2Fme")
    })
  )
})

describe("the failure of a call through an HttpClient that carries tokens", () => {
  const answer = (text: string) => Effect.succeed(HttpServerResponse.text(text, { status: 403 }))

  const user: WebSignIn.SignedIn = {
    account: new Account({
      homeAccountId: "a.b",
      localAccountId: "a",
      tenantId: "b",
      username: "somebody",
      name: undefined,
      idTokenClaims: {}
    }),
    tokens: TokenProvider.fail(new ClientClosed()),
    session: "session",
    challenge: ({ _tag }) => answer(_tag)
  }

  const signIn = Layer.succeed(WebSignIn.WebSignIn, {
    signIn: answer("sign-in"),
    callback: answer("callback"),
    signOut: answer("sign-out"),
    user: Effect.succeedSome(user),
    unauthenticated: answer("unauthenticated"),
    unavailable: () => answer("unavailable"),
    paths: { callbackMethod: "GET", callbackPath: "/c", signInPath: "/i", signOutMethods: [], signOutPath: "/o" }
  })

  const statusOf = (failure: TokenError) => {
    const http = BearerHttpClient.layer(TokenProvider.fail(failure).forScopes("any"), { origins: [appOrigin] }).pipe(
      Layer.provide(
        Layer.succeed(
          HttpClient.HttpClient,
          HttpClient.make((request) => Effect.succeed(HttpClientResponse.fromWeb(request, new Response("reached"))))
        )
      )
    )
    const page = Effect.as(HttpClient.get(at("/api")), HttpServerResponse.text("reached"))
    const app = HttpLayerRouter.add("GET", "/", Effect.provide(page, http)).pipe(
      Layer.provide(WebSignIn.required.layer),
      Layer.provide(signIn)
    )
    const { handler } = HttpLayerRouter.toWebHandler(Layer.provideMerge(app, HttpServer.layerContext), {
      disableLogger: true
    })
    return Effect.map(
      Effect.promise(() => handler(new Request(at("/")))),
      ({ status }) => status
    )
  }

  const interaction = new InteractionRequired({ error: "interaction_required", classification: "none", errorCodes: [] })

  it.effect("is answered as the challenge in it, and else as the server's own", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* statusOf(interaction), 403)
      assert.strictEqual(yield* statusOf(new ClaimsChallengeRequired({ claims: "{}" })), 403)
      assert.strictEqual(yield* statusOf(new Throttled({ errorCodes: [], status: 429 })), 500)
    })
  )
})

describe("a claims challenge", () => {
  const policy = { id: "11111111-2222-3333-4444-555555555555", requires: "mfa" } as const

  it.scopedLive("of an API leads to a sign-in with those claims, and back", () =>
    Effect.gen(function* () {
      const { browser, emulator } = yield* signedInSite()
      yield* emulator.setPolicies(defaults.otherApiAppId, [policy])
      const there = yield* browser.visit(at("/other-api?q=1"))
      assert.strictEqual(there.url.href, at("/other-api?q=1"))
      assert.deepStrictEqual(jsonOf(there), { username: defaults.username, source: "cache" })
      const asked = browser.history.findLast(({ url }) => url.pathname.endsWith("/authorize"))?.url.searchParams
      assert.include(asked?.get("claims"), policy.id)
      assert.include(asked?.get("scope"), defaults.otherApiUserScope)
      assert.strictEqual(asked?.get("login_hint"), defaults.username)
    })
  )

  it.scopedLive("can be answered by a handler, with a place to come back to", () =>
    Effect.gen(function* () {
      const { browser, emulator } = yield* signedInSite()
      yield* emulator.setPolicies(defaults.otherApiAppId, [policy])
      const there = yield* browser.visit(at("/form"), { method: "POST", form: {}, from: new URL(at("/me")) })
      assert.strictEqual(there.url.href, at("/me?from=form"))
      const done = yield* browser.ask(at("/form"), { method: "POST", form: {}, from: new URL(at("/me")) })
      assert.deepStrictEqual([done.text, done.headers["cache-control"]], ["done", "private"])
    })
  )

  it.scopedLive("is what a revoked sign-in comes to", () =>
    Effect.gen(function* () {
      const { browser, emulator } = yield* signedInSite()
      yield* emulator.revoke(defaults.username)
      const there = yield* browser.visit(at("/other-api"))
      assert.deepStrictEqual(jsonOf(there), { username: defaults.username, source: "cache" })
    })
  )

  it.scopedLive("of a script's request is 401", () =>
    Effect.gen(function* () {
      const { browser, emulator } = yield* signedInSite()
      yield* emulator.setPolicies(defaults.otherApiAppId, [policy])
      const refused = yield* browser.ask(at("/other-api"), { isScript: true })
      assert.deepStrictEqual([refused.status, refused.text], [401, ""])
    })
  )

  it.scopedLive("that a sign-in does not satisfy ends on a page, not in a loop; later it is asked again", () =>
    Effect.gen(function* () {
      const { browser, pass } = yield* signedInSite()
      const told = yield* browser.visit(at("/insatiable"))
      assertPage(told, 403, "refused all the same")
      assert.strictEqual(browser.history.filter(({ url }) => isCallback(url)).length, 2)
      pass("2 minutes")
      assert.strictEqual((yield* browser.ask(at("/insatiable"))).status, 303)
    })
  )

  it.scopedLive("for consent is a sign-in that asks for it", () =>
    Effect.gen(function* () {
      const { browser } = yield* signedInSite()
      const there = yield* browser.visit(at("/unconsented-api"))
      assert.strictEqual(there.url.href, at("/unconsented-api"))
      assert.strictEqual(jsonOf(there).username, defaults.username)
    })
  )
})
