import { HttpClient, HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Redacted, Ref, Scope } from "effect"
import { Browser } from "../../src/client/Browser.js"
import type { DeviceCode } from "../../src/client/DeviceCode.js"
import * as Interaction from "../../src/client/Interaction.js"
import * as Authority from "../../src/core/Authority.js"
import { jwtClaims } from "../../src/core/jwtClaims.js"
import { CredentialUnavailable } from "../../src/core/TokenError.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { eventually } from "../support/emulated.js"
import { atBrowser, defaults, makeClient, scope, surroundings, walker } from "./publicClients.js"

const nameOf = ({ accessToken }: { readonly accessToken: Redacted.Redacted }) =>
  jwtClaims(Redacted.value(accessToken))?.preferred_username

const isOpen = async (uri: string): Promise<boolean> =>
  fetch(uri).then(
    () => true,
    () => false
  )

const quick = { deviceCodeInterval: "1 second" } as const

/** Answers each device as it shows its code. */
const answered =
  (answer: { readonly username: string } | "decline") =>
  ({ userCode }: DeviceCode) =>
    Effect.flatMap(EntraEmulator.EntraEmulator, ({ answerDevice }) => answerDevice(userCode, answer))

describe("a sign-in by the browser of this machine", () => {
  it.scopedLive("brings an account and a token, and what it needs for more is kept", () =>
    Effect.gen(function* () {
      const { layer, visits } = yield* walker
      yield* atBrowser(defaults.username)
      const client = yield* makeClient()
      const { account, token } = yield* Effect.provide(client.acquireTokenInteractive({ scopes: scope }), layer)
      assert.strictEqual(account.username, defaults.username)
      assert.strictEqual(nameOf(token), defaults.username)
      assert.deepStrictEqual(
        (yield* client.getAccounts).map(({ homeAccountId }) => homeAccountId),
        [account.homeAccountId]
      )
      assert.strictEqual((yield* client.acquireTokenSilent({ account, scopes: scope })).source, "cache")
      const other = yield* client.acquireTokenSilent({ account, scopes: defaults.otherApiUserScope })
      assert.strictEqual(other.source, "identity_provider")
      yield* Effect.sleep("100 millis")
      const [visit] = yield* Ref.get(visits)
      assert.match(visit?.title ?? "", /signed in/i)
      assert.isFalse(yield* Effect.promise(() => isOpen(visit?.url.searchParams.get("redirect_uri") ?? "")))
    }).pipe(Effect.provide(surroundings()))
  )

  it.scopedLive("asks for what it was told to ask for", () =>
    Effect.gen(function* () {
      const { layer, visits } = yield* walker
      yield* atBrowser(defaults.secondUsername)
      const client = yield* makeClient({ clientCapabilities: ["cp1"] })
      yield* Effect.provide(
        client.acquireTokenInteractive({
          scopes: scope,
          extraScopesToConsent: [defaults.graphUserScope],
          prompt: "select_account",
          loginHint: defaults.secondUsername,
          domainHint: "contoso.onmicrosoft.com"
        }),
        layer
      )
      yield* Effect.sleep("100 millis")
      const [visit] = yield* Ref.get(visits)
      const asked = Object.fromEntries(visit?.url.searchParams ?? [])
      assert.include(asked.scope, scope)
      assert.include(asked.scope, defaults.graphUserScope)
      assert.strictEqual(asked.prompt, "select_account")
      assert.strictEqual(asked.login_hint, defaults.secondUsername)
      assert.strictEqual(asked.code_challenge_method, "S256")
      assert.include(asked.claims, "cp1")
      assert.match(asked.redirect_uri ?? "", /^http:\/\/localhost:\d+$/)
      const { requests } = yield* EntraEmulator.EntraEmulator
      const redeemed = (yield* requests).find(({ form }) => form.grant_type === "authorization_code")
      assert.notInclude(redeemed?.form.scope, "graph")
      assert.notProperty(redeemed?.form, "client_secret")
    }).pipe(Effect.provide(surroundings()))
  )

  it.scopedLive("ends when nobody comes back, and leaves no port open", () =>
    Effect.gen(function* () {
      const urls: Array<URL> = []
      const nobody = Layer.succeed(Browser, { open: (url) => Effect.sync(() => void urls.push(url)) })
      const client = yield* makeClient()
      const failure = yield* client
        .acquireTokenInteractive({ scopes: scope, browserTimeout: "200 millis" })
        .pipe(Effect.flip, Effect.provide(nobody))
      assert.deepInclude(failure, { _tag: "InvalidAuthorizationResponse", reason: "timeout" })
      assert.isFalse(yield* Effect.promise(() => isOpen(urls[0]?.searchParams.get("redirect_uri") ?? "")))
    }).pipe(Effect.provide(surroundings()))
  )

  it.scopedLive("ends where there is no browser", () =>
    Effect.gen(function* () {
      const none = new CredentialUnavailable({ credential: "browser", reason: "there is no display" })
      const client = yield* makeClient()
      const failure = yield* client
        .acquireTokenInteractive({ scopes: scope })
        .pipe(Effect.flip, Effect.provideService(Browser, { open: () => none }))
      assert.strictEqual(failure, none)
    }).pipe(Effect.provide(surroundings()))
  )

  it.scopedLive("leaves no port open when it is interrupted", () =>
    Effect.gen(function* () {
      const urls: Array<URL> = []
      const nobody = Layer.succeed(Browser, { open: (url) => Effect.sync(() => void urls.push(url)) })
      const client = yield* makeClient()
      const fiber = yield* Effect.fork(Effect.provide(client.acquireTokenInteractive({ scopes: scope }), nobody))
      yield* Effect.sleep("300 millis")
      const uri = urls[0]?.searchParams.get("redirect_uri") ?? ""
      assert.isTrue(yield* Effect.promise(() => isOpen(uri)))
      yield* Fiber.interrupt(fiber)
      assert.isFalse(yield* Effect.promise(() => isOpen(uri)))
    }).pipe(Effect.provide(surroundings()))
  )
})

