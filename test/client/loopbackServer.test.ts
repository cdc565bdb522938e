import * as Http from "node:http"
import * as Net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Deferred,
  Duration,
  Effect,
  Either,
  Exit,
  Fiber,
  Predicate,
  Scope,
  TestClock,
  TestServices
} from "effect"
import { type Ending, type ListenOptions, LoopbackServer } from "../../src/client/LoopbackServer.js"
import * as LoopbackServerNode from "../../src/client/LoopbackServerNode.js"
import { send } from "../../src/client/loopbackReplyNode.js"
import { serve } from "../protocol/servers.js"
import { eventually } from "../support/emulated.js"

const state = "the-state-of-this-sign-in"
const code = "the-code"
const callback = `/?code=${code}&state=${state}&iss=https%3A%2F%2Fissuer`

const listenWith = (options: Partial<ListenOptions> = {}) =>
  Effect.map(
    Effect.flatMap(LoopbackServer, (server) => server.listen({ state, ...options })),
    (redirection) => ({ ...redirection, port: Number(new URL(redirection.redirectUri).port) })
  ).pipe(Effect.provide(LoopbackServerNode.layer))

const listening = listenWith()

interface Asked {
  readonly port: number
  readonly address?: string
  readonly path?: string | undefined
  readonly method?: string
  readonly headers?: Http.OutgoingHttpHeaders
  readonly body?: string
}

interface Answer {
  readonly status: number | undefined
  readonly headers: Http.IncomingHttpHeaders
  readonly body: string
}

/** Over a connection of its own, which ends with the fiber. */
const ask = ({ address = "127.0.0.1", body, headers = {}, method = "GET", path = callback, port }: Asked) =>
  Effect.async<Answer, string>((resume) => {
    const host = `localhost:${port}`
    const request = Http.request({ host: address, port, path, method, agent: false, headers: { host, ...headers } })
    request.on("error", (error) => resume(Effect.fail("code" in error ? String(error.code) : error.message)))
    request.on("response", (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        text += chunk
      })
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode, headers: response.headers, body: text }))
      )
    })
    request.end(body)
    return Effect.sync(() => request.destroy())
  })

const statusOf = (asked: Asked) => Effect.map(ask(asked), ({ status }) => status)

const posted = (port: number, body: string, headers: Http.OutgoingHttpHeaders = {}): Asked => ({
  port,
  method: "POST",
  path: "/",
  body,
  headers: { "content-type": "application/x-www-form-urlencoded", origin: "https://authority.example", ...headers }
})

const ending = (port: number): Asked => ({ port, path: "/done" })

/** What a socket that was opened by hand is told, until it is closed. */
const converse = (port: number, first: string) =>
  Effect.async<string>((resume) => {
    let said = ""
    const socket = Net.connect({ host: "127.0.0.1", port }, () => socket.write(first))
    socket.on("data", (chunk) => {
      said += chunk
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(said)))
    return Effect.sync(() => socket.destroy())
  })

/** Real time for what is said to arrive. */
const moment = TestServices.provideLive(Effect.sleep("100 millis"))

const families = ["127.0.0.1", "::1"]

/** What each family says of a port on which nobody listens. */
const refusals = (port: number) =>
  Effect.forEach(families, (address) => Effect.flip(ask({ port, address })), { concurrency: "unbounded" })

const socketsAreGone = eventually(
  Effect.sync(() => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCP"))),
  (left) => left.length === 0
).pipe(Effect.timeout("2 seconds"))

/** Neither the port nor a socket of it is left. */
const isGone = (port: number) =>
  Effect.gen(function* () {
    assert.deepStrictEqual(yield* refusals(port), ["ECONNREFUSED", "ECONNREFUSED"])
    yield* socketsAreGone
  })

/** Listens in a scope of its own, so that one sees what is left after it. */
const whileListening = <A, E>(
  use: (port: number, redirection: Effect.Effect.Success<typeof listening>) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const started = yield* Deferred.make<number>()
    const fiber = yield* Effect.fork(
      Effect.scoped(
        Effect.gen(function* () {
          const redirection = yield* listening
          yield* Deferred.succeed(started, redirection.port)
          return yield* use(redirection.port, redirection)
        })
      )
    )
    return { fiber, port: yield* Deferred.await(started) }
  })

