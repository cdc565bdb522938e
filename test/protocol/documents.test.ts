import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Schema, Scope, TestClock } from "effect"
import { ConfigurationError } from "../../src/core/TokenError.js"
import * as Documents from "../../src/protocol/documents.js"
import * as Transport from "../../src/protocol/transport.js"
import { reader } from "../../src/protocol/wire.js"
import * as Web from "./web.js"

const request = {
  url: "https://id.example/document",
  host: "id.example",
  timeout: Duration.seconds(10)
}

const kind: Documents.Kind<{ readonly version: number }> = {
  read: reader(Schema.Struct({ version: Schema.Number }), "version"),
  refuse: ({ host }, error) =>
    new ConfigurationError({ parameter: "document", expected: `${host} ${error ?? "nothing there"}`, remedy: "None." })
}

const version = (number: number): Web.Reply => Web.json({ version: number })
const down: Web.Reply = Effect.fail("ECONNREFUSED")

/** Documents of a web that gives these answers, the last one for ever. */
const published = (...replies: ReadonlyArray<Web.Reply>) =>
  Effect.gen(function* () {
    const web = Web.makeWeb(() => replies[Math.min(web.asked.length, replies.length) - 1] ?? Web.notFound)
    const documents = yield* Documents.make(Transport.make(web.client), kind)
    const get = Effect.map(documents.get(request), (document) => document.version)
    const reread = Effect.map(documents.reread(request), (document) => document.version)
    return { documents, get, reread, requests: () => web.asked.length, web }
  })

const slow = (reply: Web.Reply) => Effect.delay(reply, "1 second")
const settle = Effect.repeatN(Effect.yieldNow(), 100)

describe("a document", () => {
  it.scoped("is asked for as JSON, and read once however many ask", () =>
    Effect.gen(function* () {
      const { get, requests, web } = yield* published(slow(version(1)))
      const asking = yield* Effect.fork(Effect.replicateEffect(get, 1000).pipe(Effect.withConcurrency("unbounded")))
      const together = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 1000 }, () => get),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(asking)
      assert.deepStrictEqual(new Set(yield* Fiber.join(together)), new Set([1]))
      assert.strictEqual(requests(), 1)
      const [asked] = web.asked
      assert.deepInclude(asked, { method: "GET", url: request.url })
      assert.strictEqual(asked?.headers.accept, "application/json")
    })
  )

  it.scoped("is kept for 24 hours", () =>
    Effect.gen(function* () {
      const { get, requests } = yield* published(version(1), version(2))
      yield* get
      yield* TestClock.adjust(Duration.subtract(Duration.hours(24), Duration.millis(1)))
      assert.strictEqual(yield* get, 1)
      yield* settle
      assert.strictEqual(requests(), 1)
    })
  )

  it.scoped("is then renewed behind the caller's back, while the old one serves", () =>
    Effect.gen(function* () {
      const { get, requests } = yield* published(version(1), slow(version(2)))
      yield* get
      yield* TestClock.adjust("24 hours")
      assert.deepStrictEqual(yield* Effect.all([get, get, get]), [1, 1, 1])
      yield* settle
      assert.strictEqual(requests(), 2)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* get, 2)
      yield* TestClock.adjust("23 hours")
      assert.strictEqual(yield* get, 2)
      assert.strictEqual(requests(), 2)
    })
  )

  it.scoped("that can't be renewed stays, and is tried again 5 minutes later", () =>
    Effect.gen(function* () {
      const { get, requests } = yield* published(version(1), down, Web.text("", 503), Web.notFound, version(2))
      yield* get
      yield* TestClock.adjust("24 hours")
      for (const tries of [2, 3, 4]) {
        assert.strictEqual(yield* get, 1)
        yield* settle
        assert.strictEqual(requests(), tries)
        yield* TestClock.adjust("299 seconds")
        assert.strictEqual(yield* get, 1)
        yield* settle
        assert.strictEqual(requests(), tries)
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual(yield* get, 1)
      yield* settle
      assert.strictEqual(yield* get, 2)
    })
  )

  it.scoped("is renewed when the clock was set back behind its reading", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2030, 0, 1))
      const { get, requests } = yield* published(version(1), version(2))
      yield* get
      yield* TestClock.setTime(Date.UTC(2025, 0, 1))
      assert.strictEqual(yield* get, 1)
      yield* settle
      assert.strictEqual(requests(), 2)
      assert.strictEqual(yield* get, 2)
    })
  )

  it.scoped("that was never there is asked for each time", () =>
    Effect.gen(function* () {
      const { get, requests } = yield* published(Web.notFound, version(2))
      yield* Effect.flip(get)
      assert.strictEqual(yield* get, 2)
      assert.strictEqual(requests(), 2)
    })
  )
})

describe("a document that may be too old", () => {
  it.scoped("is read again once a minute at most", () =>
    Effect.gen(function* () {
      const { get, requests, reread } = yield* published(version(1), version(2), version(3))
      yield* get
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* reread, 1)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Effect.all([reread, reread, get]), [2, 2, 2])
      assert.strictEqual(requests(), 2)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* reread, 3)
    })
  )

  it.scoped("is read once however many want it newer, and all of them get it", () =>
    Effect.gen(function* () {
      const { get, requests, reread } = yield* published(version(1), slow(version(2)))
      yield* get
      yield* TestClock.adjust("1 minute")
      const all = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 100 }, () => reread),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(new Set(yield* Fiber.join(all)), new Set([2]))
      assert.strictEqual(requests(), 2)
    })
  )

  it.scoped("is waited for when it is being renewed just then", () =>
    Effect.gen(function* () {
      const { get, requests, reread } = yield* published(version(1), slow(version(2)))
      yield* get
      yield* TestClock.adjust("25 hours")
      assert.strictEqual(yield* get, 1)
      const newer = yield* Effect.fork(reread)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(newer), 2)
      assert.strictEqual(requests(), 2)
    })
  )

  it.scoped("serves on where it can't be read, and is tried again after a minute", () =>
    Effect.gen(function* () {
      const { get, requests, reread } = yield* published(version(1), down, Web.text("nonsense"), version(4))
      yield* get
      for (const tries of [2, 3]) {
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* Effect.all([reread, reread, get]), [1, 1, 1])
        assert.strictEqual(requests(), tries)
      }
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* reread, 4)
    })
  )

  it.scoped("is read the first time where nobody has asked for it yet", () =>
    Effect.gen(function* () {
      const { requests, reread } = yield* published(version(1))
      assert.strictEqual(yield* reread, 1)
      assert.strictEqual(requests(), 1)
    })
  )
})

