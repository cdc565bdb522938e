import * as Http from "node:http"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { Page } from "playwright-core"
import { type Directory, defaultDirectory, EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { listen } from "../protocol/servers.js"
import * as Chromium from "../support/chromium.js"
import { defaults } from "./helpers.js"
import { daemon, sendHere, tokenPath } from "./inspectorHttp.js"

const play = <A>(act: () => Promise<A>) => Effect.promise(act)

/** The inspector in a tab, and what went wrong or elsewhere meanwhile. */
const open = Effect.gen(function* () {
  const { origin } = yield* EntraEmulatorNode.Address
  const tab = yield* Chromium.newPage()
  const complaints: Array<string> = []
  const elsewhere: Array<string> = []
  tab.on("console", (message) => complaints.push(message.text()))
  tab.on("pageerror", (error) => complaints.push(error.message))
  tab.on("request", (request) => {
    const url = request.url()
    if (!url.startsWith("data:") && new URL(url).origin !== origin) elsewhere.push(url)
  })
  yield* play(() => tab.goto(origin))
  yield* play(() => tab.getByText("live", { exact: true }).waitFor())
  const assertCalm = () => assert.deepStrictEqual({ complaints, elsewhere }, { complaints: [], elsewhere: [] })
  return { assertCalm, origin, tab }
})

const rows = (tab: Page) => tab.locator("#line > li")

const card = (tab: Page, title: string) => tab.getByRole("region", { name: title, exact: true })

const press = (tab: Page, name: string, within = tab.locator("body")) =>
  play(() => within.getByRole("button", { name, exact: true }).click())

const shows = (tab: Page, text: string) => play(() => tab.getByText(text).first().waitFor())

const hostile = `<img src=x onerror="document.title='owned'">\u202eevil`

/** Whose names are markup. */
const directory: Directory = {
  ...defaultDirectory,
  tenants: defaultDirectory.tenants.map((tenant) => ({
    ...tenant,
    apps: tenant.apps.map((app) => ({ ...app, displayName: hostile })),
    users: (tenant.users ?? []).map((user) => ({ ...user, displayName: hostile }))
  }))
}

const here = Effect.provide(EntraEmulatorNode.layer())

layer(Chromium.layer, { excludeTestServices: true })("in a browser", (it) => {
  describe("the inspector", () => {
    it.scoped("shows requests as they come, and what came of them", () =>
      Effect.gen(function* () {
        const emulator = yield* EntraEmulator
        const { assertCalm, tab } = yield* open
        yield* shows(tab, "Nothing was asked yet")
        yield* sendHere(tokenPath, daemon({ client_secret: "wrong" }))
        yield* shows(tab, "AADSTS7000215")
        yield* emulator.downFor("1 minute")
        yield* sendHere(tokenPath, daemon())
        yield* emulator.downFor(0)
        yield* sendHere(tokenPath, daemon())
        yield* play(() => rows(tab).nth(2).waitFor())
        const texts = yield* play(() => rows(tab).allInnerTexts())
        assert.match(texts[0] ?? "", /client credentials.*Emulated daemon.*200.*served/s)
        assert.match(texts[1] ?? "", /503.*retried after/s)
        assert.match(texts[2] ?? "", /401.*retried after/s)
        yield* play(() => rows(tab).nth(0).locator("summary").click())
        yield* shows(tab, "form: client_secret")
        assert.notInclude(yield* play(() => tab.content()), Redacted.value(defaults.clientSecret))
        assertCalm()
      }).pipe(here)
    )

    it.scoped("can be narrowed down, paused, and cleared", () =>
      Effect.gen(function* () {
        const { assertCalm, tab } = yield* open
        yield* sendHere(tokenPath, daemon())
        yield* sendHere("/common/v2.0/.well-known/openid-configuration")
        yield* play(() => rows(tab).nth(1).waitFor())
        yield* play(() => tab.getByRole("searchbox").fill("emulated daemon"))
        yield* shows(tab, "1 of 2")
        assert.isFalse(yield* play(() => rows(tab).nth(0).isVisible()))
        yield* play(() => tab.getByRole("searchbox").fill(""))
        yield* press(tab, "Pause")
        yield* play(() => tab.getByText("paused", { exact: true }).waitFor())
        yield* sendHere(tokenPath, daemon())
        yield* Effect.sleep("1500 millis")
        assert.strictEqual(yield* play(() => rows(tab).count()), 2)
        yield* press(tab, "Pause")
        yield* play(() => rows(tab).nth(2).waitFor())
        yield* press(tab, "Clear view")
        assert.strictEqual(yield* play(() => rows(tab).count()), 0)
        yield* sendHere(tokenPath, daemon())
        yield* play(() => rows(tab).nth(0).waitFor())
        assert.strictEqual(yield* play(() => rows(tab).count()), 1)
        assertCalm()
      }).pipe(here)
    )

    it.scoped("makes the endpoints go wrong, and right again", () =>
      Effect.gen(function* () {
        const { assertCalm, tab } = yield* open
        const token = card(tab, "Token endpoint")
        const status = Effect.map(sendHere(tokenPath, daemon()), (answer) => answer.status)
        yield* press(tab, "Throttle the next", token)
        yield* shows(tab, "Next: 3 × 429, Retry-After 5")
        assert.strictEqual(yield* status, 429)
        yield* shows(tab, "Next: 2 × 429, Retry-After 5")
        yield* play(() => token.getByRole("spinbutton", { name: "Seconds" }).fill("20"))
        yield* press(tab, "Be down for", token)
        yield* play(() => token.getByText(/Down for (?:20|19) s more, then 2 × 429/).waitFor())
        assert.strictEqual(yield* status, 503)
        yield* press(tab, "Clear faults", token)
        yield* play(() => token.getByText("Answers as it should").waitFor())
        assert.strictEqual(yield* status, 200)
        yield* press(tab, "Reset the next", token)
        yield* play(() => token.getByText("Next: reset").waitFor())
        assert.strictEqual(yield* status, 0)
        yield* press(tab, "Throttle the next", card(tab, "APIs"))
        yield* play(() => card(tab, "APIs").getByText("Next: 3 × 429").waitFor())
        assert.strictEqual(yield* status, 200)
        assertCalm()
      }).pipe(here)
    )

    it.scoped("changes people and consents by the keyboard, which stays where it is", () =>
      Effect.gen(function* () {
        const { assertCalm, tab } = yield* open
        const focused = play(() => tab.evaluate(() => document.activeElement?.getAttribute("aria-label")))
        const name = (verb: string) => `${verb}: ${defaults.username}`
        yield* play(() => tab.getByRole("button", { name: name("Disable") }).focus())
        yield* play(() => tab.keyboard.press("Enter"))
        yield* play(() => tab.getByRole("button", { name: name("Enable") }).waitFor())
        assert.strictEqual(yield* focused, name("Enable"))
        yield* play(() => tab.keyboard.press("Enter"))
        yield* play(() => tab.getByRole("button", { name: name("Disable") }).waitFor())
        yield* play(() => tab.keyboard.press("Shift+Tab"))
        assert.strictEqual(yield* focused, name("Demand MFA"))
        yield* play(() => tab.keyboard.press("Space"))
        yield* play(() => tab.getByRole("button", { name: name("Demand MFA"), pressed: true }).waitFor())
        yield* press(tab, name("Revoke"))
        yield* shows(tab, `Revoked: every session and token of ${defaults.username}.`)
        yield* play(() => tab.getByText("3 consents").first().click())
        const withdraw = `Withdraw consent: Emulated daemon, ${defaults.apiIdentifierUri}`
        yield* press(tab, withdraw)
        yield* play(() => tab.getByRole("button", { name: withdraw }).waitFor({ state: "detached" }))
        yield* shows(tab, "2 consents")
        assertCalm()
      }).pipe(here)
    )

    it.scoped("says when the emulator is gone", () =>
      Effect.gen(function* () {
        const tab = yield* open.pipe(
          Effect.map(({ tab }) => tab),
          here
        )
        yield* play(() => tab.getByText("not connected").waitFor())
      })
    )

    it.scoped("shows names and requests that are markup as what they are", () =>
      Effect.gen(function* () {
        const { assertCalm, tab } = yield* open
        yield* sendHere(tokenPath, daemon({ scope: hostile, client_id: `<script>alert(1)</script>` }))
        yield* sendHere(`/${encodeURIComponent(hostile)}?prompt=${encodeURIComponent(hostile)}`)
        yield* sendHere(tokenPath, daemon())
        yield* play(() => rows(tab).nth(2).waitFor())
        for (const index of [0, 1, 2]) yield* play(() => rows(tab).nth(index).locator("summary").click())
        yield* shows(tab, "<script>alert(1)</script>")
        const shown = yield* play(() => tab.locator("main").innerText())
        assert.include(shown, `<img src=x onerror="document.title='owned'">\ufffdevil`)
        assert.notInclude(shown, "\u202e")
        assert.strictEqual(yield* play(() => tab.locator("main img").count()), 0)
        assert.strictEqual(yield* play(() => tab.title()), "Entra emulator")
        assertCalm()
      }).pipe(Effect.provide(EntraEmulatorNode.layer({ directory })))
    )
  })

  describe("another site's page", () => {
    it.scoped("presses no button, reads nothing, and frames nothing", () =>
      Effect.gen(function* () {
        const emulator = yield* EntraEmulator
        const { origin } = yield* EntraEmulatorNode.Address
        const action = `${origin}/inspector/actions/reset`
        const page =
          `<!DOCTYPE html><title>Evil</title><iframe name="frame" src="${origin}/"></iframe><iframe name="to"></iframe>` +
          `<form method="post" target="to" action="${action}"><input name="endpoint" value="token"></form>`
        const evil = yield* listen(
          Http.createServer((_, response) => {
            response.setHeader("content-type", "text/html")
            response.end(page)
          })
        )
        const tab = yield* Chromium.newPage()
        yield* play(() => tab.goto(evil.origin.replace("127.0.0.1", "localhost")))
        yield* play(() => tab.evaluate(() => document.forms[0]?.submit()))
        const read = yield* play(() =>
          tab.evaluate(async (origin) => {
            const body = JSON.stringify({ endpoint: "token" })
            const post = { method: "POST", body }
            const typed = { ...post, headers: { "content-type": "application/json", "x-inspector-token": "x" } }
            const url = `${origin}/inspector/actions/reset`
            const tries = [
              fetch(url, { ...post, mode: "no-cors" }),
              fetch(url, post),
              fetch(url, typed),
              fetch(`${origin}/`),
              fetch(`${origin}/inspector/state`),
              fetch(`${origin}/inspector/requests`)
            ]
            const answers = await Promise.all(tries.map((each) => each.then((it) => it.text()).catch(() => "")))
            return answers.join("")
          }, origin)
        )
        assert.strictEqual(read, "")
        assert.strictEqual(yield* emulator.pendingFaults, 0)
        const frame = tab.frame("frame")
        assert.notInclude(yield* play(async () => (await frame?.content()) ?? ""), "inspector-token")
      }).pipe(here)
    )
  })
})
