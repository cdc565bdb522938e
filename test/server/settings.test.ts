import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { AuthorityUnavailable, ConfigurationError } from "../../src/core/TokenError.js"
import { parse } from "../../src/server/settings.js"
import type { Options } from "../../src/server/WebSignIn.js"
import { appOrigin, defaults, redirectUri, signedInSite, signedOutUri } from "./site.js"

const refusedFor = (change: Partial<Options>) =>
  Either.match(parse({ redirectUri, scopes: defaults.apiUserScope, ...change }), {
    onLeft: ({ parameter }) => parameter,
    onRight: () => undefined
  })

describe("options", () => {
  it("that can't work are refused", () => {
    for (const uri of [
      "",
      "/auth/callback",
      "http://app.example/auth/callback",
      `${redirectUri}#a`,
      `${redirectUri}?a=b`
    ])
      assert.strictEqual(refusedFor({ redirectUri: uri }), "redirectUri", uri)
    for (const uri of [appOrigin, `${appOrigin}/auth/:id`, `${appOrigin}/*`, "ftp://app.example/a"])
      assert.strictEqual(refusedFor({ redirectUri: uri }), "redirectUri", uri)
    assert.strictEqual(refusedFor({ signInPath: "auth" }), "signInPath")
    assert.strictEqual(refusedFor({ signOutPath: "//evil" }), "signOutPath")
    assert.strictEqual(refusedFor({ signInPath: "/auth/callback" }), "signInPath")
    const local = "http://localhost:3000/auth/callback"
    assert.strictEqual(refusedFor({ redirectUri: local, responseMode: "form_post" }), "responseMode")
    assert.isUndefined(refusedFor({ redirectUri: local }))
    assert.isUndefined(refusedFor({ responseMode: "form_post", signInPath: "/in", signOutPath: "/out" }))
  })
})

describe("signing out, where the authority", () => {
  const signOut = (failure: AuthorityUnavailable | ConfigurationError) =>
    Effect.gen(function* () {
      const { browser } = yield* signedInSite({ client: { getLogoutUrl: () => Effect.fail(failure) } })
      const path = `${appOrigin}/auth/sign-out`
      const left = yield* browser.visit(path, { method: "POST", form: {}, from: new URL(appOrigin) })
      assert.strictEqual(browser.cookies(appOrigin).size, 0)
      return left
    })

  it.scopedLive("has no place for it, ends here", () =>
    Effect.gen(function* () {
      const left = yield* signOut(new ConfigurationError({ parameter: "authority", expected: "x", remedy: "y" }))
      assert.strictEqual(left.url.href, signedOutUri)
    })
  )

  it.scopedLive("is down, tells so", () =>
    Effect.gen(function* () {
      const left = yield* signOut(new AuthorityUnavailable({ errorCodes: [] }))
      assert.include(left.text, "signed out of this app")
    })
  )
})

describe("browsers without Fetch Metadata", () => {
  it.scopedLive("are told by what they accept, and by their Origin", () =>
    Effect.gen(function* () {
      const { browser, newBrowser } = yield* signedInSite()
      const old = { isOld: true }
      const me = `${appOrigin}/me`
      assert.strictEqual((yield* newBrowser().ask(me, old)).status, 303)
      assert.strictEqual((yield* newBrowser().ask(me, { ...old, isScript: true })).status, 401)
      const post = { ...old, method: "POST", form: {} } as const
      const path = `${appOrigin}/auth/sign-out`
      assert.strictEqual((yield* browser.ask(path, post)).status, 403)
      assert.strictEqual((yield* browser.ask(path, { ...post, headers: { origin: "null" } })).status, 403)
      assert.strictEqual(
        (yield* browser.ask(path, { ...post, headers: { origin: "https://evil.example" } })).status,
        403
      )
      assert.strictEqual((yield* browser.ask(path, { ...post, headers: { origin: appOrigin } })).status, 303)
    })
  )
})
