/** What was asked of the emulator, without its secrets. */
import type * as Headers from "@effect/platform/Headers"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Fault } from "./Fault.js"
import { parse, type RecordedAssertion } from "./jwt.js"

/**
 * A request as it came in, by the emulator's clock. Of the form, the query and the headers only names known to be harmless
 * show their value, any other reads `<masked>`; a repeated name has its values joined by `, `. `status` is undefined while
 * the request is under way and for a connection that was reset before the answer; `fault` is the fault that was played;
 * `assertion` is what the client assertion says, if the form has one that is a JWT.
 *
 * @since 0.1.0
 * @category models
 */
export interface RecordedRequest {
  readonly at: DateTime.Utc
  readonly method: string
  readonly origin: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly form: Readonly<Record<string, string>>
  readonly status: number | undefined
  readonly fault: Fault["_tag"] | undefined
  readonly assertion: RecordedAssertion | undefined
}

/** A request under way, to be completed by who answers it. */
export type Entry = { -readonly [K in keyof RecordedRequest]: RecordedRequest[K] } & {
  /** The answer was made but no byte of it left. */
  lost: boolean
}

export interface Recorder {
  readonly begin: (request: Incoming) => Effect.Effect<Entry>
  readonly all: Effect.Effect<ReadonlyArray<RecordedRequest>>
}

export interface Incoming {
  readonly now: number
  readonly method: string
  readonly url: URL
  readonly headers: Headers.Headers
  readonly form: URLSearchParams
}

const limit = 10_000

const masked = "<masked>"

// A list of what may be shown, not of what must be hidden: a secret in a place that nobody thought of stays hidden.
const harmlessParameters = new Set([
  "api-version",
  "authorization_endpoint",
  "claims",
  "client-request-id",
  "client_assertion_type",
  "client_id",
  "clientid",
  "code_challenge_method",
  "format",
  "grant_type",
  "mi_res_id",
  "msi_res_id",
  "object_id",
  "post_logout_redirect_uri",
  "principalId",
  "principal_id",
  "prompt",
  "redirect_uri",
  "requested_token_use",
  "resource",
  "response_mode",
  "response_type",
  "scope",
  "token_sha256_to_refresh",
  "x-ms-lib-capability",
  "xms_cc"
])

const harmlessHeaders = new Set([
  "accept",
  "b3",
  "client-request-id",
  "content-length",
  "content-type",
  "host",
  "metadata",
  "return-client-request-id",
  "traceparent",
  "user-agent",
  "x-ms-client-request-id",
  "x-ms-lib-capability"
])

/** The wish for it is harmless, itself it says who signed in. */
const isWish = (name: string, value: string) => name === "client_info" && value === "1"

const isClientFact = (name: string) => name.startsWith("x-client-") || name.startsWith("x-app-")

const show = (harmless: ReadonlySet<string>, entries: Iterable<readonly [string, string]>): Record<string, string> => {
  const shown = new Map<string, string>()
  for (const [name, value] of entries) {
    const visible = harmless.has(name) || isClientFact(name) || isWish(name, value) ? value : masked
    const before = shown.get(name)
    shown.set(name, before === undefined ? visible : `${before}, ${visible}`)
  }
  return Object.fromEntries(shown)
}

export const make = (): Recorder => {
  const entries: Array<Entry> = []
  return {
    begin: ({ now, method, url, headers, form }) =>
      Effect.sync(() => {
        const entry: Entry = {
          at: DateTime.unsafeMake(now),
          method,
          origin: url.origin,
          path: url.pathname,
          query: show(harmlessParameters, url.searchParams),
          headers: show(harmlessHeaders, Object.entries(headers)),
          form: show(harmlessParameters, form),
          status: undefined,
          fault: undefined,
          assertion: parse(form.get("client_assertion") ?? ""),
          lost: false
        }
        entries.push(entry)
        if (entries.length > limit) entries.shift()
        return entry
      }),
    all: Effect.sync(() => entries.map(({ lost, ...shown }) => ({ ...shown, status: lost ? undefined : shown.status })))
  }
}
