import { mkdtempSync, rmSync } from "node:fs"
import { get } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FetchHttpClient } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Effect, Exit, Layer, Metric, Option } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import { run } from "../../src/cli/command.js"
import type { AuthenticationResult } from "../../src/client/AuthorizationCode.js"
import { Browser } from "../../src/client/Browser.js"
import type { IdTokenVerifier } from "../../src/client/IdTokenVerifier.js"
import type { LoopbackServer } from "../../src/client/LoopbackServer.js"
import type { PublicClientService } from "../../src/client/PublicClient.js"
import { CredentialUnavailable } from "../../src/core/TokenError.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../../src/emulator/EntraEmulatorNode.js"
import { recorded } from "../cli/terminal.js"
import { heard, outputs, refuseAll } from "../support/secrecy.js"
import { atBrowser, defaults, makeClient, scope, surroundings, walker } from "./publicClients.js"

/** What an eavesdropper would want, by the names that protocols have for it. */
const wanted = [
  "device_code",
  "user_code",
  "code",
  "state",
  "nonce",
  "code_verifier",
  "access_token",
  "refresh_token",
  "id_token",
  "client_info"
] as const

type Wanted = (typeof wanted)[number]

/** What of that has gone to and fro. */
const makeHoard = () => {
  const found = new Map<Wanted, Set<string>>()
  return {
    keep: (read: (name: Wanted) => unknown) => {
      for (const name of wanted) {
        const value = read(name)
        if (typeof value === "string" && value.length >= 8)
          found.set(name, new Set([...(found.get(name) ?? []), value]))
      }
    },
    has: (name: Wanted) => found.has(name),
    all: () => [...found.values()].flatMap((values) => [...values])
  }
}

type Hoard = ReturnType<typeof makeHoard>

const personal = [defaults.username, defaults.userDisplayName]

type Endpoint = "devicecode" | "token" | "openid-configuration" | "keys"

/** What an endpoint answers to the first request, given all that has gone to and fro; the emulator's own word where nothing. */
interface Answer {
  readonly at: Endpoint
  readonly give: (words: string, real: () => Promise<Response>) => Promise<Response>
}

const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } })

const bodyOf = (body: BodyInit | null | undefined): string =>
  body instanceof Uint8Array ? new TextDecoder().decode(body) : typeof body === "string" ? body : ""

const members = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return { ...JSON.parse(text) }
  } catch {
    return {}
  }
}

/** `fetch`, which notes what passes, and gives one answer in the place of the endpoint's. */
const watchedFetch = (hoard: Hoard, answer: Answer | undefined): typeof fetch => {
  let isGiven = false
  const passed = async (input: RequestInfo | URL, init: RequestInit | undefined) => {
    const response = await fetch(input, init)
    const body = members(await response.clone().text())
    hoard.keep((name) => body[name])
    return response
  }
  return async (input, init) => {
    const form = new URLSearchParams(bodyOf(init?.body))
    hoard.keep((name) => form.get(name))
    const real = () => passed(input, init)
    if (answer === undefined || isGiven || !new URL(String(input)).pathname.endsWith(`/${answer.at}`)) return real()
    isGiven = true
    const response = await answer.give([...form.values(), ...hoard.all()].join(" "), real)
    const body = members(await response.clone().text())
    hoard.keep((name) => body[name])
    return response
  }
}

const refusal = (error: string, more: Readonly<Record<string, unknown>> = {}) => ({
  give: async (words: string) => json(400, { error, error_description: `AADSTS90014: ${words}`, ...more })
})

/** The real answer, changed. */
const changed = (change: (body: Readonly<Record<string, unknown>>) => unknown) => ({
  give: async (_: string, real: () => Promise<Response>) => json(200, change(members(await (await real()).text())))
})

/** Each as an endpoint's answer that repeats what it was sent, or what it was to keep to itself. */
const common: ReadonlyArray<readonly [string, Pick<Answer, "give">]> = [
  ["refuses", refusal("invalid_request")],
  ["refuses the client", refusal("invalid_client")],
  ["is throttled", { give: async (words) => json(429, { error: words, error_description: words }) }],
  ["is down", { give: async (words) => new Response(words, { status: 503 }) }],
  ["fails", { give: async (words) => json(500, { error: "server_error", error_description: words }) }],
  ["shows a page", { give: async (words) => new Response(`<html>${words}</html>`) }],
  [
    "sends elsewhere",
    {
      give: async (words) =>
        new Response(null, { status: 302, headers: { location: `https://a.example/?${encodeURIComponent(words)}` } })
    }
  ],
  ["breaks off", { give: async (_, real) => new Response((await (await real()).text()).slice(0, -20)) }],
  [
    "is not reached",
    {
      give: async (words) => {
        throw new TypeError(`fetch failed: ${words}`, {
          cause: Object.assign(new Error(words), { code: "ECONNRESET" })
        })
      }
    }
  ]
]

