import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Effect,
  Exit,
  FiberRef,
  HashSet,
  Inspectable,
  type Layer,
  Logger,
  LogLevel,
  Metric,
  Option,
  Redacted,
  Schema,
  Tracer
} from "effect"
import { partitionOf } from "../../src/cache/cacheKey.js"
import * as TokenCache from "../../src/cache/TokenCache.js"
import type { TokenStore } from "../../src/cache/TokenStore.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as TokenError from "../../src/core/TokenError.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import * as Fault from "../../src/emulator/Fault.js"
import { watchedStore } from "../cache/stores.js"
import { defaults, layer, options } from "../support/emulated.js"
import * as People from "../support/people.js"

/** All that a value can turn into on its way to a person, a file or a wire. */
const outputs = (value: unknown): ReadonlyArray<string> => [
  String(value),
  inspect(value, { depth: 20, showHidden: true }),
  inspect(value, { depth: 20, getters: true }),
  JSON.stringify(value) ?? "",
  Inspectable.toStringUnknown(value),
  Inspectable.format(value),
  Cause.pretty(Cause.fail(value)),
  inspect(Exit.fail(value), { depth: 20 }),
  JSON.stringify(Exit.fail(value))
]

/** A tracer that keeps what it is told. */
const recordingTracer = (spans: Array<unknown>) =>
  Tracer.make({
    context: (run) => run(),
    span: (name, parent, context, links, startTime, kind, spanOptions) => {
      const facts: Array<unknown> = [name, spanOptions?.attributes]
      spans.push(facts)
      return {
        _tag: "Span",
        name,
        spanId: "1".repeat(16),
        traceId: "1".repeat(32),
        parent,
        context,
        status: { _tag: "Started", startTime },
        attributes: new Map(),
        links,
        sampled: true,
        kind,
        end: (_, exit) => void facts.push(exit),
        attribute: (key, attribute) => void facts.push(key, attribute),
        event: (event, _, attributes) => void facts.push(event, attributes),
        addLinks: () => {}
      }
    }
  })

interface Told {
  readonly logs: Array<string>
  readonly spans: Array<unknown>
}

/** Runs a program with everything that it logs and traces kept. */
const listening = <A, E, R>(told: Told, program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const loggers = [Logger.stringLogger, Logger.logfmtLogger, Logger.jsonLogger].map((logger) =>
    Logger.map(logger, (line) => void told.logs.push(line))
  )
  return program.pipe(
    Effect.locally(FiberRef.currentLoggers, HashSet.fromIterable(loggers)),
    Logger.withMinimumLogLevel(LogLevel.All),
    Effect.withTracer(recordingTracer(told.spans))
  )
}

const keyOfNobody = {
  partition: partitionOf({ clientId: "client", environment: "entra", kind: "app", id: "nobody", session: "" })
}

const secret = "S3CRET~that.nobody/may+see="

const acquire = (...faults: ReadonlyArray<Fault.Fault>) =>
  Effect.gen(function* () {
    const emulator = yield* EntraEmulator.EntraEmulator
    yield* emulator.script(faults)
    const client = yield* ConfidentialClient.make({ ...options, retryPolicy: { attempts: 1 } })
    const stranger = yield* ConfidentialClient.make({
      ...options,
      credential: ClientCredential.secret(Redacted.make(secret))
    })
    const result = yield* Effect.exit(client.app.forScopes(defaults.apiScope).getToken({ forceRefresh: true }))
    const refusal = yield* Effect.exit(stranger.app.forScopes(defaults.otherApiScope).getToken({ forceRefresh: true }))
    return { client, result, refusal, cache: yield* TokenCache.TokenCache, requests: yield* emulator.requests }
  })

const faults: ReadonlyArray<readonly [string, Fault.Fault | undefined]> = [
  ["a token", undefined],
  ["a throttled answer", Fault.throttled("120")],
  ["an unavailable service", Fault.unavailable()],
  ["a reset connection", Fault.reset("beforeHeaders")],
  ["a broken body", Fault.reset("midBody")],
  ["a truncated token", Fault.truncated],
  ["a redirect", Fault.redirect("https://elsewhere.example/")],
  ["an answer that holds the secret", Fault.respond({ status: 200, body: `{"access_token": 1, "x": "${secret}"}` })],
  [
    "a description that holds the secret",
    Fault.respond({ status: 400, body: { error: "invalid_request", error_description: `AADSTS90014: ${secret}` } })
  ]
]

