import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** What a process can be told to do, by name. */
export type Commands = Readonly<Record<string, (argument: string) => Effect.Effect<unknown, unknown>>>

const isOrder = (
  message: unknown
): message is { readonly id: number; readonly name: string; readonly argument: string } =>
  typeof message === "object" && message !== null && "id" in message && "name" in message && "argument" in message

/** Runs as a process of its own: does what its parent says, until the parent goes away. */
export const obey = <E>(prepare: Effect.Effect<Commands, E, Scope.Scope>): void => {
  process.on("disconnect", () => process.exit(0))
  const program = Effect.gen(function* () {
    const commands = yield* prepare
    process.on("message", (message) => {
      if (!isOrder(message)) return
      const command = commands[message.name] ?? (() => Effect.dieMessage(`no command ${message.name}`))
      Effect.runPromise(command(message.argument)).then(
        (value) => process.send?.({ id: message.id, value }),
        (error) => process.send?.({ id: message.id, failure: String(error) })
      )
    })
    process.send?.({ id: 0 })
    return yield* Effect.never
  })
  Effect.runPromise(Effect.scoped(program)).catch((error) => {
    process.send?.({ id: 0, failure: String(error) })
  })
}

/** What the parent tells a process at its start. */
export const setting = (name: string): string => process.env[name] ?? ""
