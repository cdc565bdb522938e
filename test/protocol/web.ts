import { HttpClient, HttpClientError, HttpClientResponse } from "@effect/platform"
import { Effect } from "effect"

/** A request, as the web in this process saw it. */
export interface Asked {
  readonly method: string
  readonly url: string
  readonly host: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly form: URLSearchParams
}

/** An answer, or the system's code of why none comes. */
export type Reply = Effect.Effect<Response, string>

export const json = (body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply =>
  Effect.sync(() => Response.json(body, { status, headers }))

export const text = (body: string, status = 200, headers: Readonly<Record<string, string>> = {}): Reply =>
  Effect.sync(() => new Response(status === 304 ? null : body, { status, headers }))

export const notFound = text("<html>404</html>", 404)

/** A web in this process: what it answers, and what it was asked. */
export const makeWeb = (reply: (asked: Asked) => Reply) => {
  const asked: Array<Asked> = []
  const client = HttpClient.make((request, url) =>
    Effect.suspend(() => {
      const { body, headers, method } = request
      const form = new URLSearchParams(body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : "")
      const seen = { method, url: url.href, host: url.host, headers, form }
      asked.push(seen)
      return reply(seen)
    }).pipe(
      Effect.mapBoth({
        onFailure: (code) => new HttpClientError.RequestError({ request, reason: "Transport", cause: { code } }),
        onSuccess: (response) => HttpClientResponse.fromWeb(request, response)
      })
    )
  )
  return { asked, client, urls: () => asked.map(({ url }) => url) }
}

/** A web of single pages; elsewhere nothing is found. */
export const pages = (replies: Readonly<Record<string, Reply>>) => makeWeb(({ url }) => replies[url] ?? notFound)