describe("whoever waits for a document", () => {
  it.scoped("may go away without harm to the others", () =>
    Effect.gen(function* () {
      const { get, requests } = yield* published(slow(version(1)))
      const [first, second] = yield* Effect.all([Effect.fork(get), Effect.fork(get)])
      yield* settle
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(second), 1)
      assert.strictEqual(yield* get, 1)
      assert.strictEqual(requests(), 1)
    })
  )

  it.scoped("may all go away: what comes is kept", () =>
    Effect.gen(function* () {
      const { get, requests } = yield* published(slow(version(1)), version(2))
      const only = yield* Effect.fork(get)
      yield* settle
      yield* Fiber.interrupt(only)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* get, 1)
      assert.strictEqual(requests(), 1)
    })
  )

  it.effect("is told when the client is closed, and so is whoever comes later", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { documents, get } = yield* Scope.extend(published(Effect.never), scope)
      const waiting = yield* Effect.fork(Effect.flip(get))
      yield* settle
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "ClientClosed")
      assert.strictEqual((yield* Effect.flip(documents.get(request)))._tag, "ClientClosed")
      assert.strictEqual((yield* Effect.flip(documents.reread(request)))._tag, "ClientClosed")
    })
  )

  it.effect("still has the old one after the close", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { get, reread } = yield* Scope.extend(published(version(1)), scope)
      yield* get
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("25 hours")
      assert.deepStrictEqual(yield* Effect.all([get, reread]), [1, 1])
    })
  )
})

describe("what is no document", () => {
  const mebibyte = 1024 * 1024
  const rows: ReadonlyArray<readonly [string, Web.Reply, tag: string, fields: Readonly<Record<string, unknown>>]> = [
    ["404 with HTML", Web.notFound, "ConfigurationError", { expected: "id.example nothing there" }],
    ["403 with nothing", Web.text("", 403), "ConfigurationError", { expected: "id.example nothing there" }],
    ["404 without end", Web.text("x".repeat(mebibyte + 1), 404), "ConfigurationError", {}],
    [
      "an error",
      Web.json({ error: "invalid_tenant", error_description: "AADSTS90002" }, 400),
      "ConfigurationError",
      { expected: "id.example invalid_tenant" }
    ],
    ["an error with 200", Web.json({ error: "invalid_instance" }), "ConfigurationError", {}],
    [
      "a redirect",
      Web.text("", 302, { location: "https://evil.example/" }),
      "MalformedResponse",
      { reason: "redirect", status: 302 }
    ],
    ["more than 1 MiB", Web.text(`"${"x".repeat(mebibyte)}"`), "MalformedResponse", { reason: "tooLarge" }],
    ["HTML", Web.text("<html></html>"), "MalformedResponse", { reason: "notJson", isRetryable: true }],
    ["half of it", Web.text('{"version":'), "MalformedResponse", { reason: "truncated" }],
    ["another shape", Web.json({ version: "one" }), "MalformedResponse", { reason: "unexpectedShape" }],
    ["an array", Web.json([]), "MalformedResponse", { reason: "unexpectedShape" }],
    ["both", Web.json({ version: 1, error: "x" }), "MalformedResponse", { reason: "unexpectedShape" }],
    [
      "503 with a time",
      Web.text("", 503, { "retry-after": "17" }),
      "AuthorityUnavailable",
      { status: 503, retryAfter: Duration.seconds(17), isRetryable: true }
    ],
    ["429", Web.text("", 429, { "retry-after": "3" }), "Throttled", { retryAfter: Duration.seconds(3) }],
    ["temporarily_unavailable", Web.json({ error: "temporarily_unavailable" }, 400), "AuthorityUnavailable", {}],
    ["no connection", down, "TransportError", { reason: "refused", phase: "notSent" }],
    ["no certificate", Effect.fail("CERT_HAS_EXPIRED"), "TransportError", { reason: "certificate", isRetryable: false }]
  ]

  it.scoped.each(rows)("%s", ([_, reply, tag, fields]) =>
    Effect.gen(function* () {
      const { get, requests } = yield* published(reply)
      const failure = yield* Effect.flip(get)
      assert.strictEqual(failure._tag, tag)
      for (const [name, expected] of Object.entries(fields))
        assert.deepStrictEqual<unknown>(Reflect.get(failure, name), expected, name)
      assert.strictEqual(requests(), 1, "it is not sent again here, and no redirect is followed")
    })
  )

  it.scoped("no answer in time", () =>
    Effect.gen(function* () {
      const { get } = yield* published(Effect.never)
      const asking = yield* Effect.fork(Effect.flip(get))
      yield* TestClock.adjust("10 seconds")
      const failure = yield* Fiber.join(asking)
      assert.deepInclude(failure, { _tag: "TransportError", reason: "timeout", host: "id.example" })
    })
  )
})
