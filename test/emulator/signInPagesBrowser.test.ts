import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Page } from "playwright-core"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import * as Chromium from "../support/chromium.js"
import { defaults } from "./helpers.js"
import { authorizeUrl, desktop } from "./people.js"

const passwd = Redacted.value(defaults.password)

/** An application on loopback: it answers its redirect URI with a redirect to another port, as some do. */
const application = Effect.acquireRelease(
  Effect.promise(
    () =>
      new Promise<{ readonly origin: string; readonly close: () => void }>((resolve) => {
        const front = createServer((_, response) => response.end("<title>Welcome</title>"))
        const back = createServer((request, response) => {
          const { port } = front.address() as AddressInfo
          const search = new URL(request.url ?? "", "http://localhost").search
          response.writeHead(302, { location: `http://127.0.0.1:${port}/${search}` }).end()
        })
        front.listen(0, "127.0.0.1", () =>
          back.listen(0, "localhost", () => {
            const { port } = back.address() as AddressInfo
            const close = () => [front, back].forEach((server) => void server.close().closeAllConnections())
            resolve({ origin: `http://localhost:${port}`, close })
          })
        )
      })
  ),
  ({ close }) => Effect.sync(close)
)

/** What a developer would see in the console. */
const complaints = (page: Page) => {
  const seen: Array<string> = []
  page.on("console", (message) => seen.push(message.text()))
  page.on("pageerror", (error) => seen.push(error.message))
  return seen
}

/** What has the focus as the page appears. */
const focused = (page: Page, tag: string) => page.waitForFunction((tag) => document.activeElement?.tagName === tag, tag)

const pressing = (page: Page) => (name: string) => page.getByRole("button", { name }).click()

layer(Chromium.layer, { excludeTestServices: true })("in Chromium", (it) => {
  it.scoped("a person signs in by keyboard and mouse, and arrives at the application", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      yield* (yield* EntraEmulator).requireMfa(defaults.secondUsername)
      const app = yield* application
      const page = yield* Chromium.newPage()
      const seen = complaints(page)
      const press = pressing(page)
      const base = `${origin}/${defaults.tenantId}/oauth2/v2.0`
      const scope = `openid ${defaults.unconsentedApiUserScope}`
      const url = authorizeUrl({ ...desktop, scope, redirect_uri: app.origin }, base)
      yield* Effect.promise(async () => {
        await page.goto(`${url}&login_hint=${defaults.secondUsername}`)
        await focused(page, "BUTTON")
        await page.keyboard.press("Enter")
        await page.getByLabel("Password").waitFor()
        await focused(page, "INPUT")
        await page.keyboard.type(passwd)
        await page.keyboard.press("Enter")
        await page.getByLabel("Code").fill((await page.locator(".code").textContent()) ?? "")
        await press("Verify")
        await press("Accept")
        await page.waitForFunction(() => document.title === "Welcome")
      })
      const { hostname, searchParams } = new URL(page.url())
      assert.strictEqual(hostname, "127.0.0.1")
      assert.isString(searchParams.get("code"))
      assert.deepStrictEqual(seen, [])
    }).pipe(Effect.provide(EntraEmulatorNode.layer()))
  )

  it.scoped("the answer as a form posts itself", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const app = yield* application
      const page = yield* Chromium.newPage()
      const seen = complaints(page)
      const parameters = { ...desktop, redirect_uri: app.origin, response_mode: "form_post" }
      yield* Effect.promise(async () => {
        await page.goto(authorizeUrl(parameters, `${origin}/${defaults.tenantId}/oauth2/v2.0`))
        await page.getByRole("button", { name: defaults.username }).click()
        await page.waitForFunction(() => document.title === "Welcome")
      })
      assert.deepStrictEqual(seen, [])
    }).pipe(Effect.provide(EntraEmulatorNode.layer()))
  )

  it.scoped("no page is wider than a telephone, light or dark", () =>
    Effect.gen(function* () {
      const { origin } = yield* EntraEmulatorNode.Address
      const url = authorizeUrl(undefined, `${origin}/${defaults.tenantId}/oauth2/v2.0`)
      for (const colorScheme of ["light", "dark"] as const) {
        const page = yield* Chromium.newPage({ colorScheme, viewport: { width: 320, height: 640 } })
        const press = pressing(page)
        yield* Effect.promise(async () => {
          await page.goto(url)
          await press(defaults.secondUsername)
          await page.getByLabel("Password").fill("wrong")
          await press("Sign in")
          await page.getByRole("alert").waitFor()
        })
        const width = yield* Effect.promise(() => page.evaluate(() => document.documentElement.scrollWidth))
        assert.strictEqual(width, 320)
      }
    }).pipe(Effect.provide(EntraEmulatorNode.layer()))
  )
})
