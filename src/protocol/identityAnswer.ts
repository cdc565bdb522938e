import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { type AuthorityUnavailable, MalformedResponse, RequestRejected } from "../core/TokenError.js"
import { type CommonFailure, classifyAs, type Outcome, unavailable } from "./classify.js"
import { epochSecondsOf } from "./expiry.js"
import type { Grant } from "./grants.js"
import { type Body, bodyReader, ErrorCode, readTokens, type TokenResponse } from "./wire.js"

/** How a user-assigned identity is named. */
export type IdentityKind = "clientId" | "objectId" | "resourceId"

/** A managed identity's answer, and whose it says that it is. */
interface IdentityAnswer {
  readonly token: TokenResponse
  readonly identity: Readonly<Record<IdentityKind, string | undefined>>
}

/** What is expected of an answer. */
export interface Expected {
  /** Statuses that are no refusal, beside 408, 429 and 5xx: the service is being updated. */
  readonly passing: ReadonlySet<number>
  /** The user-assigned identity that was asked for. */
  readonly identity: { readonly kind: IdentityKind; readonly id: string } | undefined
  /** Whether its answer has to name it. */
  readonly mustEcho: boolean
}

/** How a managed identity's request fails. */
export type IdentityFailure = CommonFailure | RequestRejected

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const textIn = (json: Json, ...names: ReadonlyArray<string>): string | undefined =>
  names.map((name) => json[name]).find((value): value is string => typeof value === "string" && value !== "")

const isErrorCode = Schema.is(ErrorCode)

/** An object with a code and a message, or a message beside a status, where RFC 6749 5.2 has `error` and its description. */
const standardError = (json: Json): Json => {
  const about = isObject(json.error) ? { ...json, ...json.error, error: undefined } : json
  const code = textIn(about, "error", "code")
  const description = textIn(about, "error_description", "message", "Message")
  if (code === undefined && description === undefined && !isObject(json.error)) return json
  return {
    ...about,
    error: isErrorCode(code) ? code : "unknown_error",
    error_description: description,
    correlation_id: textIn(about, "correlation_id", "correlationId")
  }
}

/** In the words of RFC 6749: some leave out the type of their tokens, which is always the same; an end may be a date. */
const standard = (json: Json): Json =>
  textIn(json, "access_token") === undefined
    ? standardError(json)
    : { ...json, token_type: json.token_type || "Bearer", expires_on: epochSecondsOf(json.expires_on) }

const readAnswer = (json: unknown): Body<IdentityAnswer> => {
  const about = isObject(json) ? json : {}
  const answer = readTokens(standard(about))
  if (answer._tag !== "Success") return answer
  const identity = {
    clientId: textIn(about, "client_id"),
    objectId: textIn(about, "object_id", "principal_id"),
    resourceId: textIn(about, "msi_res_id", "mi_res_id")
  }
  return { _tag: "Success", response: { token: answer.response, identity } }
}

const read = bodyReader(readAnswer)

const grant = {
  refuse: (refusal) => new RequestRejected(refusal)
} as const satisfies Pick<Grant<RequestRejected>, "refuse">

/** A service that caches may hand out what is over already: the next answer is another. */
const hasEnded = ({ expires_in, expires_on }: TokenResponse, now: number): boolean =>
  expires_in === undefined ? expires_on !== undefined && expires_on * 1000 <= now : expires_in <= 0

/** An identity that is named is the one that was asked for; where it has to be, an answer without a name is none. */
const confirmed = (
  { identity, token }: IdentityAnswer,
  expected: Expected,
  status: number,
  now: number
): Either.Either<TokenResponse, MalformedResponse> => {
  if (hasEnded(token, now)) return Either.left(new MalformedResponse({ reason: "unexpectedShape", status }))
  if (expected.identity === undefined) return Either.right(token)
  const { id, kind } = expected.identity
  const named = identity[kind]
  const isIts = named === undefined ? !expected.mustEcho : named.toLowerCase() === id.toLowerCase()
  return isIts ? Either.right(token) : Either.left(new MalformedResponse({ reason: "otherIdentity", status }))
}

const passes = (
  outcome: Exclude<Outcome, { readonly _tag: "NoAnswer" }>,
  now: number
): Either.Either<never, AuthorityUnavailable> => {
  const body = outcome._tag === "Answer" ? read(outcome.body) : undefined
  const error = body?._tag === "Error" ? body.response : undefined
  return Either.left(unavailable(outcome, error, { grant, authority: "entra", now }))
}

/**
 * What a managed identity's endpoint answered, whichever it is.
 *
 * @internal
 */
export const classifyIdentity = (
  outcome: Outcome,
  expected: Expected,
  now: number
): Either.Either<TokenResponse, IdentityFailure> => {
  if (outcome._tag === "NoAnswer") return Either.left(outcome.failure)
  if (expected.passing.has(outcome.status)) return passes(outcome, now)
  return Either.flatMap(classifyAs(read)(outcome, { grant, authority: "entra", now }), (answer) =>
    confirmed(answer, expected, outcome.status, now)
  )
}
