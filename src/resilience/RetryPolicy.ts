/**
 * How often and how long a failed request is sent again, and when it is not sent at all: every Schedule of the library,
 * and the numbers that its gate and its circuit breaker go by.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import { AuthorityUnavailable, type ConfigurationError, type Failure, type Throttled } from "../core/TokenError.js"
import * as CircuitBreaker from "./circuitBreaker.js"
import { monotonicMillis } from "./monotonic.js"
import { putOff } from "./putOff.js"
import * as Refusals from "./refusals.js"
import * as RetryBudget from "./retryBudget.js"
import * as Settings from "./settings.js"

/**
 * Numbers from which the schedule follows. They are read once, when a client is made.
 *
 * @since 0.1.0
 * @category models
 */
export interface RetryPolicy {
  /** How often a request is sent at most, the first time included. */
  readonly attempts: number
  /** A wait longer than this is the caller's affair: the call fails at once, with the time to come back. */
  readonly longestWait: Duration.Duration
  /** How long one attempt may take, from connecting to the last byte. */
  readonly attemptTimeout: Duration.Duration
  /** How long all attempts and waits together may take. */
  readonly deadline: Duration.Duration
  /** The backoff is drawn between 0 and this, doubled with each attempt, */
  readonly backoff: Duration.Duration
  /** but never more than this. */
  readonly longestBackoff: Duration.Duration
  /** How many retries all requests of a client have together. */
  readonly budget: RetryBudget.RetryBudget
  /** For how long an answer stands for the next ones. */
  readonly gate: Refusals.Gate
  /** When a host counts as down. */
  readonly breaker: CircuitBreaker.CircuitBreaker
  /** What a service's documents ask to wait at least after such a failure, whatever its answer says. */
  readonly documentedWait?: ((failure: Failure) => Duration.Duration | undefined) | undefined
}

/**
 * What differs from the default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** 4 */
  readonly attempts?: number | undefined
  /** 30 seconds */
  readonly longestWait?: Duration.DurationInput | undefined
  /** 10 seconds */
  readonly attemptTimeout?: Duration.DurationInput | undefined
  /** 60 seconds */
  readonly deadline?: Duration.DurationInput | undefined
  /** 0.5 seconds */
  readonly backoff?: Duration.DurationInput | undefined
  /** 8 seconds */
  readonly longestBackoff?: Duration.DurationInput | undefined
  /** 10 tokens; one back for each 10 first attempts, and one every 30 seconds. */
  readonly budget?: RetryBudget.RetryBudgetOptions | undefined
  /** 5 seconds after a bare 429; 3 principals within 60 seconds; from the 3rd refusal within 10 seconds on, up to 30 seconds. */
  readonly gate?: Refusals.GateOptions | undefined
  /** Half of at least 10 outcomes within 30 seconds, of 3 keys; then 30 seconds of nothing. */
  readonly breaker?: CircuitBreaker.CircuitBreakerOptions | undefined
}

/**
 * Makes a policy; what is left out has its default. Zero, negative, infinite and NaN are refused by name.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Either.Either<RetryPolicy, ConfigurationError> =>
  Either.all({
    attempts: Settings.count("attempts", options.attempts ?? 4),
    longestWait: Settings.duration("longestWait", options.longestWait ?? "30 seconds"),
    attemptTimeout: Settings.duration("attemptTimeout", options.attemptTimeout ?? "10 seconds"),
    deadline: Settings.duration("deadline", options.deadline ?? "60 seconds"),
    backoff: Settings.duration("backoff", options.backoff ?? "500 millis"),
    longestBackoff: Settings.duration("longestBackoff", options.longestBackoff ?? "8 seconds"),
    budget: RetryBudget.parse(options.budget),
    gate: Refusals.parse(options.gate),
    breaker: CircuitBreaker.parse(options.breaker)
  })

/**
 * One exchange with its attempts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Exchange<A, E, R> {
  /** Sends the request, within this time; all attempts end at the deadline (monotonic milliseconds). */
  readonly attempt: (timeout: Duration.Duration, deadline: number) => Effect.Effect<A, E, R>
  /** Whether the request may be sent again after it failed so, even if that could help. */
  readonly mayResend: (failure: E) => boolean
  /** Takes a retry from the client's budget; `false` when none is left. */
  readonly spend: Effect.Effect<boolean>
}

const longestJitter = 1.1

/** The longer of what the answer and the documents ask. */
const askedBy = ({ documentedWait }: RetryPolicy, failure: Failure): Duration.Duration | undefined => {
  const documented = documentedWait?.(failure)
  const { retryAfter } = failure
  return documented === undefined || retryAfter === undefined
    ? (retryAfter ?? documented)
    : Duration.max(documented, retryAfter)
}

/** Lengthened by up to a tenth, so that those who were told the same time don't return together; never shortened. */
const askedWait =
  (policy: RetryPolicy) =>
  (failure: Failure): Effect.Effect<Duration.Duration> => {
    const asked = askedBy(policy, failure)
    return asked === undefined
      ? Effect.succeed(Duration.zero)
      : Effect.map(Random.next, (random) => Duration.times(asked, 1 + random * (longestJitter - 1)))
  }

