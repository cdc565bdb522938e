import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import {
  AuthorityUnavailable,
  type Failure,
  InteractionRequired,
  InvalidClient,
  InvalidGrant,
  RequestRejected,
  Throttled
} from "../core/TokenError.js"
import { BoundedMap } from "./boundedMap.js"
import { monotonicMillis } from "./monotonic.js"
import { putOff } from "./putOff.js"
import * as Settings from "./settings.js"

/** For how long, and for whom, an answer closes the way to the authority. */
export interface Gate {
  /** After a 429 without Retry-After, when all attempts were made. */
  readonly bareThrottle: Duration.Duration
  /** When so many principals of one client, host and tenant were told 429, all of them are meant, */
  readonly principals: number
  /** if it was within this time. */
  readonly window: Duration.Duration
  /** From the so many-th identical refusal on, */
  readonly repeats: number
  /** each within this time after the one before, */
  readonly repeatWindow: Duration.Duration
  /** the same request is held back: 1 s, 2 s, ... up to this. */
  readonly longestRepeat: Duration.Duration
}

export interface GateOptions {
  readonly bareThrottle?: Duration.DurationInput | undefined
  readonly principals?: number | undefined
  readonly window?: Duration.DurationInput | undefined
  readonly repeats?: number | undefined
  readonly repeatWindow?: Duration.DurationInput | undefined
  readonly longestRepeat?: Duration.DurationInput | undefined
}

/** @internal */
export const parse = (options: GateOptions = {}): Settings.Setting<Gate> =>
  Either.all({
    bareThrottle: Settings.duration("gate.bareThrottle", options.bareThrottle ?? "5 seconds"),
    principals: Settings.count("gate.principals", options.principals ?? 3),
    window: Settings.duration("gate.window", options.window ?? "60 seconds"),
    repeats: Settings.count("gate.repeats", options.repeats ?? 3),
    repeatWindow: Settings.duration("gate.repeatWindow", options.repeatWindow ?? "10 seconds"),
    longestRepeat: Settings.duration("gate.longestRepeat", options.longestRepeat ?? "30 seconds")
  })

/** Who asks for what. */
export interface Asker {
  /** Everything that is sent. */
  readonly request: string
  /** The app, user or assertion whose request it is. */
  readonly principal: string
  /** What the principals of one client, host and tenant share. */
  readonly scope: string
}

/** An answer that is remembered; times are monotonic milliseconds. */
type Memory<E> =
  | {
      readonly _tag: "Closed"
      readonly failure: Throttled | AuthorityUnavailable
      readonly until: number
      /** Whose request it was. */
      readonly request: string
    }
  | { readonly _tag: "Repeated"; readonly failure: E; readonly until: number; readonly count: number }
  | { readonly _tag: "Told"; readonly principals: ReadonlyMap<string, number> }

/** @internal */
export interface Refusals<E> {
  /** Fails as the request would, where that is known without sending it. */
  readonly pass: (asker: Asker) => Effect.Effect<void, E | Throttled>
  readonly attemptFailed: (asker: Asker, failure: E) => Effect.Effect<void>
  /** No further attempt follows. */
  readonly gaveUp: (asker: Asker, failure: E) => Effect.Effect<void>
  readonly succeeded: (asker: Asker) => Effect.Effect<void>
  /** Lets a request be sent again that was refused repeatedly. */
  readonly forgive: (asker: Asker) => Effect.Effect<void>
}

const capacity = 10_000

type Refusal = InvalidClient | InvalidGrant | InteractionRequired | RequestRejected

const isRefusal = (failure: unknown): failure is Refusal =>
  [InvalidClient, InvalidGrant, InteractionRequired, RequestRejected].some((tag) => failure instanceof tag)

/** It may be given at any moment, and only who asks again finds out. */
const lacksConsent = (failure: Refusal): boolean =>
  [failure.error, failure.suberror].includes("consent_required") ||
  (failure instanceof InteractionRequired && failure.classification === "consent_required")

const kindOf = (failure: object): string =>
  ["_tag", "error", "suberror"].map((name) => String(Reflect.get(failure, name))).join(" ")

/** The same error, told from memory. */
const again = <E extends object>(failure: E): E => {
  const copy: E = Object.create(Object.getPrototypeOf(failure), Object.getOwnPropertyDescriptors(failure))
  Object.defineProperty(copy, "source", { value: "local", enumerable: true })
  return copy
}