const failed: Ending = { _tag: "Failed", title: "Declined <i>", message: 'By <script>alert(1)</script> & "co"' }

describe("the way back of a browser", () => {
  for (const address of families)
    it.scopedLive(`takes a code that comes over ${address}, and sends the browser on`, () =>
      Effect.gen(function* () {
        const { port, redirectUri, response } = yield* listening
        assert.match(redirectUri, /^http:\/\/localhost:\d+$/)
        const { body, headers, status } = yield* ask({ port, address })
        assert.deepStrictEqual([status, headers.location, body], [303, "/done", ""])
        assert.deepStrictEqual(Object.fromEntries(yield* response), { code, state, iss: "https://issuer" })
      })
    )

  for (const host of ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
    it.scopedLive(`is known as ${host}`, () =>
      Effect.gen(function* () {
        const { port } = yield* listening
        assert.strictEqual(yield* statusOf({ port, headers: { host: `${host}:${port}` } }), 303)
      })
    )

  it.scopedLive("takes an error in the place of a code", () =>
    Effect.gen(function* () {
      const { port, response } = yield* listening
      yield* ask({ port, path: `/?error=access_denied&error_description=a%0Ab&state=${state}` })
      assert.strictEqual((yield* response).get("error_description"), "a\nb")
    })
  )

  it.scopedLive("takes what is posted", () =>
    Effect.gen(function* () {
      const { port, response } = yield* listening
      const headers = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "cross-site" }
      const answer = yield* ask(posted(port, `code=${code}&state=${state}`, headers))
      assert.deepStrictEqual([answer.status, answer.headers.location], [303, "/done"])
      assert.strictEqual((yield* response).get("code"), code)
    })
  )

  it.scopedLive("is the port that was asked for", () =>
    Effect.gen(function* () {
      const { port } = yield* Effect.scoped(listening)
      assert.strictEqual((yield* listenWith({ port })).port, port)
    })
  )

  it.scopedLive("is one of its own for each sign-in", () =>
    Effect.gen(function* () {
      const servers = yield* Effect.all(
        Array.from({ length: 20 }, () => listening),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(servers.map(({ port }) => port)).size, 20)
      for (const { port } of servers) assert.strictEqual(yield* statusOf({ port, address: "::1" }), 303)
    })
  )
})

