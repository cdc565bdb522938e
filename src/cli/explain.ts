import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Aadsts from "../core/Aadsts.js"
import { printable } from "../core/prose.js"
import { Failed } from "./failed.js"
import { explanationLines } from "./report.js"
import { Screen } from "./screen.js"

const codesInBody = /"error_codes"\s*:\s*\[?([\d\s,"]+)/

/** A code by itself, or the codes of a description or of an error response, as they were pasted. */
export const codesOf = (text: string): ReadonlyArray<string> => {
  if (/^(?:AADSTS)?\d{1,9}$/i.test(text.trim())) return [text.trim()]
  const numbers = codesInBody.exec(text)?.[1]?.match(/\d+/g) ?? []
  return Arr.dedupe([...numbers.map((code) => `AADSTS${code}`), ...Aadsts.parseDescription(text).codes])
}

const unknown = (text: string, codes: ReadonlyArray<string>): string =>
  codes.length === 0
    ? `No error code found in "${printable(text.slice(0, 80))}". Give a code such as AADSTS50076, or paste an error.`
    : `No entry for ${printable(codes.join(", "))}. See https://login.microsoftonline.com/error for the live list.`

export const explainCommand = Command.make(
  "explain",
  {
    text: Args.text({ name: "error" }).pipe(
      Args.withDescription("A code (AADSTS50076), an error description, or a whole error response"),
      Args.repeated
    ),
    json: Options.boolean("json").pipe(Options.withDescription("Print JSON"))
  },
  ({ json, text }) =>
    Effect.gen(function* () {
      const screen = yield* Screen
      const asked = text.join(" ")
      const codes = codesOf(asked)
      const found = Arr.filterMap(codes, Aadsts.lookup)
      if (found.length === 0) {
        yield* screen.note(`${unknown(asked, codes)}\n`)
        return yield* new Failed()
      }
      const lines = json ? [JSON.stringify(found)] : found.flatMap(explanationLines)
      yield* Effect.forEach(lines, screen.result, { discard: true })
    })
).pipe(Command.withDescription("Explain an error of Microsoft Entra ID"))