const tampered = (token: unknown): string => {
  const [head = "", payload = "", signature = ""] = String(token).split(".")
  return [head, payload, [...signature].reverse().join("")].join(".")
}

const ofTokens: ReadonlyArray<readonly [string, Pick<Answer, "give">]> = [
  ["refuses the grant", refusal("invalid_grant", { suberror: "bad_token" })],
  ["wants the person", refusal("interaction_required", { suberror: "basic_action" })],
  ["says that it was declined", refusal("authorization_declined")],
  ["says that it has run out", refusal("expired_token")],
  ["gives tokens of no shape", changed((body) => ({ ...body, access_token: { it: body.access_token } }))],
  ["gives tokens and an error", changed((body) => ({ ...body, error: "invalid_grant" }))],
  ["gives tokens without an id token", changed(({ id_token: _, ...body }) => body)],
  ["gives an id token of somebody else", changed((body) => ({ ...body, id_token: tampered(body.id_token) }))],
  ["gives an id token that is none", changed((body) => ({ ...body, id_token: body.refresh_token }))]
]

const at = (endpoint: Endpoint, answers: typeof common): ReadonlyArray<readonly [string, Answer]> =>
  answers.map(([what, { give }]) => [`${endpoint} ${what}`, { at: endpoint, give }])

const afterwards = [
  ...at("token", [...common, ...ofTokens]),
  ...at("keys", [["are not found", { give: async (words) => new Response(words, { status: 404 }) }]])
]

type Flow = (
  client: PublicClientService,
  hoard: Hoard
) => Effect.Effect<AuthenticationResult, unknown, EntraEmulator.EntraEmulator | IdTokenVerifier | LoopbackServer>

/** Runs a flow, and refuses every secret in whatever came of it. */
const check = (flow: Flow, expected: ReadonlyArray<Wanted>, answer?: Answer) =>
  Effect.gen(function* () {
    const hoard = makeHoard()
    const story = Effect.gen(function* () {
      const client = yield* makeClient({ clientCapabilities: ["cp1"], retryPolicy: { attempts: 1 } })
      const exit = yield* Effect.exit(flow(client, hoard))
      const error = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.failureOption(exit.cause)) : undefined
      const message = error instanceof Error ? [error.message, error.stack] : []
      return { exit, printed: [client, exit, error, ...message, yield* client.health, yield* client.getAccounts] }
    }).pipe(Effect.provideService(FetchHttpClient.Fetch, watchedFetch(hoard, answer)))
    const { logs, spans, value } = yield* heard(story)
    for (const name of expected) assert.isTrue(hoard.has(name), `${name} was seen`)
    const kept = [yield* TokenCache.TokenCache, yield* Metric.snapshot]
    const isAsked = hoard.has("device_code") || hoard.has("code_verifier")
    assert.isTrue(!isAsked || (logs.length > 0 && spans.length > 0))
    refuseAll([...value.printed, ...kept].flatMap(outputs).concat(logs), [...hoard.all(), ...personal])
    refuseAll(spans, [...hoard.all(), ...personal])
    return value.exit
  })

const people = surroundings({ deviceCodeInterval: "50 millis", deviceCodeLifetime: "2 seconds" })

const tokens = ["access_token", "refresh_token", "id_token"] as const