describe("a sign-in by a device's code", () => {
  it.scopedLive("shows the code, and has the account when the person has typed it", () =>
    Effect.gen(function* () {
      const client = yield* makeClient()
      const shown: Array<DeviceCode> = []
      const { account, token } = yield* client.acquireTokenByDeviceCode({
        scopes: scope,
        prompt: (code) =>
          Effect.zipRight(
            Effect.sync(() => shown.push(code)),
            answered({ username: defaults.secondUsername })(code)
          )
      })
      assert.strictEqual(account.username, defaults.secondUsername)
      assert.strictEqual(nameOf(token), defaults.secondUsername)
      const [code] = shown
      assert.include(code?.message, code?.userCode)
      assert.include(code?.message, code?.verificationUri)
      assert.strictEqual((yield* client.acquireTokenSilent({ account, scopes: scope })).source, "cache")
    }).pipe(Effect.provide(surroundings(quick)))
  )

  it.scopedLive("ends when the person declines", () =>
    Effect.gen(function* () {
      const client = yield* makeClient()
      const failure = yield* Effect.flip(
        client.acquireTokenByDeviceCode({ scopes: scope, prompt: answered("decline") })
      )
      assert.strictEqual(failure._tag, "AuthorizationDeclined")
    }).pipe(Effect.provide(surroundings(quick)))
  )

  it.scopedLive("ends when the code runs out", () =>
    Effect.gen(function* () {
      const client = yield* makeClient()
      const failure = yield* Effect.flip(client.acquireTokenByDeviceCode({ scopes: scope, prompt: () => Effect.void }))
      assert.strictEqual(failure._tag, "DeviceCodeExpired")
    }).pipe(Effect.provide(surroundings({ deviceCodeInterval: "1 second", deviceCodeLifetime: "2 seconds" })))
  )

  it.scopedLive("ends with the failure of who was to show the code", () =>
    Effect.gen(function* () {
      const client = yield* makeClient()
      const failure = yield* Effect.flip(
        client.acquireTokenByDeviceCode({ scopes: scope, prompt: () => Effect.fail("no screen" as const) })
      )
      assert.strictEqual(failure, "no screen")
    }).pipe(Effect.provide(surroundings(quick)))
  )

  it.scopedLive("stops asking at once when it is interrupted", () =>
    Effect.gen(function* () {
      const client = yield* makeClient()
      const fiber = yield* Effect.fork(client.acquireTokenByDeviceCode({ scopes: scope, prompt: () => Effect.void }))
      const { requests } = yield* EntraEmulator.EntraEmulator
      yield* eventually(requests, ({ length }) => length > 2)
      yield* Fiber.interrupt(fiber)
      yield* Effect.sleep("100 millis")
      const before = (yield* requests).length
      yield* Effect.sleep("1500 millis")
      assert.strictEqual((yield* requests).length, before)
    }).pipe(Effect.provide(surroundings(quick)))
  )

  it.scopedLive("ends when the client is closed, and polls no more", () =>
    Effect.gen(function* () {
      const scopeOfClient = yield* Scope.make()
      const client = yield* Scope.extend(makeClient(), scopeOfClient)
      const fiber = yield* Effect.fork(
        Effect.flip(client.acquireTokenByDeviceCode({ scopes: scope, prompt: () => Effect.void }))
      )
      const { requests } = yield* EntraEmulator.EntraEmulator
      yield* eventually(requests, ({ length }) => length > 1)
      yield* Scope.close(scopeOfClient, Exit.void)
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "ClientClosed")
      const before = (yield* requests).length
      yield* Effect.sleep("1200 millis")
      assert.strictEqual((yield* requests).length, before)
    }).pipe(Effect.provide(surroundings(quick)))
  )

  it.scopedLive("asks nothing of a host that nobody vouches for", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const stranger = HttpClient.make((request, url) => {
        asked.push(url.pathname)
        const body = { error: "invalid_instance", error_description: "AADSTS50049: Unknown or invalid instance." }
        return Effect.succeed(HttpClientResponse.fromWeb(request, new Response(JSON.stringify(body), { status: 400 })))
      })
      const client = yield* makeClient({
        authority: Authority.entra({ tenantId: defaults.tenantId, host: "https://login.attacker.example" })
      }).pipe(Effect.provideService(HttpClient.HttpClient, stranger))
      const failure = yield* Effect.flip(
        client.acquireTokenByDeviceCode({ scopes: scope, prompt: () => Effect.die("a stranger's words") })
      )
      assert.strictEqual(failure._tag, "ConfigurationError")
      assert.deepStrictEqual(asked, ["/common/discovery/instance"])
    }).pipe(Effect.provide(surroundings()))
  )

  it.scopedLive("is refused where an authority knows no devices, before anything is sent", () =>
    Effect.gen(function* () {
      const client = yield* makeClient({ authority: Authority.b2c({ tenant: "contoso", policy: "b2c_1_x" }) })
      const failure = yield* Effect.flip(client.acquireTokenByDeviceCode({ scopes: scope, prompt: () => Effect.void }))
      assert.deepInclude(failure, { _tag: "ConfigurationError", parameter: "authority" })
    }).pipe(Effect.provide(surroundings()))
  )
})

