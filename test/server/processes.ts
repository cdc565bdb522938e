import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import { build } from "esbuild"
import { replyTo } from "../support/replies.js"

const folder = new URL("../../node_modules/.cache/processes/", import.meta.url)
const names = ["Emulator", "MiddleTier", "Client", "Msal"] as const

/** A program of its own. */
export type Program = (typeof names)[number]

/** Compiles the programs, each to one file beside the packages that it needs. */
export const compile = Effect.promise(() =>
  build({
    entryPoints: names.map((name) => fileURLToPath(new URL(`processes${name}.ts`, import.meta.url))),
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    outdir: fileURLToPath(folder),
    logLevel: "warning"
  })
)

/** Starts a program, and ends it with the scope; gives what tells it what to do. */
export const start = (name: Program, settings: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        fork(new URL(`processes${name}.js`, folder), { env: { ...process.env, ...settings }, execArgv: [] })
      ),
      (child) => Effect.sync(() => child.kill())
    )
    yield* replyTo(child, 0)
    let last = 0
    return (command: string, argument = "") =>
      Effect.suspend(() => {
        last += 1
        child.send({ id: last, name: command, argument })
        return replyTo(child, last)
      })
  }).pipe(Effect.orDie)
