import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import type { TokenError } from "../core/TokenError.js"
import { Failed } from "./failed.js"
import { configLine, errorLines, reportError } from "./report.js"
import { Screen } from "./screen.js"

/** Says why a command failed: as one JSON document where that is wanted, else to the person. */
export const failure = (
  json: boolean,
  error: TokenError | ConfigError.ConfigError | Error
): Effect.Effect<never, Failed, Screen> => {
  if (ConfigError.isConfigError(error)) return told(json, configLine(error), [configLine(error)])
  if (!("isRetryable" in error)) return told(json, error.message, [error.message])
  const report = reportError(error)
  return told(json, report, errorLines(report))
}

const told = (json: boolean, error: unknown, lines: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const screen = yield* Screen
    if (json) yield* screen.result(JSON.stringify({ error }))
    else yield* screen.note(lines.map((line) => `${line}\n`).join(""))
    return yield* new Failed()
  })
