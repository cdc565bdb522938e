import { monitorEventLoopDelay, type PerformanceEntry, PerformanceObserver, performance } from "node:perf_hooks"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Effect } from "effect"

/** One line of the report: a figure beside the goal and the peers of the same run. */
export interface Row {
  readonly benchmark: string
  readonly what: string
  readonly value: number
  readonly unit: "µs" | "ms" | "bytes" | "per second" | "requests" | "commands" | "signatures" | "ratio"
  /** A bound that does not depend on the machine: the run fails where it is not met. */
  readonly mustBe?: number
}

export interface Benchmark {
  readonly name: string
  readonly run: (options: {
    readonly rounds: number
    /** Whether it is to end soon: sizes are smaller, and the rows tell them. */
    readonly isShort: boolean
  }) => Effect.Effect<ReadonlyArray<Row>>
}

const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Something that is done `times` times; its cost is told per time. */
export interface Candidate {
  readonly what: string
  readonly times: number
  readonly run: (times: number) => Effect.Effect<unknown>
}

const microsOf = (candidate: Candidate) =>
  Effect.gen(function* () {
    const start = process.hrtime.bigint()
    yield* candidate.run(candidate.times)
    return Number(process.hrtime.bigint() - start) / 1000 / candidate.times
  })

/** Runs the candidates in turn, round by round, so that a machine's moods fall on all of them; tells medians. */
export const compare = (
  candidates: ReadonlyArray<Candidate>,
  rounds: number
): Effect.Effect<ReadonlyArray<readonly [string, number]>> =>
  Effect.gen(function* () {
    const micros = new Map<string, Array<number>>()
    for (let round = 0; round <= rounds; round++)
      for (const candidate of candidates) {
        const value = yield* microsOf(candidate)
        // The first round only warms up.
        if (round > 0) micros.set(candidate.what, [...(micros.get(candidate.what) ?? []), value])
      }
    return candidates.map(({ what }) => [what, median(micros.get(what) ?? [])] as const)
  })

/** The same step again and again in one fiber: what the loop costs is to be measured too, and taken off. */
export const inFiber = (what: string, next: () => Effect.Effect<unknown, unknown>, times = 20_000): Candidate => ({
  what,
  times,
  run: (count) => {
    let left = count
    return Effect.whileLoop({
      while: () => left > 0,
      body: next,
      step: () => {
        left -= 1
      }
    }).pipe(Effect.orDie)
  }
})

/** Collects all garbage, whatever flags the process was started with. */
export const collectGarbage = (): void => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
}

/** Bytes of what is in use. */
export const usedHeap = (): number => {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

/** From when to when, in milliseconds since the process began. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** What held the event loop up, in milliseconds. */
export interface Delays {
  readonly longest: number
  readonly p99: number
  /** The garbage collector's pauses. */
  readonly pauses: ReadonlyArray<Span>
}

const pauseOf = ({ duration, startTime }: PerformanceEntry): Span => ({ from: startTime, to: startTime + duration })

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Watches the event loop while something runs. An idle loop shows about 1 ms, for so often it is looked at. */
export const watchingLoop = async <A>(use: () => Promise<A>): Promise<readonly [A, Delays]> => {
  const pauses: Array<Span> = []
  const observer = new PerformanceObserver((list) => pauses.push(...list.getEntries().map(pauseOf)))
  observer.observe({ entryTypes: ["gc"] })
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  const result = await use()
  delays.disable()
  await nextTurn()
  pauses.push(...observer.takeRecords().map(pauseOf))
  observer.disconnect()
  return [result, { longest: delays.max / 1e6, p99: delays.percentile(99) / 1e6, pauses }]
}

/** What was run at once. */
export interface TimedSpan extends Span {
  /** Processor time of all threads (ms): other programs of the machine add nothing to it. */
  readonly cpu: number
}

/** Runs something at once, and tells when it did. */
export const timed = (work: () => void): TimedSpan => {
  const before = process.cpuUsage()
  const from = performance.now()
  work()
  const to = performance.now()
  const { system, user } = process.cpuUsage(before)
  return { from, to, cpu: (system + user) / 1000 }
}
