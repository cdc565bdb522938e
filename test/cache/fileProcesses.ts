import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { build } from "esbuild"

/** One for each file of tests: they run at the same time. */
const folder = mkdtempSync(join(tmpdir(), "effect-entra-programs-"))
const names = ["fileProgram", "fileMsalProgram"] as const

/** Compiles the programs, each to one file that needs nothing beside Node, so that it starts fast. */
export const compile = Effect.promise(() =>
  build({
    entryPoints: names.map((name) => fileURLToPath(new URL(`${name}.ts`, import.meta.url))),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    logLevel: "warning"
  })
)

/** Removes what was compiled. */
export const removeCompiled = Effect.promise(() => rm(folder, { recursive: true }))

/** A process, and what it has told so far. */
export interface Started {
  readonly kill: Effect.Effect<void>
  /** Ends with it; how it ended. */
  readonly ended: Effect.Effect<number | "killed">
  /** Waits until it has told so many lines, or has ended. */
  readonly told: (lines: number) => Effect.Effect<void>
  readonly lines: () => ReadonlyArray<string>
}

const ending = (child: ChildProcess) =>
  new Promise<number | "killed">((resolve) => child.once("close", (code) => resolve(code ?? "killed")))

const listen = (child: ChildProcess): Started => {
  let output = ""
  child.stdout?.on("data", (data: Buffer) => {
    output += data.toString()
  })
  const end = ending(child)
  const lines = () => output.split("\n").slice(0, -1)
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => lines().length >= count && resolve()
      child.stdout?.on("data", look)
      look()
    })
  return {
    kill: Effect.sync(() => child.kill("SIGKILL")),
    ended: Effect.promise(() => end),
    told: (count) => Effect.promise(() => Promise.race([until(count), end.then(() => undefined)])),
    lines
  }
}

/** Starts a program in a plain Node process, which is killed with the scope. */
export const start = (name: (typeof names)[number], ...args: ReadonlyArray<string>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [join(folder, `${name}.mjs`), ...args], { stdio: ["ignore", "pipe", "inherit"] })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    ),
    listen
  )
