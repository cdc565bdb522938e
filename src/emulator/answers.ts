/** Answers as Entra writes them: JSON with its headers, and refusals. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { Asked } from "./asked.js"
import * as Chance from "./chance.js"
import type { World } from "./world.js"

/**
 * A refusal: the RFC 6749 error, and the code and text of Entra (AADSTS), unless `prefix` says that they are of Azure AD
 * B2C or AD FS. In its text nothing may stand that is secret. `about` holds what other authorities put into theirs.
 */
export class Refusal extends Data.TaggedError("Refusal")<{
  readonly status: number
  readonly error: string
  readonly code: number
  readonly text: string
  readonly prefix?: "AADB2C" | "MSIS" | undefined
  readonly suberror?: string | undefined
  /** JSON, as a string. */
  readonly claims?: string | undefined
  /** Only in a redirect. */
  readonly subcode?: string | undefined
  readonly about?: ReadonlyArray<string> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}> {}

export type Checked<A> = Effect.Effect<A, Refusal>

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

const told = (refusal: Refusal) => `${refusal.prefix ?? "AADSTS"}${refusal.code}: ${refusal.text}`

/** The `error_uri` that Entra gives. */
export const errorUri = (refusal: Refusal, { url }: { readonly url: URL }) => `${url.origin}/error?code=${refusal.code}`

/**
 * Lines end in CRLF on the protocol page, newer answers have single spaces. B2C gives no trace, and ends with a line end
 * (https://github.com/Azure-Samples/active-directory-b2c-dotnet-webapp-and-webapi/issues/8), AD FS neither
 * (https://github.com/grafana/grafana/issues/17672).
 */
export const describe = (world: World, refusal: Refusal): Effect.Effect<string, never, Asked> =>
  Effect.gen(function* () {
    const { traceId, correlationId } = yield* Asked
    if (refusal.prefix === "MSIS") return told(refusal)
    const timestamp = timestampOf(yield* world.now)
    const ids = [`Correlation ID: ${correlationId}`, `Timestamp: ${timestamp}`]
    if (refusal.prefix === "AADB2C") return [told(refusal), ...ids, ""].join("\r\n")
    const separator = world.varies && (yield* Chance.coin) ? " " : "\r\n"
    return [told(refusal), `Trace ID: ${traceId}`, ...ids].join(separator)
  })

/**
 * The error body of the protocol page (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow);
 * the other authorities give `error` and `error_description` alone.
 */
export const membersOf = (world: World, refusal: Refusal): Effect.Effect<Chance.Members, never, Asked> =>
  Effect.gen(function* () {
    const asked = yield* Asked
    const description = yield* describe(world, refusal)
    const spoken = { error: refusal.error, error_description: description }
    if (refusal.prefix !== undefined) return spoken
    return {
      ...spoken,
      error_codes: [refusal.code],
      timestamp: timestampOf(yield* world.now),
      trace_id: asked.traceId,
      correlation_id: asked.correlationId,
      error_uri: errorUri(refusal, asked),
      ...(refusal.suberror === undefined ? undefined : { suberror: refusal.suberror }),
      ...(refusal.claims === undefined ? undefined : { claims: refusal.claims })
    }
  })

export const refuse = (
  world: World,
  refusal: Refusal
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked> =>
  Effect.flatMap(membersOf(world, refusal), (members) =>
    json(world, refusal.status, members, ["timestamp", "trace_id", "correlation_id", "error_uri"], refusal.headers)
  )

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
