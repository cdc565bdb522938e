import { assert, describe, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { Page } from "playwright-core"
import type { DeviceCode } from "../../src/client/DeviceCode.js"
import * as Chromium from "../support/chromium.js"
import { cancel, goOn, logIn, offlineTab, prepared } from "./nativeProvider.js"
import { assertTellsNothing, attemptAt, headed, play, pressing, signIn, textOf } from "./personAtTab.js"

/** Refresh tokens are for who asks for them, and at a browser for consent too (OpenID Connect Core 11). */
const request = { scopes: ["offline_access", "api:read", "api:write"], prompt: "consent" } as const

/** Through all its pages, to our own. */
const agree = (title: string) => async (tab: Page) => {
  await logIn(tab)
  await goOn(tab)
  await headed(tab, title)
}

/** Renews as often as is said; each time it is another token. */
const renewed = ({ client }: Effect.Effect.Success<ReturnType<typeof prepared>>, times: number) =>
  Effect.gen(function* () {
    const [account = assert.fail("nobody is signed in")] = yield* client.getAccounts
    const tokens: Array<string> = []
    for (let time = 0; time < times; time += 1) {
      const token = yield* client.acquireTokenSilent({ account, scopes: ["api:read"], forceRefresh: true })
      assert.strictEqual(token.source, "identity_provider")
      assert.deepStrictEqual(token.scopes, ["api:read"])
      tokens.push(Redacted.value(token.accessToken))
    }
    assert.strictEqual(new Set(tokens).size, times)
  })

layer(Chromium.layer, { excludeTestServices: true })("oidc-provider, discovered, in Chromium", (it) => {
  describe("a person who signs in to a program without a secret", () => {
    it.scoped("comes back by PKCE and with the issuer's name (RFC 9207), and has an account", () =>
      Effect.gen(function* () {
        const { client, context, granted, issuer, posted } = yield* prepared()
        const tab = yield* offlineTab
        const attempt = yield* attemptAt(tab, agree("You are signed in"))
        const asked: Array<string> = []
        tab.on("request", (sent) => asked.push(sent.url()))
        const { account, token } = yield* Effect.provide(signIn(client, attempt, request), context)
        assert.strictEqual(account.homeAccountId, "ada")
        assert.strictEqual(account.idTokenClaims.iss, issuer)
        assert.includeMembers([...token.scopes], ["api:read", "api:write"])
        yield* assertTellsNothing(tab, attempt)
        const [response, ...others] = asked.filter((url) => new URL(url).searchParams.has("code"))
        const { origin, searchParams } = new URL(response ?? "")
        assert.strictEqual(origin, attempt.redirectUri())
        assert.strictEqual(searchParams.get("iss"), issuer)
        assert.lengthOf(others, 0)
        assert.strictEqual(attempt.sentTo().searchParams.get("code_challenge_method"), "S256")
        const [redeemed] = granted("authorization_code")
        assert.match(redeemed?.get("code_verifier") ?? "", /^[\w.~-]{43,128}$/)
        assert.strictEqual(redeemed?.get("client_id"), "desktop")
        assert.isFalse(redeemed?.has("client_secret"))
        assert.lengthOf(posted, 1)
        const again = yield* client.acquireTokenSilent({ account, scopes: request.scopes })
        assert.strictEqual(Redacted.value(again.accessToken), Redacted.value(token.accessToken))
      })
    )

    it.scoped("is renewed by refresh tokens that rotate, none of which is offered twice", () =>
      Effect.gen(function* () {
        const native = yield* prepared()
        const { client, context, offered, revoked } = native
        const attempt = yield* attemptAt(yield* offlineTab, agree("You are signed in"))
        yield* Effect.provide(signIn(client, attempt, request), context)
        yield* renewed(native, 2)
        assert.lengthOf(offered(), 2)
        const scopes = ["api:read", "api:write", "openid"]
        const [account = assert.fail("nobody is signed in")] = yield* client.getAccounts
        const renew = (scope: string) => client.acquireTokenSilent({ account, scopes: [scope], forceRefresh: true })
        yield* Effect.forEach(scopes, renew, { concurrency: "unbounded" })
        assert.lengthOf(offered(), 5)
        assert.strictEqual(new Set(offered()).size, 5)
        assert.deepStrictEqual(revoked, [])
      })
    )

    it.scoped("is asked again in the end where the provider gave no refresh token", () =>
      Effect.gen(function* () {
        const { client, context, offered } = yield* prepared()
        const attempt = yield* attemptAt(yield* offlineTab, agree("You are signed in"))
        const scopes = ["offline_access", "api:read"]
        const { account, token } = yield* Effect.provide(signIn(client, attempt, { scopes, prompt: "login" }), context)
        assert.notInclude(token.scopes, "offline_access")
        const api = { account, scopes: ["api:read"] }
        assert.strictEqual((yield* client.acquireTokenSilent(api)).source, "cache")
        const failure = yield* Effect.flip(client.acquireTokenSilent({ ...api, forceRefresh: true }))
        assert.strictEqual(failure._tag, "InteractionRequired")
        assert.lengthOf(offered(), 0)
      })
    )

    it.scoped("cancels on its page, which ours says, and is not signed in", () =>
      Effect.gen(function* () {
        const { client, context, posted } = yield* prepared()
        const tab = yield* offlineTab
        const attempt = yield* attemptAt(tab, async (tab) => {
          await logIn(tab)
          await cancel(tab)
          await headed(tab, "Not signed in")
        })
        const failure = yield* Effect.flip(Effect.provide(signIn(client, attempt, request), context))
        assert.strictEqual(failure._tag, "AuthorizationDeclined")
        yield* attempt.done
        assert.include(yield* textOf(tab), "The sign-in was declined.")
        yield* assertTellsNothing(tab, attempt)
        assert.lengthOf(posted, 0)
        assert.deepStrictEqual(yield* client.getAccounts, [])
      })
    )

    for (const [name, tamper] of [
      ["another issuer", (response: URLSearchParams) => response.set("iss", "https://evil.example")],
      ["no issuer", (response: URLSearchParams) => response.delete("iss")]
    ] as const)
      it.scoped(`is told that they are not signed in when the response names ${name}, and no code is redeemed`, () =>
        Effect.gen(function* () {
          const { client, context, posted } = yield* prepared(tamper)
          const tab = yield* offlineTab
          const attempt = yield* attemptAt(tab, agree("Not signed in"))
          const failure = yield* Effect.flip(Effect.provide(signIn(client, attempt, request), context))
          assert.deepInclude(failure, { _tag: "InvalidAuthorizationResponse", reason: "issuer" })
          yield* attempt.done
          assert.notInclude(yield* textOf(tab), "evil.example")
          yield* assertTellsNothing(tab, attempt)
          assert.lengthOf(posted, 0)
        })
      )
  })

  describe("a person who signs a device in", () => {
    /** Who is shown a code types it into the page that it is for, and acts on it. */
    const typing = (tab: Page, act: (tab: Page) => Promise<unknown>) => (code: DeviceCode) =>
      play(async () => {
        await tab.goto(code.verificationUri)
        await tab.getByPlaceholder("Enter code").fill(` ${code.userCode.toLowerCase().replace("-", " ")} `)
        await goOn(tab)
        await headed(tab, "Confirm Device")
        await act(tab)
      })

    it.scoped("types its code, and is renewed ever after, no refresh token offered twice", () =>
      Effect.gen(function* () {
        const native = yield* prepared()
        const { client, context, granted, offered, revoked } = native
        const tab = yield* offlineTab
        const prompt = typing(tab, async (tab) => {
          await goOn(tab)
          await agree("Sign-in Success")(tab)
        })
        const { account, token } = yield* Effect.provide(
          client.acquireTokenByDeviceCode({ scopes: request.scopes, prompt }),
          context
        )
        assert.strictEqual(account.homeAccountId, "ada")
        assert.includeMembers([...token.scopes], ["api:read", "api:write"])
        assert.isAtLeast(granted("urn:ietf:params:oauth:grant-type:device_code").length, 1)
        yield* renewed(native, 2)
        assert.lengthOf(offered(), 2)
        assert.strictEqual(new Set(offered()).size, 2)
        assert.deepStrictEqual(revoked, [])
      })
    )

    it.scoped("aborts on its page, and is not signed in", () =>
      Effect.gen(function* () {
        const { client, context } = yield* prepared()
        const tab = yield* offlineTab
        const prompt = typing(tab, async (tab) => {
          await pressing(tab)("[ Abort ]")
          await tab.getByText("The Sign-in request was interrupted").waitFor()
        })
        const failure = yield* Effect.flip(
          Effect.provide(client.acquireTokenByDeviceCode({ scopes: request.scopes, prompt }), context)
        )
        assert.strictEqual(failure._tag, "AuthorizationDeclined")
        assert.deepStrictEqual(yield* client.getAccounts, [])
      })
    )
  })
})
