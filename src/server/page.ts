import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { escaped } from "../core/html.js"

const style =
  "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}small{color:#555}"
/** SHA-256 of the style, which allows it and no other (Content Security Policy 3, 2.3.1). */
const styleHash = "sha256-Dm3dgFOMcWm5j+rxMFLKneHNncOLY8NHZpQLxTQXS3g="

const policy = `default-src 'none'; style-src '${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** What a person is told in the place of what they wanted. */
export interface Page {
  readonly status: number
  readonly title: string
  readonly text: string
  /** What support finds the case by. */
  readonly correlationId?: string | undefined
  /** Where to go on. */
  readonly link?: { readonly path: string; readonly text: string } | undefined
}

/**
 * Headers of every answer that has to do with a sign-in: nobody keeps it, and nobody learns where it came from.
 *
 * @internal
 */
export const discreet = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.setHeaders(response, { "cache-control": "no-store", "referrer-policy": "no-referrer" })

/**
 * @internal
 */
export const redirect = (location: string | URL): HttpServerResponse.HttpServerResponse =>
  discreet(HttpServerResponse.redirect(location, { status: 303 }))

/**
 * An answer without body.
 *
 * @internal
 */
export const bare = (status: number): HttpServerResponse.HttpServerResponse =>
  discreet(HttpServerResponse.empty({ status }))

const body = ({ correlationId, link, text, title }: Page): string =>
  [
    `<h1>${escaped(title)}</h1><p>${escaped(text)}</p>`,
    link && `<p><a href="${escaped(link.path)}">${escaped(link.text)}</a></p>`,
    correlationId && `<p><small>Correlation id: ${escaped(correlationId)}</small></p>`
  ].join("")

/**
 * A small page that needs nothing else, and shows nothing that a server said in prose.
 *
 * @internal
 */
export const show = (page: Page): HttpServerResponse.HttpServerResponse =>
  discreet(
    HttpServerResponse.text(
      `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
        `<title>${escaped(page.title)}</title><style>${style}</style></head><body>${body(page)}</body></html>`,
      {
        status: page.status,
        contentType: "text/html; charset=utf-8",
        headers: {
          "content-security-policy": policy,
          "x-content-type-options": "nosniff",
          "x-frame-options": "DENY"
        }
      }
    )
  )
