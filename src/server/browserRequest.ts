import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"

type Request = HttpServerRequest.HttpServerRequest

/**
 * Whether a person is waiting for a page (Fetch Metadata; older browsers tell by what they accept). A frame is none: the
 * authority's pages refuse to be shown there.
 *
 * @internal
 */
export const isNavigation = ({ headers }: Request): boolean => {
  const { accept = "", "sec-fetch-dest": destination = "document", "sec-fetch-mode": mode } = headers
  return mode === undefined ? accept.includes("text/html") : mode === "navigate" && destination === "document"
}

/**
 * Whether a request comes from a page of this app or, where the method can't tell, from the person (Fetch Metadata
 * `Sec-Fetch-Site`, else `Origin`, RFC 6454 7). Neighbours on the same site are strangers.
 *
 * @internal
 */
export const isFromHere = ({ headers, method }: Request, origin: string): boolean => {
  const { origin: from, "sec-fetch-site": site } = headers
  if (site !== undefined) return site === "same-origin" || (site === "none" && method === "GET")
  return from === undefined ? method === "GET" : from === origin
}