describe("no secret is printed by a sign-in by a device's code", () => {
  const byDevice =
    (answer: { readonly username: string } | "decline" | "nothing"): Flow =>
    (client) =>
      Effect.flatMap(EntraEmulator.EntraEmulator, ({ answerDevice }) =>
        client.acquireTokenByDeviceCode({
          scopes: scope,
          prompt: ({ userCode }) => (answer === "nothing" ? Effect.void : answerDevice(userCode, answer))
        })
      )
  const signedIn = byDevice({ username: defaults.username })

  it.scopedLive("that goes well", () =>
    Effect.gen(function* () {
      assert.isTrue(Exit.isSuccess(yield* check(signedIn, ["device_code", "user_code", ...tokens])))
    }).pipe(Effect.provide(people))
  )

  const ofDevices: typeof common = [
    ["sends the person to a script", changed((body) => ({ ...body, verification_uri: "javascript:alert(1)" }))],
    ["tells no end", changed(({ expires_in: _, ...body }) => body)],
    ["gives a code and an error", changed((body) => ({ ...body, error: "invalid_request" }))],
    ["gives a code that nobody can type", changed((body) => ({ ...body, user_code: `${body.device_code}\u001b` }))]
  ]

  it.scopedLive.each(at("devicecode", [...common, ...ofDevices]))("when %s", ([, answer]) =>
    Effect.gen(function* () {
      assert.isTrue(Exit.isFailure(yield* check(signedIn, [], answer)))
    }).pipe(Effect.provide(people))
  )

  it.scopedLive.each(afterwards)("when %s", ([, answer]) =>
    Effect.provide(check(signedIn, ["device_code", "user_code"], answer), people)
  )

  it.scopedLive.each([
    ["declines", "decline"],
    ["does nothing", "nothing"]
  ] as const)("when the person %s", ([, answer]) =>
    Effect.gen(function* () {
      assert.isTrue(Exit.isFailure(yield* check(byDevice(answer), ["device_code", "user_code"])))
    }).pipe(Effect.provide(people))
  )

  it.scopedLive("when it is interrupted", () =>
    check((client, hoard) => Effect.timeout(byDevice("nothing")(client, hoard), "300 millis"), ["device_code"]).pipe(
      Effect.provide(people)
    )
  )
})

/** A browser that comes back at once, with what it is told to say to the state and the nonce. */
type Say = (words: string, state: string) => Readonly<Record<string, string>>

const returning = (say: Say) =>
  Layer.succeed(Browser, {
    open: (url) =>
      Effect.sync(() => {
        const { nonce = "", redirect_uri = "", state = "" } = Object.fromEntries(url.searchParams)
        const back = new URL(redirect_uri)
        for (const [name, value] of Object.entries(say(`${state} ${nonce}`, state))) back.searchParams.set(name, value)
        get(back, (response) => void response.resume()).on("error", () => {})
      })
  })

/** A browser that is watched. */
const noting = (hoard: Hoard) =>
  Layer.effect(
    Browser,
    Effect.map(Browser, ({ open }) => ({
      open: (url: URL) =>
        Effect.zipRight(
          Effect.sync(() => hoard.keep((name) => url.searchParams.get(name))),
          open(url)
        )
    }))
  )

describe("no secret is printed by a sign-in by a browser", () => {
  const byBrowser =
    (browser: Layer.Layer<Browser>): Flow =>
    (client, hoard) =>
      client
        .acquireTokenInteractive({ scopes: scope, browserTimeout: "1 second", loginHint: defaults.username })
        .pipe(Effect.provide(Layer.provide(noting(hoard), browser)))

  const walking = (expected: ReadonlyArray<Wanted>, answer?: Answer) =>
    Effect.gen(function* () {
      yield* atBrowser(defaults.username)
      return yield* check(byBrowser((yield* walker).layer), ["state", "nonce", ...expected], answer)
    }).pipe(Effect.provide(people))

  it.scopedLive("that goes well", () =>
    Effect.gen(function* () {
      assert.isTrue(Exit.isSuccess(yield* walking(["code", "code_verifier", ...tokens])))
    })
  )

  it.scopedLive.each(
    at(
      "openid-configuration",
      common.filter(([what]) => what !== "breaks off")
    )
  )("when %s", ([, answer]) =>
    Effect.gen(function* () {
      const exit = yield* check(byBrowser(returning(() => ({}))), [], answer)
      assert.isTrue(Exit.isFailure(exit))
    }).pipe(Effect.provide(people))
  )

  const forged = "a-code.that~nobody_has-issued"
  const comingBack: ReadonlyArray<readonly [string, Say]> = [
    ["a refusal", (words, state) => ({ error: "access_denied", error_description: words, state })],
    ["an outage", (words, state) => ({ error: "server_error", error_description: words, state })],
    ["an error of no shape", (words, state) => ({ error: `"${words}"`, state })],
    ["another issuer", (words, state) => ({ code: forged, iss: `https://a.example/${words}`, state })],
    ["a code that nobody issued", (_, state) => ({ code: forged, state })],
    ["another state", (_, state) => ({ code: forged, state: `${state}x` })]
  ]

  it.scopedLive.each(comingBack)("that comes back with %s", ([, say]) =>
    Effect.gen(function* () {
      const flow: Flow = (client, hoard) => {
        hoard.keep((name) => (name === "code" ? forged : undefined))
        return byBrowser(returning(say))(client, hoard)
      }
      assert.isTrue(Exit.isFailure(yield* check(flow, ["state", "nonce"])))
    }).pipe(Effect.provide(people))
  )

  it.scopedLive.each(afterwards)("when %s", ([, answer]) => walking(["code", "code_verifier"], answer))

  it.scopedLive("that is not there", () =>
    Effect.gen(function* () {
      const none = new CredentialUnavailable({ credential: "browser", reason: "there is no display" })
      const exit = yield* check(byBrowser(Layer.succeed(Browser, { open: () => none })), ["state", "nonce"])
      assert.isTrue(Exit.isFailure(exit))
    }).pipe(Effect.provide(people))
  )
})