describe("the way back of a browser ignores", () => {
  const nothingElse = `code=${code}`
  it.scopedLive.each([
    ["no state", `/?${nothingElse}`],
    ["a wrong state", `/?${nothingElse}&state=wrong`],
    ["a longer state", `/?${nothingElse}&state=${state}x`],
    ["an empty state", `/?${nothingElse}&state=`],
    ["a state twice", `/?${nothingElse}&state=${state}&state=${state}`],
    ["a state alone", `/?state=${state}`],
    ["an empty code", `/?code=&state=${state}`],
    ["nothing", "/"]
  ])("%s", ([, path]) =>
    Effect.gen(function* () {
      const { port, response } = yield* listening
      const answer = yield* ask({ port, path })
      assert.strictEqual(answer.status, 400)
      assert.include(answer.body, "Nothing waits for this page")
      assert.strictEqual(yield* statusOf({ ...posted(port, (path ?? "").slice(2)) }), 400)
      assert.strictEqual(yield* statusOf({ port }), 303)
      assert.strictEqual((yield* response).get("code"), code)
    })
  )

  it.scopedLive.each([
    ["a host that is led here", 403, { headers: { host: "evil.example" } }],
    ["another port's host", 403, { headers: { host: "localhost:1" } }],
    ["a host without port", 403, { headers: { host: "localhost" } }],
    ["a name below localhost", 403, { headers: { host: "evil.localhost" } }],
    ["a script of another origin", 403, { headers: { origin: "https://evil.example" } }],
    ["a script's request", 403, { headers: { "sec-fetch-mode": "no-cors", "sec-fetch-site": "cross-site" } }],
    ["a frame", 403, { headers: { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" } }],
    ["a question for the ending before there is one", 404, { path: "/done" }],
    ["another path", 404, { path: `/elsewhere${callback.slice(1)}` }],
    ["a path with two slashes", 404, { path: `/${callback}` }],
    ["an absolute target", 404, { path: `http://localhost${callback}` }],
    ["the icon", 404, { path: "/favicon.ico" }],
    ["DELETE", 405, { method: "DELETE" }],
    ["HEAD", 405, { method: "HEAD" }],
    ["a preflight", 405, { method: "OPTIONS" }],
    ["a posted question for the ending", 405, { method: "POST", path: "/done" }],
    ["a query of 16 kB", 414, { path: `${callback}&x=${"x".repeat(16_384)}` }],
    ["headers without end", 431, { headers: { cookie: "x".repeat(70_000) } }]
  ] as const)("%s (%i)", ([, status, asked]) =>
    Effect.gen(function* () {
      const { port, response } = yield* listening
      const headers = { host: `localhost:${port}`, ...("headers" in asked ? asked.headers : {}) }
      assert.strictEqual(yield* statusOf({ port, ...asked, headers }), status)
      assert.strictEqual(yield* statusOf({ port }), 303)
      assert.strictEqual((yield* response).get("code"), code)
    })
  )

  it.scopedLive.each([
    ["JSON", 415, `code=${code}&state=${state}`, { "content-type": "application/json" }],
    ["no type", 415, `code=${code}&state=${state}`, { "content-type": "" }],
    ["a form of 16 kB", 413, `code=${code}&state=${state}&x=${"x".repeat(16_384)}`, {}],
    [
      "a form of 16 kB in chunks",
      413,
      `code=${code}&state=${state}&x=${"x".repeat(99_999)}`,
      { "transfer-encoding": "chunked" }
    ],
    ["a form that a script posts", 403, `code=${code}&state=${state}`, { "sec-fetch-mode": "cors" }]
  ] as const)("posted: %s (%i)", ([, status, body, headers]) =>
    Effect.gen(function* () {
      const { port } = yield* listening
      assert.strictEqual(yield* statusOf(posted(port, body, headers)), status)
      assert.strictEqual(yield* statusOf({ port }), 303)
    })
  )

  it.scopedLive("an answer that comes again", () =>
    Effect.gen(function* () {
      const { port, response } = yield* listening
      yield* ask({ port })
      const again = yield* ask({ port, path: `/?code=other&state=${state}` })
      assert.strictEqual(again.status, 409)
      assert.include(again.body, "answered already")
      assert.strictEqual(yield* statusOf(posted(port, `code=other&state=${state}`)), 409)
      assert.strictEqual((yield* response).get("code"), code)
    })
  )

  it.scopedLive("all but one of many that come at once", () =>
    Effect.gen(function* () {
      const { port } = yield* listening
      const statuses = yield* Effect.all(
        Array.from({ length: 20 }, () => statusOf({ port })),
        {
          concurrency: "unbounded"
        }
      )
      assert.lengthOf(
        statuses.filter((status) => status === 303),
        1
      )
      assert.lengthOf(
        statuses.filter((status) => status === 409),
        19
      )
    })
  )

  it.scopedLive.each([
    ["no HTTP", "\u0016\u0003\u0001 hello\r\n\r\n", 400],
    ["no host", "GET / HTTP/1.1\r\n\r\n", 403],
    ["no host in the old way", "GET / HTTP/1.0\r\n\r\n", 403],
    ["a host twice", "GET / HTTP/1.1\r\nhost: evil.example\r\nhost: localhost:PORT\r\n\r\n", 403],
    ["an expectation", "GET / HTTP/1.1\r\nhost: localhost:PORT\r\nexpect: more\r\n\r\n", 400],
    ["another protocol", "GET / HTTP/1.1\r\nhost: localhost:PORT\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", 400],
    ["two requests in one", "GET / HTTP/1.1\r\nhost: localhost:PORT\r\n\r\n".repeat(2), 400]
  ] as const)("%s, with the headers of every answer", ([, bytes, status]) =>
    Effect.gen(function* () {
      const { port } = yield* listening
      const said = yield* converse(port, bytes.replaceAll("PORT", `${port}`))
      assert.match(said, new RegExp(`^HTTP/1\\.1 ${status} `))
      assert.lengthOf(said.match(/^cache-control: no-store\r$/gm) ?? [], 1)
      assert.strictEqual(yield* statusOf({ port }), 303)
    })
  )

  it.scopedLive("more connections than a browser opens, until there is room again", () =>
    Effect.gen(function* () {
      const { port } = yield* listening
      const others = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 64 }, () => converse(port, "")),
          { concurrency: "unbounded" }
        )
      )
      const knock = Effect.either(ask({ port, path: "/" }))
      assert.deepStrictEqual(yield* eventually(knock, Either.isLeft), Either.left("ECONNRESET"))
      yield* Fiber.interrupt(others)
      yield* eventually(knock, Either.isRight)
      assert.strictEqual(yield* statusOf({ port }), 303)
    })
  )

  it.scopedLive(
    "who never ends a request, after a while",
    () =>
      Effect.gen(function* () {
        const { port } = yield* listening
        const [duration, said] = yield* Effect.timed(converse(port, "GET / HTTP/1.1\r\nhost: local"))
        assert.match(said, /^HTTP\/1\.1 408 /)
        assert.isBelow(Duration.toSeconds(duration), 8)
      }),
    20_000
  )
})

