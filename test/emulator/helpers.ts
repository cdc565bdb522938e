import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"

export const { defaults } = EntraEmulator

export const publicOrigin = "https://login.microsoftonline.com"

export const inProcess = (options?: EntraEmulator.Options) =>
  EntraEmulator.layerHttpClient.pipe(Layer.provideMerge(EntraEmulator.layer(options)))

/** The parameters of a request that succeeds. */
export const good = {
  grant_type: "client_credentials",
  client_id: defaults.clientId,
  client_secret: Redacted.value(defaults.clientSecret),
  scope: defaults.apiScope
}

export interface TokenRequest {
  readonly origin?: string
  readonly tenant?: string
  readonly form?: Readonly<Record<string, string>> | string
  readonly headers?: Readonly<Record<string, string>>
}

export const tokenRequest = ({
  origin = publicOrigin,
  tenant = defaults.tenantId,
  form = good,
  headers = {}
}: TokenRequest) =>
  HttpClientRequest.post(`${origin}/${tenant}/oauth2/v2.0/token`).pipe(
    typeof form === "string"
      ? HttpClientRequest.bodyText(form, "application/x-www-form-urlencoded")
      : HttpClientRequest.bodyUrlParams(form),
    HttpClientRequest.setHeaders(headers)
  )

/** Status, headers and JSON of a token request. */
export const ask = (request: TokenRequest = {}) =>
  Effect.gen(function* () {
    const response = yield* HttpClient.execute(tokenRequest(request))
    const json = (yield* response.json) as Record<string, unknown>
    return { status: response.status, headers: response.headers, json }
  })

export const get = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const response = yield* HttpClient.execute(HttpClientRequest.get(url).pipe(HttpClientRequest.setHeaders(headers)))
    const text = yield* response.text
    return {
      status: response.status,
      headers: response.headers,
      json: (text.startsWith("{") ? JSON.parse(text) : {}) as Record<string, unknown>
    }
  })

/** The members of `good` without one, or with others. */
export const without = (name: keyof typeof good) =>
  Object.fromEntries(Object.entries(good).filter(([key]) => key !== name))
