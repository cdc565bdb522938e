import { EventEmitter } from "node:events"
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { beforeEach, vi } from "vitest"
import * as BrowserNode from "../../src/client/BrowserNode.js"

const library = vi.hoisted(() => ({ opened: [] as string[], start: (): unknown => undefined }))

vi.mock("open", () => ({
  default: async (url: string) => {
    library.opened.push(url)
    return library.start()
  }
}))

/** What opens a browser, when it has ended like this. */
const ended = (exitCode: number | null, signalCode: string | null = null) =>
  Object.assign(new EventEmitter(), { exitCode, signalCode })

beforeEach(() => {
  library.opened = []
  library.start = () => ended(0)
})

const url = new URL("https://login.example/?state=the-state")

const openOn = (platform: string, variables: Record<string, string> = {}) =>
  BrowserNode.make(() => ({ platform, variables })).open(url)

const ssh = { SSH_CONNECTION: "10.0.0.2 50000 10.0.0.1 22" }

describe("a browser is opened", () => {
  it.effect.each([
    ["on macOS", "darwin", {}],
    ["on Windows", "win32", {}],
    ["on Android", "android", {}],
    ["on X", "linux", { DISPLAY: ":0" }],
    ["on Wayland", "freebsd", { WAYLAND_DISPLAY: "wayland-0" }],
    ["on Windows from WSL", "linux", { WSL_DISTRO_NAME: "Debian" }],
    ["on the display that an SSH session has", "linux", { ...ssh, DISPLAY: "localhost:10.0" }],
    ["by the program that an editor has set in an SSH session", "linux", { ...ssh, BROWSER: "/opt/editor/browser.sh" }]
  ] as const)("%s", ([, platform, variables]) =>
    Effect.gen(function* () {
      yield* openOn(platform, variables)
      assert.deepStrictEqual(library.opened, [url.href])
    })
  )
})

describe("a browser is not opened", () => {
  it.effect.each([
    ["on a server", "linux", {}, "no display"],
    ["with an empty variable", "linux", { DISPLAY: "", WAYLAND_DISPLAY: "", BROWSER: "" }, "no display"],
    ["in an SSH session", "linux", ssh, "no display"],
    ["in an SSH session to WSL", "linux", { ...ssh, WSL_DISTRO_NAME: "Debian" }, "no display"],
    ["in an SSH session to macOS", "darwin", { SSH_TTY: "/dev/ttys001" }, "SSH session"],
    ["in an SSH session to Windows", "win32", { SSH_CLIENT: "10.0.0.2 50000 22" }, "SSH session"]
  ] as const)("%s", ([, platform, variables, reason]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(openOn(platform, variables))
      assert.include(error.reason, reason)
      assert.include(error.remedy, "device code flow")
      assert.isFalse(error.isRetryable)
      assert.deepStrictEqual(library.opened, [])
    })
  )
})

describe("what opens a browser", () => {
  it.effect.each([
    ["ends at once with a code", ended(3), "failed (3)"],
    ["is ended by a signal", ended(null, "SIGSEGV"), "failed (SIGSEGV)"]
  ] as const)("fails where it %s", ([, opener, reason]) =>
    Effect.gen(function* () {
      library.start = () => opener
      assert.include((yield* Effect.flip(openOn("darwin"))).reason, reason)
    })
  )

  it.live("fails where it ends soon", () =>
    Effect.gen(function* () {
      library.start = () => {
        const opener = ended(null)
        setTimeout(() => Object.assign(opener, { exitCode: 1 }).emit("exit", 1, null), 20)
        return opener
      }
      assert.include((yield* Effect.flip(openOn("darwin"))).reason, "failed (1)")
    })
  )

  it.effect("says that it can't be started, and not with what", () =>
    Effect.gen(function* () {
      library.start = () => {
        throw Object.assign(new Error(`spawn xdg-open ${url.href}`), { code: "ENOENT", spawnargs: [url.href] })
      }
      const error = yield* Effect.flip(openOn("darwin"))
      assert.include(error.reason, "could not be started (ENOENT)")
      assert.notInclude(inspect(error, { depth: 9 }) + JSON.stringify(error), "the-state")
    })
  )
})
