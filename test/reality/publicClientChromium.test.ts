import { assert, describe, layer } from "@effect/vitest"
import { Effect, Fiber, Option, Redacted } from "effect"
import type { Page } from "playwright-core"
import { Browser } from "../../src/client/Browser.js"
import type { DeviceCode } from "../../src/client/DeviceCode.js"
import * as Interaction from "../../src/client/Interaction.js"
import { jwtClaims } from "../../src/core/jwtClaims.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { defaults, makeClient, scope, surroundings } from "../client/publicClients.js"
import * as Chromium from "../support/chromium.js"
import { bob, ends, endsWell, inTurn, passwd, pick, pickBob, typeCode, typePassword } from "./entraPages.js"
import { assertTellsNothing, attemptAt, headed, isOpen, newTab, play, pressing, signIn, textOf } from "./personAtTab.js"

/** Nobody has consented to it. */
const unconsented = { scopes: defaults.unconsentedApiUserScope }

/** Those that redeem or renew something. */
const tokenRequests = Effect.map(
  Effect.flatMap(EntraEmulator.EntraEmulator, ({ requests }) => requests),
  (all) => all.filter(({ path }) => path.endsWith("/token"))
)

const claimsOf = ({ accessToken }: { readonly accessToken: Redacted.Redacted }) =>
  jwtClaims(Redacted.value(accessToken)) ?? {}

/** A tab, and what a developer would see in its console. */
const observedTab = Effect.map(newTab, (tab) => {
  const complaints: Array<string> = []
  tab.on("console", (message) => complaints.push(message.text()))
  tab.on("pageerror", (error) => complaints.push(error.message))
  return { complaints, tab }
})

/** Closes a tab in place of what it asks for there, be it by a redirect. */
const closesBefore = (tab: Page, urlPattern: string) =>
  play(async () => {
    const session = await tab.context().newCDPSession(tab)
    session.on("Fetch.requestPaused", () => void tab.close())
    await session.send("Fetch.enable", { patterns: [{ urlPattern }] })
  })

