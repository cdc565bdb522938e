import { spawnSync } from "node:child_process"
import { realpathSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber } from "effect"
import { runTool, type Workshop } from "../../src/client/developerProcess.js"
import { eventually } from "../support/emulated.js"
import { machine, makeTools, type Tools, workshopOf } from "./developerCredentialTools.js"

/** What has ended and waits for its parent to look counts as gone. */
const isRunning = (pid: number): boolean =>
  /^[^Z]/.test(spawnSync("ps", ["-o", "stat=", "-p", `${pid}`], { encoding: "utf8" }).stdout.trim())

/** The processes that a tool noted. */
const pidsIn = (tools: Tools): ReadonlyArray<number> => tools.read("pids").split("\n").filter(Boolean).map(Number)

const noted = (tools: Tools, count: number) =>
  eventually(
    Effect.sync(() => pidsIn(tools)),
    (pids) => pids.length === count
  )

/** A signal arrives a moment after it was sent. */
const areGone = (tools: Tools, count: number) =>
  eventually(
    Effect.sync(() => pidsIn(tools).map(isRunning)),
    (running) => running.length === count && !running.includes(true)
  ).pipe(Effect.timeout("2 seconds"))

/** What a tool does that hangs together with what it has started, whether they listen to a request to end or not. */
const hanging = (tools: Tools, listens: boolean): ReadonlyArray<string> => [
  listens ? "" : "trap '' TERM",
  `note() { echo "$1" >> '${tools.folder}/pids'; }`,
  "sleep 600 & note $!",
  `sh -c '${listens ? "" : 'trap "" TERM;'} sleep 600; sleep 600' & note $!`,
  "note $$",
  "while :; do sleep 600; done"
]

const run = (workshop: Workshop, ...args: ReadonlyArray<string>) => runTool(workshop, "tool", args)

describe("a tool that is run", () => {
  it.scopedLive("says how it ended, and what it said", () =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      tools.replies("tool", { stdout: "\ufeffout\n", stderr: "err €\n", code: 3 })
      const ended = yield* run(yield* workshopOf(tools))
      assert.deepStrictEqual(ended, { _tag: "Ended", code: 3, stdout: "out\n", stderr: "err €\n" })
    })
  )

  it.scopedLive("gets its arguments as they are, from no shell", () =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      tools.replies("tool", {})
      const args = ["a b", "$(id)", "*", "'", '"', ";", "&&", ""]
      yield* run(yield* workshopOf(tools), ...args)
      assert.deepStrictEqual(tools.args("tool"), args)
    })
  )

  it.scopedLive("works in the system's folder, and has this process's environment", () =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      tools.replies("tool", { first: `echo "$HOME"` })
      const { stdout } = yield* run(yield* workshopOf(tools))
      assert.strictEqual(stdout.trim(), process.env.HOME)
      assert.strictEqual(realpathSync(tools.read("tool.cwd").trim()), realpathSync(machine.systemFolder))
    })
  )

  it.scopedLive("meets the end of its input at once", () =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      tools.install("tool", ["cat", "echo end"])
      assert.deepInclude(yield* run(yield* workshopOf(tools)), { code: 0, stdout: "end\n" })
    })
  )

  it.scopedLive("is waited for no longer than it lasts, even if what it started goes on", () =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      tools.install("tool", [`sleep 600 & echo $! > '${tools.folder}/pids'`, "echo said"])
      const [duration, ended] = yield* Effect.timed(run(yield* workshopOf(tools)))
      assert.deepInclude(ended, { code: 0, stdout: "said\n" })
      assert.isBelow(Duration.toMillis(duration), 5_000)
      for (const pid of pidsIn(tools)) process.kill(pid, "SIGKILL")
    })
  )

  it.scopedLive("is told from one that is not there, that may not be run, and whose folder is not there", () =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      const workshop = yield* workshopOf(tools)
      assert.deepStrictEqual(yield* Effect.flip(run(workshop)), { _tag: "NotFound" })
      const denied = yield* Effect.flip(runTool(workshop, "/etc/passwd", []))
      assert.deepStrictEqual(denied, { _tag: "NotStarted", reason: "PermissionDenied" })
      tools.replies("tool", {})
      const nowhere = yield* workshopOf(tools, { systemFolder: `${tools.folder}/none` })
      assert.deepStrictEqual(yield* Effect.flip(run(nowhere)), { _tag: "NotStarted", reason: "NotFound" })
    })
  )

  it.scopedLive("has no exit code when a signal ends it", () =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      tools.install("tool", ["kill -9 $$"])
      assert.deepInclude(yield* run(yield* workshopOf(tools)), { _tag: "Ended", code: undefined })
    })
  )

  it.scopedLive.each([
    ["answer", ""],
    ["complaint", " >&2"]
  ])("is ended with all that it started when its %s has no end", ([, where]) =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      tools.install("tool", [
        `sleep 600 & echo $! >> '${tools.folder}/pids'`,
        `echo $$ >> '${tools.folder}/pids'`,
        `while :; do head -c 100000 /dev/zero${where}; done`
      ])
      const exit = yield* Effect.exit(run(yield* workshopOf(tools)))
      assert.deepStrictEqual(exit, Exit.fail({ _tag: "TooMuch" } as const))
      yield* areGone(tools, 2)
    })
  )

  it.scopedLive("may print as much as the bound", () =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      tools.install("tool", ["head -c 1048576 /dev/zero", "head -c 65536 /dev/zero >&2"])
      const ended = yield* run(yield* workshopOf(tools))
      assert.deepStrictEqual([ended.stdout.length, ended.stderr.length], [1_048_576, 65_536])
    })
  )

  for (const listens of [true, false]) {
    const what = listens ? "listens" : "does not listen"
    it.scopedLive(`is ended with all that it started when its time is up, if it ${what}`, () =>
      Effect.gen(function* () {
        const tools = yield* makeTools
        tools.install("tool", hanging(tools, listens))
        const workshop = yield* workshopOf(tools)
        const late = Effect.zipRight(noted(tools, 3), Effect.succeed("late"))
        assert.strictEqual(yield* Effect.raceFirst(run(workshop), late), "late")
        yield* areGone(tools, 3)
      })
    )

    it.scopedLive(`is ended with all that it started by an interruption, if it ${what}`, () =>
      Effect.gen(function* () {
        const tools = yield* makeTools
        tools.install("tool", hanging(tools, listens))
        const fiber = yield* Effect.fork(run(yield* workshopOf(tools)))
        const pids = yield* noted(tools, 3)
        assert.isTrue(pids.every(isRunning))
        yield* Fiber.interrupt(fiber)
        yield* areGone(tools, 3)
      })
    )
  }
})

describe("a tool on Windows", () => {
  it.scopedLive("is run by the shell that runs batch files, without what the registry runs before", () =>
    Effect.gen(function* () {
      const tools = yield* makeTools
      tools.replies("cmd.exe", { stdout: "out" })
      const ended = yield* runTool(yield* workshopOf(tools, { isWindows: true }), "az", ["account", "get-access-token"])
      assert.strictEqual(ended.stdout, "out")
      assert.deepStrictEqual(tools.args("cmd.exe"), ["/d", "/c", "az", "account", "get-access-token"])
    })
  )
})