const home = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-entra-home-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Those that the client has sent. */
const sent = Effect.map(
  Effect.flatMap(EntraEmulator.EntraEmulator, ({ requests }) => requests),
  (requests) => requests.flatMap(({ form }) => [form.device_code, form.refresh_token].flatMap((text) => text ?? []))
)

describe("no secret is printed by the command line", () => {
  const emulated = EntraEmulatorNode.layer({ deviceCodeInterval: "50 millis" }).pipe(Layer.orDie)

  /** A terminal at which this person answers each code that is shown. */
  const terminal = (answer: { readonly username: string } | "decline") =>
    Effect.gen(function* () {
      const folder = yield* home
      const { origin } = yield* EntraEmulatorNode.Address
      const { answerDevice } = yield* EntraEmulator.EntraEmulator
      const environment = { EFFECT_ENTRA_HOME: folder, AZURE_AUTHORITY_HOST: origin }
      return (...args: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const { layer, written } = recorded(true, (text) => {
            const [, code] = /code ([A-Z0-9-]{8,9})\b/.exec(text) ?? []
            return code === undefined ? Effect.void : answerDevice(code, answer)
          })
          const asked = run(["node", "effect-entra", ...args]).pipe(
            Effect.provide(Layer.merge(NodeContext.layer, layer)),
            Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(environment))))
          )
          const { logs, spans, value } = yield* heard(Effect.exit(asked))
          return { exit: value, screen: [written.result, written.note], told: [...logs, ...spans, ...outputs(value)] }
        })
    })

  const device = [
    ...["login", "--device", "--scope", defaults.apiUserScope],
    ...["--client-id", defaults.publicClientId, "--tenant", defaults.tenantId]
  ]
  const forms: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    ["text", []],
    ["JSON", ["--json"]]
  ]

  it.scopedLive.each(forms)("as %s, while somebody signs in, gets tokens, and goes", ([, form]) =>
    Effect.gen(function* () {
      const at = yield* terminal({ username: defaults.username })
      const account = ["--account", defaults.username]
      const ran = [
        yield* at(...device, ...form),
        yield* at("accounts", ...form),
        yield* at("token", ...account, "--scope", defaults.apiUserScope, ...form),
        yield* at("token", ...account, "--scope", defaults.graphUserScope, ...form),
        yield* at("logout", ...form)
      ]
      for (const { exit, screen } of ran) assert.isTrue(Exit.isSuccess(exit), screen.join(""))
      const secrets = yield* sent
      assert.isNotEmpty(secrets)
      refuseAll(
        ran.flatMap(({ screen, told }) => [...screen, ...told]),
        secrets
      )
      refuseAll(
        ran.flatMap(({ told }) => told),
        personal
      )
    }).pipe(Effect.provide(emulated))
  )

  it.scopedLive.each(forms)("as %s, when the person declines", ([, form]) =>
    Effect.gen(function* () {
      const at = yield* terminal("decline")
      const { exit, screen, told } = yield* at(...device, ...form)
      assert.isTrue(Exit.isFailure(exit))
      const secrets = yield* sent
      assert.isNotEmpty(secrets)
      refuseAll([...screen, ...told], secrets)
    }).pipe(Effect.provide(emulated))
  )
})
