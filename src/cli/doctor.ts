import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as TokenCache from "../cache/TokenCache.js"
import * as DefaultCredential from "../client/DefaultCredential.js"
import { notInstalled } from "../client/developerFailure.js"
import * as MachineNode from "../client/MachineNode.js"
import type { AccessToken } from "../core/AccessToken.js"
import { movesOn } from "../core/firstOf.js"
import { printable } from "../core/prose.js"
import { remedyOf } from "../core/remedies.js"
import type { ExchangeError } from "../core/TokenError.js"
import { Failed } from "./failed.js"
import { failure as told } from "./failure.js"
import { reportToken, type TokenReport } from "./report.js"
import { Screen } from "./screen.js"

/** What became of one step. */
interface Examined {
  readonly step: DefaultCredential.DefaultStep
  readonly millis: number
  readonly result: Either.Either<AccessToken, ExchangeError>
}

/** What a step shows of itself. */
interface StepReport {
  readonly name: string
  readonly found: string | undefined
  readonly millis: number
  readonly result: string
  readonly token: Pick<TokenReport, "expiresOn"> | undefined
  readonly message: string | undefined
  readonly remedy: string | undefined
}

/** Each step is asked, whatever the others say. */
const examine = (scope: string) => (step: DefaultCredential.DefaultStep) =>
  step.provider
    .forScopes(scope)
    .getToken()
    .pipe(
      Effect.either,
      Effect.timed,
      Effect.map(([time, result]): Examined => ({ step, millis: Math.round(Duration.toMillis(time)), result }))
    )

const failureOf = ({ result }: Examined): ExchangeError | undefined => (Either.isLeft(result) ? result.left : undefined)

/** Where the chain ends: at a token, or at a failure after which it does not go on. */
const endsAt = (examined: Examined): boolean => {
  const failure = failureOf(examined)
  return failure === undefined || !movesOn(examined.step, failure)
}

const isSpokenFor = (examined: Examined): boolean =>
  examined.step.found !== undefined || failureOf(examined)?._tag !== "CredentialUnavailable"

const isInstalled = (examined: Examined): boolean => {
  const failure = failureOf(examined)
  return examined.step.isTool && !(failure?._tag === "CredentialUnavailable" && failure.reason === notInstalled)
}

/** Where the chain ends without a token; else what something speaks for here; else a tool, one that is there first. */
const firstToFix = (all: ReadonlyArray<Examined>): Examined | undefined => {
  const end = all.find(endsAt)
  if (end !== undefined) return failureOf(end) === undefined ? undefined : end
  return all.find(isSpokenFor) ?? all.find(isInstalled) ?? all.find(({ step }) => step.isTool) ?? all[0]
}

const reportStep = (examined: Examined): StepReport => {
  const { millis, result, step } = examined
  const failure = failureOf(examined)
  return {
    name: step.name,
    found: step.found,
    millis,
    result: failure?._tag ?? "token",
    token: Either.isRight(result) ? { expiresOn: reportToken(result.right).expiresOn } : undefined,
    message: failure?.message,
    remedy: failure === undefined ? undefined : remedyOf(failure)
  }
}

const stepLines = ({ found, message, millis, name, remedy, result, token }: StepReport): ReadonlyArray<string> => [
  `${name.padEnd(20)} ${result} (${millis} ms)`,
  ...(found === undefined ? [] : [`  found              ${printable(found)}`]),
  ...(token?.expiresOn === undefined ? [] : [`  expires            ${token.expiresOn}`]),
  ...(message === undefined ? [] : [`  why                ${printable(message)}`]),
  ...(remedy === undefined || message?.includes(remedy) ? [] : [`  what to do         ${printable(remedy)}`])
]

const verdictOf = (all: ReadonlyArray<Examined>): string => {
  const toFix = firstToFix(all)
  if (toFix === undefined) return `The chain takes its tokens from: ${all.find(endsAt)?.step.name ?? "none"}`
  const failure = failureOf(toFix)
  return `First to fix: ${toFix.step.name}${failure === undefined ? "" : `. ${printable(remedyOf(failure))}`}`
}

const show = (json: boolean, all: ReadonlyArray<Examined>) =>
  Effect.gen(function* () {
    const screen = yield* Screen
    const steps = all.map(reportStep)
    const verdict = verdictOf(all)
    const lines = json ? [JSON.stringify({ steps, verdict })] : [...steps.flatMap(stepLines), "", verdict]
    yield* Effect.forEach(lines, screen.result, { discard: true })
    if (firstToFix(all) !== undefined) return yield* new Failed()
  })

export const doctorCommand = Command.make(
  "doctor",
  {
    scope: Options.text("scope").pipe(
      Options.withDescription("The API that a token is asked for"),
      Options.withDefault("https://management.azure.com/.default")
    ),
    json: Options.boolean("json").pipe(Options.withDescription("Print one JSON document"))
  },
  ({ json, scope }) =>
    Effect.gen(function* () {
      const { steps } = yield* DefaultCredential.DefaultCredential
      yield* show(json, yield* Effect.forEach(steps, examine(scope)))
    }).pipe(
      Effect.provide(
        DefaultCredential.layer().pipe(
          Layer.provide([NodeHttpClient.layerUndici, MachineNode.layer, TokenCache.layerMemory()])
        )
      ),
      Effect.catchTag("ConfigurationError", (error) => told(json, error))
    )
).pipe(Command.withDescription("Try each credential of the default chain, and tell what to fix first"))
