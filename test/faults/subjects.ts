import { HttpClient } from "@effect/platform"
import { Effect, type Scope } from "effect"
import { joinKey, partitionOf, tokenKey } from "../../src/cache/cacheKey.js"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as Acquisition from "../../src/client/acquisition.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Authority from "../../src/core/Authority.js"
import { ClaimsChallengeRequired, type TokenError } from "../../src/core/TokenError.js"
import type { TokenSource } from "../../src/core/TokenProvider.js"
import { deviceCode } from "../../src/protocol/grants.js"
import { mayResend } from "../../src/protocol/resend.js"
import { exchange } from "../../src/protocol/tokenEndpoint.js"
import * as Transport from "../../src/protocol/transport.js"
import * as RetryPolicy from "../../src/resilience/RetryPolicy.js"
import * as Resilience from "../../src/resilience/resilience.js"
import { defaults, options } from "../support/emulated.js"
import { assertionOf, comeBack, homeAccountId, read, redeem, signIn, write } from "./people.js"

/** A client that asks by one grant, for two resources of one principal. */
export interface Client {
  readonly source: TokenSource<TokenError>
  readonly other: TokenSource<TokenError>
  readonly health: Effect.Effect<Resilience.Health>
}

type Made = Effect.Effect<Client, unknown, HttpClient.HttpClient | TokenCache.TokenCache | Scope.Scope>

/** A grant at an authority. */
export interface Subject {
  readonly name: string
  /** What a refusal means depends on who could do something about it. */
  readonly asker: "app" | "user" | "device"
  readonly isEntra: boolean
  /** Whether what is asked with is used up when the server takes the request. */
  readonly consumes: boolean
  /** What there is to come with again: a code is another one each time, a refresh token is kept until it is over. */
  readonly next: "same" | "refreshToken" | "another"
  readonly make: Made
}

/** A client at Entra. */
export const atEntra = ConfidentialClient.make(options)

const rotating = Authority.custom({
  issuer: "https://id.example",
  authorizationEndpoint: "https://id.example/authorize",
  tokenEndpoint: "https://id.example/token"
})

/** A client at an authority that rotates its refresh tokens; it names its users by `sub`. */
export const elsewhere = ConfidentialClient.make({ ...options, authority: rotating })

type MakeClient = typeof atEntra

export const clientCredentials: Subject = {
  name: "client_credentials",
  asker: "app",
  isEntra: true,
  consumes: false,
  next: "same",
  make: Effect.map(atEntra, ({ app, health }) => ({
    source: app.forScopes(defaults.apiScope),
    other: app.forScopes(defaults.otherApiScope),
    health
  }))
}

const onBehalfOf: Subject = {
  name: "on_behalf_of",
  asker: "user",
  isEntra: true,
  consumes: false,
  next: "same",
  make: Effect.map(atEntra, ({ health, onBehalfOf }) => {
    const caller = onBehalfOf(assertionOf("alice"))
    return { source: caller.forScopes(read), other: caller.forScopes(write), health }
  })
}

const longRunning: Subject = {
  name: "on_behalf_of, long-running",
  asker: "user",
  isEntra: true,
  consumes: false,
  next: "same",
  make: Effect.map(atEntra, ({ health, longRunningOnBehalfOf }) => {
    const begin = (scopes: string) => ({
      getToken: () => longRunningOnBehalfOf.initiate({ assertion: assertionOf("alice"), process: "a report", scopes })
    })
    return { source: begin(read), other: begin(write), health }
  })
}

const refreshToken = (name: string, client: MakeClient, id: string, isEntra: boolean): Subject => ({
  name,
  asker: "user",
  isEntra,
  consumes: !isEntra,
  next: "refreshToken",
  make: Effect.gen(function* () {
    const made = yield* client
    yield* signIn(made, "alice")
    const alice = made.account(id)
    return { source: alice.forScopes(read), other: alice.forScopes(write), health: made.health }
  })
})

const authorizationCode: Subject = {
  name: "authorization_code",
  asker: "user",
  isEntra: true,
  consumes: true,
  next: "another",
  make: Effect.gen(function* () {
    const client = yield* atEntra
    const signedIn = (scopes: string) =>
      Effect.map(comeBack(client, "alice", scopes), (request) => ({
        getToken: () => Effect.map(redeem(client, request), ({ token }) => token)
      }))
    return { source: yield* signedIn(read), other: yield* signedIn(write), health: client.health }
  })
}

/**
 * What an answer to a device's poll means, asked for by the mechanisms of the other grants; in which rhythm a device goes on
 * polling after it is told by `devicePolling.test.ts`.
 */
const polling: Subject = {
  name: "device_code",
  asker: "device",
  isEntra: true,
  consumes: false,
  next: "same",
  make: Effect.gen(function* () {
    const cache = yield* TokenCache.TokenCache
    const authority = yield* Authority.resolve(options.authority)
    const transport = Transport.make(yield* HttpClient.HttpClient)
    const shared = yield* Resilience.make(yield* RetryPolicy.make())
    const acquisition = yield* Acquisition.make<TokenError>({
      cache,
      resilience: shared.forFailures(),
      exhausted: (claims = "") => new ClaimsChallengeRequired({ claims, reason: "repeated" })
    })
    const { environment, host, kind, tenantId } = authority
    const source = (scope: string): TokenSource<TokenError> =>
      acquisition.source({
        key: tokenKey({
          partition: partitionOf({
            clientId: defaults.clientId,
            environment,
            kind: "account",
            id: "device",
            session: ""
          }),
          kind: [],
          scopeKey: scope,
          target: { tenantId, scopes: [scope], isPlain: true }
        }),
        scope: joinKey(defaults.clientId, environment, tenantId),
        name: {},
        hosts: Effect.succeed({ host }),
        scopes: [scope],
        mayResend: mayResend(deviceCode, kind),
        consumes: deviceCode.consumes(),
        exchange: ({ correlationId, timeout }) =>
          exchange<TokenError>(transport, {
            authority,
            tokenEndpoint: authority.endpoints?.token ?? "",
            grant: deviceCode,
            correlationId,
            timeout,
            form: {
              client_id: defaults.clientId,
              scope,
              grant_type: "urn:ietf:params:oauth:grant-type:device_code",
              device_code: "device code of alice"
            }
          })
      })
    return { source: source(read), other: source(write), health: shared.health }
  })
}

/** Every grant of the library, each at the authorities that differ for it. */
export const subjects: ReadonlyArray<Subject> = [
  clientCredentials,
  onBehalfOf,
  longRunning,
  polling,
  refreshToken("refresh_token at Entra", atEntra, homeAccountId("alice"), true),
  refreshToken("refresh_token elsewhere", elsewhere, "alice", false),
  authorizationCode
]
