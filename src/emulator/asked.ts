/** One request, read once: what every part of the emulator needs to know about it. */
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as HttpMethod from "@effect/platform/HttpMethod"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Chance from "./chance.js"
import type { Entry } from "./recorder.js"

export interface Facts {
  readonly request: HttpServerRequest.HttpServerRequest
  /** Where the client believes it is: URLs in documents and issuers follow it. */
  readonly url: URL
  /** The form, empty when the body is none; `tooLarge` when it was not read. */
  readonly form: URLSearchParams
  readonly tooLarge: boolean
  /** In bytes, 0 when it was not read. */
  readonly bodyLength: number
  readonly traceId: string
  readonly correlationId: string
  readonly echoesCorrelationId: boolean
}

export class Asked extends Context.Tag("effect-entra/emulator/Asked")<Asked, Facts & { readonly entry: Entry }>() {}

/** Far above any request of a client (an assertion with its certificate chain has about 10 kB). */
const maxBodySize = 256 * 1024

const guidPattern = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

const parseUrl = (url: string, base: string) => new URL(URL.canParse(url, base) ? url : base, base)

/** The whole URL in a process, the path over HTTP: there the scheme is what a TLS front says, as in HttpServerRequest.toURL. */
const urlOf = (request: HttpServerRequest.HttpServerRequest): URL => {
  const scheme = request.headers["x-forwarded-proto"] === "https" ? "https" : "http"
  const base = parseUrl(`${scheme}://${request.headers.host ?? "localhost"}`, "http://localhost")
  return parseUrl(request.originalUrl, base.href)
}

/** The body, empty when there is none, undefined when it is too large or broken. */
const readBody = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Uint8Array | undefined> => {
  if (!HttpMethod.hasBody(request.method)) return Effect.succeed(new Uint8Array())
  if (Number(request.headers["content-length"] ?? 0) > maxBodySize) return Effect.succeed(undefined)
  return request.arrayBuffer.pipe(
    HttpIncomingMessage.withMaxBodySize(Option.some(maxBodySize)),
    Effect.map((bytes) => (bytes.byteLength > maxBodySize ? undefined : new Uint8Array(bytes))),
    Effect.orElseSucceed(() => undefined)
  )
}

// A JSON body is answered as if it were empty: "AADSTS900144: The request body must contain ... 'grant_type'"
// (https://github.com/microsoftgraph/microsoft-graph-docs/issues/20272).
const isForm = (request: HttpServerRequest.HttpServerRequest) =>
  /^application\/x-www-form-urlencoded *(?:;|$)/i.test(request.headers["content-type"] ?? "")

export const read = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<Facts> =>
  Effect.gen(function* () {
    const body = yield* readBody(request)
    const form = new URLSearchParams(isForm(request) ? new TextDecoder().decode(body) : "")
    // MSAL Node sends it in the form, the others as a header.
    const correlationId = request.headers["client-request-id"] ?? form.get("client-request-id") ?? ""
    return {
      request,
      url: urlOf(request),
      form,
      tooLarge: body === undefined,
      bodyLength: body?.byteLength ?? 0,
      traceId: yield* Chance.guid,
      correlationId: guidPattern.test(correlationId) ? correlationId : yield* Chance.guid,
      echoesCorrelationId: request.headers["return-client-request-id"]?.toLowerCase() === "true"
    }
  })
