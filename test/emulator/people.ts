import { createHash } from "node:crypto"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Jose from "jose"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import { defaults, publicOrigin } from "./helpers.js"

export type Parameters = Readonly<Record<string, string | undefined>>

export const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk-and-more"

export const challenge = createHash("sha256").update(verifier).digest("base64url")

/** A request of the web app that succeeds, once somebody has signed in. */
export const authorization = {
  client_id: defaults.clientId,
  response_type: "code",
  redirect_uri: defaults.redirectUri,
  scope: `openid profile offline_access ${defaults.apiUserScope}`,
  state: "the state",
  nonce: "the-nonce",
  code_challenge: challenge,
  code_challenge_method: "S256"
}

/** The desktop app asks for the API that may act on behalf. */
export const desktop = {
  ...authorization,
  client_id: defaults.publicClientId,
  redirect_uri: "http://localhost:52314",
  scope: `openid profile offline_access ${defaults.middleTierScope}`
}

export const defined = (parameters: Parameters): Record<string, string> =>
  Object.fromEntries(
    Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  )

export const entra = (tenant: string = defaults.tenantId) => `${publicOrigin}/${tenant}/oauth2/v2.0`

export const authorizeUrl = (parameters: Parameters = authorization, base = entra()) =>
  `${base}/authorize?${new URLSearchParams(defined(parameters))}`

const seen = (request: HttpClientRequest.HttpClientRequest) =>
  Effect.gen(function* () {
    const response = yield* HttpClient.execute(request)
    const { location, "set-cookie": cookie } = response.headers
    return {
      status: response.status,
      text: yield* response.text,
      location: location === undefined ? undefined : new URL(location),
      cookie: cookie?.split(";")[0]
    }
  })

export const visit = (url: string, cookie?: string) =>
  seen(HttpClientRequest.get(url).pipe(HttpClientRequest.setHeaders(cookie === undefined ? {} : { cookie })))

/** Answers a page as a browser does. */
export const submit = (url: string, fields: Parameters) =>
  seen(HttpClientRequest.post(url).pipe(HttpClientRequest.bodyUrlParams(defined(fields))))

/** Where the application is sent, with what. */
export const redirected = (parameters: Parameters = authorization, base = entra()) =>
  Effect.map(visit(authorizeUrl(parameters, base)), ({ status, location, text }) => {
    assert.strictEqual(status, 302, text)
    return Object.fromEntries(location?.searchParams ?? [])
  })

export const post = (form: Parameters, base = entra()) =>
  Effect.gen(function* () {
    const request = HttpClientRequest.post(`${base}/token`).pipe(HttpClientRequest.bodyUrlParams(defined(form)))
    const response = yield* HttpClient.execute(request)
    return { status: response.status, json: (yield* response.json) as Record<string, unknown> }
  })

export const secret = Redacted.value(defaults.clientSecret)

/** The code of a person, ready to be exchanged. */
export const codeOf = (username: string, parameters: Parameters = authorization, base = entra()) =>
  Effect.gen(function* () {
    const emulator = yield* EntraEmulator
    yield* emulator.signIn(username)
    const { code = "" } = yield* redirected(parameters, base)
    return code
  })

export const exchange = (code: string, parameters: Parameters = authorization): Parameters => ({
  grant_type: "authorization_code",
  client_id: parameters.client_id,
  client_secret: parameters.client_id === defaults.clientId ? secret : undefined,
  code,
  redirect_uri: parameters.redirect_uri,
  code_verifier: verifier
})

/** The tokens of a person who signs in. */
export const tokensOf = (username: string, parameters: Parameters = authorization, base = entra()) =>
  Effect.gen(function* () {
    const code = yield* codeOf(username, parameters, base)
    const { status, json } = yield* post(exchange(code, parameters), base)
    assert.strictEqual(status, 200, JSON.stringify(json))
    return json
  })

export const refresh = (
  json: Readonly<Record<string, unknown>>,
  parameters: Parameters = authorization
): Parameters => ({
  grant_type: "refresh_token",
  client_id: parameters.client_id,
  client_secret: parameters.client_id === defaults.clientId ? secret : undefined,
  refresh_token: String(json.refresh_token)
})

export const claimsOf = (token: unknown) => Jose.decodeJwt(String(token)) as Readonly<Record<string, unknown>>

/** Status, `error`, the codes and the suberror of a refusal. */
export const refusal = ({ status, json }: { readonly status: number; readonly json: Record<string, unknown> }) => [
  status,
  json.error,
  json.error_codes,
  json.suberror
]
