import { HttpClient, type HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { Effect, Redacted } from "effect"
import * as AccessToken from "../../src/core/AccessToken.js"
import type { TokenRequest, TokenSource } from "../../src/core/TokenProvider.js"

export const origin = "https://api.example"

export const claims = JSON.stringify({ access_token: { nbf: { essential: true, value: "1726077595" } } })

export const challenge = (text = claims) =>
  `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", ` +
  `error="insufficient_claims", claims="${btoa(text)}"`

export interface Seen {
  readonly method: string
  readonly url: string
  readonly token: string | undefined
  readonly body: string
}

const bodyOf = ({ body }: HttpClientRequest.HttpClientRequest): string => {
  if (body._tag === "Uint8Array") return new TextDecoder().decode(body.body)
  return body._tag === "Raw" ? String(body.body) : ""
}

/** An API that answers by the token it is called with, and remembers what it saw. */
export const makeApi = (answer: (token: string | undefined) => Response) => {
  const seen: Array<Seen> = []
  const client = HttpClient.make((request, url) =>
    Effect.sync(() => {
      const token = request.headers.authorization?.replace("Bearer ", "")
      seen.push({ method: request.method, url: url.href, token, body: bodyOf(request) })
      return HttpClientResponse.fromWeb(request, answer(token))
    })
  )
  return { client, seen }
}

/** Takes every token but those that are named. */
export const refusing = (...refused: ReadonlyArray<string>) =>
  makeApi((token) =>
    token !== undefined && refused.includes(token)
      ? new Response("no", { status: 401, headers: { "www-authenticate": challenge() } })
      : Response.json({ token })
  )

const tokenOf = (value: string) => AccessToken.make({ accessToken: Redacted.make(value) })

/** Gives `token 1`, and the next number each time when a token was rejected. */
export const counting = () => {
  const asked: Array<TokenRequest> = []
  let number = 1
  const source: TokenSource<never> = {
    getToken: (request = {}) =>
      Effect.sync(() => {
        asked.push(request)
        if (request.rejected !== undefined) number += 1
        return tokenOf(`token${number}`)
      })
  }
  return { asked, source }
}
