/**
 * Who may look and act: programs of this machine, and the inspector's own page. Neither a page of another site, nor one
 * whose name was rebound to this address, is let in.
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"

/** Where the token of the page stands in a request. */
export const tokenHeader = "x-inspector-token"

type Request = Pick<HttpServerRequest.HttpServerRequest, "headers">

const loopback = /^(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?$/i

/** A name that was rebound to this address still stands in `Host`. */
export const isHere = ({ headers }: Request): boolean => loopback.test(headers.host ?? "")

/** Browsers say it of every request; what says nothing is none, or asks for an origin to let it read the answer. */
const isOwnSite = (site: string | undefined) => site === "same-origin" || site === "none"

export const mayRead = (request: Request): boolean => {
  const site = request.headers["sec-fetch-site"]
  return isHere(request) && (site === undefined || isOwnSite(site))
}

const originOf = ({ headers }: Request): string => {
  const scheme = headers["x-forwarded-proto"] === "https" ? "https" : "http"
  const base = `${scheme}://${headers.host ?? ""}`
  return URL.canParse(base) ? new URL(base).origin : ""
}

const isFromHere = (request: Request): boolean => {
  const { origin, "sec-fetch-site": site } = request.headers
  return origin === undefined
    ? isOwnSite(site)
    : origin === originOf(request) && (site === undefined || isOwnSite(site))
}

export const mayAct = (request: Request, token: string): boolean =>
  isHere(request) && isFromHere(request) && request.headers[tokenHeader] === token
