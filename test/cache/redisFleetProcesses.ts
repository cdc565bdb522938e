import { fork } from "node:child_process"
import { Effect, type Scope } from "effect"
import { compiled } from "../support/compiled.js"
import { replyTo } from "../support/replies.js"

/** Compiles the program. */
export const compiledProgram: Effect.Effect<string, never, Scope.Scope> = compiled(
  new URL("redisFleetProgram.ts", import.meta.url)
)

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