/**
 * What authorities have refused, in one bounded map. A principal's refusal is its own; it closes the way for others only
 * when the server speaks of itself (503 with Retry-After), or to three of them.
 *
 * @internal
 */
export const make = <E extends Failure>(gate: Gate): Refusals<E> => {
  const memory = new BoundedMap<Memory<E>>(capacity)
  const keys = ({ principal, request, scope }: Asker) => ({
    request: `request ${request}`,
    principal: `principal ${principal}`,
    scope: `scope ${scope}`,
    told: `told ${scope}`
  })

  const close = (key: string, request: string, failure: Throttled | AuthorityUnavailable, until: number) => {
    const known = memory.get(key)
    if (known?._tag !== "Closed" || known.until < until) memory.set(key, { _tag: "Closed", failure, until, request })
  }

  /** Remembers who was told 429, and tells whether it is many by now. */
  const isWidespread = (key: string, principal: string, now: number): boolean => {
    const known = memory.get(key)
    const recent = [...(known?._tag === "Told" ? known.principals : [])].filter(
      ([, at]) => at > now - Duration.toMillis(gate.window)
    )
    const others = recent.filter(([told]) => told !== principal)
    const principals = new Map([...others.slice(-gate.principals), [principal, now]])
    memory.set(key, { _tag: "Told", principals })
    return principals.size >= gate.principals
  }

  const closeFor = (asker: Asker, failure: Throttled | AuthorityUnavailable, wait: Duration.Duration, now: number) => {
    const { principal, scope, told } = keys(asker)
    const until = now + Duration.toMillis(wait)
    if (failure instanceof AuthorityUnavailable && failure.status === 503)
      return close(scope, asker.request, failure, until)
    close(principal, asker.request, failure, until)
    if (failure instanceof Throttled && isWidespread(told, asker.principal, now))
      close(scope, asker.request, failure, until)
  }

  const repeat = (asker: Asker, failure: E, now: number) => {
    const { request } = keys(asker)
    const known = memory.get(request)
    const isRepeat =
      known?._tag === "Repeated" &&
      now < known.until + Duration.toMillis(gate.repeatWindow) &&
      kindOf(known.failure) === kindOf(failure)
    const count = isRepeat ? known.count + 1 : 1
    const pause =
      count < gate.repeats ? 0 : Math.min(1000 * 2 ** (count - gate.repeats), Duration.toMillis(gate.longestRepeat))
    memory.set(request, { _tag: "Repeated", failure, count, until: now + pause })
  }

  const isThrottling = (failure: unknown): failure is Throttled | AuthorityUnavailable =>
    (failure instanceof Throttled || failure instanceof AuthorityUnavailable) && failure.source === "server"

  return {
    pass: (asker) =>
      Effect.flatMap(monotonicMillis, (now): Effect.Effect<void, E | Throttled> => {
        const { principal, request, scope } = keys(asker)
        for (const key of [request, principal, scope]) {
          const known = memory.get(key)
          if (known === undefined || known._tag === "Told" || known.until <= now) continue
          return known._tag === "Closed"
            ? putOff(known.failure, Duration.millis(known.until - now), "local")
            : Effect.fail(again(known.failure))
        }
        return Effect.void
      }),
    attemptFailed: (asker, failure) =>
      Effect.map(monotonicMillis, (now) => {
        if (isThrottling(failure) && failure.retryAfter !== undefined) closeFor(asker, failure, failure.retryAfter, now)
      }),
    gaveUp: (asker, failure) =>
      Effect.map(monotonicMillis, (now) => {
        if (isRefusal(failure) && !lacksConsent(failure)) repeat(asker, failure, now)
        else if (failure instanceof Throttled && isThrottling(failure) && failure.retryAfter === undefined)
          closeFor(asker, failure, gate.bareThrottle, now)
      }),
    succeeded: (asker) =>
      Effect.sync(() => {
        const { principal, request, scope } = keys(asker)
        memory.delete(request)
        memory.delete(principal)
        // What succeeds besides may have been sent before the service asked for patience.
        const closed = memory.get(scope)
        if (closed?._tag === "Closed" && closed.request === asker.request) memory.delete(scope)
      }),
    forgive: (asker) => Effect.sync(() => memory.delete(keys(asker).request))
  }
}
