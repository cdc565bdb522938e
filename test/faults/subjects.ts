import { HttpClient } from "@effect/platform"
import { Effect, Redacted, type Scope } from "effect"
import { joinKey, tokenKey } from "../../src/cache/cacheKey.js"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as Acquisition from "../../src/client/acquisition.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import type { ConfigurationError, TokenError } from "../../src/core/TokenError.js"
import type { TokenSource } from "../../src/core/TokenProvider.js"
import * as Grants from "../../src/protocol/grants.js"
import { mayResend } from "../../src/protocol/resend.js"
import { exchange } from "../../src/protocol/tokenEndpoint.js"
import type { Form } from "../../src/protocol/transport.js"
import * as Transport from "../../src/protocol/transport.js"
import * as RetryPolicy from "../../src/resilience/RetryPolicy.js"
import * as Resilience from "../../src/resilience/resilience.js"
import { defaults, options } from "../support/emulated.js"

/** A client that asks by one grant, for two resources of one principal. */
export interface Client {
  readonly source: TokenSource<TokenError>
  readonly other: TokenSource<TokenError>
  readonly health: Effect.Effect<Resilience.Health>
}

type Made = Effect.Effect<Client, ConfigurationError, HttpClient.HttpClient | TokenCache.TokenCache | Scope.Scope>

/** A grant at an authority. */
export interface Subject {
  readonly name: string
  /** What a refusal means depends on who could do something about it. */
  readonly asker: "app" | "user" | "device"
  readonly isEntra: boolean
  /** Whether what is asked with is used up when the server takes the request. */
  readonly consumes: boolean
  readonly make: (policy?: RetryPolicy.Options) => Made
}

const appClient = (retryPolicy: RetryPolicy.Options | undefined): Made =>
  Effect.map(ConfidentialClient.make({ ...options, retryPolicy }), ({ app, health }) => ({
    source: app.forScopes(defaults.apiScope),
    other: app.forScopes(defaults.otherApiScope),
    health
  }))

const entra = Authority.entra({ tenantId: defaults.tenantId })
/** An authority that rotates its refresh tokens. */
const rotating = Authority.custom({ issuer: "https://id.example", tokenEndpoint: "https://id.example/token" })

type UserGrant = Exclude<(typeof Grants)[keyof typeof Grants], typeof Grants.clientCredentials>

/** Tokens of users by one grant, for as many users as are asked for. */
export const makeUsers = (grant: UserGrant, authority: Authority.Authority, policy?: RetryPolicy.Options) =>
  Effect.gen(function* () {
    const cache = yield* TokenCache.TokenCache
    const resolved = yield* Authority.resolve(authority)
    const transport = Transport.make(yield* HttpClient.HttpClient)
    const shared = yield* Resilience.make(yield* RetryPolicy.make(policy))
    const acquisition = yield* Acquisition.make<TokenError>({ cache, resilience: shared.forFailures() })
    const { environment, host, kind, tenantId } = resolved
    const refreshTokens = new Map<string, string>()

    const parametersOf = (user: string, scope: string): Form => {
      switch (grant.name) {
        case "authorization_code":
          return { grant_type: grant.name, code: `code of ${user} for ${scope}` }
        case "refresh_token":
          return { grant_type: grant.name, refresh_token: refreshTokens.get(user) ?? `refresh token of ${user}` }
        case "on_behalf_of":
          return { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: `assertion of ${user}` }
        case "device_code":
          return { grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code: `device of ${user}` }
      }
    }

    const source = (user: string, scope: string): TokenSource<TokenError> => {
      return acquisition.source({
        key: tokenKey({
          principal: [defaults.clientId, environment, tenantId, "user", user],
          kind: [],
          scopeKey: scope
        }),
        scope: joinKey(defaults.clientId, environment, tenantId),
        name: {},
        hosts: Effect.succeed({ host }),
        scopes: [scope],
        mayResend: mayResend(grant, kind),
        consumes: grant.consumes(kind),
        exchange: ({ correlationId, timeout }) =>
          Effect.suspend(() =>
            exchange<TokenError>(transport, {
              authority: resolved,
              tokenEndpoint: resolved.endpoints?.token ?? "https://id.example/token",
              grant,
              correlationId,
              timeout,
              form: { client_id: defaults.clientId, scope, ...parametersOf(user, scope) }
            })
          ).pipe(
            Effect.tap(({ refresh_token }) => {
              if (refresh_token !== undefined) refreshTokens.set(user, Redacted.value(refresh_token))
            })
          )
      })
    }
    return { source, health: shared.health }
  })

const userClient = (grant: UserGrant, authority: Authority.Authority) => (policy?: RetryPolicy.Options) =>
  Effect.map(makeUsers(grant, authority, policy), ({ health, source }) => ({
    source: source("alice", "read"),
    other: source("alice", "write"),
    health
  }))

const user = (name: string, grant: UserGrant, authority: Authority.Authority, consumes: boolean): Subject => ({
  name,
  asker: grant.name === "device_code" ? "device" : "user",
  isEntra: authority._tag === "Entra",
  consumes,
  make: userClient(grant, authority)
})

export const clientCredentials: Subject = {
  name: "client_credentials",
  asker: "app",
  isEntra: true,
  consumes: false,
  make: appClient
}

/** A refresh token at an authority where it rotates. */
export const rotatingRefreshToken = user("refresh_token elsewhere", Grants.refreshToken, rotating, true)
export const entraRefreshToken = user("refresh_token at Entra", Grants.refreshToken, entra, false)

/** Every grant of the library, each at the authorities that differ for it. */
export const subjects: ReadonlyArray<Subject> = [
  clientCredentials,
  user("on_behalf_of", Grants.onBehalfOf, entra, false),
  user("device_code", Grants.deviceCode, entra, false),
  entraRefreshToken,
  rotatingRefreshToken,
  user("authorization_code", Grants.authorizationCode, entra, true)
]
