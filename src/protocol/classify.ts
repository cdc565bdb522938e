import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import type { ResolvedAuthority } from "../core/Authority.js"
import {
  AuthorityUnavailable,
  type MalformedReason,
  MalformedResponse,
  Throttled,
  type TransportError
} from "../core/TokenError.js"
import { type HeaderFields, retryAfter } from "../resilience/retryAfter.js"
import { diagnose } from "./diagnosis.js"
import type { Grant } from "./grants.js"
import { type Body, type ErrorResponse, readBody, type TokenResponse } from "./wire.js"

interface Head {
  readonly status: number
  readonly headers: HeaderFields
}

/**
 * How one attempt ended: without an answer, with one whose body was not read to its end, or with a whole one.
 *
 * @internal
 */
export type Outcome =
  | { readonly _tag: "NoAnswer"; readonly failure: TransportError }
  | (Head & { readonly _tag: "Partial"; readonly failure: TransportError | "tooLarge" })
  | (Head & { readonly _tag: "Answer"; readonly body: string })

/** @internal */
export interface Context<E> {
  readonly grant: Pick<Grant<E>, "refuse">
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

const waitOf = (wait: Duration.Duration | undefined, now: number) => ({
  retryAfter: wait,
  until: wait === undefined ? undefined : DateTime.unsafeMake(now + Duration.toMillis(wait))
})

const throttled = (
  { headers, status }: Head,
  response: ErrorResponse | undefined,
  { authority, now }: Context<unknown>,
  atLeast?: Duration.Duration
) => {
  const wait = retryAfter(headers, now) ?? atLeast
  return new Throttled({
    status,
    ...waitOf(wait, now),
    error: response?.error,
    ...diagnose(response, authority)
  })
}

/**
 * The service as down or overloaded, by what its answer tells of that.
 *
 * @internal
 */
export const unavailable = (
  { headers, status }: Head,
  response: ErrorResponse | undefined,
  { authority, now }: Context<unknown>
) =>
  new AuthorityUnavailable({
    status,
    ...waitOf(retryAfter(headers, now), now),
    error: response?.error,
    ...diagnose(response, authority)
  })

/** The one code that decides: Entra cuts off a client that asks in a loop, with a 400 for users (MSAL.NET #3907). */
const clientLoop = 50196
const clientLoopPause = Duration.seconds(60)

const transientErrors: ReadonlySet<string> = new Set(["temporarily_unavailable", "server_error"])

const ofError = <E>(head: Head, response: ErrorResponse, context: Context<E>): CommonFailure | E => {
  const isEntra = context.authority === "entra"
  if (isEntra && response.error_codes?.includes(clientLoop)) return throttled(head, response, context, clientLoopPause)
  if (transientErrors.has(response.error)) return unavailable(head, response, context)
  const { claims, error, suberror } = response
  const details = diagnose(response, context.authority)
  return context.grant.refuse({ error, suberror, status: head.status, ...details }, { claims, isEntra })
}

/** `fetch` in a browser shows a redirect that it was told not to follow as status 0. */
const isRedirect = (status: number): boolean => status === 0 || (status >= 300 && status < 400)
const isUnavailable = (status: number): boolean => status === 408 || status >= 500
const isSuccess = (status: number): boolean => status >= 200 && status < 300

const malformed = (reason: MalformedReason, status: number) => Either.left(new MalformedResponse({ reason, status }))

/** The status speaks first: what it says holds, whatever became of the body. */
const classifyAnswer = <A, E>(
  answer: Exclude<Outcome, { readonly _tag: "NoAnswer" }>,
  context: Context<E>,
  read: (body: string) => Body<A>
): Either.Either<A, CommonFailure | E> => {
  const { status } = answer
  if (isRedirect(status)) return malformed("redirect", status)
  const body = answer._tag === "Answer" ? read(answer.body) : undefined
  const error = body?._tag === "Error" ? body.response : undefined
  if (status === 429) return Either.left(throttled(answer, error, context))
  if (isUnavailable(status)) return Either.left(unavailable(answer, error, context))
  if (answer._tag === "Partial")
    return answer.failure === "tooLarge" ? malformed("tooLarge", status) : Either.left(answer.failure)
  if (error !== undefined) return Either.left(ofError(answer, error, context))
  if (body?._tag === "Success" && isSuccess(status)) return Either.right(body.response)
  return malformed(body?._tag === "Unreadable" ? body.reason : "unexpectedShape", status)
}

/**
 * What an attempt means whose answer is read so. Total and pure; decided by transport, status, `error`, `suberror` and
 * `claims`, never by prose.
 *
 * Sources: RFC 6749 5.1, 5.2; RFC 8628 3.5; OpenID Connect Core 3.1.2.6; Microsoft identity platform, authentication and
 * authorization error codes.
 *
 * @internal
 */
export const classifyAs =
  <A>(read: (body: string) => Body<A>) =>
  <E>(outcome: Outcome, context: Context<E>): Either.Either<A, CommonFailure | E> =>
    outcome._tag === "NoAnswer" ? Either.left(outcome.failure) : classifyAnswer(outcome, context, read)

/**
 * What an attempt to get a token means.
 *
 * @internal
 */
export const classify: <E>(outcome: Outcome, context: Context<E>) => Either.Either<TokenResponse, CommonFailure | E> =
  classifyAs(readBody)
