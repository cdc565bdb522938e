import type * as Http from "node:http"
import * as Effect from "effect/Effect"
import { isSame } from "./random.js"

/** What a request is about, once it is known to be for us. */
export type Asked =
  | { readonly _tag: "Response"; readonly query: string }
  | { readonly _tag: "PostedResponse" }
  | { readonly _tag: "Ending" }
  | { readonly _tag: "Refused"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }

/** Where the browser goes on to, so that no code stays in its history. */
export const endingPath = "/done"

/** A code takes 1 or 2 kB; more than this is no authority's (bytes). */
const largest = 16_384

const refused = (status: number, headers: Readonly<Record<string, string>> = {}): Asked => ({
  _tag: "Refused",
  status,
  headers
})

/** A name that leads here from elsewhere, by DNS rebinding, is no name of this machine. */
const isHere = (host: string, port: number): boolean => {
  const suffix = port === 80 ? "" : `:${port}`
  return ["localhost", "127.0.0.1", "[::1]"].some((name) => host.toLowerCase() === name + suffix)
}

/** Whether a person is waiting for a page, and not a script or a frame (Fetch Metadata; else RFC 6454 7). */
const isNavigation = ({ headers, method }: Http.IncomingMessage): boolean => {
  const { origin, "sec-fetch-dest": destination = "document", "sec-fetch-mode": mode } = headers
  return mode === undefined
    ? origin === undefined || method === "POST"
    : mode === "navigate" && destination === "document"
}

const isForm = ({ "content-type": type = "" }: Http.IncomingHttpHeaders): boolean =>
  /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)

const askedBy = (request: Http.IncomingMessage, path: string, query: string): Asked => {
  const { headers, method } = request
  if (path === endingPath) return method === "GET" ? { _tag: "Ending" } : refused(405, { allow: "GET" })
  if (method === "GET") return { _tag: "Response", query }
  if (method !== "POST") return refused(405, { allow: "GET, POST" })
  if (!isForm(headers)) return refused(415)
  return Number(headers["content-length"] ?? 0) > largest ? refused(413) : { _tag: "PostedResponse" }
}

/**
 * Reads a request without its body, and refuses what no browser sends on its way back from an authority.
 *
 * @internal
 */
export const read = (request: Http.IncomingMessage, port: number): Asked => {
  const { headers, url = "" } = request
  if (!isHere(headers.host ?? "", port)) return refused(403)
  if (url.length > largest) return refused(414)
  const [path = "", ...query] = url.split("?")
  if (path !== "/" && path !== endingPath) return refused(404)
  return isNavigation(request) ? askedBy(request, path, query.join("?")) : refused(403)
}

/**
 * The form that was posted; none where it is too large or cut off.
 *
 * @internal
 */
export const readForm = (request: Http.IncomingMessage): Effect.Effect<string | undefined> =>
  Effect.async((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    request.on("data", (chunk: Buffer) => {
      size += chunk.length
      // The rest is read all the same: an answer is lost with a connection that is closed on what was not.
      if (size <= largest) chunks.push(chunk)
      else resume(Effect.succeed(undefined))
    })
    request.once("end", () => resume(Effect.succeed(Buffer.concat(chunks).toString())))
    request.once("close", () => resume(Effect.succeed(undefined)))
  })

/**
 * Whether it answers the authorization request that has this state: with a code or an error, and the state given once.
 *
 * @internal
 */
export const isAnswerTo = (state: string, parameters: URLSearchParams): boolean => {
  const [given = "", ...more] = parameters.getAll("state")
  const isKnown = more.length === 0 && isSame(state, given)
  return isKnown && ["code", "error"].some((name) => (parameters.get(name) ?? "") !== "")
}
