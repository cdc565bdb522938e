import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Results go to standard output, what is told on the way to standard error: so a result can be piped. */
export interface ScreenService {
  readonly result: (line: string) => Effect.Effect<void>
  /** Written as it stands, without a line end of its own. */
  readonly note: (text: string) => Effect.Effect<void>
  /** Whether a line that was noted can be written over. */
  readonly isInteractive: boolean
}

export class Screen extends Context.Tag("effect-entra/cli/Screen")<Screen, ScreenService>() {}

/** Who reads our output may stop reading, as `head` does. */
const endWithReader = () => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0)
    throw error
  })
}

export const layerProcess: Layer.Layer<Screen> = Layer.sync(Screen, () => {
  endWithReader()
  return {
    result: (line) => Effect.sync(() => void process.stdout.write(`${line}\n`)),
    note: (text) => Effect.sync(() => void process.stderr.write(text)),
    isInteractive: process.stderr.isTTY === true
  }
})
