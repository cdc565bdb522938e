import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { eventually } from "../support/emulated.js"
import { effectEntra } from "./terminal.js"

const { defaults } = EntraEmulator

const home = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-entra-home-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const emulator = EntraEmulatorNode.layer({ deviceCodeInterval: "1 second" })

const codeIn = (text: string): string | undefined => /code ([A-Z0-9-]{8,9})\b/.exec(text)?.[1]

/** A terminal with a home of its own, at which this person types each code that is shown. */
const terminal = (username: string = defaults.username, answer: "sign in" | "decline" | "nothing" = "sign in") =>
  Effect.gen(function* () {
    const folder = yield* home
    const { origin } = yield* EntraEmulatorNode.Address
    const { answerDevice } = yield* EntraEmulator.EntraEmulator
    const type = (text: string) => {
      const code = codeIn(text)
      if (code === undefined || answer === "nothing") return Effect.void
      return answerDevice(code, answer === "decline" ? "decline" : { username })
    }
    return {
      folder,
      run: (...args: ReadonlyArray<string>) =>
        effectEntra(args, {
          isInteractive: true,
          environment: { EFFECT_ENTRA_HOME: folder, AZURE_AUTHORITY_HOST: origin },
          onNote: type
        })
    }
  })

const who = ["--client-id", defaults.publicClientId, "--tenant", defaults.tenantId] as const
const device = ["login", "--device", "--scope", defaults.apiUserScope, ...who] as const

const files = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : []
  )

describe("effect-entra login", () => {
  it.scopedLive("signs somebody in by a code, and every later command knows who it is", () =>
    Effect.gen(function* () {
      const { folder, run } = yield* terminal()
      const login = yield* run(...device)
      assert.isTrue(login.succeeded, login.note)
      assert.strictEqual(login.result, `Signed in as ${defaults.username}, tenant ${defaults.tenantId}\n`)
      assert.match(login.note, /the code is good for 1[45]:\d\d/)
      assert.isTrue(login.note.endsWith("\r\u001b[K"), "the countdown is gone")

      const accounts = yield* run("accounts")
      assert.include(accounts.result, defaults.username)

      const token = yield* run("token", "--account", defaults.username, "--scope", defaults.apiUserScope)
      assert.include(token.result, "from cache")
      const other = yield* run("token", "--account", defaults.username, "--scope", defaults.graphUserScope, "--json")
      assert.strictEqual(JSON.parse(other.result).token.source, "identity_provider")

      for (const file of files(folder)) {
        assert.strictEqual(statSync(file).mode & 0o077, 0, file)
        assert.notMatch(readFileSync(file, "utf8"), /eyJ|alice|refresh_token/, file)
      }

      const logout = yield* run("logout", "--account", defaults.username)
      assert.include(logout.result, "Forgot alice")
      assert.include((yield* run("accounts")).note, "Nobody is signed in")
      const after = yield* run("token", "--account", defaults.username, "--scope", defaults.apiUserScope)
      assert.isFalse(after.succeeded)
      assert.include(after.note, "effect-entra login")
    }).pipe(Effect.provide(emulator))
  )

  it.scopedLive("says that it was declined, and keeps nobody", () =>
    Effect.gen(function* () {
      const { run } = yield* terminal(defaults.username, "decline")
      const login = yield* run(...device)
      assert.isFalse(login.succeeded)
      assert.include(login.note, "AuthorizationDeclined")
      assert.strictEqual((yield* run("accounts", ...who)).result, "")
    }).pipe(Effect.provide(emulator))
  )

  it.scopedLive("ends at once, and asks no more, when it is interrupted", () =>
    Effect.gen(function* () {
      const { run } = yield* terminal(defaults.username, "nothing")
      const fiber = yield* Effect.fork(run(...device))
      const { requests } = yield* EntraEmulator.EntraEmulator
      yield* eventually(requests, ({ length }) => length > 2)
      yield* Fiber.interrupt(fiber)
      yield* Effect.sleep("100 millis")
      const before = (yield* requests).length
      yield* Effect.sleep("300 millis")
      assert.strictEqual((yield* requests).length, before)
    }).pipe(Effect.provide(emulator))
  )

  it.scopedLive("names what is missing", () =>
    Effect.gen(function* () {
      const { run } = yield* terminal()
      const login = yield* run("login", "--device")
      assert.isFalse(login.succeeded)
      assert.include(login.note, "AZURE_CLIENT_ID")
      assert.notInclude(login.note, "AZURE_CLIENT_SECRET")
    }).pipe(Effect.provide(emulator))
  )
})

describe("effect-entra accounts", () => {
  it.scopedLive("shows several, of whom one has to be named", () =>
    Effect.gen(function* () {
      const { folder, run } = yield* terminal(defaults.secondUsername)
      yield* run(...device)
      const { origin } = yield* EntraEmulatorNode.Address
      const { answerDevice } = yield* EntraEmulator.EntraEmulator
      yield* effectEntra(device, {
        environment: { EFFECT_ENTRA_HOME: folder, AZURE_AUTHORITY_HOST: origin },
        onNote: (text) => {
          const code = codeIn(text)
          return code === undefined ? Effect.void : answerDevice(code, { username: defaults.username })
        }
      })
      const accounts = JSON.parse((yield* run("accounts", "--json")).result)
      assert.deepStrictEqual(accounts.map(({ username }: { username: string }) => username).sort(), [
        defaults.username,
        defaults.secondUsername
      ])
      const logout = yield* run("logout")
      assert.isFalse(logout.succeeded)
      assert.include(logout.note, `one of ${defaults.secondUsername}, ${defaults.username}`)
    }).pipe(Effect.provide(emulator))
  )
})
