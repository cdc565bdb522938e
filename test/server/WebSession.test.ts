import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as WebSession from "../../src/server/WebSession.js"
import { appOrigin, defaults, makeSite, signedInSite } from "./site.js"

const at = (path: string) => `${appOrigin}${path}`
const sessionName = "__Host-entra-session"
const otherKey = Redacted.make("another secret of more than 32 bytes, too")
const asScript = { isScript: true }

const refused = (options: Partial<WebSession.CookieOptions>) =>
  Effect.flip(Layer.build(WebSession.layerCookie({ keys: otherKey, ...options })).pipe(Effect.scoped))

describe("cookies", () => {
  it.scopedLive("are for this host alone, over https alone, and for no script", () =>
    Effect.gen(function* () {
      const { browser } = yield* signedInSite()
      const lines = browser.history
        .filter(({ url }) => url.origin === appOrigin)
        .flatMap(({ setCookies }) => setCookies)
      const shown = lines.map((line) =>
        line.replace(/=[^;]{10,}?;/, "=...;").replace(/sign-in\.[\w-]{16}/, "sign-in.*")
      )
      assert.deepStrictEqual(shown, [
        "__Host-entra-sign-in.*=...; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax",
        "__Host-entra-session=...; Max-Age=28800; Path=/; HttpOnly; Secure; SameSite=Lax",
        "__Host-entra-sign-in.*=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax"
      ])
    })
  )

  it.scopedLive("that are changed, or another's, are none", () =>
    Effect.gen(function* () {
      const { browser, newBrowser } = yield* signedInSite()
      const value = browser.cookies(appOrigin).get(sessionName)?.value ?? ""
      const parts = value.split(".")
      const flipped = (part: string) => `${part[0] === "A" ? "B" : "A"}${part.slice(1)}`
      const changed = [2, 3, 4].map((at) => parts.map((part, each) => (each === at ? flipped(part) : part)).join("."))
      for (const each of [...changed, "", "x", ".", value.slice(0, -1), `${value}${"A".repeat(4000)}`]) {
        const other = newBrowser()
        other.plant(appOrigin, sessionName, each)
        assert.strictEqual((yield* other.ask(at("/me"), asScript)).status, 401, each)
      }
      assert.strictEqual((yield* browser.ask(at("/me"), asScript)).status, 200)
    })
  )

  it.scopedLive("of one kind don't pass for the other", () =>
    Effect.gen(function* () {
      const { browser: newBrowser } = yield* makeSite()
      const browser = newBrowser()
      yield* browser.ask(at("/auth/sign-in"))
      const [signIn] = browser.cookies(appOrigin).values()
      browser.plant(appOrigin, sessionName, signIn?.value ?? "")
      assert.strictEqual((yield* browser.ask(at("/me"), asScript)).status, 401)
    })
  )

  it.scopedLive("live on when a key is put before theirs, and end with it", () =>
    Effect.gen(function* () {
      const key = Redacted.make("the first secret of more than 32 bytes, here")
      const { browser, restart } = yield* signedInSite({ cookies: { keys: key } })
      yield* restart({ cookies: { keys: [otherKey, key] } })
      assert.strictEqual((yield* browser.ask(at("/me"), asScript)).status, 200)
      yield* restart({ cookies: { keys: otherKey } })
      assert.strictEqual((yield* browser.ask(at("/me"), asScript)).status, 401)
    })
  )

  it.scopedLive("end with their lifetime, whatever the browser keeps", () =>
    Effect.gen(function* () {
      const { browser, pass } = yield* signedInSite({ cookies: { lifetime: "2 hours" } })
      pass("119 minutes")
      assert.strictEqual((yield* browser.ask(at("/me"), asScript)).status, 200)
      pass("2 minutes")
      assert.strictEqual((yield* browser.ask(at("/me"), asScript)).status, 401)
    })
  )

  it.scopedLive("of sign-ins that nobody ends stay within 4 kB, the newest among them", () =>
    Effect.gen(function* () {
      const { browser: newBrowser, emulator } = yield* makeSite()
      const browser = newBrowser()
      for (let count = 0; count < 12; count += 1) yield* browser.ask(at(`/auth/sign-in?returnTo=/me?${count}`))
      const cookies = [...browser.cookies(appOrigin).values()]
      const size = cookies.reduce((sum, { name, value }) => sum + name.length + value.length, 0)
      assert.isAtMost(size, 4096)
      assert.isAtLeast(cookies.length, 2)
      yield* emulator.signIn(defaults.username)
      const newest = browser.history.slice(1 - cookies.length)
      for (const begun of newest) {
        const there = yield* browser.visit(begun.headers.location ?? "")
        assert.strictEqual(there.url.href, at(begun.url.searchParams.get("returnTo") ?? ""))
      }
    })
  )

  it.scopedLive("too small for a sign-in are told of, not sent", () =>
    Effect.gen(function* () {
      const scopes = Array.from({ length: 200 }, (_, at) => `${defaults.apiIdentifierUri}/scope-${at}`)
      const { browser } = yield* makeSite({ options: { scopes } })
      const told = yield* browser().ask(at("/auth/sign-in"))
      assert.deepStrictEqual([told.status, told.setCookies], [503, []])
    })
  )
})

