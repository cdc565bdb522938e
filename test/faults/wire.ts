import { HttpClient, HttpClientError, HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { Clock, Effect, Encoding, Redacted } from "effect"
import { jwtClaims } from "../../src/core/jwtClaims.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import type { Fault } from "../../src/emulator/Fault.js"
import { jwt } from "./people.js"

const { defaults } = EntraEmulator

/** What goes wrong between client and server, beyond what a server's answer can be. */
export type WireFault =
  /** No connection: the server has seen nothing. */
  | { readonly _tag: "NoConnection"; readonly code: string }
  /** The server took the request; the connection broke before a whole head had arrived. */
  | { readonly _tag: "NoHead"; readonly code: string }
  /** The head and half of the body, and then nothing more. */
  | { readonly _tag: "StalledBody" }

export type Trouble = Fault | WireFault

export const noConnection = (code: string): Trouble => ({ _tag: "NoConnection", code })
export const noHead = (code: string): Trouble => ({ _tag: "NoHead", code })
export const stalledBody: Trouble = { _tag: "StalledBody" }

/** One request as it left the client. */
export interface Sent {
  readonly at: number
  readonly origin: string
  /** What it asks with: of a managed identity's source, its query. */
  readonly form: URLSearchParams
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** What a server knows of a code or a refresh token that serves once. */
interface Ledger {
  readonly taken: Set<string>
  offeredTwice: number
  issued: number
}

/** What the emulator answers, at once, with a fault or without. */
export type Answer = (
  request: HttpClientRequest.HttpClientRequest,
  fault?: Fault
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

export type Plan = (request: number, form: URLSearchParams, sent: Sent) => Trouble | undefined

export interface Wire {
  readonly client: HttpClient.HttpClient
  /** From now on, what each request meets: by its number, counted from here, by its form, and by what else was sent. */
  readonly plan: (next: Plan) => void
  /** The requests to token endpoints and managed identities' sources; what is published is read besides. */
  readonly sent: ReadonlyArray<Sent>
  /** Requests whose answer needs no passing of time: while there are any, the clock must stand. */
  readonly busy: () => number
  /** How often something that serves once was offered after the server had taken it. */
  readonly offeredTwice: () => number
}

const formOf = (request: HttpClientRequest.HttpClientRequest, url: URL): URLSearchParams =>
  request.body._tag === "Uint8Array"
    ? new URLSearchParams(new TextDecoder().decode(request.body.body))
    : url.searchParams

/** Whether managed identities are asked there, on whatever host. */
export const isIdentity = ({ pathname }: URL): boolean => /\/msi\/|\/metadata\/identity\/oauth2\/token$/.test(pathname)

const entra = "https://login.microsoftonline.com"

/** What the emulator is asked in place of a grant that it does not know. */
const asAppRequest = HttpClientRequest.post(`${entra}/${defaults.tenantId}/oauth2/v2.0/token`).pipe(
  HttpClientRequest.bodyUrlParams({
    grant_type: "client_credentials",
    client_id: defaults.clientId,
    client_secret: Redacted.value(defaults.clientSecret),
    scope: defaults.apiScope
  })
)

const isEntra = (url: URL): boolean => url.origin === entra

/** What serves once: a code everywhere, a refresh token wherever it rotates. */
const servesOnce = (form: URLSearchParams, url: URL): string | undefined =>
  form.get("code") ?? (isEntra(url) ? undefined : (form.get("refresh_token") ?? undefined))

/** Whose code, refresh token or device code it is, says its end; whose assertion, its `sub`. */
export const userOf = (form: URLSearchParams): string => {
  const text = form.get("code") ?? form.get("refresh_token") ?? form.get("device_code")
  return text?.slice(text.lastIndexOf(" of ") + 4) ?? String(jwtClaims(form.get("assertion") ?? "")?.sub)
}

/** What the answer to a user's request holds besides the token: on-behalf-of alone does not renew itself. */
const userMembers = (form: URLSearchParams, url: URL, issued: number) => {
  const user = userOf(form)
  const tenant = isEntra(url) ? { oid: user, tid: defaults.tenantId } : {}
  const scopes = form.get("scope")?.split(" ") ?? []
  const renewable = !form.has("assertion") || scopes.includes("offline_access")
  return {
    access_token: `access token ${issued} of ${user}`,
    id_token: jwt({ sub: user, preferred_username: `${user}@contoso.example`, ...tenant }),
    ...(renewable && { refresh_token: `refresh token ${issued} of ${user}` }),
    ...(form.has("client_info") && { client_info: clientInfo(user) })
  }
}

const clientInfo = (uid: string): string => Encoding.encodeBase64Url(JSON.stringify({ uid, utid: defaults.tenantId }))

const broken = (request: HttpClientRequest.HttpClientRequest, code: string) =>
  new HttpClientError.RequestError({
    request,
    reason: "Transport",
    cause: Object.assign(new Error("the connection broke"), { code })
  })

const json = (request: HttpClientRequest.HttpClientRequest, status: number, body: object) =>
  HttpClientResponse.fromWeb(request, Response.json(body, { status }))

/** It breaks when everything has been said. */
const isTooLate = (trouble: Trouble): boolean => trouble._tag === "Reset" && trouble.at === "afterBody"

export const isRefusal = (status: number): boolean => status >= 400 && status < 500

/** The first half of what was answered; the second never comes. */
const stalled = (request: HttpClientRequest.HttpClientRequest, text: string) => {
  const half = new TextEncoder().encode(text.slice(0, text.length / 2))
  const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(half) })
  return HttpClientResponse.fromWeb(request, new Response(body, { headers: { "content-type": "application/json" } }))
}

/**
 * The emulator behind a wire on which things go wrong as planned. App and managed identity requests reach it as they are;
 * every other grant is answered by a small token server that asks for nothing but what serves once (a ledger tells whether a
 * code, or a refresh token that rotates, was taken before) and has its lifetimes, and its faults, from the emulator.
 */
export const make = (answer: Answer): Wire => {
  const sent: Array<Sent> = []
  const ledger: Ledger = { taken: new Set(), offeredTwice: 0, issued: 0 }
  let plan: Plan = () => undefined
  let planned = 0
  let busy = 0

  const hurried = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.suspend(() => {
      busy += 1
      return Effect.ensuring(
        effect,
        Effect.sync(() => {
          busy -= 1
        })
      )
    })

  const granted = (request: HttpClientRequest.HttpClientRequest, form: URLSearchParams, url: URL) =>
    Effect.gen(function* () {
      const response = yield* answer(asAppRequest)
      const members = yield* response.json
      ledger.issued += 1
      return json(request, response.status, { ...(members as object), ...userMembers(form, url, ledger.issued) })
    })

  const isEmulated = (form: URLSearchParams, url: URL) =>
    form.get("grant_type") === "client_credentials" || isIdentity(url)

  /** The answer without a fault. */
  const healthy = (request: HttpClientRequest.HttpClientRequest, form: URLSearchParams, url: URL) =>
    isEmulated(form, url) ? answer(request) : granted(request, form, url)

  const played = (request: HttpClientRequest.HttpClientRequest, form: URLSearchParams, url: URL, fault: Fault) =>
    answer(isEmulated(form, url) ? request : asAppRequest, fault)

  const meet = (
    request: HttpClientRequest.HttpClientRequest,
    form: URLSearchParams,
    url: URL,
    trouble: Trouble | undefined
  ): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> => {
    if (trouble === undefined || isTooLate(trouble)) return hurried(healthy(request, form, url))
    switch (trouble._tag) {
      case "NoConnection":
      case "NoHead":
        return broken(request, trouble.code)
      case "StalledBody":
        return hurried(
          Effect.map(
            Effect.flatMap(healthy(request, form, url), (response) => response.text),
            (text) => stalled(request, text)
          )
        )
      case "Hang":
        return Effect.never
      case "Delay":
        return Effect.zipRight(Effect.sleep(trouble.duration), meet(request, form, url, trouble.then))
      default:
        return hurried(played(request, form, url, trouble))
    }
  }

  /** What is offered counts as taken, unless the server refused the request or put it off. */
  const enter = (offered: string, met: ReturnType<typeof meet>, request: HttpClientRequest.HttpClientRequest) =>
    Effect.suspend(() => {
      if (ledger.taken.has(offered)) {
        ledger.offeredTwice += 1
        return Effect.succeed(json(request, 400, { error: "invalid_grant" }))
      }
      ledger.taken.add(offered)
      return Effect.tap(met, ({ status }) => isRefusal(status) && ledger.taken.delete(offered))
    })

  const exchanged = (request: HttpClientRequest.HttpClientRequest, url: URL) =>
    Effect.gen(function* () {
      const form = formOf(request, url)
      const { headers } = request
      const asked: Sent = { at: yield* Clock.currentTimeMillis, origin: url.origin, form, headers }
      sent.push(asked)
      planned += 1
      const trouble = plan(planned, form, asked)
      const offered = servesOnce(form, url)
      const met = meet(request, form, url, trouble)
      return yield* offered === undefined || trouble?._tag === "NoConnection" ? met : enter(offered, met, request)
    })

  const client = HttpClient.make((request, url) =>
    request.method === "GET" && !isIdentity(url) ? hurried(answer(request)) : exchanged(request, url)
  )

  return {
    client,
    sent,
    plan: (next) => {
      planned = 0
      plan = next
    },
    busy: () => busy,
    offeredTwice: () => ledger.offeredTwice
  }
}
