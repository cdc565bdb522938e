import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { TransportError, type TransportReason } from "../core/TokenError.js"
import type { Outcome } from "./classify.js"

/** The parameters of a form; a secret stays wrapped until the body is made of it. */
export type Form = Readonly<Record<string, string | Redacted.Redacted>>

/** @internal */
export interface GetRequest {
  readonly url: string
  /** For people. */
  readonly host: string
  readonly headers: Readonly<Record<string, string | Redacted.Redacted>>
  /** From connecting to the last byte. */
  readonly timeout: Duration.Duration
}

/** @internal */
export interface PostRequest extends GetRequest {
  /** Absent, the body is empty, and its type what `headers` say. */
  readonly form: Form | undefined
}

/** @internal */
export interface Transport {
  /** Never fails: no answer is an outcome too. */
  readonly post: (request: PostRequest) => Effect.Effect<Outcome>
  /** As little as `post`. */
  readonly get: (request: GetRequest) => Effect.Effect<Outcome>
}

const reasons: Readonly<Record<string, TransportReason>> = {
  ECONNREFUSED: "refused",
  ENOTFOUND: "unresolved",
  EAI_AGAIN: "unresolved",
  EAI_NODATA: "unresolved",
  EAI_NONAME: "unresolved",
  EHOSTUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ENETUNREACH: "unreachable",
  ENETDOWN: "unreachable",
  EACCES: "unreachable",
  EPERM: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  UND_ERR_CONNECT_TIMEOUT: "unreachable",
  EPROTO: "handshake",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
  UND_ERR_SOCKET: "reset",
  UND_ERR_CLOSED: "reset",
  UND_ERR_DESTROYED: "reset",
  ETIMEDOUT: "timeout",
  UND_ERR_HEADERS_TIMEOUT: "timeout",
  UND_ERR_BODY_TIMEOUT: "timeout"
}

/** OpenSSL's verification errors, as Node names them. */
const certificateCode =
  /^(?:CERT_|CRL_|ERROR_IN_C|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|HOSTNAME_|INVALID_|PATH_LENGTH_)/
const handshakeCode = /^ERR_(?:SSL|TLS)_/

