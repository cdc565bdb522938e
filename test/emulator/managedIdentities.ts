import { HttpClient, HttpClientRequest } from "@effect/platform"
import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Jose from "jose"
import { EntraEmulator, type ManagedIdentityHost } from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { defaults } from "./helpers.js"

export const { systemAssigned, userAssigned, otherUserAssigned, resource } = defaults.managedIdentity

export type Strings = Readonly<Record<string, string>>

/** A request that succeeds, to be changed by a test: members that are `undefined` are left out. */
export interface Request {
  readonly method: "GET" | "POST"
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly parameters: Readonly<Record<string, string | undefined>>
}

export interface Answer {
  readonly status: number
  readonly headers: Strings
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

const present = (values: Readonly<Record<string, string | undefined>>): Strings =>
  Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const send = ({ headers, method, parameters, url }: Request) =>
  Effect.gen(function* () {
    const base = HttpClientRequest.make(method)(url).pipe(HttpClientRequest.setHeaders(present(headers)))
    const whole =
      method === "POST"
        ? HttpClientRequest.bodyUrlParams(base, present(parameters))
        : HttpClientRequest.setUrlParams(base, present(parameters))
    const response = yield* HttpClient.execute(whole)
    const text = yield* response.text
    const parsed: unknown = text.startsWith("{") ? JSON.parse(text) : {}
    const answer: Answer = {
      status: response.status,
      headers: response.headers,
      text,
      json: isRecord(parsed) ? parsed : {}
    }
    return answer
  })

const publicOrigin = "https://login.microsoftonline.com"

/** Where the emulator is, in this process or on a socket. */
export const originOf = Effect.map(Effect.serviceOption(EntraEmulatorNode.Address), (address) =>
  address._tag === "Some" ? address.value.origin : publicOrigin
)

/** What a client sends that finds itself on such a host. */
export const requestOn = (host: ManagedIdentityHost, change: Partial<Pick<Request, "headers" | "parameters">> = {}) =>
  Effect.gen(function* () {
    const { managedIdentityEnvironment } = yield* EntraEmulator
    const origin = yield* originOf
    const environment = managedIdentityEnvironment(host, origin)
    const { IDENTITY_ENDPOINT = "", IDENTITY_HEADER, MSI_ENDPOINT = "", MSI_SECRET } = environment
    const metadata = { metadata: "true" }
    const requests: Readonly<Record<ManagedIdentityHost, Omit<Request, "method">>> = {
      imds: {
        url: `${environment.AZURE_POD_IDENTITY_AUTHORITY_HOST}/metadata/identity/oauth2/token`,
        headers: metadata,
        parameters: { "api-version": "2018-02-01" }
      },
      appService: {
        url: IDENTITY_ENDPOINT,
        headers: { "x-identity-header": IDENTITY_HEADER },
        parameters: { "api-version": "2019-08-01" }
      },
      appServiceLegacy: {
        url: MSI_ENDPOINT,
        headers: { secret: MSI_SECRET },
        parameters: { "api-version": "2017-09-01" }
      },
      azureMl: {
        url: MSI_ENDPOINT,
        headers: { secret: MSI_SECRET, ...metadata },
        parameters: { "api-version": "2017-09-01", clientid: environment.DEFAULT_IDENTITY_CLIENT_ID }
      },
      cloudShell: { url: MSI_ENDPOINT, headers: metadata, parameters: {} },
      azureArc: { url: IDENTITY_ENDPOINT, headers: metadata, parameters: { "api-version": "2020-06-01" } },
      serviceFabric: {
        url: IDENTITY_ENDPOINT,
        headers: { secret: IDENTITY_HEADER },
        parameters: { "api-version": environment.IDENTITY_API_VERSION }
      }
    }
    const { headers, parameters, url } = requests[host]
    const request: Request = {
      method: host === "cloudShell" ? "POST" : "GET",
      url,
      headers: { ...headers, ...change.headers },
      parameters: { ...parameters, resource, ...change.parameters }
    }
    return request
  })

const realm = /^Basic realm=(\/.+\/[0-9a-f]{32}\.key)$/

/** The path that a challenge of Azure Arc names. */
export const keyPathIn = ({ headers }: Answer): string => {
  const [, path = ""] = realm.exec(headers["www-authenticate"] ?? "") ?? []
  assert.notStrictEqual(path, "", headers["www-authenticate"])
  return path
}

/** The header that answers a challenge, by what the emulator knows of the file. */
export const proofFor = (challenge: Answer) =>
  Effect.gen(function* () {
    const key = (yield* (yield* EntraEmulator).arcKeys).get(keyPathIn(challenge))
    return `Basic ${key === undefined ? "" : Redacted.value(key)}`
  })

/** Asks, and on Azure Arc once more with the key. */
export const askOn = (host: ManagedIdentityHost, change: Partial<Pick<Request, "headers" | "parameters">> = {}) =>
  Effect.gen(function* () {
    const request = yield* requestOn(host, change)
    const answer = yield* send(request)
    if (host !== "azureArc" || answer.status !== 401) return answer
    return yield* send({ ...request, headers: { ...request.headers, authorization: yield* proofFor(answer) } })
  })

export const claimsOf = ({ json, status, text }: Answer): Jose.JWTPayload => {
  assert.strictEqual(status, 200, text)
  return Jose.decodeJwt(String(json.access_token))
}

/** How the main API answers a token. */
export const callWith = (token: unknown) =>
  Effect.gen(function* () {
    const url = `${yield* originOf}${defaults.apiPath}`
    return yield* send({ method: "GET", url, headers: { authorization: `Bearer ${token}` }, parameters: {} })
  })

export const hosts: ReadonlyArray<ManagedIdentityHost> = [
  "imds",
  "appService",
  "appServiceLegacy",
  "azureArc",
  "serviceFabric",
  "azureMl",
  "cloudShell"
]
