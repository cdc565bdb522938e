import { Array as Arr, Clock, Duration, Effect, Fiber, Logger, LogLevel, Random, TestClock } from "effect"
import type * as TokenError from "../../src/core/TokenError.js"
import * as RetryPolicy from "../../src/resilience/RetryPolicy.js"

/** Fails as told, the last failure for ever; tells when each attempt began and how long it might have taken. */
export const run = (
  failures: ReadonlyArray<TokenError.TokenError>,
  options: RetryPolicy.Options & {
    readonly takes?: Duration.DurationInput
    readonly seed?: string
    readonly mayResend?: (failure: TokenError.TokenError) => boolean
    /** How many retries there are. */
    readonly purse?: number
  } = {}
) =>
  Effect.gen(function* () {
    const policy = yield* RetryPolicy.make(options)
    const starts: Array<number> = []
    const timeouts: Array<number> = []
    const attempt = (timeout: Duration.Duration) =>
      Effect.gen(function* () {
        starts.push(yield* Clock.currentTimeMillis)
        timeouts.push(Duration.toMillis(timeout))
        yield* Effect.sleep(Duration.min(timeout, options.takes ?? 0))
        const failure = failures[starts.length - 1]
        return failure === undefined ? "token" : yield* Effect.fail(failure)
      })
    let spent = 0
    const lines: Array<unknown> = []
    const logger = Logger.make(({ message }) => lines.push(...Arr.ensure(message)))
    const exchange = {
      attempt,
      mayResend: options.mayResend ?? (() => true),
      spend: Effect.sync(() => ++spent <= (options.purse ?? Number.POSITIVE_INFINITY))
    }
    const fiber = yield* RetryPolicy.retry(policy, exchange).pipe(
      Effect.either,
      Effect.zip(Clock.currentTimeMillis),
      Effect.withRandom(Random.make(options.seed ?? "seed")),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
      Logger.withMinimumLogLevel(LogLevel.All),
      Effect.fork
    )
    yield* TestClock.adjust("1 day")
    const [result, end] = yield* Fiber.join(fiber)
    return { starts, timeouts, result, end, spent, lines }
  })
