import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import type { CredentialUnavailable } from "../core/TokenError.js"
import type { TokenResponse } from "../protocol/wire.js"
import { type Form, readAnswer } from "./developerAnswer.js"
import { diagnose, type Failed, type Sign, unavailable } from "./developerFailure.js"
import { type Ended, type NotRun, runTool, type Workshop } from "./developerProcess.js"
import type { LocalAsking, LocalTarget } from "./localProvider.js"

/** What a tool is asked. */
export interface ToolRequest {
  readonly target: Pick<LocalTarget, "scopes" | "tenantId">
  /** A claims request, as base64 of its JSON. */
  readonly claims: string | undefined
}

/** A tool in which developers sign in, and which gives out tokens of theirs. */
export interface DeveloperTool {
  /** For people. */
  readonly name: string
  /** Its programs: a later one is asked where those before it are not installed. */
  readonly programs: (isWindows: boolean) => ReadonlyArray<string>
  readonly args: (request: ToolRequest) => ReadonlyArray<string>
  /** Whether a claims request can be among its arguments. */
  readonly takesClaims: boolean
  readonly form: Form
  /** What its prose tells of failures, the first that holds. */
  readonly signs: ReadonlyArray<Sign>
  /** For people: where it comes from, */
  readonly install: string
  /** the command that signs in, */
  readonly login: (request: ToolRequest) => string
  /** and the one that shows how it does. */
  readonly check: string
}

/** A shell of Windows takes 8 191 characters. */
const mostClaims = 4096

const notRun: Record<NotRun["_tag"], Failed["kind"]> = {
  NotFound: "notInstalled",
  NotStarted: "notStarted",
  TooMuch: "tooMuch"
}

const failed = (failure: NotRun): Failed => ({
  kind: notRun[failure._tag],
  detail: failure._tag === "NotStarted" ? failure.reason : undefined
})

/** A token counts only when the tool says that all went well. */
const judge = (tool: DeveloperTool, ended: Ended): Either.Either<TokenResponse, Failed> => {
  const answer = ended.code === 0 ? readAnswer(ended.stdout, tool.form) : Either.left(undefined)
  return Either.mapLeft(answer, (detail) => diagnose(tool.signs, ended, detail))
}

const attempt = (
  workshop: Workshop,
  tool: DeveloperTool,
  request: ToolRequest,
  [program, ...others]: ReadonlyArray<string>
): Effect.Effect<TokenResponse, Failed> =>
  program === undefined
    ? Effect.fail({ kind: "notInstalled" })
    : runTool(workshop, program, tool.args(request)).pipe(
        Effect.mapError(failed),
        Effect.flatMap((ended) => judge(tool, ended)),
        Effect.catchIf(
          ({ kind }) => kind === "notInstalled" && others.length > 0,
          () => attempt(workshop, tool, request, others)
        )
      )

/**
 * Asks a tool for a token, within the time that the asking has.
 *
 * @internal
 */
export const askTool =
  (workshop: Workshop, tool: DeveloperTool) =>
  (asking: Pick<LocalAsking, "target" | "claims" | "timeout">): Effect.Effect<TokenResponse, CredentialUnavailable> => {
    const claims = asking.claims === undefined ? undefined : Encoding.encodeBase64(asking.claims)
    const request = { target: asking.target, claims }
    const isBeyondIt = claims !== undefined && (!tool.takesClaims || claims.length > mostClaims)
    const asked: Effect.Effect<TokenResponse, Failed> = isBeyondIt
      ? Effect.fail({ kind: "claims" })
      : attempt(workshop, tool, request, tool.programs(workshop.machine.isWindows))
    return asked.pipe(
      Effect.timeoutFail({
        duration: asking.timeout,
        onTimeout: (): Failed => ({ kind: "timedOut", detail: Duration.format(asking.timeout) })
      }),
      Effect.mapError((failure) => unavailable(tool, request, failure))
    )
  }