layer(Chromium.layer, { excludeTestServices: true })("in Chromium", (it) => {
  describe("a person who signs in to a program", () => {
    it.scoped("picks an account, types the password, consents, and sees our page, whose address holds no code", () =>
      Effect.gen(function* () {
        const client = yield* makeClient()
        const { complaints, tab } = yield* observedTab
        const attempt = yield* attemptAt(
          tab,
          inTurn(pickBob, ends("Permissions requested"), (tab) => pressing(tab)("Accept"), endsWell)
        )
        const { account, token } = yield* signIn(client, attempt, unconsented)
        assert.strictEqual(account.username, bob)
        assert.strictEqual(claimsOf(token).preferred_username, bob)
        assert.include(token.scopes, defaults.unconsentedApiUserScope)
        yield* assertTellsNothing(tab, attempt)
        assert.deepStrictEqual(complaints, [])
        assert.strictEqual((yield* client.acquireTokenSilent({ account, ...unconsented })).source, "cache")
      }).pipe(Effect.provide(surroundings()))
    )

    it.scoped("is told of a wrong password, and types the right one", () =>
      Effect.gen(function* () {
        const client = yield* makeClient()
        const { complaints, tab } = yield* observedTab
        const mistake = async (tab: Page) => {
          await typePassword(tab, `${passwd}x`)
          assert.include(await tab.getByRole("alert").innerText(), "AADSTS50126")
        }
        const attempt = yield* attemptAt(tab, inTurn(pick(bob), mistake, typePassword, endsWell))
        const { account } = yield* signIn(client, attempt, { scopes: scope })
        assert.strictEqual(account.username, bob)
        assert.lengthOf(yield* tokenRequests, 1)
        yield* assertTellsNothing(tab, attempt)
        assert.deepStrictEqual(complaints, [])
      }).pipe(Effect.provide(surroundings()))
    )

    it.scoped("goes back from the password, and takes another account", () =>
      Effect.gen(function* () {
        const client = yield* makeClient()
        const tab = yield* newTab
        const changeMind = async (tab: Page) => {
          await headed(tab, "Enter password")
          await tab.goBack()
          await headed(tab, "Pick an account")
        }
        const attempt = yield* attemptAt(tab, inTurn(pick(bob), changeMind, pick(defaults.username), endsWell))
        const { account } = yield* signIn(client, attempt, { scopes: scope })
        assert.strictEqual(account.username, defaults.username)
        yield* assertTellsNothing(tab, attempt)
      }).pipe(Effect.provide(surroundings()))
    )

    it.scoped("approves by a second factor where one is demanded of them", () =>
      Effect.gen(function* () {
        yield* (yield* EntraEmulator.EntraEmulator).requireMfa(bob)
        const client = yield* makeClient()
        const tab = yield* newTab
        const mistake = async (tab: Page) => {
          await tab.getByLabel("Code").fill("no code")
          await pressing(tab)("Verify")
          await tab.getByRole("alert").waitFor()
        }
        const attempt = yield* attemptAt(tab, inTurn(pickBob, mistake, typeCode, endsWell))
        const { account, token } = yield* signIn(client, attempt, { scopes: scope })
        assert.strictEqual(account.username, bob)
        assert.strictEqual(claimsOf(token).preferred_username, bob)
        yield* assertTellsNothing(tab, attempt)
      }).pipe(Effect.provide(surroundings()))
    )

    it.scoped("is asked again, for the second factor alone, once an API demands it", () =>
      Effect.gen(function* () {
        const client = yield* makeClient()
        const tab = yield* newTab
        const { account } = yield* signIn(client, yield* attemptAt(tab, inTurn(pickBob, endsWell)), { scopes: scope })
        yield* (yield* EntraEmulator.EntraEmulator).requireMfa(defaults.apiIdentifierUri)
        const request = { account, scopes: scope, forceRefresh: true }
        const failure = yield* Effect.flip(client.acquireTokenSilent(request))
        assert.strictEqual(failure._tag, "InteractionRequired")
        const attempt = yield* attemptAt(tab, inTurn(typeCode, endsWell))
        const again = yield* client
          .acquireToken(request)
          .pipe(
            Effect.provide(Interaction.layerBrowser),
            Effect.provideService(Browser, attempt.browser),
            Effect.raceFirst(attempt.stuck),
            Effect.zipLeft(attempt.done)
          )
        assert.strictEqual(again.account.homeAccountId, account.homeAccountId)
        assert.strictEqual(attempt.sentTo().searchParams.get("login_hint"), bob)
        assert.strictEqual((yield* client.acquireTokenSilent(request)).source, "identity_provider")
        assert.lengthOf(yield* client.getAccounts, 1)
        yield* assertTellsNothing(tab, attempt)
      }).pipe(Effect.provide(surroundings()))
    )

    it.scoped("declines the second factor, and our page says so", () =>
      Effect.gen(function* () {
        yield* (yield* EntraEmulator.EntraEmulator).requireMfa(bob)
        const client = yield* makeClient()
        const tab = yield* newTab
        const decline = (tab: Page) => pressing(tab)("Decline")
        const attempt = yield* attemptAt(tab, inTurn(pickBob, decline, ends("Not signed in")))
        const failure = yield* Effect.flip(signIn(client, attempt, { scopes: scope }))
        assert.strictEqual(failure._tag, "AuthorizationDeclined")
        yield* attempt.done
        assert.include(yield* textOf(tab), "The sign-in was declined.")
        yield* assertTellsNothing(tab, attempt)
      }).pipe(Effect.provide(surroundings()))
    )

    it.scoped("declines to consent, which our page says, and is not signed in", () =>
      Effect.gen(function* () {
        const client = yield* makeClient()
        const { complaints, tab } = yield* observedTab
        const decline = (tab: Page) => pressing(tab)("Cancel")
        const consent = ends("Permissions requested")
        const attempt = yield* attemptAt(tab, inTurn(pickBob, consent, decline, ends("Not signed in")))
        const failure = yield* Effect.flip(signIn(client, attempt, unconsented))
        assert.strictEqual(failure._tag, "AuthorizationDeclined")
        yield* attempt.done
        const text = yield* textOf(tab)
        assert.include(text, "The sign-in was declined.")
        assert.notMatch(text, /AADSTS|access_denied/)
        yield* assertTellsNothing(tab, attempt)
        assert.deepStrictEqual(yield* client.getAccounts, [])
        assert.lengthOf(yield* tokenRequests, 0)
        assert.deepStrictEqual(complaints, [])
      }).pipe(Effect.provide(surroundings()))
    )

    it.scoped("closes the tab before the end, and the program waits no longer than it was told to", () =>
      Effect.gen(function* () {
        const client = yield* makeClient()
        const tab = yield* newTab
        const leave = async (tab: Page) => {
          await pick(bob)(tab)
          await headed(tab, "Enter password")
          await tab.close()
        }
        const attempt = yield* attemptAt(tab, leave)
        const signing = yield* Effect.fork(signIn(client, attempt, { scopes: scope, browserTimeout: "3 seconds" }))
        yield* attempt.done
        assert.isTrue(yield* isOpen(attempt.redirectUri()), "it waits yet")
        const failure = yield* Effect.flip(Fiber.join(signing))
        assert.deepInclude(failure, { _tag: "InvalidAuthorizationResponse", reason: "timeout" })
        assert.isFalse(yield* isOpen(attempt.redirectUri()))
        assert.lengthOf(yield* tokenRequests, 0)
      }).pipe(Effect.provide(surroundings()))
    )

    it.scoped("closes the tab once the code is there, before it shows our page, and is signed in", () =>
      Effect.gen(function* () {
        const client = yield* makeClient()
        const tab = yield* newTab
        yield* closesBefore(tab, "http://localhost:*/done")
        const attempt = yield* attemptAt(tab, async (tab) => {
          const closed = tab.waitForEvent("close")
          await pick(defaults.username)(tab).catch(() => undefined)
          await closed
        })
        // A daemon, so that one which never ends fails this test rather than hold it.
        const signing = yield* Effect.forkDaemon(signIn(client, attempt, { scopes: scope }))
        const exit = yield* Effect.timeoutOption(Fiber.await(signing), "6 seconds")
        assert.isTrue(Option.isSome(exit), "the program waits for a tab that is gone")
        const { account } = yield* Fiber.join(signing)
        assert.strictEqual(account.username, defaults.username)
        assert.isFalse(yield* isOpen(attempt.redirectUri()))
      }).pipe(Effect.provide(surroundings()))
    )

    it.scoped("goes back after the end, where what they do again reaches nobody", () =>
      Effect.gen(function* () {
        const client = yield* makeClient()
        const tab = yield* newTab
        const attempt = yield* attemptAt(tab, inTurn(pick(defaults.username), endsWell))
        yield* signIn(client, attempt, { scopes: scope, prompt: "select_account" })
        yield* play(() => tab.goBack())
        assert.strictEqual(tab.url(), attempt.sentTo().href)
        yield* play(() => headed(tab, "Pick an account"))
        const unreached = tab.waitForEvent("requestfailed", (request) =>
          request.url().startsWith(attempt.redirectUri())
        )
        yield* play(() => pick(defaults.username)(tab))
        const refused = yield* play(() => unreached)
        assert.strictEqual(refused.failure()?.errorText, "net::ERR_CONNECTION_REFUSED")
        assert.lengthOf(yield* tokenRequests, 1)
        assert.lengthOf(yield* client.getAccounts, 1)
      }).pipe(Effect.provide(surroundings()))
    )

    it.scoped("is not disturbed by the tab of a sign-in that was given up", () =>
      Effect.gen(function* () {
        const client = yield* makeClient()
        const tab = yield* newTab
        const picker = ends("Pick an account")
        const givenUp = yield* attemptAt(tab, picker)
        const signing = yield* Effect.fork(signIn(client, givenUp, { scopes: scope }))
        yield* givenUp.done
        yield* Fiber.interrupt(signing)
        const port = Number(new URL(givenUp.redirectUri()).port)
        const newer = yield* play(() => tab.context().newPage())
        const attempt = yield* attemptAt(
          newer,
          inTurn(
            picker,
            async () => {
              await pick(defaults.username)(tab)
              await headed(tab, "Nothing waits for this page")
            },
            pickBob,
            endsWell
          )
        )
        const { account } = yield* signIn(client, attempt, { scopes: scope, port })
        assert.strictEqual(account.username, bob)
        assert.strictEqual(attempt.redirectUri(), givenUp.redirectUri())
        assert.lengthOf(yield* client.getAccounts, 1)
        assert.lengthOf(yield* tokenRequests, 1)
        yield* assertTellsNothing(newer, attempt)
      }).pipe(Effect.provide(surroundings()))
    )
  })

  describe("a person who signs a device in", () => {
    const quick = { deviceCodeInterval: "100 millis" } as const

    /** As people write codes down. */
    const written = (code: string) => ` ${code.slice(0, 3)}-${code.slice(3, 6)} ${code.slice(6)} `.toLowerCase()

    const typing = (tab: Page, text: string) => async () => {
      await tab.getByLabel("Code").fill(text)
      await pressing(tab)("Next")
    }

    /** Who is shown a code opens the page that it is for; the program polls from when they are done. */
    const at = (tab: Page, act: (code: DeviceCode) => Promise<unknown>) => (code: DeviceCode) =>
      play(async () => {
        await tab.goto(code.verificationUri)
        await act(code)
      })

    it.scoped("types its code in lower case, with spaces and hyphens", () =>
      Effect.gen(function* () {
        const client = yield* makeClient()
        const { complaints, tab } = yield* observedTab
        const prompt = at(tab, async ({ userCode }) => {
          const mistake = async () => {
            await typing(tab, "no such code")()
            assert.include(await tab.getByRole("alert").innerText(), "We don't recognize this code")
          }
          const confirm = () => pressing(tab)("Continue")
          const steps = inTurn(mistake, typing(tab, written(userCode)), confirm, pickBob)
          await steps(tab)
          await headed(tab, "You have signed in to")
        })
        const { account, token } = yield* client.acquireTokenByDeviceCode({ scopes: scope, prompt })
        assert.strictEqual(account.username, bob)
        assert.strictEqual(claimsOf(token).preferred_username, bob)
        assert.strictEqual((yield* client.acquireTokenSilent({ account, scopes: scope })).source, "cache")
        assert.deepStrictEqual(complaints, [])
      }).pipe(Effect.provide(surroundings(quick)))
    )

    it.scoped("is polled for while they type", () =>
      Effect.gen(function* () {
        const client = yield* makeClient()
        const tab = yield* newTab
        const prompt = ({ userCode, verificationUri }: DeviceCode) =>
          Effect.forkScoped(
            play(async () => {
              await tab.goto(verificationUri)
              await typing(tab, userCode)()
              await pressing(tab)("Continue")
              await new Promise((resolve) => setTimeout(resolve, 2500))
              await pickBob(tab)
            })
          )
        const { account } = yield* client.acquireTokenByDeviceCode({ scopes: scope, prompt })
        assert.strictEqual(account.username, bob)
        assert.isAbove((yield* tokenRequests).length, 1)
      }).pipe(Effect.provide(surroundings(quick)))
    )

    for (const [moment, before] of [
      ["before they sign in", () => Promise.resolve()],
      ["when asked to consent", inTurn((tab) => pressing(tab)("Continue"), pickBob, ends("Permissions requested"))]
    ] as const)
      it.scoped(`declines on the page, ${moment}`, () =>
        Effect.gen(function* () {
          const client = yield* makeClient()
          const tab = yield* newTab
          const prompt = at(tab, async ({ userCode }) => {
            await typing(tab, userCode)()
            await before(tab)
            await pressing(tab)("Cancel")
            await headed(tab, "You declined")
          })
          const failure = yield* Effect.flip(client.acquireTokenByDeviceCode({ ...unconsented, prompt }))
          assert.strictEqual(failure._tag, "AuthorizationDeclined")
          assert.deepStrictEqual(yield* client.getAccounts, [])
        }).pipe(Effect.provide(surroundings(quick)))
      )
  })
})
