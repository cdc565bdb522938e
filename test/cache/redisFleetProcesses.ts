import { type ChildProcess, fork } from "node:child_process"
import { mkdirSync, mkdtempSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, type Scope } from "effect"
import { build } from "esbuild"

/** Beside the packages that the program needs; one for each run of the tests, for they may run at the same time. */
const cache = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url))

/** Compiles the program to one file, which is removed with the scope. */
export const compiled: Effect.Effect<string, never, Scope.Scope> = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => {
      mkdirSync(cache, { recursive: true })
      return mkdtempSync(join(cache, "redis-fleet-"))
    }),
    (path) => Effect.promise(() => rm(path, { recursive: true }))
  )
  yield* Effect.promise(() =>
    build({
      entryPoints: [fileURLToPath(new URL("redisFleetProgram.ts", import.meta.url))],
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
      target: "node20",
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      logLevel: "warning"
    })
  )
  return join(folder, "redisFleetProgram.mjs")
})

const isReply = (
  message: unknown
): message is { readonly id: number; readonly value?: unknown; readonly failure?: string } =>
  typeof message === "object" && message !== null && "id" in message

const replyTo = (child: ChildProcess, id: number) =>
  Effect.async<unknown, Error>((resume) => {
    const listen = (message: unknown) => {
      if (!isReply(message) || message.id !== id) return
      child.off("message", listen)
      resume(message.failure === undefined ? Effect.succeed(message.value) : Effect.fail(new Error(message.failure)))
    }
    child.on("message", listen)
    child.once("exit", (code, signal) => resume(Effect.fail(new Error(`ended with ${code ?? signal}`))))
    return Effect.sync(() => child.off("message", listen))
  })

/** A server of the fleet in a process of its own. */
export interface Process {
  readonly tell: (command: string, argument?: string) => Effect.Effect<unknown, Error>
  /** As `kill -9` does. */
  readonly kill: Effect.Effect<void>
}

/** Starts the program, and kills it with the scope. */
export const start = (
  program: string,
  settings: Readonly<Record<"AUTHORITY" | "REDIS" | "CLIENT" | "KIND" | "LEASE" | "TIMEOUT", string>>
): Effect.Effect<Process, never, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => fork(program, { env: { ...process.env, ...settings }, execArgv: [] })),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    yield* replyTo(child, 0)
    let last = 0
    return {
      tell: (command: string, argument = "") =>
        Effect.suspend(() => {
          last += 1
          const reply = replyTo(child, last)
          child.send({ id: last, name: command, argument })
          return reply
        }),
      kill: Effect.async<void>((resume) => {
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGKILL")
      })
    }
  }).pipe(Effect.orDie)