describe("the end of a sign-in", () => {
  it.scopedLive.each([
    ["a success", { _tag: "SignedIn" }, "You are signed in"],
    ["a failure", failed, '<h1 dir="auto">Declined &lt;i&gt;</h1>']
  ] as const)("is told once there is one: %s", ([, what, text]) =>
    Effect.gen(function* () {
      const { conclude, port } = yield* listening
      yield* ask({ port })
      const page = yield* Effect.fork(ask(ending(port)))
      yield* moment
      assert.isNull(page.unsafePoll())
      const [duration] = yield* Effect.timed(conclude(what))
      assert.isBelow(Duration.toMillis(duration), 1_000)
      const { body, status } = yield* Fiber.join(page)
      assert.strictEqual(status, 200)
      assert.include(body, text)
      assert.notInclude(body, "<script>")
      assert.notInclude(body, code)
      assert.notInclude(body, state)
    })
  )

  it.scopedLive("is told to a browser that comes after it", () =>
    Effect.gen(function* () {
      const { conclude, port } = yield* listening
      yield* ask({ port })
      const fiber = yield* Effect.fork(conclude({ _tag: "SignedIn" }))
      yield* moment
      assert.isNull(fiber.unsafePoll())
      assert.include((yield* ask(ending(port))).body, "You are signed in")
      yield* Fiber.join(fiber)
    })
  )

  it.scopedLive("is the first one", () =>
    Effect.gen(function* () {
      const { conclude, port } = yield* listening
      yield* conclude(failed)
      yield* ask({ port })
      const [{ body }] = yield* Effect.all([ask(ending(port)), conclude({ _tag: "SignedIn" })], { concurrency: 2 })
      assert.include(body, "Declined")
    })
  )

  it.scopedLive("waits for nobody where no response came", () =>
    Effect.gen(function* () {
      const { conclude } = yield* listening
      const [duration] = yield* Effect.timed(conclude(failed))
      assert.isBelow(Duration.toMillis(duration), 500)
    })
  )

  it.scoped("waits for 2 seconds at most for a browser that does not ask, or has left", () =>
    Effect.gen(function* () {
      const { conclude, port } = yield* listening
      yield* ask({ port })
      const page = yield* Effect.fork(ask(ending(port)))
      yield* moment
      yield* Fiber.interrupt(page)
      yield* moment
      const concluded = yield* Effect.fork(conclude(failed))
      yield* TestClock.adjust("1999 millis")
      yield* moment
      assert.isNull(concluded.unsafePoll())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(concluded)
    })
  )

  it.scoped("is held for 10 seconds, then asked for again", () =>
    Effect.gen(function* () {
      const { port } = yield* listening
      yield* ask({ port })
      const page = yield* Effect.fork(ask(ending(port)))
      yield* moment
      yield* TestClock.adjust("9999 millis")
      yield* moment
      assert.isNull(page.unsafePoll())
      yield* TestClock.adjust("1 millis")
      assert.include((yield* Fiber.join(page)).body, '<meta http-equiv="refresh" content="1">')
    })
  )
})

