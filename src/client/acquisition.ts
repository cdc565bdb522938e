import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type CacheKey, joinKey } from "../cache/cacheKey.js"
import { renewalAfter, serves } from "../cache/lifetime.js"
import type { Entry, TokenCacheService } from "../cache/TokenCache.js"
import { type AccessToken, withSource } from "../core/AccessToken.js"
import { makeGuid } from "../core/guid.js"
import { ClientClosed, type ExchangeError, type Failure, type TokenError } from "../core/TokenError.js"
import { renewals, servedFrom } from "../core/TokenMetrics.js"
import type { TokenRequest, TokenSource } from "../core/TokenProvider.js"
import type { TokenResponse } from "../protocol/wire.js"
import { BoundedMap } from "../resilience/boundedMap.js"
import type { Asker } from "../resilience/refusals.js"
import type { Resilience } from "../resilience/resilience.js"
import * as SingleFlight from "../resilience/singleFlight.js"
import { checkRequest } from "./checkRequest.js"
import { issuedToken } from "./issuedToken.js"

/** What differs between two attempts of one identity for one resource. */
export interface Attempt {
  readonly claims: string | undefined
  readonly correlationId: string
  readonly timeout: Duration.Duration
  /** When the time of all attempts is up (monotonic milliseconds). */
  readonly deadline: number
  /** Which of the resource's hosts is asked. */
  readonly host: string
  /** The number of the exchange, by which the cache knows the older one. */
  readonly sequence: number
  /** The token that its resource refused, or which the claims are demanded of. */
  readonly replaced: AccessToken | undefined
}

/** Who is asked, and who while the circuit of that one is open. */
export interface Hosts {
  readonly host: string
  readonly fallbackHost?: string | undefined
}

/** One identity's token for one resource: where it rests, and how it is asked for. */
export interface Resource<out E> {
  readonly key: CacheKey
  /** What the principals of one client, host and tenant share. */
  readonly scope: string
  readonly hosts: Effect.Effect<Hosts>
  /** For people. */
  readonly name: Readonly<Record<string, string>>
  readonly scopes: ReadonlyArray<string>
  /** When what it is asked with ends (epoch milliseconds): no token of it is kept longer. */
  readonly endsAt?: number | undefined
  /** What it is asked with, where that may differ for one key: nobody joins an exchange with another. */
  readonly with?: string | undefined
  readonly mayResend: (failure: Failure) => boolean
  /** Whether asking uses up what is asked with. */
  readonly consumes: boolean
  readonly exchange: (attempt: Attempt) => Effect.Effect<TokenResponse, E>
}

/** A token that its resource has refused. */
interface Refused {
  /** What had begun by then: an exchange that is to replace it has begun later. */
  readonly since: number
  readonly cachedAt: number | undefined
}

/** @internal */
export interface Acquisition<E> {
  readonly source: (resource: Resource<E>) => TokenSource<E>
}

/** How long a caller who has a token in hand waits for a newer one. */
const patience = Duration.seconds(1)

/** Whether any token that serves will do. */
const asksForAny = ({ claims, forceRefresh }: TokenRequest): boolean => claims === undefined && forceRefresh !== true

const isSame = (one: AccessToken, other: AccessToken): boolean => Equal.equals(one.accessToken, other.accessToken)

/** How long is not asked for again what was in vain. */
const vainPause = 60_000
const mostVain = 1000

const counted = (token: AccessToken): AccessToken => {
  servedFrom[token.source].unsafeUpdate(1, [])
  return token
}

const renewed = (result: string): void => Metric.tagged(renewals, "result", result).unsafeUpdate(1, [])

/**
 * The way of a request: memory, then the flight of its key; the flight asks, sends again by the policy, and stores what it
 * got. The only file that knows the whole way.
 *
 * @internal
 */