describe("no secret is printed", () => {
  it.effect.each(faults)("after %s, by error, token, log, span, metric or inspect", ([, fault]) =>
    Effect.gen(function* () {
      const told: Told = { logs: [], spans: [] }
      const outcome = yield* listening(told, acquire(...(fault === undefined ? [] : [fault])))
      assert.isAbove(told.logs.length, 0)
      assert.isAbove(told.spans.length, 0)

      const metrics = yield* Metric.snapshot
      const text = [outcome, outcome.result, outcome.refusal, told.spans, metrics].flatMap(outputs).concat(told.logs)
      const token = Exit.isSuccess(outcome.result) ? Redacted.value(outcome.result.value.accessToken) : secret
      for (const forbidden of [secret, token, Redacted.value(defaults.clientSecret), "client_secret=", "eyJ"])
        for (const line of text) assert.notInclude(line, forbidden)
    }).pipe(Effect.scoped, Effect.provide(layer()))
  )

  const watched = watchedStore()
  const broken = watchedStore()
  broken.state = "failing"
  /** What nobody has written yet is there already, written by somebody else. */
  const foreignText = `entra1.plain.9999999999999.${JSON.stringify(["x", secret])}`
  const { store: underForeign } = watchedStore()
  const foreign: TokenStore = {
    ...underForeign,
    get: (key) => Effect.map(underForeign.get(key), (present) => Option.orElseSome(present, () => foreignText)),
    compareAndSet: (key, expected, next, ttl) =>
      underForeign.compareAndSet?.(
        key,
        Option.filter(expected, (text) => text !== foreignText),
        next,
        ttl
      ) ?? Effect.succeed(false)
  }
  const caches: ReadonlyArray<readonly [string, Layer.Layer<TokenCache.TokenCache, unknown>]> = [
    ["in memory", TokenCache.layerMemory()],
    ["in a store", TokenCache.layerStore(watched.store)],
    ["in a store that fails", TokenCache.layerStore(broken.store)],
    ["in a store that holds what it should not", TokenCache.layerStore(foreign)]
  ]

  it.effect.each(caches)("when people sign in, are acted for, and go, their tokens being %s", ([, cacheLayer]) =>
    Effect.gen(function* () {
      const told: Told = { logs: [], spans: [] }
      const caller = yield* People.callerToken()
      const story = Effect.gen(function* () {
        const { acquireTokenByCode, acquireTokenOnBehalfOf, acquireTokenSilent, getAuthCodeUrl } =
          yield* ConfidentialClient.make(options)
        const { flow, url } = yield* getAuthCodeUrl(People.request)
        const response = yield* People.visit(url)
        const signedIn = yield* acquireTokenByCode({ flow, response })
        const again = yield* Effect.exit(acquireTokenByCode({ flow, response }))
        const other = yield* Effect.flip(acquireTokenByCode({ flow, response: { state: secret, code: secret } }))
        const { account } = signedIn
        const silent = yield* acquireTokenSilent({ account, scopes: defaults.apiUserScope, forceRefresh: true })
        const acted = yield* acquireTokenOnBehalfOf({ assertion: caller, scopes: defaults.apiUserScope })
        yield* (yield* TokenCache.TokenCache).reject(keyOfNobody, acted)
        const app = yield* Effect.flip(
          acquireTokenOnBehalfOf({
            assertion: yield* People.callerToken({ kind: "app" }),
            scopes: defaults.apiUserScope
          })
        )
        const { requests } = yield* EntraEmulator.EntraEmulator
        const printed = [
          flow,
          signedIn,
          again,
          other,
          silent,
          acted,
          app,
          yield* TokenCache.TokenCache,
          yield* requests
        ]
        const { codeVerifier, nonce, state } = flow
        const hidden = [codeVerifier, nonce, state, silent.accessToken, acted.accessToken, caller].map(Redacted.value)
        return { printed, hidden: [...hidden, response.get("code") ?? secret] }
      })
      const { hidden, printed } = yield* listening(told, story)
      const metrics = yield* Metric.snapshot
      const text = [...printed, told.spans, metrics].flatMap(outputs).concat(told.logs)
      const personal = [defaults.username, defaults.userDisplayName]
      for (const forbidden of [...hidden, ...personal, secret, Redacted.value(defaults.clientSecret), "eyJ"])
        for (const line of text) assert.notInclude(line, forbidden)
    }).pipe(Effect.scoped, Effect.provide(cacheLayer), Effect.provide(People.layer()))
  )

  it("by an error that is sent over a wire, its description included", () => {
    const description = Redacted.make(secret)
    const details = { error: "e", status: 400, errorCodes: ["AADSTS1"], description }
    const all: ReadonlyArray<readonly [Schema.Schema.Any, unknown]> = [
      [TokenError.Throttled, new TokenError.Throttled({ source: "server", ...details })],
      [TokenError.AuthorityUnavailable, new TokenError.AuthorityUnavailable(details)],
      [TokenError.InvalidClient, new TokenError.InvalidClient(details)],
      [TokenError.InvalidGrant, new TokenError.InvalidGrant(details)],
      [TokenError.RequestRejected, new TokenError.RequestRejected(details)],
      [TokenError.InteractionRequired, new TokenError.InteractionRequired({ ...details, classification: "none" })],
      [TokenError.DeviceCodeExpired, new TokenError.DeviceCodeExpired(details)],
      [TokenError.AuthorizationDeclined, new TokenError.AuthorizationDeclined(details)]
    ]
    for (const [schema, error] of all) {
      const encoded = Schema.encodeUnknownOption(Schema.asSchema(schema) as Schema.Schema<unknown>)(error)
      assert.isTrue(Option.isSome(encoded))
      for (const text of [...outputs(error), ...outputs(Option.getOrThrow(encoded))]) assert.notInclude(text, secret)
    }
  })
})
