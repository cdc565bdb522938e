/**
 * The system's browser, opened by the npm package `open`.
 *
 * Needs the optional peer `open`.
 *
 * @since 0.1.0
 */
import type { ChildProcess } from "node:child_process"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { CredentialUnavailable } from "../core/TokenError.js"
import { Browser, type BrowserService } from "./Browser.js"

/** Where the program runs, as far as it matters to who wants to show something. */
interface Surroundings {
  readonly platform: string
  readonly variables: Readonly<Record<string, string | undefined>>
}

const otherFlow = "Use the device code flow, which needs a browser on any machine."

const unavailable = (reason: string, remedy = otherFlow) =>
  new CredentialUnavailable({ credential: "browser", reason, remedy })

const isSet = ({ variables }: Surroundings, ...names: ReadonlyArray<string>): boolean =>
  names.some((name) => (variables[name] ?? "") !== "")

/** These have a screen of their own, and no variable that names it. */
const screenPlatforms: ReadonlySet<string> = new Set(["darwin", "win32", "android"])

/**
 * Why nobody would see a browser. `BROWSER` counts as one, for editors that work on another machine set it to what
 * opens the browser at hand; a display that an SSH session has is that of the person.
 */
const hidden = (where: Surroundings): string | undefined => {
  const isRemote = isSet(where, "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
  if (screenPlatforms.has(where.platform))
    return isRemote ? "in an SSH session it would open on the screen of the other machine" : undefined
  const isWindowsAtHand = isSet(where, "WSL_DISTRO_NAME", "WSL_INTEROP") && !isRemote
  if (isWindowsAtHand || isSet(where, "DISPLAY", "WAYLAND_DISPLAY", "BROWSER")) return undefined
  return "there is no display (DISPLAY and WAYLAND_DISPLAY are not set)"
}

const loopbackHosts: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"])

const mayBeOpened = ({ hostname, protocol }: URL): boolean =>
  protocol === "https:" || (protocol === "http:" && loopbackHosts.has(hostname))

/** Loaded by who needs it: a program that signs nobody in needs no such library. */
const library = Effect.tryPromise({
  try: async () => (await import("open")).default,
  catch: () => unavailable("the optional peer open, which opens it, is not installed", "npm install open@^11.0.4")
})

const codeOf = (cause: unknown): string =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : "unknown"

/** What the cause says besides is the command line, which holds the URL. */
const notStarted = (cause: unknown) => unavailable(`what opens it could not be started (${codeOf(cause)})`)

/** An opener that fails does so at once; one that has become the browser runs on. */
const patience = "2 seconds"

const ended = ({ exitCode, signalCode }: ChildProcess): number | string | undefined =>
  exitCode ?? signalCode ?? undefined

const ending = (opener: ChildProcess): Effect.Effect<number | string> =>
  Effect.async((resume) => {
    const before = ended(opener)
    if (before !== undefined) return resume(Effect.succeed(before))
    const onExit = () => resume(Effect.succeed(ended(opener) ?? 0))
    opener.once("exit", onExit)
    return Effect.sync(() => opener.off("exit", onExit))
  })

/**
 * A browser for a program that runs somewhere else than this process says, for tests.
 *
 * @internal
 */
export const make = (surroundings: () => Surroundings): BrowserService => ({
  open: (url) =>
    Effect.gen(function* () {
      if (!mayBeOpened(url))
        return yield* unavailable("only https, and http on loopback, is opened", "Check the authority.")
      const reason = hidden(surroundings())
      if (reason !== undefined) return yield* unavailable(reason)
      const start = yield* library
      const opener = yield* Effect.tryPromise({ try: () => start(url.href), catch: notStarted })
      const end = yield* Effect.timeoutOption(ending(opener), patience)
      if (Option.isSome(end) && end.value !== 0) return yield* unavailable(`what opens it failed (${end.value})`)
    })
})

/**
 * Opens the default browser: by `open` on macOS, by PowerShell on Windows (from WSL too), else by `xdg-open`. A machine
 * without a display, and an SSH session, have none. What fails at once is told; a browser that fails later can't be.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Browser> = Layer.sync(Browser, () =>
  make(() => ({ platform: process.platform, variables: process.env }))
)
