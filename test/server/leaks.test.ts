import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Seal from "../../src/server/seal.js"
import { PendingSignIn } from "../../src/server/WebSession.js"
import type { Browser } from "./browser.js"
import { appOrigin, defaults, key, makeSite } from "./site.js"

const at = (path: string) => `${appOrigin}${path}`
const isCallback = ({ pathname }: URL) => pathname === "/auth/callback"

/** What the cookie of a sign-in under way holds. */
const pendingOf = (browser: Browser) =>
  Effect.gen(function* () {
    const seal = yield* Seal.make([key], "effect-entra/WebSession/sign-in/entra")
    const [cookie] = browser.cookies(appOrigin).values()
    const content = yield* seal.open(cookie?.value ?? "")
    return yield* Schema.decodeUnknown(PendingSignIn)(Option.getOrUndefined(content))
  })

for (const responseMode of ["query", "form_post"] as const) {
  describe(`a sign-in by ${responseMode}`, () => {
    it.scopedLive("leaves no secret in cookies, pages, headers, logs and traces", () =>
      Effect.gen(function* () {
        const {
          browser: newBrowser,
          client,
          emulator,
          refreshTokens,
          seen
        } = yield* makeSite({ options: { responseMode } })
        yield* emulator.signIn(defaults.username)
        const browser = newBrowser()
        const there = yield* browser.visit(at("/me"), { isThere: isCallback })
        const pending = yield* pendingOf(browser)
        const { flow, sessionId } = pending
        for (const printed of [inspect(pending, { depth: 9 }), JSON.stringify(pending), String(pending)])
          assert.notInclude(printed, Redacted.value(flow.codeVerifier))
        const code = /code(?:=|" value=")([^&"]+)/.exec(there.headers.location ?? there.text)?.[1] ?? ""
        yield* browser.follow(there)
        yield* browser.visit(at("/auth/callback?code=c&state=wrong"))
        yield* browser.visit(at("/api"))
        yield* browser.visit(at("/other-api"))

        const [account] = yield* client.getAccounts({ session: sessionId })
        const tokens = client.account(account?.homeAccountId ?? "", { session: sessionId })
        const access = yield* Effect.forEach([defaults.apiUserScope, defaults.otherApiUserScope], (scope) =>
          Effect.map(tokens.forScopes(scope).getToken(), ({ accessToken }) => Redacted.value(accessToken))
        )
        const from = new URL(at("/me"))
        yield* browser.visit(at("/auth/sign-out"), { method: "POST", form: {}, from })

        const secrets = [
          code,
          Redacted.value(flow.codeVerifier),
          Redacted.value(defaults.clientSecret),
          Redacted.value(key),
          ...access,
          ...refreshTokens
        ]
        assert.isAtLeast(secrets.length, 7)
        assert.isTrue(secrets.every(({ length }) => length > 20))
        const here = browser.history.filter(({ url }) => url.origin === appOrigin)
        const shown = here.map(({ headers, text }) => `${JSON.stringify(headers)} ${text}`).join("\n")
        assert.include(seen(), "http.server GET")
        assert.include(seen(), "/auth/callback")
        for (const secret of secrets)
          for (const each of [secret, encodeURIComponent(secret)]) {
            assert.notInclude(shown, each)
            assert.notInclude(seen(), each)
          }
        assert.notInclude(seen(), sessionId)
        assert.notInclude(JSON.stringify(here.map(({ setCookies }) => setCookies)), sessionId)
      })
    )
  })
}
