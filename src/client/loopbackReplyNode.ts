import * as Http from "node:http"
import * as Effect from "effect/Effect"
import { contentSecurityPolicy, notOurs } from "./signInPages.js"

/** What a browser is answered. */
export interface Reply {
  readonly status: number
  /** Absent where there is nothing to show. */
  readonly page?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Nobody keeps an answer, frames it, learns where it came from, or holds its connection. */
const always: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": contentSecurityPolicy,
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  connection: "close"
}

const headersOf = ({ headers, page = "" }: Reply): Record<string, string | number> => ({
  ...always,
  ...(page === "" ? undefined : { "content-type": "text/html; charset=utf-8" }),
  "content-length": Buffer.byteLength(page),
  ...headers
})

/**
 * @internal
 */
export const refusal = (status: number, headers?: Reply["headers"]): Reply => ({ status, page: notOurs, headers })

/** Waits until an answer's connection is gone. */
const gone = (response: Http.ServerResponse): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (response.closed) return resume(Effect.void)
    response.once("close", () => resume(Effect.void))
  })

/**
 * Sends a reply; whether it was taken whole by the system, rather than lost with the connection.
 *
 * @internal
 */
export const send = (response: Http.ServerResponse, reply: Reply): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    if (!response.closed) response.writeHead(reply.status, headersOf(reply)).end(reply.page)
    return Effect.map(gone(response), () => response.writableFinished)
  })

const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408
}

/**
 * The answer to what is no request, by the code of what is wrong with it; there is only a socket to write it to.
 *
 * @internal
 */
export const rawRefusal = (code: string): string => {
  const status = statuses[code] ?? 400
  const headers = Object.entries(headersOf({ status })).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${Http.STATUS_CODES[status] ?? ""}\r\n${headers.join("")}\r\n`
}