describe("every answer", () => {
  it.scopedLive("that nobody is there for any more is given up at once", () =>
    Effect.gen(function* () {
      const came = yield* Deferred.make<Http.ServerResponse>()
      const { host } = yield* serve((response) => Deferred.unsafeDone(came, Effect.succeed(response)))
      const page = yield* Effect.fork(ask({ port: Number(host.split(":")[1]) }))
      const response = yield* Deferred.await(came)
      yield* Fiber.interrupt(page)
      yield* eventually(
        Effect.sync(() => response.closed),
        Boolean
      )
      assert.isFalse(yield* send(response, { status: 200, page: "late" }))
      assert.isFalse(response.headersSent)
    })
  )

  it.scopedLive("is kept by nobody, framed by nobody, and ends its connection", () =>
    Effect.gen(function* () {
      const { conclude, port } = yield* listening
      yield* conclude(failed)
      const asked: ReadonlyArray<Asked> = [
        { port, path: "/" },
        { port, headers: { host: "evil.example" } },
        { port, method: "PUT" },
        { port },
        { port },
        ending(port)
      ]
      const answers = yield* Effect.forEach(asked, ask)
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [400, 403, 405, 303, 409, 200]
      )
      for (const { headers } of answers) {
        assert.strictEqual(headers["cache-control"], "no-store")
        assert.strictEqual(headers.connection, "close")
        assert.strictEqual(headers["referrer-policy"], "no-referrer")
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
        assert.strictEqual(headers["x-frame-options"], "DENY")
        assert.match(
          String(headers["content-security-policy"]),
          /^default-src 'none'; style-src 'sha256-.*frame-ancestors 'none'/
        )
        assert.notProperty(headers, "access-control-allow-origin")
      }
    })
  )
})

/** The system refuses ::1 so many times; which hosts it was asked for. */
const failingOn6 = (code: string, times: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { listen } = Net.Server.prototype
      const seen: Array<unknown> = []
      let left = times
      Reflect.set(Net.Server.prototype, "listen", function (this: Net.Server, ...args: ReadonlyArray<unknown>) {
        const host = Predicate.hasProperty(args[0], "host") ? args[0].host : undefined
        seen.push(host)
        if (host !== "::1" || left === 0) return Reflect.apply(listen, this, args)
        left -= 1
        process.nextTick(() => this.emit("error", Object.assign(new Error(), { code })))
        return this
      })
      return { listen, seen }
    }),
    ({ listen }) => Effect.sync(() => Reflect.set(Net.Server.prototype, "listen", listen))
  ).pipe(Effect.map(({ seen }) => seen))