const backoff = (policy: RetryPolicy): Schedule.Schedule<unknown> =>
  Schedule.exponential(policy.backoff).pipe(
    Schedule.union(Schedule.spaced(policy.longestBackoff)),
    Schedule.jitteredWith({ min: 0, max: 1 })
  )

/** The larger of the two waits, told as the schedule's output. */
const waits = (policy: RetryPolicy): Schedule.Schedule<Duration.Duration, Failure> =>
  Schedule.identity<Failure>().pipe(
    Schedule.addDelayEffect(askedWait(policy)),
    Schedule.intersect(backoff(policy)),
    Schedule.modifyDelay((_, wait) => Duration.millis(Math.ceil(Duration.toMillis(wait)))),
    Schedule.delays
  )

/** What is left of the deadline must suffice for an attempt (milliseconds), or its failure would hide the last real one. */
const shortestAttempt = 100

/**
 * Whether it may be waited now, for as long as the server asks, however jitter lengthens that: no longer than the policy
 * allows, and with time left for an attempt.
 */
const allows = (
  policy: RetryPolicy,
  failure: Failure,
  deadline: number,
  wait: Duration.Duration = Duration.zero
): Effect.Effect<boolean> =>
  Effect.map(monotonicMillis, (now) => {
    const asked = askedBy(policy, failure) ?? Duration.zero
    const longest = Duration.max(wait, Duration.times(asked, longestJitter))
    return (
      Duration.lessThanOrEqualTo(asked, policy.longestWait) &&
      now + Duration.toMillis(longest) + shortestAttempt < deadline
    )
  })

/**
 * The schedule of one exchange whose time is up at `deadline` (monotonic milliseconds). A wait that the server asked for
 * costs nothing of the budget.
 *
 * @since 0.1.0
 * @category schedules
 */
export const schedule = <E extends Failure>(
  policy: RetryPolicy,
  exchange: Pick<Exchange<unknown, E, never>, "mayResend" | "spend">,
  deadline: number
): Schedule.Schedule<unknown, E> => {
  const isPaid = (failure: E) => (askedBy(policy, failure) === undefined ? exchange.spend : Effect.succeed(true))
  return waits(policy).pipe(
    Schedule.mapInput((failure: E) => failure),
    Schedule.intersect(Schedule.recurs(policy.attempts - 1)),
    Schedule.checkEffect((failure, [wait]) =>
      failure.isRetryable && exchange.mayResend(failure)
        ? Effect.if(allows(policy, failure, deadline, wait), {
            onTrue: () => isPaid(failure),
            onFalse: () => Effect.succeed(false)
          })
        : Effect.succeed(false)
    ),
    Schedule.onDecision(([wait], decision) =>
      ScheduleDecision.isContinue(decision)
        ? Effect.annotateLogs(Effect.logDebug("waiting"), "entra.wait_ms", Duration.toMillis(wait))
        : Effect.void
    )
  )
}

/** A wait that the server asked for and the policy does not allow is the caller's, who is told when to come back. */
const orComeBack = <E extends Failure>(
  policy: RetryPolicy,
  { mayResend }: Pick<Exchange<unknown, E, never>, "mayResend">,
  deadline: number
) => {
  return (failure: E): Effect.Effect<never, E | Throttled> => {
    const wait = failure.retryAfter
    if (!(failure instanceof AuthorityUnavailable && failure.isRetryable && mayResend(failure)) || wait === undefined)
      return Effect.fail(failure)
    return Effect.if(allows(policy, failure, deadline), {
      onTrue: () => Effect.fail(failure),
      onFalse: () => putOff(failure, wait, "server")
    })
  }
}

/**
 * Runs attempts by the policy. Each is told how long it may take: its own timeout, or what is left of the deadline.
 *
 * @since 0.1.0
 * @category combinators
 */
export const retry = <A, E extends Failure, R>(
  policy: RetryPolicy,
  exchange: Exchange<A, E, R>
): Effect.Effect<A, E | Throttled, R> =>
  Effect.flatMap(monotonicMillis, (start) => {
    const deadline = start + Duration.toMillis(policy.deadline)
    const timed = Effect.flatMap(monotonicMillis, (now) =>
      exchange.attempt(Duration.min(policy.attemptTimeout, Duration.millis(deadline - now)), deadline)
    )
    return Effect.catchAll(
      Effect.retry(timed, schedule(policy, exchange, deadline)),
      orComeBack(policy, exchange, deadline)
    )
  })

/**
 * Reads what anybody may read as often as they like, by the policy: it spends nobody's budget.
 *
 * @internal
 */
export const read = <A, E extends Failure, R>(
  policy: RetryPolicy,
  attempt: Exchange<A, E, R>["attempt"]
): Effect.Effect<A, E | Throttled, R> => retry(policy, { attempt, mayResend: () => true, spend: Effect.succeed(true) })
