import * as Http from "node:http"
import { assert, describe, layer } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber } from "effect"
import type { Page } from "playwright-core"
import { LoopbackServer } from "../../src/client/LoopbackServer.js"
import * as LoopbackServerNode from "../../src/client/LoopbackServerNode.js"
import { listen } from "../protocol/servers.js"
import * as Chromium from "../support/chromium.js"
import { shiftedClock } from "../support/shiftedClock.js"

const state = "the-state-of-this-sign-in"
const code = "the-code"

const listening = Effect.flatMap(LoopbackServer, (server) => server.listen({ state })).pipe(
  Effect.provide(LoopbackServerNode.layer)
)

const page = (body: string) => `<!DOCTYPE html><title>Authority</title><body>${body}</body>`

/** Asks a person to sign in, and sends the browser back as it is told by the query of its own URL. */
const authority = Effect.gen(function* () {
  const server = Http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://authority")
    const to = searchParams.get("to") ?? ""
    if (pathname === "/authorize") {
      response.setHeader("content-type", "text/html; charset=utf-8")
      return response.end(page(`<a href="/signed-in?to=${encodeURIComponent(to)}">Sign in</a>`))
    }
    if (pathname === "/form") {
      const inputs = [...new URL(to).searchParams].map(([name, value]) => `<input name="${name}" value="${value}">`)
      response.setHeader("content-type", "text/html; charset=utf-8")
      return response.end(
        page(`<form method="post" action="${new URL(to).origin}/">${inputs.join("")}<button>Go</button></form>`)
      )
    }
    if (pathname === "/script") {
      response.setHeader("content-type", "text/html; charset=utf-8")
      const script = `fetch(${JSON.stringify(to)},{mode:"no-cors"}).catch(()=>0).then(()=>{document.title="asked"})`
      return response.end(page(`<iframe src="${to}"></iframe><script>${script}</script>`))
    }
    return response.writeHead(302, { location: to }).end()
  })
  const { origin } = yield* listen(server)
  const at = (path: string) => (to: string) => `${origin}${path}?to=${encodeURIComponent(to)}`
  return { origin, authorize: at("/authorize"), form: at("/form"), script: at("/script") }
})

const play = <A>(act: () => Promise<A>) => Effect.promise(act)

const textOf = (tab: Page) => play(() => tab.locator("main").innerText())

/** What a back button of the tab leads to on this server. */
const historyOf = (tab: Page, origin: string) =>
  play(async () => {
    const session = await tab.context().newCDPSession(tab)
    const { entries } = await session.send("Page.getNavigationHistory")
    return entries.flatMap(({ url, userTypedURL }) =>
      [...new Set([url, userTypedURL])].filter((at) => at.startsWith(origin))
    )
  })

/** Time that waits for nothing long. */
const hasty: Clock.Clock = {
  ...shiftedClock().clock,
  sleep: (duration) => Clock.make().sleep(Duration.times(duration, 0.05))
}

/** The sign-in of a person who sees the authority's page, and goes on from it. */
const signIn = (tab: Page, url: string, control = "Sign in") =>
  Effect.gen(function* () {
    yield* play(() => tab.goto(url))
    return yield* Effect.fork(play(() => tab.getByText(control).click()))
  })

/** A tab, and what its browser complains of. */
const newTab = Effect.gen(function* () {
  const tab = yield* Chromium.newPage()
  const complaints: Array<string> = []
  tab.on("console", (message) => complaints.push(message.text()))
  tab.on("pageerror", (error) => complaints.push(error.message))
  return { tab, complaints }
})