describe("a port", () => {
  const occupied = (host: string, port = 0) =>
    Effect.acquireRelease(
      Effect.async<Net.Server>((resume) => {
        const server = Net.createServer().listen({ host, port }, () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
        })
    ).pipe(
      Effect.map((server) => {
        const address = server.address()
        return address !== null && typeof address === "object" ? address.port : 0
      })
    )

  for (const host of families)
    it.scopedLive(`that a stranger has on ${host} is not shared with it`, () =>
      Effect.gen(function* () {
        const port = yield* occupied(host)
        const error = yield* Effect.flip(listenWith({ port }))
        assert.deepInclude({ ...error }, { _tag: "CredentialUnavailable", credential: "loopback server" })
        assert.include(error.message, `port ${port} could not be had (EADDRINUSE)`)
        const other = families.find((family) => family !== host) ?? ""
        assert.strictEqual(yield* Effect.flip(ask({ port, address: other })), "ECONNREFUSED")
      })
    )

  it.scopedLive("that is none is refused", () =>
    Effect.gen(function* () {
      for (const port of [-1, 1.5, 65_536, Number.NaN])
        assert.include((yield* Effect.flip(listenWith({ port }))).message, "ERR_SOCKET_BAD_PORT")
    })
  )

  it.scopedLive("that a stranger has in one family is given up for another", () =>
    Effect.gen(function* () {
      const seen = yield* failingOn6("EADDRINUSE", 2)
      const { port } = yield* listening
      assert.deepStrictEqual(seen, ["127.0.0.1", "::1", "127.0.0.1", "::1", "127.0.0.1", "::1"])
      assert.strictEqual(yield* statusOf({ port, address: "::1" }), 303)
    })
  )

  it.scopedLive("is looked for ten times at most, and given back", () =>
    Effect.gen(function* () {
      const seen = yield* failingOn6("EADDRINUSE", 99)
      assert.include((yield* Effect.flip(listening)).message, "no port could be had (EADDRINUSE)")
      assert.lengthOf(seen, 20)
      yield* socketsAreGone
    })
  )

  it.scopedLive("is on 127.0.0.1 alone where there is no ::1", () =>
    Effect.gen(function* () {
      yield* failingOn6("EADDRNOTAVAIL", 1)
      const { port } = yield* listening
      assert.strictEqual(yield* Effect.flip(ask({ port, address: "::1" })), "ECONNREFUSED")
      assert.strictEqual(yield* statusOf({ port }), 303)
    })
  )
})

describe("nothing is left open", () => {
  it.live("after a sign-in", () =>
    Effect.gen(function* () {
      const { fiber, port } = yield* whileListening((_, { conclude, response }) =>
        Effect.zipRight(response, conclude({ _tag: "SignedIn" }))
      )
      yield* ask({ port })
      assert.include((yield* ask(ending(port))).body, "You are signed in")
      yield* Fiber.join(fiber)
      yield* isGone(port)
    })
  )

  it.live("after a failure", () =>
    Effect.gen(function* () {
      const { fiber, port } = yield* whileListening((_, { response }) => Effect.zipRight(response, Effect.fail("no")))
      yield* ask({ port })
      assert.strictEqual(yield* Effect.flip(Fiber.join(fiber)), "no")
      yield* isGone(port)
    })
  )

  it.live("after a timeout", () =>
    Effect.gen(function* () {
      const { fiber, port } = yield* whileListening((_, { response }) => Effect.timeout(response, "50 millis"))
      assert.isTrue(Exit.isFailure(yield* Fiber.await(fiber)))
      yield* isGone(port)
    })
  )

  it.live("after an interruption of who waits for a response", () =>
    Effect.gen(function* () {
      const { fiber, port } = yield* whileListening((_, { response }) => response)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      yield* isGone(port)
    })
  )

  it.live("after an interruption at the start", () =>
    Effect.gen(function* () {
      for (const turns of [0, 1, 2, 5, 10]) {
        const fiber = yield* Effect.fork(Effect.scoped(Effect.zipRight(listening, Effect.never)))
        for (let turn = 0; turn < turns; turn += 1) yield* Effect.yieldNow()
        assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      }
      yield* socketsAreGone
    })
  )

  it.live("after an interruption while browsers wait for the ending; they are told", () =>
    Effect.gen(function* () {
      const { fiber, port } = yield* whileListening(() => Effect.never)
      yield* ask({ port })
      const pages = yield* Effect.fork(Effect.all([ask(ending(port)), ask(ending(port))], { concurrency: 2 }))
      yield* moment
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      for (const { body } of yield* Fiber.join(pages)) assert.include(body, "does not wait for it any more")
      yield* isGone(port)
    })
  )

  it.live("after an interruption while the ending is delivered", () =>
    Effect.gen(function* () {
      const { fiber, port } = yield* whileListening((_, { conclude, response }) =>
        Effect.zipRight(response, conclude({ _tag: "SignedIn" }))
      )
      yield* ask({ port })
      yield* moment
      const [duration, exit] = yield* Effect.timed(Fiber.interrupt(fiber))
      assert.isTrue(Exit.isInterrupted(exit))
      assert.isBelow(Duration.toMillis(duration), 1_000)
      yield* isGone(port)
    })
  )

  it.live("of connections that say nothing, half of a request, or half of a form", () =>
    Effect.gen(function* () {
      const { fiber, port } = yield* whileListening(() => Effect.never)
      const form = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 99"
      const all = ["", "GET / HT", `POST / HTTP/1.1\r\nhost: localhost:${port}\r\n${form}\r\n\r\ncode=`]
      const sockets = yield* Effect.fork(
        Effect.forEach(all, (first) => converse(port, first), { concurrency: "unbounded" })
      )
      yield* moment
      const [duration] = yield* Effect.timed(Fiber.interrupt(fiber))
      assert.isBelow(Duration.toMillis(duration), 1_000)
      assert.deepStrictEqual(yield* Fiber.join(sockets), ["", "", ""])
      yield* isGone(port)
    })
  )

  it.live("when the scope is closed twice", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { port } = yield* Scope.extend(listening, scope)
      yield* Scope.close(scope, Exit.fail(Cause.fail("once")))
      yield* Scope.close(scope, Exit.void)
      yield* isGone(port)
    })
  )
})
