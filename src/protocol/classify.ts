import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import type { ResolvedAuthority } from "../core/Authority.js"
import { parseDescription, parseTimestamp } from "../core/errorDescription.js"
import {
  AuthorityUnavailable,
  type MalformedReason,
  MalformedResponse,
  Throttled,
  type TransportError
} from "../core/TokenError.js"
import { type HeaderFields, retryAfter } from "../resilience/retryAfter.js"
import type { Grant } from "./grants.js"
import { type ErrorResponse, readBody, type TokenResponse } from "./wire.js"

/**
 * How one attempt ended: without an answer, with more than we read, or with an answer.
 *
 * @internal
 */
export type Outcome =
  | { readonly _tag: "NoAnswer"; readonly error: TransportError }
  | { readonly _tag: "TooLarge"; readonly status: number }
  | { readonly _tag: "Answer"; readonly status: number; readonly headers: HeaderFields; readonly body: string }

/** @internal */
export interface Context<E> {
  readonly grant: Grant<E>
  readonly authority: ResolvedAuthority["kind"]
  /** Epoch milliseconds. */
  readonly now: number
}

/**
 * What can go wrong with any grant.
 *
 * @internal
 */
export type CommonFailure = TransportError | Throttled | AuthorityUnavailable | MalformedResponse

type Answer = Extract<Outcome, { readonly _tag: "Answer" }>

const longestDescription = 2048
const controlCharacters = /\p{Cc}+/gu

const printable = (text: string): string => text.slice(0, longestDescription).replace(controlCharacters, " ")

/** The members tell; the description tells what they leave out. */
const diagnose = (response: ErrorResponse) => {
  const described = parseDescription(response.error_description ?? "")
  const numbers = response.error_codes ?? []
  return {
    errorCodes: numbers.length > 0 ? numbers.map((code) => `AADSTS${code}`) : described.codes,
    correlationId: response.correlation_id ?? described.correlationId,
    traceId: response.trace_id ?? described.traceId,
    timestamp:
      (response.timestamp === undefined ? undefined : parseTimestamp(response.timestamp)) ?? described.timestamp,
    description:
      response.error_description === undefined ? undefined : Redacted.make(printable(response.error_description))
  }
}

const undiagnosed = { errorCodes: [] }

const until = (wait: Duration.Duration | undefined, now: number): DateTime.Utc | undefined =>
  wait === undefined ? undefined : DateTime.unsafeMake(now + Duration.toMillis(wait))

const throttled = (
  answer: Answer,
  response: ErrorResponse | undefined,
  context: Context<unknown>,
  floor?: Duration.Duration
) => {
  const wait = retryAfter(answer.headers, context.now) ?? floor
  return new Throttled({
    source: "server",
    status: answer.status,
    retryAfter: wait,
    until: until(wait, context.now),
    error: response?.error,
    ...(response === undefined ? undiagnosed : diagnose(response))
  })
}

const unavailable = (answer: Answer, response: ErrorResponse | undefined, context: Context<unknown>) =>
  new AuthorityUnavailable({
    status: answer.status,
    retryAfter: retryAfter(answer.headers, context.now),
    error: response?.error,
    ...(response === undefined ? undiagnosed : diagnose(response))
  })

/** The one code that decides: Entra cuts off a client that asks in a loop, with a 400 for users (MSAL.NET #3907). */
const clientLoop = 50196
const clientLoopPause = Duration.seconds(60)

const transientErrors: ReadonlySet<string> = new Set(["temporarily_unavailable", "server_error"])

const ofError = <E>(answer: Answer, response: ErrorResponse, context: Context<E>): CommonFailure | E => {
  if (context.authority === "entra" && response.error_codes?.includes(clientLoop))
    return throttled(answer, response, context, clientLoopPause)
  if (transientErrors.has(response.error)) return unavailable(answer, response, context)
  const { claims, error, suberror } = response
  return context.grant.refuse(
    { error, suberror, status: answer.status, ...diagnose(response) },
    { claims, isEntra: context.authority === "entra" }
  )
}

/** `fetch` in a browser shows a redirect that it was told not to follow as status 0. */
const isRedirect = (status: number): boolean => status === 0 || (status >= 300 && status < 400)
const isUnavailable = (status: number): boolean => status === 408 || status >= 500
const isSuccess = (status: number): boolean => status >= 200 && status < 300

const malformed = (reason: MalformedReason, status: number) => Either.left(new MalformedResponse({ reason, status }))

const classifyAnswer = <E>(answer: Answer, context: Context<E>): Either.Either<TokenResponse, CommonFailure | E> => {
  if (isRedirect(answer.status)) return malformed("redirect", answer.status)
  const body = readBody(answer.body)
  const error = body._tag === "Error" ? body.response : undefined
  if (answer.status === 429) return Either.left(throttled(answer, error, context))
  if (isUnavailable(answer.status)) return Either.left(unavailable(answer, error, context))
  if (error !== undefined) return Either.left(ofError(answer, error, context))
  if (body._tag === "Token" && isSuccess(answer.status)) return Either.right(body.response)
  return malformed(body._tag === "Unreadable" ? body.reason : "unexpectedShape", answer.status)
}

/**
 * What an attempt means. Total and pure; decided by transport, status, `error`, `suberror` and `claims`, never by prose.
 *
 * Sources: RFC 6749 5.1, 5.2; RFC 8628 3.5; OpenID Connect Core 3.1.2.6; Microsoft identity platform, authentication and
 * authorization error codes.
 *
 * @internal
 */
export const classify = <E>(outcome: Outcome, context: Context<E>): Either.Either<TokenResponse, CommonFailure | E> => {
  switch (outcome._tag) {
    case "NoAnswer":
      return Either.left(outcome.error)
    case "TooLarge":
      return malformed("tooLarge", outcome.status)
    case "Answer":
      return classifyAnswer(outcome, context)
  }
}