const reasonOf = (code: string): TransportReason => {
  if (certificateCode.test(code)) return "certificate"
  if (handshakeCode.test(code)) return "handshake"
  return reasons[code] ?? "opaque"
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined

/** The system's code, from wherever an HTTP client has put it. */
const codeOf = (cause: unknown, depth = 0): string | undefined => {
  if (depth > 5) return undefined
  const code = member(cause, "code")
  if (typeof code === "string" && /^[A-Z][A-Z0-9_]{2,63}$/.test(code)) return code
  const errors = member(cause, "errors")
  return codeOf(member(cause, "cause"), depth + 1) ?? (Array.isArray(errors) ? codeOf(errors[0], depth + 1) : undefined)
}

/** A body that can't be read to its end was cut off, whatever the socket says of it. */
const toTransportError = (host: string, failure: HttpClientError.HttpClientError): TransportError => {
  const code = codeOf(failure.cause)
  const reason = code === undefined ? "opaque" : reasonOf(code)
  const isCutOff = failure._tag === "ResponseError" && reason !== "timeout"
  return new TransportError({ reason: isCutOff ? "cutOff" : reason, host, code })
}

/** No token response comes near this. */
const longestBody = 1024 * 1024

interface Received {
  readonly size: number
  readonly text: string
}

/** Reads at most the cap; what is beyond it is never received. */
const readCapped = (response: HttpClientResponse.HttpClientResponse) =>
  Effect.suspend(() => {
    const decoder = new TextDecoder()
    const nothing: Received = { size: 0, text: "" }
    return Effect.map(
      Stream.runFoldWhile(
        response.stream,
        nothing,
        ({ size }) => size <= longestBody,
        ({ size, text }, bytes) => ({
          size: size + bytes.length,
          text: text + decoder.decode(bytes, { stream: true })
        })
      ),
      ({ size, text }) => (size > longestBody ? Option.none() : Option.some(text + decoder.decode()))
    )
  })

/** A length that HTTP itself holds the body to, unless the body grows by being decoded. */
const isKnownToFit = ({ headers }: HttpClientResponse.HttpClientResponse): boolean =>
  headers["content-encoding"] === undefined && Number(headers["content-length"]) <= longestBody

/** Counting bytes as they come costs half as much as the request itself: only where it is needed. */
const readBody = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<Option.Option<string>, HttpClientError.ResponseError> =>
  isKnownToFit(response) ? Effect.map(response.text, Option.some) : readCapped(response)

/** What has arrived of an answer; once its head is there, that holds, whatever becomes of the body. */
type Head = Pick<HttpClientResponse.HttpClientResponse, "status" | "headers">

const tooLarge = (head: Head): Outcome => ({ _tag: "Partial", ...head, failure: "tooLarge" })

const broken = (head: Head | undefined, failure: TransportError): Outcome =>
  head === undefined ? { _tag: "NoAnswer", failure } : { _tag: "Partial", ...head, failure }

const opened = (values: Form): ReadonlyArray<readonly [string, string]> =>
  Object.entries(values).map(([name, value]) => [name, Redacted.isRedacted(value) ? Redacted.value(value) : value])

/** fetch follows redirects unless it is told otherwise, and would post the secret to wherever they lead. */
const withoutRedirects = Effect.mapInputContext((context: Context.Context<never>) =>
  Context.add(context, FetchHttpClient.RequestInit, {
    ...Option.getOrUndefined(Context.getOption(context, FetchHttpClient.RequestInit)),
    redirect: "manual"
  })
)

/** A client that was told to take other statuses for failures still has the answer. */
const answered = (failure: HttpClientError.HttpClientError) =>
  failure._tag === "ResponseError" && failure.reason === "StatusCode"
    ? Effect.succeed(failure.response)
    : Effect.fail(failure)

/**
 * The one place that sees HTTP: no trace header leaves, a body is capped, one timer covers everything, and no request or
 * response gets out. The span of an exchange is the caller's; HTTP's own would show headers.
 *
 * No redirect is followed, unless by a client that was made to follow them (`HttpClient.followRedirects`), which nothing
 * here can see: such a client must not be given.
 *
 * @internal
 */
export const make = (client: HttpClient.HttpClient): Transport => {
  const quiet = client.pipe(
    HttpClient.withTracerPropagation(false),
    HttpClient.withTracerDisabledWhen(() => true)
  )
  const send = ({ host, timeout }: GetRequest, request: HttpClientRequest.HttpClientRequest): Effect.Effect<Outcome> =>
    Effect.suspend(() => {
      let head: Head | undefined
      const read = (response: HttpClientResponse.HttpClientResponse) => {
        const { headers, status } = response
        head = { headers, status }
        return Effect.map(
          readBody(response),
          Option.match({
            onNone: () => tooLarge({ headers, status }),
            onSome: (body): Outcome => ({ _tag: "Answer", status, headers, body })
          })
        )
      }
      return quiet.execute(request).pipe(
        Effect.catchAll(answered),
        Effect.flatMap(read),
        Effect.catchAll((failure) => Effect.succeed(broken(head, toTransportError(host, failure)))),
        Effect.timeoutTo({
          duration: timeout,
          onSuccess: (outcome: Outcome) => outcome,
          onTimeout: () => broken(head, new TransportError({ reason: "timeout", host }))
        }),
        withoutRedirects
      )
    })
  return {
    get: (request) =>
      send(request, HttpClientRequest.get(request.url, { headers: Object.fromEntries(opened(request.headers)) })),
    post: (request) => {
      const empty = HttpClientRequest.post(request.url, { headers: Object.fromEntries(opened(request.headers)) })
      return send(
        request,
        request.form === undefined ? empty : HttpClientRequest.bodyUrlParams(empty, opened(request.form))
      )
    }
  }
}
