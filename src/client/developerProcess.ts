import * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { MachineService } from "./Machine.js"

/** How a tool ended by itself. */
export interface Ended {
  readonly _tag: "Ended"
  /** Absent when a signal ended it. */
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Why nothing is known of what a tool would have said. */
export type NotRun =
  | { readonly _tag: "NotFound" }
  /** The system's reason, such as `PermissionDenied`. */
  | { readonly _tag: "NotStarted"; readonly reason: string }
  | { readonly _tag: "TooMuch" }

/** What a tool is run by, and where. */
export interface Workshop {
  readonly executor: CommandExecutor.CommandExecutor
  readonly machine: Pick<MachineService, "isWindows" | "systemFolder">
}

/** No answer with a token comes near these (bytes). */
const mostOutput = 1024 * 1024
const mostComplaint = 64 * 1024

/** How long a tool that is told to end may take to do so, before it is ended. */
const grace = "500 millis"
/** How long what a tool has left running may hold its output open, once it has ended. */
const linger = "500 millis"

/** What a stream says, up to so many bytes; what was read so far is there at any time. It ends as the stream does, or never. */
const gather = (
  stream: Stream.Stream<Uint8Array, PlatformError>,
  most: number,
  overflow: Deferred.Deferred<NotRun>
) => {
  const decoder = new TextDecoder()
  let size = 0
  let text = ""
  const drained = stream.pipe(
    Stream.catchAll(() => Stream.empty),
    Stream.runForEach((part) => {
      size += part.length
      if (size > most) return Effect.zipRight(Deferred.succeed(overflow, { _tag: "TooMuch" }), Effect.never)
      text += decoder.decode(part, { stream: true })
      return Effect.void
    })
  )
  return { drained, text: () => text }
}

/**
 * The executor, closing its scope, asks the tool's process group to end and waits until the tool did, which one that does not
 * listen never does: the group is ended first. On Windows the first signal ends the whole tree, and its number may be
 * another's soon.
 */
const end = (tool: CommandExecutor.Process, isWindows: boolean): Effect.Effect<void> => {
  const asked = tool.kill("SIGTERM").pipe(Effect.interruptible, Effect.timeoutOption(grace), Effect.ignore)
  return isWindows ? asked : Effect.zipRight(asked, Effect.ignore(tool.kill("SIGKILL")))
}

const refused = (error: PlatformError): NotRun => {
  if (error._tag !== "SystemError") return { _tag: "NotStarted", reason: error._tag }
  // The executor looks at the working directory first: that one missing says nothing about the tool.
  const isTool = error.module === "Command" && error.reason === "NotFound"
  return isTool ? { _tag: "NotFound" } : { _tag: "NotStarted", reason: error.reason }
}

const commandOf = (
  { isWindows, systemFolder }: Workshop["machine"],
  program: string,
  args: ReadonlyArray<string>
): Command.Command => {
  const command = isWindows
    ? // Batch files, as `az` is one there, run in a shell alone; /d leaves out what the registry would run before.
      Command.make("cmd.exe", "/d", "/c", program, ...args)
    : Command.make(program, ...args)
  return command.pipe(Command.workingDirectory(systemFolder), Command.stdin(Stream.empty))
}

/**
 * Runs a tool to its end, without a shell where there is a choice, its input closed and its output bounded. Whatever else
 * ends this ends the tool and all of its process group before it goes on.
 *
 * @internal
 */
export const runTool = (
  { executor, machine }: Workshop,
  program: string,
  args: ReadonlyArray<string>
): Effect.Effect<Ended, NotRun> =>
  Effect.scoped(
    Effect.gen(function* () {
      const tool = yield* Effect.acquireRelease(
        Effect.mapError(executor.start(commandOf(machine, program, args)), refused),
        (started, exit) => (Exit.isSuccess(exit) ? Effect.void : end(started, machine.isWindows))
      )
      const overflow = yield* Deferred.make<NotRun>()
      const stdout = gather(tool.stdout, mostOutput, overflow)
      const stderr = gather(tool.stderr, mostComplaint, overflow)
      const reading = yield* Effect.forkScoped(Effect.zip(stdout.drained, stderr.drained, { concurrent: true }))
      const exited = Effect.orElseSucceed(tool.exitCode, () => undefined)
      const ended = Effect.zipLeft(exited, Effect.timeoutOption(Fiber.join(reading), linger)).pipe(
        Effect.map((code): Ended => ({ _tag: "Ended", code, stdout: stdout.text(), stderr: stderr.text() }))
      )
      const outcome = yield* Effect.raceFirst(ended, Deferred.await(overflow))
      return yield* outcome._tag === "Ended" ? Effect.succeed(outcome) : Effect.fail(outcome)
    })
  )
