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

/** A way that an answer has closed; times are monotonic milliseconds. */
interface Closed {
  readonly failure: Throttled | AuthorityUnavailable
  readonly until: number
  /** Whose request it was. */
  readonly request: string
}

/** A refusal that came again and again. */
interface Repeated<E> {
  readonly failure: E
  readonly until: number
  readonly count: number
}

/** What the identities of one client have to know of each other. */
export interface Gates {
  readonly closed: BoundedMap<Closed>
  /** Who was told 429, and when. */
  readonly told: BoundedMap<ReadonlyMap<string, number>>
}

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

/** @internal */
export const makeGates = (): Gates => ({ closed: new BoundedMap(capacity), told: new BoundedMap(capacity) })

type Refusal = InvalidClient | InvalidGrant | InteractionRequired | RequestRejected

const isRefusal = (failure: unknown): failure is Refusal =>
  [InvalidClient, InvalidGrant, InteractionRequired, RequestRejected].some((tag) => failure instanceof tag)

/** Only what the server said: what is known without it costs nothing to find out again. */
const isRepeatable = (failure: unknown): failure is Refusal =>
  isRefusal(failure) && failure.source === "server" && !lacksConsent(failure)

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
 * What authorities have refused, in bounded maps. A principal's refusal is its own; it closes the way for others only
 * when the server speaks of itself (503 with Retry-After), or to three of them.
 *
 * @internal
 */
export const make = <E extends Failure>(gate: Gate, { closed, told }: Gates = makeGates()): Refusals<E> => {
  const repeated = new BoundedMap<Repeated<E>>(capacity)
  const keys = ({ principal, scope }: Asker) => ({ principal: `principal ${principal}`, scope: `scope ${scope}` })

  const close = (key: string, request: string, failure: Throttled | AuthorityUnavailable, until: number) => {
    const known = closed.get(key)
    if (known === undefined || known.until < until) closed.set(key, { failure, until, request })
  }

  /** Remembers who was told 429, and tells whether it is many by now. */
  const isWidespread = ({ principal, scope }: Asker, now: number): boolean => {
    const recent = [...(told.get(scope) ?? [])].filter(([, at]) => at > now - Duration.toMillis(gate.window))
    const others = recent.filter(([other]) => other !== principal)
    const principals = new Map([...others.slice(-gate.principals), [principal, now]])
    told.set(scope, principals)
    return principals.size >= gate.principals
  }

  const closeFor = (asker: Asker, failure: Throttled | AuthorityUnavailable, wait: Duration.Duration, now: number) => {
    const { principal, scope } = keys(asker)
    const until = now + Duration.toMillis(wait)
    if (failure instanceof AuthorityUnavailable && failure.status === 503)
      return close(scope, asker.request, failure, until)
    close(principal, asker.request, failure, until)
    if (failure instanceof Throttled && isWidespread(asker, now)) close(scope, asker.request, failure, until)
  }

  const repeat = ({ request }: Asker, failure: E, now: number) => {
    const known = repeated.get(request)
    const isRepeat =
      known !== undefined &&
      now < known.until + Duration.toMillis(gate.repeatWindow) &&
      kindOf(known.failure) === kindOf(failure)
    const count = isRepeat ? known.count + 1 : 1
    const pause =
      count < gate.repeats ? 0 : Math.min(1000 * 2 ** (count - gate.repeats), Duration.toMillis(gate.longestRepeat))
    repeated.set(request, { failure, count, until: now + pause })
  }

  const isThrottling = (failure: unknown): failure is Throttled | AuthorityUnavailable =>
    (failure instanceof Throttled || failure instanceof AuthorityUnavailable) && failure.source === "server"

  return {
    pass: (asker) =>
      Effect.flatMap(monotonicMillis, (now): Effect.Effect<void, E | Throttled> => {
        const refused = repeated.get(asker.request)
        if (refused !== undefined && now < refused.until) return Effect.fail(again(refused.failure))
        const { principal, scope } = keys(asker)
        for (const key of [principal, scope]) {
          const known = closed.get(key)
          if (known !== undefined && now < known.until)
            return putOff(known.failure, Duration.millis(known.until - now), "local")
        }
        return Effect.void
      }),
    attemptFailed: (asker, failure) =>
      Effect.map(monotonicMillis, (now) => {
        if (isThrottling(failure) && failure.retryAfter !== undefined) closeFor(asker, failure, failure.retryAfter, now)
      }),
    gaveUp: (asker, failure) =>
      Effect.map(monotonicMillis, (now) => {
        if (isRepeatable(failure)) repeat(asker, failure, now)
        else if (failure instanceof Throttled && isThrottling(failure) && failure.retryAfter === undefined)
          closeFor(asker, failure, gate.bareThrottle, now)
      }),
    succeeded: (asker) =>
      Effect.sync(() => {
        const { principal, scope } = keys(asker)
        repeated.delete(asker.request)
        closed.delete(principal)
        // What succeeds besides may have been sent before the service asked for patience.
        if (closed.get(scope)?.request === asker.request) closed.delete(scope)
      }),
    forgive: ({ request }) => Effect.sync(() => repeated.delete(request))
  }
}
