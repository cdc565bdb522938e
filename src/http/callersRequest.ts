import type * as Cookies from "@effect/platform/Cookies"
import type * as Headers from "@effect/platform/Headers"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import type * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import type * as Option from "effect/Option"
import * as Stream from "effect/Stream"

type Response = HttpClientResponse.HttpClientResponse
type Read<A> = Effect.Effect<A, HttpClientError.ResponseError>

/** A response as the caller sees it: to its own request, in what is read of it and in what fails in reading too. */
class CallersResponse extends Inspectable.Class implements Response {
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest.HttpClientRequest
  readonly #original: Response

  constructor(original: Response, request: HttpClientRequest.HttpClientRequest) {
    super()
    this.#original = original
    this.request = request
  }

  get status(): number {
    return this.#original.status
  }
  get headers(): Headers.Headers {
    return this.#original.headers
  }
  get cookies(): Cookies.Cookies {
    return this.#original.cookies
  }
  get remoteAddress(): Option.Option<string> {
    return this.#original.remoteAddress
  }
  get json(): Read<unknown> {
    return this.#read(this.#original.json)
  }
  get text(): Read<string> {
    return this.#read(this.#original.text)
  }
  get urlParamsBody(): Read<UrlParams.UrlParams> {
    return this.#read(this.#original.urlParamsBody)
  }
  get formData(): Read<FormData> {
    return this.#read(this.#original.formData)
  }
  get arrayBuffer(): Read<ArrayBuffer> {
    return this.#read(this.#original.arrayBuffer)
  }
  get stream(): Stream.Stream<Uint8Array, HttpClientError.ResponseError> {
    return Stream.mapError(this.#original.stream, (error) => this.#failure(error))
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "@effect/platform/HttpClientResponse",
      request: this.request.toJSON(),
      status: this.status
    })
  }

  #read<A>(effect: Read<A>): Read<A> {
    return Effect.mapError(effect, (error) => this.#failure(error))
  }

  #failure(error: HttpClientError.ResponseError): HttpClientError.ResponseError {
    return new HttpClientError.ResponseError({
      ...toldBy(error),
      request: this.request,
      response: this,
      reason: error.reason
    })
  }
}

const toldBy = ({ cause, description }: HttpClientError.HttpClientError) => ({
  cause,
  ...(description !== undefined && { description })
})

/**
 * The same response to the caller's own request, which holds no bearer.
 *
 * @internal
 */
export const withRequest = (original: Response, request: HttpClientRequest.HttpClientRequest): Response =>
  new CallersResponse(original, request)

/**
 * The same failure of the caller's own request.
 *
 * @internal
 */
export const failureOf = <E>(
  error: E,
  request: HttpClientRequest.HttpClientRequest
): E | HttpClientError.HttpClientError => {
  if (error instanceof HttpClientError.RequestError)
    return new HttpClientError.RequestError({ ...toldBy(error), request, reason: error.reason })
  return error instanceof HttpClientError.ResponseError
    ? new HttpClientError.ResponseError({
        ...toldBy(error),
        request,
        response: withRequest(error.response, request),
        reason: error.reason
      })
    : error
}

/**
 * The response of a client that takes other statuses for failures.
 *
 * @internal
 */
export const refusedResponse = (error: unknown): Response | undefined =>
  error instanceof HttpClientError.ResponseError && error.reason === "StatusCode" ? error.response : undefined
