/** The rules that hold for every parameter. */
import * as Effect from "effect/Effect"
import type { Checked } from "./answers.js"
import * as Refusals from "./refusals.js"

export const optional = (parameters: URLSearchParams, name: string): string | undefined =>
  parameters.get(name) || undefined

export const required = (parameters: URLSearchParams, name: string): Checked<string> => {
  const value = optional(parameters, name)
  return value === undefined ? Effect.fail(Refusals.missingParameter(name)) : Effect.succeed(value)
}

/** RFC 6749 3.1 and 3.2 */
export const onceEach = (parameters: URLSearchParams): Checked<void> => {
  const names = [...parameters.keys()]
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  return repeated === undefined ? Effect.void : Effect.fail(Refusals.repeatedParameter(repeated))
}
