import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Fiber } from "effect"
import { Browser } from "../../src/client/Browser.js"
import * as BrowserNode from "../../src/client/BrowserNode.js"
import { CredentialUnavailable } from "../../src/core/TokenError.js"
import { eventually } from "../support/emulated.js"

const url = new URL("https://login.example/authorize?state=the-state&code_challenge=the-challenge&x=a%20b'c$(id)%26d")

const names = [
  "BROWSER",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "SSH_CONNECTION",
  "SSH_CLIENT",
  "SSH_TTY",
  "XDG_CURRENT_DESKTOP"
]

/** This process with these variables of those that openers look at, and no others. */
const withVariables = (variables: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = names.map((name) => [name, process.env[name]] as const)
      for (const name of names) delete process.env[name]
      Object.assign(process.env, variables)
      return before
    }),
    (before) =>
      Effect.sync(() => {
        for (const [name, value] of before) {
          if (value === undefined) delete process.env[name]
          else process.env[name] = value
        }
      })
  )

/** A browser that is a program of these lines; where it can leave what it has seen. */
const withBrowser = (lines: (folder: string) => ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-entra-browser-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    const program = join(folder, "browser")
    writeFileSync(program, ["#!/bin/sh", ...lines(folder), ""].join("\n"))
    chmodSync(program, 0o755)
    yield* withVariables({ BROWSER: program })
    return join(folder, "seen")
  })

const open = (target: URL = url) =>
  Effect.flatMap(Browser, (browser) => browser.open(target)).pipe(Effect.provide(BrowserNode.layer))

const reasonOf = <A>(opened: Effect.Effect<A, CredentialUnavailable>) =>
  Effect.map(Effect.flip(opened), (error) => {
    assert.instanceOf(error, CredentialUnavailable)
    assert.strictEqual(error.credential, "browser")
    for (const text of [error.message, inspect(error), JSON.stringify(error), Cause.pretty(Cause.fail(error))])
      for (const secret of ["the-state", "the-challenge", "login.example"]) assert.notInclude(text, secret)
    return error.message
  })

describe("the system's browser", () => {
  it.scopedLive("gets the URL as it is", () =>
    Effect.gen(function* () {
      const seen = yield* withBrowser((folder) => [
        `printf '%s' "$1" > '${folder}/part'`,
        `mv '${folder}/part' '${folder}/seen'`
      ])
      yield* open()
      assert.strictEqual(readFileSync(seen, "utf8"), url.href)
    })
  )

  it.scopedLive("is not waited for longer than 2 seconds where it runs on", () =>
    Effect.gen(function* () {
      const seen = yield* withBrowser((folder) => [
        `echo $$ > '${folder}/part'`,
        `mv '${folder}/part' '${folder}/seen'`,
        "exec sleep 60"
      ])
      const [duration] = yield* Effect.timed(open())
      assert.approximately(Duration.toMillis(duration), 2_000, 500)
      process.kill(Number(readFileSync(seen, "utf8")), "SIGKILL")
    })
  )

  it.scopedLive("goes on where who opened it is interrupted", () =>
    Effect.gen(function* () {
      const seen = yield* withBrowser((folder) => ["sleep 0.3", `: > '${folder}/seen'`])
      const fiber = yield* Effect.fork(open())
      yield* Effect.sleep("150 millis")
      yield* Fiber.interrupt(fiber)
      yield* eventually(
        Effect.sync(() => existsSync(seen)),
        Boolean
      ).pipe(Effect.timeout("5 seconds"))
    })
  )

  it.scopedLive("is not there where what opens it fails", () =>
    Effect.gen(function* () {
      yield* withBrowser(() => ["exit 1"])
      const reason = yield* reasonOf(open())
      assert.match(reason, /^browser is unavailable: what opens it failed \(\d\)\. Use the device code flow/)
    })
  )

  it.scopedLive("is not there where there is no display", () =>
    Effect.gen(function* () {
      yield* withVariables({})
      assert.include(yield* reasonOf(open()), "there is no display")
    })
  )

  it.scopedLive.each([
    "http://login.example/",
    "http://localhost.example/",
    "http://127.0.0.1.example/",
    "http://10.0.0.1/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "ms-settings:",
    "mailto:a@login.example"
  ])("is not given %s", (target) =>
    Effect.gen(function* () {
      const seen = yield* withBrowser((folder) => [`: > '${folder}/seen'`])
      assert.include(yield* reasonOf(open(new URL(target))), "only https")
      assert.isFalse(existsSync(seen))
    })
  )

  it.scopedLive.each(["http://localhost:1/", "http://127.0.0.1:1/", "http://[::1]:1/"])("is given %s", (target) =>
    Effect.gen(function* () {
      const seen = yield* withBrowser((folder) => [`: > '${folder}/seen'`])
      yield* open(new URL(target))
      assert.isTrue(existsSync(seen))
    })
  )
})
