import { NodeContext } from "@effect/platform-node"
import { ConfigProvider, Effect, Exit, Layer } from "effect"
import { run } from "../../src/cli/command.js"
import { Screen } from "../../src/cli/screen.js"

export interface Ran {
  readonly succeeded: boolean
  readonly result: string
  readonly note: string
}

/** A screen that remembers. */
export const recorded = (isInteractive: boolean, onNote: (text: string) => Effect.Effect<void> = () => Effect.void) => {
  const written = { result: "", note: "" }
  const layer = Layer.succeed(Screen, {
    result: (line) =>
      Effect.sync(() => {
        written.result += `${line}\n`
      }),
    note: (text) =>
      Effect.suspend(() => {
        written.note += text
        return onNote(text)
      }),
    isInteractive
  })
  return { written, layer }
}

/** Runs the command line in this process. */
export const effectEntra = (
  args: ReadonlyArray<string>,
  options: {
    readonly isInteractive?: boolean
    readonly environment?: Readonly<Record<string, string>>
    readonly onNote?: (text: string) => Effect.Effect<void>
  } = {}
): Effect.Effect<Ran> =>
  Effect.gen(function* () {
    const { layer, written } = recorded(options.isInteractive ?? false, options.onNote)
    const provider = ConfigProvider.fromMap(new Map(Object.entries(options.environment ?? {})))
    const exit = yield* Effect.exit(
      run(["node", "effect-entra", ...args]).pipe(
        Effect.provide(Layer.merge(NodeContext.layer, layer)),
        Effect.withConfigProvider(provider)
      )
    )
    return { succeeded: Exit.isSuccess(exit), ...written }
  })
