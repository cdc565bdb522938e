import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Either, FastCheck, Fiber, Random, TestClock } from "effect"
import { AuthorityUnavailable, type Failure, type TokenError } from "../../src/core/TokenError.js"
import * as RetryPolicy from "../../src/resilience/RetryPolicy.js"
import { invalidClient, throttled, transport, unavailable } from "./failures.js"

interface Run extends RetryPolicy.Options {
  readonly documentedWait?: RetryPolicy.RetryPolicy["documentedWait"]
  readonly seed?: string
  /** How many retries there are. */
  readonly purse?: number
  readonly mayResend?: boolean
}

/** Fails as told, and succeeds then; tells when each attempt began, and what was spent. */
const run = (failures: ReadonlyArray<TokenError>, { documentedWait, mayResend = true, purse, seed, ...options }: Run) =>
  Effect.gen(function* () {
    const policy = { ...(yield* RetryPolicy.make(options)), documentedWait }
    const begin = yield* Clock.currentTimeMillis
    const starts: Array<number> = []
    let spent = 0
    const fiber = yield* RetryPolicy.retry(policy, {
      attempt: () =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const failure = failures[starts.length]
          starts.push(now - begin)
          return failure === undefined ? Effect.succeed("token") : Effect.fail(failure)
        }),
      mayResend: () => mayResend,
      spend: Effect.sync(() => ++spent <= (purse ?? Number.POSITIVE_INFINITY))
    }).pipe(
      Effect.either,
      Effect.zip(Clock.currentTimeMillis),
      Effect.withRandom(Random.make(seed ?? "seed")),
      Effect.fork
    )
    yield* TestClock.adjust("1 day")
    const [result, end] = yield* Fiber.join(fiber)
    return { starts, spent, result, end: end - begin }
  })

const waitsOf = (starts: ReadonlyArray<number>) => starts.slice(1).map((start, index) => start - (starts[index] ?? 0))

/** As IMDS documents it: an update of the service ends within 70 seconds. */
const documents = (failure: Failure): Duration.Duration | undefined =>
  failure instanceof AuthorityUnavailable && failure.status === 410 ? Duration.seconds(10) : undefined

/** So short that only the documented wait counts. */
const brief = { backoff: "1 millis", longestBackoff: "1 millis" } as const

const token = Either.right("token")
const seeds = Array.from({ length: 25 }, (_, index) => `seed ${index}`)

describe("a wait that a service's documents ask for", () => {
  const millis = FastCheck.integer({ min: 1, max: 30_000 })

  it.effect.prop(
    "is never shortened, and lengthened by a tenth at most",
    [millis, FastCheck.string()],
    ([asked, seed]) =>
      Effect.gen(function* () {
        const documentedWait = () => Duration.millis(asked)
        const { result, starts } = yield* run([unavailable(410)], { ...brief, documentedWait, seed })
        assert.deepStrictEqual(result, token)
        const [wait = 0] = waitsOf(starts)
        assert.isAtLeast(wait, asked)
        assert.isAtMost(wait, Math.ceil(asked * 1.1))
      })
  )

  it.effect("spreads those to whom the same is documented", () =>
    Effect.gen(function* () {
      const runs = yield* Effect.forEach(seeds, (seed) =>
        run([unavailable(410)], { ...brief, documentedWait: documents, seed })
      )
      const waits = runs.flatMap(({ starts }) => waitsOf(starts))
      assert.lengthOf(waits, seeds.length)
      assert.isAbove(Math.max(...waits) - Math.min(...waits), 500)
    })
  )

  it.effect("is waited for before each attempt", () =>
    Effect.gen(function* () {
      const failures = Array.from({ length: 7 }, () => unavailable(410))
      const { result, starts } = yield* run(failures, {
        ...brief,
        documentedWait: documents,
        attempts: 8,
        deadline: "100 seconds"
      })
      assert.deepStrictEqual(result, token)
      const waits = waitsOf(starts)
      assert.lengthOf(waits, 7)
      assert.isTrue(waits.every((wait) => wait >= 10_000 && wait <= 11_000))
      assert.isAtLeast(starts.at(-1) ?? 0, 70_000)
    })
  )

  it.effect("does not shorten a backoff that is longer", () =>
    Effect.gen(function* () {
      const drawn = (documentedWait?: Run["documentedWait"]) =>
        Effect.forEach(seeds, (seed) =>
          Effect.map(
            run([unavailable(500)], { backoff: "8 seconds", documentedWait, seed }),
            ({ starts }) => starts[1] ?? 0
          )
        )
      const waits = yield* drawn(() => Duration.millis(10))
      assert.isAbove(Math.max(...waits), 4000)
      assert.isTrue(waits.every((wait) => wait >= 10 && wait <= 8000))
    })
  )

  it.effect("is asked for by some failures alone: others go by the backoff", () =>
    Effect.gen(function* () {
      const { result, spent, starts } = yield* run([unavailable(500), unavailable(410), transport("reset")], {
        ...brief,
        documentedWait: documents
      })
      assert.deepStrictEqual(result, token)
      const [first = 0, second = 0, third = 0] = waitsOf(starts)
      assert.isAtMost(first, 1)
      assert.isAtLeast(second, 10_000)
      assert.isAtMost(third, 1)
      assert.strictEqual(spent, 2)
    })
  )

  it.effect("is not waited for where nothing helps, or nothing may be sent again", () =>
    Effect.gen(function* () {
      const documentedWait = () => Duration.seconds(1)
      const hopeless = yield* run([invalidClient], { documentedWait })
      assert.deepStrictEqual([hopeless.starts, hopeless.end], [[0], 0])
      const once = yield* run([unavailable(410)], { documentedWait, mayResend: false })
      assert.deepStrictEqual([once.starts, once.end], [[0], 0])
      const last = yield* run([unavailable(410)], { documentedWait, attempts: 1 })
      assert.deepStrictEqual([last.starts, last.end], [[0], 0])
    })
  )
})

