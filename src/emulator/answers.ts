/** Answers as Entra writes them: JSON with its headers, and refusals. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { Asked } from "./asked.js"
import * as Chance from "./chance.js"
import type { World } from "./world.js"

/**
 * A refusal of Entra: the RFC 6749 error, the AADSTS code and its text, in which nothing may stand that is secret.
 */
export class Refusal extends Data.TaggedError("Refusal")<{
  readonly status: number
  readonly error: string
  readonly code: number
  readonly text: string
  readonly headers?: Readonly<Record<string, string>> | undefined
}> {}

/** A JSON answer; with a seed it varies, and then each of the `optional` members may be absent. */
export const json = (
  world: World,
  status: number,
  members: Chance.Members,
  optional: ReadonlyArray<string> = [],
  headers: Readonly<Record<string, string>> = {}
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked> =>
  Effect.gen(function* () {
    const asked = yield* Asked
    const body = world.varies ? yield* Chance.vary(members, optional) : members
    return HttpServerResponse.text(JSON.stringify(body), {
      status,
      contentType: "application/json; charset=utf-8",
      headers: {
        "cache-control": "no-store, no-cache",
        pragma: "no-cache",
        "x-ms-request-id": asked.traceId,
        "x-ms-ests-server": "emulator",
        ...(asked.echoesCorrelationId ? { "client-request-id": asked.correlationId } : undefined),
        ...headers
      }
    })
  })

/** `YYYY-MM-DD HH:MM:SSZ`, with a space. */
const timestampOf = (now: number) => new Date(now).toISOString().slice(0, 19).replace("T", " ").concat("Z")

/**
 * The error body of the protocol page (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow):
 * lines end in CRLF there, newer answers have single spaces.
 */
export const refuse = (
  world: World,
  refusal: Refusal
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked> =>
  Effect.gen(function* () {
    const { traceId, correlationId, url } = yield* Asked
    const timestamp = timestampOf(yield* world.now)
    const separator = world.varies && (yield* Chance.coin) ? " " : "\r\n"
    const description = [
      `AADSTS${refusal.code}: ${refusal.text}`,
      `Trace ID: ${traceId}`,
      `Correlation ID: ${correlationId}`,
      `Timestamp: ${timestamp}`
    ].join(separator)
    const members = {
      error: refusal.error,
      error_description: description,
      error_codes: [refusal.code],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `${url.origin}/error?code=${refusal.code}`
    }
    const optional = ["timestamp", "trace_id", "correlation_id", "error_uri"]
    return yield* json(world, refusal.status, members, optional, refusal.headers)
  })

/** Dated by the emulator's clock, unless a script dated it. */
export const dated = (
  world: World,
  response: HttpServerResponse.HttpServerResponse
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  "date" in response.headers
    ? Effect.succeed(response)
    : Effect.map(world.now, (now) => HttpServerResponse.setHeader(response, "date", new Date(now).toUTCString()))

export const bytesOf = (response: HttpServerResponse.HttpServerResponse): Uint8Array =>
  response.body._tag === "Uint8Array" ? response.body.body : new Uint8Array()
