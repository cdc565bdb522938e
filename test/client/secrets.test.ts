import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, type Layer, Metric, Option, Redacted, Schema } from "effect"
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
import { heard, outputs } from "../support/secrecy.js"

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
      const { logs, spans, value: outcome } = yield* heard(acquire(...(fault === undefined ? [] : [fault])))
      assert.isAbove(logs.length, 0)
      assert.isAbove(spans.length, 0)

      const metrics = yield* Metric.snapshot
      const text = [outcome, outcome.result, outcome.refusal, metrics].flatMap(outputs).concat(logs, spans)
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
      const { logs, spans, value } = yield* heard(story)
      const { hidden, printed } = value
      const metrics = yield* Metric.snapshot
      const text = [...printed, metrics].flatMap(outputs).concat(logs, spans)
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
