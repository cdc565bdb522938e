/**
 * How often and how long a failed request is sent again: every Schedule of the library.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as ScheduleDecision from "effect/ScheduleDecision"
import { AuthorityUnavailable, ConfigurationError, type Failure, Throttled } from "../core/TokenError.js"

/**
 * Numbers from which the schedule follows. It is read once, when a client is made.
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
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly attempts?: number | undefined
  readonly longestWait?: Duration.DurationInput | undefined
  readonly attemptTimeout?: Duration.DurationInput | undefined
  readonly deadline?: Duration.DurationInput | undefined
  readonly backoff?: Duration.DurationInput | undefined
  readonly longestBackoff?: Duration.DurationInput | undefined
}

const isPositive = (value: number): boolean => Number.isFinite(value) && value > 0

const refuse = (parameter: string, expected: string) =>
  Either.left(new ConfigurationError({ parameter, expected, remedy: "Leave it out for the default." }))

const positiveDuration = (
  parameter: string,
  input: Duration.DurationInput
): Either.Either<Duration.Duration, ConfigurationError> => {
  const duration = Duration.decodeUnknown(input)
  return duration._tag === "Some" && isPositive(Duration.toMillis(duration.value))
    ? Either.right(duration.value)
    : refuse(parameter, "a finite duration above zero")
}

/**
 * Makes a policy; what is left out has its default: 4 attempts of at most 10 s within 60 s, waits of at most 30 s, backoff
 * with full jitter from 0.5 s doubling to 8 s.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Either.Either<RetryPolicy, ConfigurationError> => {
  const attempts = options.attempts ?? 4
  if (!Number.isInteger(attempts) || attempts < 1) return refuse("attempts", "a whole number of at least 1")
  return Either.all({
    attempts: Either.right(attempts),
    longestWait: positiveDuration("longestWait", options.longestWait ?? "30 seconds"),
    attemptTimeout: positiveDuration("attemptTimeout", options.attemptTimeout ?? "10 seconds"),
    deadline: positiveDuration("deadline", options.deadline ?? "60 seconds"),
    backoff: positiveDuration("backoff", options.backoff ?? "500 millis"),
    longestBackoff: positiveDuration("longestBackoff", options.longestBackoff ?? "8 seconds")
  })
}

/** Lengthened by up to a tenth, so that those who were told the same time don't return together; never shortened. */
const askedWait = (failure: Failure): Effect.Effect<Duration.Duration> => {
  const asked = failure.retryAfter
  return asked === undefined
    ? Effect.succeed(Duration.zero)
    : Effect.map(Random.next, (random) => Duration.times(asked, 1 + random / 10))
}

const backoff = (policy: RetryPolicy): Schedule.Schedule<unknown> =>
  Schedule.exponential(policy.backoff).pipe(
    Schedule.union(Schedule.spaced(policy.longestBackoff)),
    Schedule.jitteredWith({ min: 0, max: 1 })
  )

/** The larger of the two waits, told as the schedule's output. */
const waits = (policy: RetryPolicy): Schedule.Schedule<Duration.Duration, Failure> =>
  Schedule.identity<Failure>().pipe(
    Schedule.addDelayEffect(askedWait),
    Schedule.intersect(backoff(policy)),
    Schedule.delays
  )

const isTooLong = (policy: RetryPolicy, failure: Failure): boolean =>
  failure.retryAfter !== undefined && Duration.greaterThan(failure.retryAfter, policy.longestWait)

/**
 * The schedule of one exchange whose time is up at `deadline` (epoch milliseconds): a wait that would end later, or that is
 * longer than the policy's longest, is not begun.
 *
 * @since 0.1.0
 * @category schedules
 */
export const schedule = (policy: RetryPolicy, deadline: number): Schedule.Schedule<unknown, Failure> =>
  waits(policy).pipe(
    Schedule.checkEffect((failure, wait) =>
      Effect.map(
        Clock.currentTimeMillis,
        (now) => failure.isRetryable && !isTooLong(policy, failure) && now + Duration.toMillis(wait) < deadline
      )
    ),
    Schedule.intersect(Schedule.recurs(policy.attempts - 1)),
    Schedule.onDecision(([wait], decision) =>
      ScheduleDecision.isContinue(decision)
        ? Effect.annotateLogs(Effect.logDebug("waiting"), "entra.wait_ms", Math.ceil(Duration.toMillis(wait)))
        : Effect.void
    )
  )

/** A wait that the server asked for and the policy does not allow is the caller's, who is told when to come back. */
const orComeBack =
  (policy: RetryPolicy) =>
  <E extends Failure>(failure: E): Effect.Effect<never, E | Throttled> => {
    if (!(failure instanceof AuthorityUnavailable) || failure.retryAfter === undefined || !isTooLong(policy, failure))
      return Effect.fail(failure)
    const { correlationId, description, error, errorCodes, retryAfter, status, timestamp, traceId } = failure
    const details = { correlationId, description, error, errorCodes, retryAfter, status, timestamp, traceId }
    return Effect.flatMap(
      DateTime.now,
      (now) => new Throttled({ source: "server", until: DateTime.addDuration(now, retryAfter), ...details })
    )
  }

/**
 * Runs attempts by the policy. Each is told how long it may take: its own timeout, or what is left of the deadline.
 *
 * @since 0.1.0
 * @category combinators
 */
export const retry = <A, E extends Failure, R>(
  policy: RetryPolicy,
  attempt: (timeout: Duration.Duration) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | Throttled, R> =>
  Effect.flatMap(Clock.currentTimeMillis, (start) => {
    const deadline = start + Duration.toMillis(policy.deadline)
    const timed = Effect.flatMap(Clock.currentTimeMillis, (now) =>
      attempt(Duration.min(policy.attemptTimeout, Duration.millis(deadline - now)))
    )
    return Effect.catchAll(Effect.retry(timed, schedule(policy, deadline)), orComeBack(policy))
  })