describe("the budget", () => {
  it.effect("pays for no wait that is documented", () =>
    Effect.gen(function* () {
      const failures = [unavailable(410), unavailable(410), unavailable(410)]
      const { result, spent, starts } = yield* run(failures, { documentedWait: documents, purse: 0 })
      assert.deepStrictEqual([result, spent, starts.length], [token, 0, 4])
    })
  )

  it.effect("pays for what is not, beside it", () =>
    Effect.gen(function* () {
      const failure = unavailable(500)
      const { result, spent, starts } = yield* run([unavailable(410), failure], { documentedWait: documents, purse: 0 })
      assert.deepStrictEqual([result, spent, starts.length], [Either.left(failure), 1, 2])
    })
  )

  it.effect("pays for a failure of which the documents don't tell, and for all of them without any", () =>
    Effect.gen(function* () {
      for (const documentedWait of [undefined, () => undefined]) {
        const { spent, starts } = yield* run([unavailable(410)], { documentedWait, purse: 0 })
        assert.deepStrictEqual([spent, starts.length], [1, 1])
      }
    })
  )
})

describe("Retry-After of the answer itself", () => {
  it.effect.each([
    ["shorter", "2 seconds", 10_000],
    ["longer", "20 seconds", 20_000],
    ["nothing at all", 0, 10_000]
  ] as const)("is obeyed where it is longer than what the documents ask: %s", ([_, asked, expected]) =>
    Effect.gen(function* () {
      for (const failure of [unavailable(410, asked), throttled(asked)]) {
        const { result, spent, starts } = yield* run([failure], {
          ...brief,
          documentedWait: () => Duration.seconds(10),
          purse: 0
        })
        assert.deepStrictEqual([result, spent], [token, 0])
        const [wait = -1] = waitsOf(starts)
        assert.isAtLeast(wait, expected)
        assert.isAtMost(wait, expected * 1.1 + 1)
      }
    })
  )

  it.effect("that is too long is still the caller's, who is told the time of the answer", () =>
    Effect.gen(function* () {
      const { end, result } = yield* run([unavailable(410, "31 seconds")], { documentedWait: documents })
      const error = Either.getOrThrow(Either.flip(result))
      assert(error._tag === "Throttled")
      assert.deepStrictEqual([error.retryAfter, end], [Duration.seconds(31), 0])
    })
  )
})

describe("a documented wait that the policy does not allow", () => {
  it.effect.each([
    ["longer than the longest wait", { longestWait: "9999 millis" }],
    ["beyond the deadline", { deadline: "10 seconds" }],
    ["beyond the deadline as jitter may lengthen it", { deadline: "11 seconds" }],
    ["with no time left for an attempt", { deadline: "11100 millis" }]
  ] as const)("is not begun, and the failure is the service's own: %s", ([_, options]) =>
    Effect.gen(function* () {
      const failure = unavailable(410)
      for (const seed of seeds.slice(0, 5)) {
        const { end, result, spent, starts } = yield* run([failure], { ...options, documentedWait: documents, seed })
        assert.deepStrictEqual([result, starts, end, spent], [Either.left(failure), [0], 0, 0])
      }
    })
  )

  it.effect.each([
    ["as long as the longest wait", { longestWait: "10 seconds" }],
    ["with just the time for an attempt", { deadline: "11102 millis" }]
  ] as const)("is another than one that is allowed: %s", ([_, options]) =>
    Effect.gen(function* () {
      for (const seed of seeds.slice(0, 5)) {
        const { result } = yield* run([unavailable(410)], { ...brief, ...options, documentedWait: documents, seed })
        assert.deepStrictEqual(result, token)
      }
    })
  )

  it.effect("ends a later attempt, when what is left of the deadline is too short", () =>
    Effect.gen(function* () {
      const failures = Array.from({ length: 10 }, () => unavailable(410))
      const { end, result, starts } = yield* run(failures, {
        ...brief,
        documentedWait: documents,
        attempts: 10,
        deadline: "35 seconds"
      })
      assert.isTrue(Either.isLeft(result))
      assert.strictEqual(end, starts.at(-1))
      assert.isAtMost(end, 35_000)
      assert.lengthOf(starts, 4)
    })
  )
})