layer(Chromium.layer, { excludeTestServices: true })("in a browser", (it) => {
  describe("a sign-in", () => {
    it.scoped("ends on a page that has no code in its address, its history or its text", () =>
      Effect.gen(function* () {
        const { authorize } = yield* authority
        const { conclude, redirectUri, response } = yield* listening
        const { complaints, tab } = yield* newTab
        const seen: Array<string> = []
        tab.on("framenavigated", (frame) => seen.push(frame.url()))
        yield* signIn(tab, authorize(`${redirectUri}/?code=${code}&state=${state}`))
        assert.strictEqual((yield* response).get("code"), code)
        yield* conclude({ _tag: "SignedIn" })
        assert.include(yield* textOf(tab), "You are signed in")
        assert.strictEqual(tab.url(), `${redirectUri}/done`)
        assert.deepStrictEqual(yield* historyOf(tab, redirectUri), [`${redirectUri}/done`])
        assert.strictEqual(yield* play(() => tab.evaluate(() => document.referrer)), "")
        assert.strictEqual(seen.filter((url) => url.startsWith(redirectUri)).join(), `${redirectUri}/done`)
        assert.notInclude(yield* play(() => tab.content()), code)
        assert.notInclude(yield* play(() => tab.content()), state)
        assert.deepStrictEqual(complaints, [])
      })
    )

    it.scoped("that is posted ends the same", () =>
      Effect.gen(function* () {
        const { form } = yield* authority
        const { conclude, redirectUri, response } = yield* listening
        const { complaints, tab } = yield* newTab
        yield* signIn(tab, form(`${redirectUri}/?code=${code}&state=${state}`), "Go")
        assert.strictEqual((yield* response).get("code"), code)
        yield* conclude({ _tag: "SignedIn" })
        assert.include(yield* textOf(tab), "You are signed in")
        assert.strictEqual(tab.url(), `${redirectUri}/done`)
        assert.deepStrictEqual(complaints, [])
      })
    )

    it.scoped("that has failed shows markup as text", () =>
      Effect.gen(function* () {
        const { authorize } = yield* authority
        const { conclude, redirectUri, response } = yield* listening
        const { complaints, tab } = yield* newTab
        const markup = "</p><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
        const query = new URLSearchParams({ error: "access_denied", error_description: markup, state })
        yield* signIn(tab, authorize(`${redirectUri}/?${query}`))
        const message = (yield* response).get("error_description") ?? ""
        yield* conclude({ _tag: "Failed", title: "<b>Declined</b>", message })
        assert.include(yield* textOf(tab), `<b>Declined</b>`)
        assert.include(yield* textOf(tab), markup)
        assert.strictEqual(yield* play(() => tab.title()), "<b>Declined</b>")
        assert.strictEqual(yield* play(() => tab.locator("img, script, b").count()), 0)
        assert.deepStrictEqual(complaints, [])
      })
    )

    it.scoped("leaves a back button that leads to the authority, and forth to the end", () =>
      Effect.gen(function* () {
        const { authorize, origin } = yield* authority
        const { conclude, redirectUri, response } = yield* listening
        const { tab } = yield* newTab
        yield* signIn(tab, authorize(`${redirectUri}/?code=${code}&state=${state}`))
        yield* response
        yield* conclude({ _tag: "SignedIn" })
        yield* textOf(tab)
        yield* play(() => tab.goBack())
        assert.match(tab.url(), new RegExp(`^${origin}/authorize`))
        yield* play(() => tab.goForward())
        assert.strictEqual(tab.url(), `${redirectUri}/done`)
        assert.include(yield* textOf(tab), "You are signed in")
        yield* play(() => tab.goBack())
        yield* play(() => tab.getByText("Sign in").click())
        assert.include(yield* textOf(tab), "answered already")
      })
    )

    it.scoped("is not disturbed by a second tab with the state of an older one", () =>
      Effect.gen(function* () {
        const { authorize } = yield* authority
        const { conclude, redirectUri, response } = yield* listening
        const { tab } = yield* newTab
        const other = yield* play(() => tab.context().newPage())
        yield* signIn(other, authorize(`${redirectUri}/?code=stale&state=of-an-older-one`))
        assert.include(yield* textOf(other), "Nothing waits for this page")
        yield* signIn(tab, authorize(`${redirectUri}/?code=${code}&state=${state}`))
        assert.strictEqual((yield* response).get("code"), code)
        yield* conclude({ _tag: "SignedIn" })
        assert.include(yield* textOf(tab), "You are signed in")
      })
    )

    it.scoped("is not answered by a script or a frame of another origin", () =>
      Effect.gen(function* () {
        const { script } = yield* authority
        const { redirectUri, response } = yield* listening
        const { tab } = yield* newTab
        const waiting = yield* Effect.fork(response)
        yield* play(() => tab.goto(script(`${redirectUri}/?code=${code}&state=${state}`)))
        yield* play(() => tab.waitForFunction(() => document.title === "asked"))
        assert.isNull(waiting.unsafePoll())
        yield* Fiber.interrupt(waiting)
      })
    )

    it.scoped("ends where the tab was closed before", () =>
      Effect.gen(function* () {
        const { authorize } = yield* authority
        const { conclude, redirectUri, response } = yield* listening
        const { tab } = yield* newTab
        const click = yield* signIn(tab, authorize(`${redirectUri}/?code=${code}&state=${state}`))
        yield* response
        yield* Effect.zipRight(
          Effect.sleep("100 millis"),
          play(() => tab.close())
        )
        yield* Fiber.await(click)
        yield* conclude({ _tag: "SignedIn" })
      })
    )

    it.scoped("that is given up is told to who waits", () =>
      Effect.gen(function* () {
        const { authorize } = yield* authority
        const { tab } = yield* newTab
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { redirectUri, response } = yield* listening
            yield* signIn(tab, authorize(`${redirectUri}/?code=${code}&state=${state}`))
            yield* response
            yield* Effect.sleep("100 millis")
          })
        )
        assert.include(yield* textOf(tab), "does not wait for it any more")
        yield* play(() => tab.goBack())
        assert.strictEqual(yield* play(() => tab.title()), "Authority")
      })
    )

    it.scoped("that takes long asks for its end by itself", () =>
      Effect.gen(function* () {
        const { authorize } = yield* authority
        const { conclude, redirectUri, response } = yield* Effect.withClock(listening, hasty)
        const { tab } = yield* newTab
        yield* signIn(tab, authorize(`${redirectUri}/?code=${code}&state=${state}`))
        yield* response
        assert.include(yield* textOf(tab), "Signing you in")
        yield* Effect.sleep("1200 millis")
        yield* conclude({ _tag: "SignedIn" })
        yield* play(() => tab.getByText("You are signed in").waitFor())
        assert.deepStrictEqual(yield* historyOf(tab, redirectUri), [`${redirectUri}/done`])
      })
    )
  })
})
