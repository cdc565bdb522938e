import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as TokenCache from "../cache/TokenCache.js"
import * as ConfidentialClient from "../client/ConfidentialClient.js"
import type { AccessToken } from "../core/AccessToken.js"
import * as Authority from "../core/Authority.js"
import type { ConfigurationError } from "../core/TokenError.js"
import * as ClientCredential from "../credential/ClientCredential.js"
import * as EntraEmulator from "../emulator/EntraEmulator.js"
import * as EntraEmulatorNode from "../emulator/EntraEmulatorNode.js"
import * as Fault from "../emulator/Fault.js"
import { type ErrorReport, reportError } from "./report.js"

const { defaults } = EntraEmulator

/** What happened, in its order. */
export interface Demo {
  readonly token: AccessToken
  readonly second: { readonly source: string; readonly micros: number }
  readonly api: { readonly status: number; readonly body: string }
  readonly refusal: ErrorReport
}

const makeClient = (
  origin: string,
  secret: Redacted.Redacted
): Effect.Effect<
  ConfidentialClient.ConfidentialClientService,
  ConfigurationError,
  HttpClient.HttpClient | Scope.Scope
> =>
  Effect.flatMap(TokenCache.makeMemory(), (cache) =>
    Effect.provideService(
      ConfidentialClient.make({
        authority: Authority.entra({ tenantId: defaults.tenantId, host: origin }),
        clientId: defaults.clientId,
        credential: ClientCredential.secret(secret)
      }),
      TokenCache.TokenCache,
      cache
    )
  )

const timedMicros = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<readonly [number, A], E, R> =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const start = clock.unsafeCurrentTimeNanos()
    const result = yield* effect
    return [Number(clock.unsafeCurrentTimeNanos() - start) / 1000, result] as const
  })

const callApi = (origin: string, token: AccessToken) =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    const request = HttpClientRequest.get(`${origin}${defaults.apiPath}`)
    const response = yield* client.execute(HttpClientRequest.bearerToken(request, token.accessToken))
    return { status: response.status, body: yield* response.text }
  })

/**
 * Everything at once over real HTTP, against the emulator: a throttled and an unavailable authority on the way to a token,
 * the cache, an API that takes the token, and a refusal.
 */
export const runDemo = Effect.gen(function* () {
  const { origin } = yield* EntraEmulatorNode.Address
  const emulator = yield* EntraEmulator.EntraEmulator
  yield* emulator.script([Fault.throttled("1"), Fault.unavailable()])

  const client = yield* makeClient(origin, defaults.clientSecret)
  const source = client.app.forScopes(defaults.apiScope)
  const token = yield* source.getToken()
  const [micros, second] = yield* timedMicros(source.getToken())
  const api = yield* callApi(origin, token)

  const stranger = yield* makeClient(origin, Redacted.make("not-the-secret"))
  const refusal = yield* stranger.app
    .forScopes(defaults.apiScope)
    .getToken()
    .pipe(
      Effect.flip,
      Effect.orDieWith(() => new Error("The emulator issued a token for a wrong secret"))
    )
  const demo: Demo = { token, second: { source: second.source, micros }, api, refusal: reportError(refusal) }
  return demo
}).pipe(Effect.scoped)
