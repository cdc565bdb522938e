import type { ChildProcess } from "node:child_process"
import { Effect } from "effect"

const isReply = (
  message: unknown
): message is { readonly id: number; readonly value?: unknown; readonly failure?: string } =>
  typeof message === "object" && message !== null && "id" in message

/** Waits for what a process answers to the command of this number. */
export const replyTo = (child: ChildProcess, id: number) =>
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