describe("a token, silently if that is possible", () => {
  const byDevice = (username: string) => Interaction.layerDeviceCode(answered({ username }))

  it.scopedLive("asks the person once, and never again", () =>
    Effect.gen(function* () {
      const client = yield* makeClient()
      const first = yield* Effect.provide(client.acquireToken({ scopes: scope }), byDevice(defaults.username))
      assert.strictEqual(first.token.source, "identity_provider")
      const second = yield* Effect.provide(client.acquireToken({ scopes: scope }), Interaction.layerNone)
      assert.strictEqual(second.token.source, "cache")
      assert.strictEqual(second.account.homeAccountId, first.account.homeAccountId)
    }).pipe(Effect.provide(surroundings(quick)))
  )

  it.scopedLive("asks by the browser where that is what the program has", () =>
    Effect.gen(function* () {
      const { layer } = yield* walker
      yield* atBrowser(defaults.username)
      const client = yield* makeClient()
      const { account } = yield* client
        .acquireToken({ scopes: scope })
        .pipe(Effect.provide(Interaction.layerBrowser.pipe(Layer.provide(layer))))
      assert.strictEqual(account.username, defaults.username)
    }).pipe(Effect.provide(surroundings()))
  )

  it.scopedLive("asks nobody where there is nobody to ask", () =>
    Effect.gen(function* () {
      const client = yield* makeClient()
      const failure = yield* Effect.flip(Effect.provide(client.acquireToken({ scopes: scope }), Interaction.layerNone))
      assert.strictEqual(failure._tag, "CredentialUnavailable")
    }).pipe(Effect.provide(surroundings()))
  )

  it.scopedLive("asks anew with the claims that a policy demands", () =>
    Effect.gen(function* () {
      const { requireMfa } = yield* EntraEmulator.EntraEmulator
      const client = yield* makeClient()
      yield* Effect.provide(client.acquireToken({ scopes: scope }), byDevice(defaults.username))
      yield* requireMfa(defaults.apiIdentifierUri)
      const { token } = yield* Effect.provide(
        client.acquireToken({ scopes: scope, forceRefresh: true }),
        byDevice(defaults.username)
      )
      assert.strictEqual(token.source, "identity_provider")
      const { requests } = yield* EntraEmulator.EntraEmulator
      const [before, after] = (yield* requests).filter(({ path }) => path.endsWith("/devicecode"))
      assert.notProperty(before?.form, "claims")
      assert.property(JSON.parse(after?.form.claims ?? "{}"), "access_token")
    }).pipe(Effect.provide(surroundings(quick)))
  )

  it.scopedLive("asks which one where several are signed in, unless it is told", () =>
    Effect.gen(function* () {
      const client = yield* makeClient()
      const sign = (username: string) =>
        client.acquireTokenByDeviceCode({ scopes: scope, prompt: answered({ username }) })
      const { account } = yield* sign(defaults.username)
      yield* sign(defaults.secondUsername)
      assert.strictEqual((yield* client.getAccounts).length, 2)
      const named = yield* Effect.provide(client.acquireToken({ scopes: scope, account }), Interaction.layerNone)
      assert.strictEqual(named.account.username, defaults.username)
      const exit = yield* Effect.exit(Effect.provide(client.acquireToken({ scopes: scope }), Interaction.layerNone))
      assert.isTrue(Exit.isFailure(exit))
    }).pipe(Effect.provide(surroundings(quick)))
  )

  it.scopedLive("shows one code however many ask, and has a token for all of them", () =>
    Effect.gen(function* () {
      const client = yield* makeClient()
      const shown: Array<string> = []
      const asking = Interaction.layerDeviceCode((code) =>
        Effect.zipRight(
          Effect.sync(() => shown.push(code.userCode)),
          answered({ username: defaults.username })(code)
        )
      )
      const results = yield* Effect.all(
        Array.from({ length: 10 }, () => client.acquireToken({ scopes: scope })),
        { concurrency: "unbounded" }
      ).pipe(Effect.provide(asking))
      assert.strictEqual(shown.length, 1)
      assert.strictEqual(new Set(results.map(({ token }) => Redacted.value(token.accessToken))).size, 1)
    }).pipe(Effect.provide(surroundings(quick)))
  )

  it.scopedLive("is of the account that was named, or a failure", () =>
    Effect.gen(function* () {
      const client = yield* makeClient()
      const account = { homeAccountId: `${defaults.userObjectId}.${defaults.tenantId}` }
      const failure = yield* Effect.flip(
        Effect.provide(client.acquireToken({ scopes: scope, account }), byDevice(defaults.secondUsername))
      )
      assert.deepInclude(failure, { _tag: "InvalidAuthorizationResponse", reason: "account" })
    }).pipe(Effect.provide(surroundings(quick)))
  )

  it.scopedLive("asks again for an account that was removed", () =>
    Effect.gen(function* () {
      const client = yield* makeClient()
      const { account } = yield* client.acquireTokenByDeviceCode({
        scopes: scope,
        prompt: answered({ username: defaults.username })
      })
      assert.isTrue(yield* client.removeAccount(account))
      assert.isFalse(yield* client.removeAccount(account))
      assert.deepStrictEqual(yield* client.getAccounts, [])
      const failure = yield* Effect.flip(client.acquireTokenSilent({ account, scopes: scope }))
      assert.deepInclude(failure, { _tag: "InteractionRequired", classification: "none" })
    }).pipe(Effect.provide(surroundings(quick)))
  )
})

describe("a client that keeps no secret", () => {
  it.scopedLive("sends none, and says so in no request", () =>
    Effect.gen(function* () {
      const client = yield* makeClient()
      yield* client.acquireTokenByDeviceCode({ scopes: scope, prompt: answered({ username: defaults.username }) })
      const { requests } = yield* EntraEmulator.EntraEmulator
      for (const { form } of yield* requests) {
        assert.notProperty(form, "client_secret")
        assert.notProperty(form, "client_assertion")
      }
      const { origin } = yield* EntraEmulatorNode.Address
      assert.isTrue((yield* client.getLogoutUrl()).href.startsWith(origin))
    }).pipe(Effect.provide(surroundings(quick)))
  )
})
