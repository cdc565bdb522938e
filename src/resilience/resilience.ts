import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import { AuthorityUnavailable, type Failure, type Throttled, TransportError } from "../core/TokenError.js"
import { circuitStates } from "../core/TokenMetrics.js"
import * as CircuitBreaker from "./circuitBreaker.js"
import * as RetryPolicy from "./RetryPolicy.js"
import * as Refusals from "./refusals.js"
import * as RetryBudget from "./retryBudget.js"

/** A request, to which host it goes, and whether it may be sent again after a failure. */
export interface Call extends Refusals.Asker {
  readonly host: string
  /** Who is asked while the host's circuit is open. */
  readonly fallbackHost?: string | undefined
  readonly mayResend: (failure: Failure) => boolean
}

/** What the authority's answers mean, and what is known without asking it. */
export type Failed<E> = E | Throttled | AuthorityUnavailable

/**
 * How a client and its authorities are doing.
 *
 * @since 0.1.0
 * @category models
 */
export interface Health {
  /** The circuit of each host that was asked. */
  readonly circuits: Readonly<Record<string, CircuitBreaker.CircuitState>>
  /** How many retries the client's budget holds. */
  readonly retries: number
}

/** @internal */
export interface Resilience<E> {
  /** Fails as the call would, where that is known without sending it. */
  readonly pass: (asker: Refusals.Asker) => Effect.Effect<void, Failed<E>>
  /** Sends the call, again where that is allowed and helps, and remembers what came of it. */
  readonly run: <A>(call: Call, attempt: Attempt<A, E>) => Effect.Effect<A, Failed<E>>
  readonly forgive: (asker: Refusals.Asker) => Effect.Effect<void>
}

/** One attempt: how long it may take, which of the call's hosts it is sent to, and when the time of all attempts is up. */
export type Attempt<A, E> = (timeout: Duration.Duration, host: string, deadline: number) => Effect.Effect<A, E>

/** What the identities of one client share: policy, budget, gates and circuits. */
export interface Shared {
  /** Their resilience, for the failures that one kind of identity has. */
  readonly forFailures: <E extends Failure>() => Resilience<E>
  readonly health: Effect.Effect<Health>
}

const gateways: ReadonlySet<number | undefined> = new Set([502, 503, 504])

/** What a failed attempt tells about the host; nothing when nothing was sent, or when a stranger answered. */
const resultOf = (failure: Failure): CircuitBreaker.HostOutcome["result"] | undefined => {
  if (failure instanceof AuthorityUnavailable) return gateways.has(failure.status) ? "down" : "answered"
  if (!(failure instanceof TransportError)) return "status" in failure ? "answered" : undefined
  if (failure.reason === "certificate") return undefined
  return failure.phase === "notSent" ? "unconnected" : "down"
}

const numberOf: Readonly<Record<CircuitBreaker.CircuitState, number>> = { closed: 0, "half-open": 1, open: 2 }

const isLocal = (failure: Failure): boolean => failure instanceof AuthorityUnavailable && failure.source === "local"

/**
 * What stands between a client and its authorities: gate, breaker, attempts, budget, in this order.
 *
 * @internal
 */
export const make = (policy: RetryPolicy.RetryPolicy): Effect.Effect<Shared> =>
  Effect.map(RetryBudget.make(policy.budget), (purse) => {
    const gates = Refusals.makeGates()
    const breakers = CircuitBreaker.make(policy.breaker, (host, state) =>
      Metric.tagged(circuitStates, "server.address", host).unsafeUpdate(numberOf[state], [])
    )

    const opensIn = (pause: number): Effect.Effect<never, AuthorityUnavailable> =>
      Effect.flatMap(
        DateTime.now,
        (now) =>
          new AuthorityUnavailable({
            source: "local",
            until: DateTime.addDuration(now, Duration.millis(pause)),
            errorCodes: []
          })
      )

    const admitted = (host: string): Effect.Effect<string, AuthorityUnavailable> =>
      Effect.flatMap(breakers.admit(host), (pause) => (pause === 0 ? Effect.succeed(host) : opensIn(pause)))

    const hostFor = ({ fallbackHost, host }: Call): Effect.Effect<string, AuthorityUnavailable> =>
      fallbackHost === undefined ? admitted(host) : Effect.catchAll(admitted(host), () => admitted(fallbackHost))

    const observe = <E extends Failure>(request: string, host: string, exit: Exit.Exit<unknown, E>) => {
      const result = Exit.match(exit, {
        onFailure: (cause) => (cause._tag === "Fail" ? resultOf(cause.error) : undefined),
        onSuccess: () => "answered" as const
      })
      return result === undefined ? breakers.release(host) : breakers.record(host, { key: request, result })
    }

    const forFailures = <E extends Failure>(): Resilience<E> => {
      const refusals = Refusals.make<Failed<E>>(policy.gate, gates)
      const attemptOf =
        <A>(call: Call, attempt: Attempt<A, E>) =>
        (timeout: Duration.Duration, deadline: number): Effect.Effect<A, Failed<E>> =>
          Effect.flatMap(hostFor(call), (host) =>
            attempt(timeout, host, deadline).pipe(
              Effect.onExit((exit) => observe(call.request, host, exit)),
              Effect.tapError((failure) => refusals.attemptFailed(call, failure))
            )
          )
      return {
        pass: refusals.pass,
        forgive: refusals.forgive,
        run: (call, attempt) =>
          Effect.zipRight(
            purse.earn,
            RetryPolicy.retry(policy, {
              attempt: attemptOf(call, attempt),
              mayResend: (failure: Failed<E>) => !isLocal(failure) && call.mayResend(failure),
              spend: purse.spend
            })
          ).pipe(
            Effect.tapBoth({
              onFailure: (failure) => refusals.gaveUp(call, failure),
              onSuccess: () => refusals.succeeded(call)
            })
          )
      }
    }

    return { forFailures, health: Effect.all({ circuits: breakers.states, retries: purse.left }) }
  })
