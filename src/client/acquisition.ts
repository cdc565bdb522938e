import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type CacheKey, joinKey } from "../cache/cacheKey.js"
import { isFresh, serves } from "../cache/lifetime.js"
import type { Entry, TokenCacheService } from "../cache/TokenCache.js"
import { AccessToken, withSource } from "../core/AccessToken.js"
import { isGuid, makeGuid } from "../core/guid.js"
import { ClientClosed, ConfigurationError, type Failure, type Throttled } from "../core/TokenError.js"
import { servedFrom } from "../core/TokenMetrics.js"
import type { TokenRequest, TokenSource } from "../core/TokenProvider.js"
import type { TokenResponse } from "../protocol/wire.js"
import * as RetryPolicy from "../resilience/RetryPolicy.js"
import * as SingleFlight from "../resilience/singleFlight.js"

/** What differs between two attempts of one identity for one resource. */
export interface Attempt {
  readonly claims: string | undefined
  readonly correlationId: string
  readonly timeout: Duration.Duration
}

/** One identity's token for one resource: where it rests, and how it is asked for. */
export interface Resource<out E> {
  readonly key: CacheKey
  /** For people. */
  readonly name: Readonly<Record<string, string>>
  readonly scopes: ReadonlyArray<string>
  readonly exchange: (attempt: Attempt) => Effect.Effect<TokenResponse, E>
}

/** @internal */
export interface Acquisition<E> {
  readonly source: (resource: Resource<E>) => TokenSource<E>
}

const isObject = (json: unknown): boolean => typeof json === "object" && json !== null && !Array.isArray(json)

const parsesToObject = (text: string): boolean => {
  try {
    return isObject(JSON.parse(text))
  } catch {
    return false
  }
}

const checkRequest = (request: TokenRequest): Effect.Effect<void, ConfigurationError> => {
  if (request.claims !== undefined && !parsesToObject(request.claims))
    return new ConfigurationError({
      parameter: "claims",
      expected: "a claims request: a JSON object (OpenID Connect Core 5.5)",
      remedy: "Pass the decoded claims of the challenge, not its base64."
    })
  if (request.correlationId !== undefined && !isGuid(request.correlationId))
    return new ConfigurationError({
      parameter: "correlationId",
      expected: "a GUID",
      remedy: "Leave it out to have one made."
    })
  return Effect.void
}

/** Epoch seconds where the server gives no lifetime (v1, B2C). */
const expiryOf = (response: TokenResponse, now: number): number | undefined => {
  if (response.expires_in !== undefined) return now + response.expires_in * 1000
  return response.expires_on === undefined ? undefined : response.expires_on * 1000
}

const scopesOf = (response: TokenResponse, asked: ReadonlyArray<string>): ReadonlyArray<string> => {
  const granted = response.scope?.split(" ").filter((scope) => scope.length > 0) ?? []
  return granted.length > 0 ? granted : asked
}

const toToken = (
  response: TokenResponse,
  asked: ReadonlyArray<string>,
  correlationId: string,
  now: number
): AccessToken =>
  new AccessToken({
    accessToken: response.access_token,
    tokenType: response.token_type,
    scopes: scopesOf(response, asked),
    expiresAtMillis: expiryOf(response, now),
    refreshAtMillis: response.refresh_in === undefined ? undefined : now + response.refresh_in * 1000,
    source: "identity_provider",
    correlationId
  })

/** How long a caller who has a token in hand waits for a newer one. */
const patience = Duration.seconds(1)

const isRejected = (entry: Entry, rejected: AccessToken | undefined): boolean =>
  rejected !== undefined && Equal.equals(entry.token.accessToken, rejected.accessToken)

/** Whether the cached token may answer a call that asks for more than any token. */
const answers = (entry: Entry, { claims, forceRefresh, rejected }: TokenRequest): boolean => {
  if (forceRefresh === true || isRejected(entry, rejected)) return false
  return claims === undefined || rejected !== undefined
}

const counted = (token: AccessToken): AccessToken => {
  servedFrom[token.source].unsafeUpdate(1, [])
  return token
}

/**
 * The way of a request: memory, then the flight of its key; the flight asks, sends again by the policy, and stores what it
 * got. The only file that knows the whole way.
 *
 * @internal
 */
export const make = <E extends Failure>(options: {
  readonly cache: TokenCacheService
  readonly policy: RetryPolicy.RetryPolicy
}): Effect.Effect<Acquisition<E | ConfigurationError | ClientClosed | Throttled>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { cache, policy } = options
    type Failed = E | ConfigurationError | ClientClosed | Throttled
    const flights = yield* SingleFlight.make<AccessToken, Failed>(new ClientClosed())
    let started = 0

    const fly = (resource: Resource<Failed>, { claims, correlationId: wanted }: TokenRequest) =>
      Effect.gen(function* () {
        const sequence = ++started
        const correlationId = wanted ?? (yield* makeGuid)
        const attempts = RetryPolicy.retry(policy, (timeout) => resource.exchange({ claims, correlationId, timeout }))
        const response = yield* Effect.annotateLogs(attempts, "entra.correlation_id", correlationId)
        const token = toToken(response, resource.scopes, correlationId, yield* Clock.currentTimeMillis)
        yield* cache.set(resource.key, token, sequence)
        return token
      }).pipe(
        Effect.annotateLogs({ package: "effect-entra", ...resource.name }),
        Effect.withSpan("effect-entra.acquire", { root: true, captureStackTrace: false, attributes: resource.name })
      )

    const join = (resource: Resource<Failed>, request: TokenRequest) =>
      flights.join(joinKey(resource.key.partition, resource.key.entry, request.claims ?? ""), fly(resource, request))

    /** A token that still serves is never turned into an error, nor into a long wait. */
    const joinWith = (resource: Resource<Failed>, request: TokenRequest, inHand: Entry) =>
      join(resource, request).pipe(
        Effect.timeoutOption(patience),
        Effect.catchAll(() => Effect.succeedNone),
        Effect.map(Option.getOrElse(() => withSource(inHand.token, "cache_stale")))
      )

    const miss = (resource: Resource<Failed>, request: TokenRequest, inHand: Entry | undefined) => {
      const token = inHand === undefined ? join(resource, request) : joinWith(resource, request, inHand)
      const { rejected } = request
      return Effect.map(
        rejected === undefined ? token : Effect.zipRight(cache.removeToken(resource.key, rejected), token),
        counted
      )
    }

    const get = (resource: Resource<Failed>, request: TokenRequest): Effect.Effect<AccessToken, Failed> =>
      Effect.clockWith((clock) => {
        const now = clock.unsafeCurrentTimeMillis()
        const entry = cache.unsafeGet(resource.key)
        const inHand = entry !== undefined && answers(entry, request) && serves(entry, now) ? entry : undefined
        if (inHand === undefined || !isFresh(inHand, now)) return miss(resource, request, inHand)
        servedFrom.cache.unsafeUpdate(1, [])
        return inHand.hit
      })

    return {
      source: (resource) => {
        const plain = get(resource, {})
        return {
          getToken: (request) =>
            request === undefined ? plain : Effect.zipRight(checkRequest(request), get(resource, request))
        }
      }
    }
  })
