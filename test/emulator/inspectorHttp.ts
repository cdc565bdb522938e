import * as Http from "node:http"
import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { defaults } from "./helpers.js"

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Http.IncomingHttpHeaders
  readonly text: string
}

/** Over a socket, with whatever headers a browser, an attacker or a program would send; `Host` too. */
export const send = (origin: string, path: string, { body = "", headers = {}, method = "GET" }: Sent = {}) =>
  Effect.async<Answer>((resume) => {
    const options = { method, headers: { "content-length": String(body.length), ...headers }, agent: false }
    const request = Http.request(`${origin}${path}`, options, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        text += chunk
      })
      const { headers } = response
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, headers, text })))
      response.on("error", () => resume(Effect.succeed({ status: 0, headers, text })))
    })
    request.on("error", () => resume(Effect.succeed({ status: 0, headers: {}, text: "" })))
    request.end(body)
  })

export const sendHere = (path: string, sent?: Sent) =>
  Effect.flatMap(EntraEmulatorNode.Address, ({ origin }) => send(origin, path, sent))

export const json = ({ text }: Answer): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>

export const stateHere = Effect.map(sendHere("/inspector/state"), json)

/** One of the rows that the inspector shows. */
export interface Row {
  readonly id: number
  readonly kind: string
  readonly what: string
  readonly client: { readonly id: string; readonly name: string } | null
  readonly user: string | null
  readonly scope: string | null
  readonly path: string
  readonly form: Readonly<Record<string, string>>
  readonly phase: string
  readonly status: number | null
  readonly fault: string | null
  readonly code: string | null
  readonly error: string | null
  readonly duration: number | null
  readonly next: { readonly did: string; readonly after?: number; readonly by?: number } | null
}

export interface Line {
  readonly next: number
  readonly requests: ReadonlyArray<Row>
}

export const lineHere = (after = 0) =>
  Effect.map(sendHere(`/inspector/requests?after=${after}`), ({ text }) => JSON.parse(text) as Line)

/** What the page's buttons send with each press. */
export const tokenHere = Effect.map(sendHere("/"), ({ text }) => {
  const token = /name="inspector-token" content="([0-9a-f]+)"/.exec(text)?.[1] ?? ""
  assert.match(token, /^[0-9a-f]{64}$/)
  return token
})

/** A press of a button. */
export const press = (name: string, fields: Readonly<Record<string, unknown>>) =>
  Effect.gen(function* () {
    const { origin } = yield* EntraEmulatorNode.Address
    const headers = { "content-type": "application/json", "x-inspector-token": yield* tokenHere, origin }
    return yield* sendHere(`/inspector/actions/${name}`, { method: "POST", headers, body: JSON.stringify(fields) })
  })

export const form = (fields: Readonly<Record<string, string>>): Sent => ({
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded" },
  body: new URLSearchParams(fields).toString()
})

/** A request of the daemon for its own token. */
export const daemon = (more: Readonly<Record<string, string>> = {}) =>
  form({
    grant_type: "client_credentials",
    client_id: defaults.clientId,
    client_secret: Redacted.value(defaults.clientSecret),
    scope: defaults.apiScope,
    ...more
  })

export const tokenPath = `/${defaults.tenantId}/oauth2/v2.0/token`

export const identityPath = `/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(defaults.apiIdentifierUri)}`