describe("layerCookie", () => {
  it.effect("refuses keys that are too short, names that are none, and lifetimes without end", () =>
    Effect.gen(function* () {
      const short = Redacted.make("only 31 bytes, which is too few")
      const parameters = yield* Effect.forEach(
        [
          { keys: short },
          { keys: [otherKey, short] as const },
          { name: "a b" },
          { name: "" },
          { lifetime: "59 seconds" as const },
          { lifetime: Number.POSITIVE_INFINITY }
        ],
        refused
      )
      assert.deepStrictEqual(
        parameters.map(({ parameter }) => parameter),
        ["keys", "keys", "name", "name", "lifetime", "lifetime"]
      )
      assert.notInclude(JSON.stringify(parameters), "31 bytes")
    })
  )
})

/** Sessions of a program's own: a cookie with a name alone, everything else here. */
const memory = () => {
  const sessions = new Map<string, WebSession.Session>()
  const pending = new Map<string, WebSession.PendingSignIn>()
  const layer = Layer.succeed(WebSession.WebSession, {
    current: () =>
      Effect.map(HttpServerRequest.HttpServerRequest, ({ cookies }) =>
        Option.fromNullable(sessions.get(cookies.session ?? ""))
      ),
    open: (response, session) =>
      Effect.sync(() => {
        sessions.set(session.id, session)
        return HttpServerResponse.unsafeSetCookie(response, "session", session.id)
      }),
    close: (response) => Effect.succeed(response),
    pending: (state) => Effect.succeed(Option.fromNullable(pending.get(state))),
    begin: (response, signIn) =>
      Effect.as(
        Effect.sync(() => pending.set(Redacted.value(signIn.flow.state), signIn)),
        response
      ),
    end: (response, state) =>
      Effect.as(
        Effect.sync(() => pending.delete(state)),
        response
      )
  })
  return { layer, sessions, pending }
}

describe("sessions of a program's own", () => {
  it.scopedLive("take the place of cookies", () =>
    Effect.gen(function* () {
      const { layer, pending, sessions } = memory()
      const { arrival } = yield* signedInSite({ sessions: layer })
      assert.strictEqual(arrival.url.href, at("/me"))
      assert.deepStrictEqual([sessions.size, pending.size], [1, 0])
    })
  )

  it.scopedLive("that can't be reached are 503 for everybody", () =>
    Effect.gen(function* () {
      const down = new WebSession.WebSessionUnavailable({ reason: "the store is down" })
      const sessions = Layer.succeed(WebSession.WebSession, {
        current: () => down,
        open: () => down,
        close: () => down,
        pending: () => down,
        begin: () => down,
        end: () => down
      })
      const { browser: newBrowser, seen } = yield* makeSite({ sessions })
      const browser = newBrowser()
      const from = new URL(at("/me"))
      const visits = [
        browser.ask(at("/me")),
        browser.ask(at("/auth/sign-in")),
        browser.ask(at("/auth/callback?code=c&state=s")),
        browser.ask(at("/auth/sign-out"), { method: "POST", form: {}, from })
      ]
      for (const { headers, status } of yield* Effect.all(visits))
        assert.deepStrictEqual([status, headers["cache-control"]], [503, "no-store"])
      assert.include(seen(), "the store is down")
    })
  )
})