export const make = <E extends TokenError>(options: {
  readonly cache: TokenCacheService
  readonly resilience: Resilience<E | ExchangeError>
  /** Says that what was refused is all that can be had, or that claims are demanded which a token had been won with. */
  readonly exhausted: (claims: string | undefined) => E | ExchangeError
}): Effect.Effect<Acquisition<E | ExchangeError>, never, Scope.Scope> =>
  Effect.gen(function* () {
    type Failed = E | ExchangeError
    const { cache, exhausted, resilience } = options
    const flights = yield* SingleFlight.make<AccessToken, Failed>(new ClientClosed())
    /** The token of a key that was refused last, until another one is won. */
    const refusals = new BoundedMap<AccessToken>(mostVain)
    /** What was asked for in vain, claims that a token had been won with for instance, and until when it is not again. */
    const vain = new BoundedMap<number>(mostVain)

    /** A token that is there stays in use, and is renewed a while later; each time that it failed, later. */
    const postpone = ({ key }: Resource<Failed>, failures: 0 | 1) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const entry = cache.unsafeGet(key)
        if (entry === undefined) return
        entry.failures += failures
        entry.postpone(renewalAfter(entry.failures, entry, now))
      })

    const exchanged = (
      resource: Resource<Failed>,
      asker: Asker,
      { claims, correlationId: wanted, rejected }: TokenRequest,
      sequence: number
    ) =>
      Effect.gen(function* () {
        const correlationId = wanted ?? (yield* makeGuid)
        const call = { ...asker, ...(yield* resource.hosts), mayResend: resource.mayResend }
        const known = rejected ?? refusals.get(resource.key.id)
        const replaced = known ?? (claims === undefined ? undefined : cache.unsafeGet(resource.key)?.token)
        const response = yield* resilience
          .run(call, (timeout, host, deadline) =>
            resource.exchange({ claims, correlationId, timeout, deadline, host, sequence, replaced })
          )
          .pipe(Effect.annotateLogs("entra.correlation_id", correlationId))
        return issuedToken(response, resource.scopes, correlationId, yield* Clock.currentTimeMillis)
      })

    /** Some services hand out one token until it ends: one that was refused is never handed on. */
    const newer = ({ key }: Resource<Failed>, { claims }: TokenRequest, token: AccessToken) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const refused = refusals.get(key.id)
        if (refused === undefined || !isSame(refused, token)) {
          refusals.delete(key.id)
          return Effect.succeed(token)
        }
        for (const demand of [claims, undefined]) vain.set(joinKey(key.id, demand ?? ""), now + vainPause)
        return Effect.fail(exhausted(claims))
      })

    const fly = (resource: Resource<Failed>, asker: Asker, request: TokenRequest, refused?: Refused) =>
      Effect.suspend(() => {
        const { claims, forceRefresh, rejected } = request
        const sequence = cache.unsafeNextSequence()
        const after = refused === undefined ? cache.unsafeGet(resource.key)?.cachedAt : refused.cachedAt
        const isAnew = forceRefresh === true || (claims !== undefined && rejected === undefined)
        const { endsAt, key } = resource
        const exchange = Effect.flatMap(exchanged(resource, asker, request, sequence), (token) =>
          newer(resource, request, token)
        )
        return resource.with === undefined
          ? cache.obtain(key, { sequence, claims, endsAt, isAnew, after }, exchange)
          : Effect.tap(exchange, (token) => cache.set(key, token, sequence, { claims, endsAt }))
      }).pipe(
        Effect.tapError(() => (request.claims === undefined ? postpone(resource, 1) : Effect.void)),
        Effect.annotateLogs({ package: "effect-entra", ...resource.name }),
        Effect.withSpan("effect-entra.acquire", { root: true, captureStackTrace: false, attributes: resource.name })
      )

    const flightOf = (
      resource: Resource<Failed>,
      request: TokenRequest,
      refused?: Refused
    ): SingleFlight.Flight<AccessToken, Failed> => {
      const { consumes, scope } = resource
      const what = joinKey(resource.key.id, request.claims ?? "", resource.with ?? "")
      const key = refused === undefined ? what : joinKey(what, `${refused.since}`)
      const asker = { request: what, principal: resource.key.partition.id, scope }
      const forgiven = request.forceRefresh === true ? resilience.forgive(asker) : Effect.void
      const pass = Effect.zipRight(forgiven, resilience.pass(asker))
      return { key, consumes, pass, run: fly(resource, asker, request, refused) }
    }

    /** The token in hand is good for a while: it is renewed behind the caller's back. */
    const ahead = (resource: Resource<Failed>, entry: Entry) => {
      const flight = flightOf(resource, {})
      const run = Effect.tapBoth(flight.run, {
        onFailure: (failure) => Effect.sync(() => renewed(failure._tag)),
        onSuccess: () => Effect.sync(() => renewed("token"))
      })
      const launched = Effect.ignore(flights.launch({ ...flight, run }))
      return Effect.zipRight(postpone(resource, 0), Effect.zipRight(launched, entry.hit))
    }

    const stale = (entry: Entry) => withSource(entry.token, "cache_stale")

    /** A token that still serves is never turned into an error, nor into a long wait. */
    const joinWith = (resource: Resource<Failed>, request: TokenRequest, inHand: Entry) =>
      flights.join(flightOf(resource, request)).pipe(
        Effect.timeoutOption(patience),
        Effect.catchAll(() => Effect.succeed(Option.none<AccessToken>())),
        Effect.flatMap(
          Option.match({
            onNone: () => Effect.as(postpone(resource, 0), stale(inHand)),
            onSome: (token: AccessToken) => Effect.succeed(token)
          })
        )
      )

    const held = (resource: Resource<Failed>, request: TokenRequest, inHand: Entry, now: number) => {
      if (now >= inHand.dueAt)
        return now < inHand.freshUntil ? ahead(resource, inHand) : joinWith(resource, request, inHand)
      return now < inHand.freshUntil ? inHand.hit : Effect.succeed(stale(inHand))
    }

    const considered = (resource: Resource<Failed>, request: TokenRequest, now: number) =>
      Effect.suspend(() => {
        const entry = cache.unsafeGet(resource.key)
        return entry !== undefined && serves(entry, now)
          ? held(resource, request, entry, now)
          : unheld(resource, request, now)
      })

    /** The exchange under way that follows a rejection: what it wins is what the key's callers are to get. */
    const replacements = new Map<string, SingleFlight.Flight<AccessToken, Failed>>()
    const joinPlain = (resource: Resource<Failed>, request: TokenRequest, now: number) => {
      if (asksForAny(request) && now < (vain.get(joinKey(resource.key.id, "")) ?? 0))
        return Effect.fail(exhausted(undefined))
      const plain = flights.join(flightOf(resource, request))
      const replacement = asksForAny(request) ? replacements.get(resource.key.id) : undefined
      return replacement === undefined ? plain : Effect.orElse(flights.join(replacement), () => plain)
    }

    const unheld = (resource: Resource<Failed>, request: TokenRequest, now: number) => {
      const granted = asksForAny(request) ? cache.unsafeFind(resource.key, resource.scopes, now) : undefined
      return granted === undefined
        ? joinPlain(resource, request, now)
        : Effect.zipRight(cache.alias(resource.key, granted, resource.endsAt), granted.hit)
    }

    const replaced = (resource: Resource<Failed>, request: TokenRequest, refused: Refused) =>
      Effect.suspend(() => {
        const flight = flightOf(resource, request, refused)
        const { id } = resource.key
        const over = Effect.sync(() => replacements.delete(id))
        const replacement = {
          ...flight,
          pass: Effect.onError(flight.pass, () => over),
          run: Effect.ensuring(flight.run, over)
        }
        replacements.set(id, replacement)
        return flights.join(replacement)
      })

    /** However many were refused with one token, one exchange that began afterwards answers them all. */
    const afterRejection = (resource: Resource<Failed>, request: TokenRequest, rejected: AccessToken) =>
      Effect.suspend(() => {
        const { claims } = request
        const held = cache.unsafeGet(resource.key)
        const wonWith = held !== undefined && isSame(held.token, rejected) ? held.claims : undefined
        const demand = joinKey(resource.key.id, claims ?? "")
        refusals.set(resource.key.id, rejected)
        return Effect.zipWith(cache.reject(resource.key, rejected), Clock.currentTimeMillis, (since, now) => {
          if (claims !== undefined && wonWith === claims) vain.set(demand, now + vainPause)
          const entry = cache.unsafeGet(resource.key)
          const isNewer = entry !== undefined && entry.sequence > since && serves(entry, now)
          const satisfies = claims === undefined || entry?.claims === claims
          if (isNewer && satisfies && request.forceRefresh !== true) return entry.hit
          return request.forceRefresh !== true && now < (vain.get(demand) ?? 0)
            ? Effect.fail(exhausted(claims))
            : replaced(resource, request, { since, cachedAt: held?.cachedAt })
        })
      }).pipe(Effect.flatten, Effect.map(counted))

    const get = (resource: Resource<Failed>, request: TokenRequest): Effect.Effect<AccessToken, Failed> =>
      Effect.clockWith((clock) => {
        if (request.rejected !== undefined) return afterRejection(resource, request, request.rejected)
        const now = clock.unsafeCurrentTimeMillis()
        const entry = cache.unsafeGet(resource.key)
        if (entry === undefined || !asksForAny(request)) return Effect.map(unheld(resource, request, now), counted)
        if (now >= entry.quickUntil || now < entry.cachedAt)
          return Effect.map(Effect.zipRight(cache.confirm(resource.key), considered(resource, request, now)), counted)
        servedFrom.cache.unsafeUpdate(1, [])
        return entry.hit
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
