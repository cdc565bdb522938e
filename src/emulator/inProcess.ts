/** The app behind an `HttpClient`, without a socket: it runs in the caller's fiber, on the caller's clock. */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpMethod from "@effect/platform/HttpMethod"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Answers from "./answers.js"
import { Connection, type Cut } from "./connection.js"
import type { ResetAt } from "./Fault.js"

/** What Node's clients give as the cause of a connection that was reset. */
const connectionReset = () => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" })

const bodyOf = (request: HttpClientRequest.HttpClientRequest): Effect.Effect<BodyInit | null, unknown> => {
  const body = request.body
  switch (body._tag) {
    case "Empty":
      return Effect.succeed(null)
    case "Uint8Array":
      // A copy: the type of a body excludes views of shared memory.
      return Effect.succeed(Uint8Array.from(body.body))
    case "FormData":
      return Effect.succeed(body.formData)
    case "Raw":
      return Effect.succeed(String(body.body))
    case "Stream":
      return Effect.map(Stream.runFold(body.stream, new Uint8Array(), concat), (bytes) => bytes)
  }
}

const concat = (left: Uint8Array<ArrayBuffer>, right: Uint8Array): Uint8Array<ArrayBuffer> => {
  const both = new Uint8Array(left.length + right.length)
  both.set(left)
  both.set(right, left.length)
  return both
}

const toServerRequest = (request: HttpClientRequest.HttpClientRequest, url: URL) =>
  Effect.map(bodyOf(request), (body) =>
    HttpServerRequest.fromWeb(
      new Request(url, { method: request.method, body: HttpMethod.hasBody(request.method) ? body : null })
    ).modify({ headers: { ...request.headers, host: url.host } })
  )

/** The head and half of the body, then the error that a reader of a broken connection gets. */
const halfOf = (response: HttpServerResponse.HttpServerResponse) => {
  const bytes = Answers.bytesOf(response)
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes.slice(0, Math.ceil(bytes.length / 2))),
    pull: (controller) => controller.error(connectionReset())
  })
  return new Response(body, { status: response.status, headers: response.headers })
}

const transportError = (request: HttpClientRequest.HttpClientRequest, cause: unknown) =>
  new HttpClientError.RequestError({ request, reason: "Transport", cause })

export const make = (app: HttpApp.Default): HttpClient.HttpClient =>
  HttpClient.make((request, url) =>
    Effect.gen(function* () {
      let resetAt: ResetAt | undefined
      const cut: Cut = (at, response) =>
        Effect.sync(() => {
          resetAt = at
          return response
        })
      const incoming = yield* Effect.mapError(toServerRequest(request, url), (cause) => transportError(request, cause))
      const context = Context.make(HttpServerRequest.HttpServerRequest, incoming).pipe(Context.add(Connection, { cut }))
      // Only this: a server shares no context with who calls it, its spans and the caller's own server request least.
      const response = yield* Effect.mapInputContext(app, (_: Context.Context<never>) => context)
      if (resetAt === "beforeHeaders") return yield* transportError(request, connectionReset())
      const web = resetAt === "midBody" ? halfOf(response) : HttpServerResponse.toWeb(response)
      return HttpClientResponse.fromWeb(request, web)
    })
  )
