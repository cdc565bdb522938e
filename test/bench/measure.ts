import { Effect } from "effect"

/** One line of the report: a figure beside the goal and the peers of the same run. */
export interface Row {
  readonly benchmark: string
  readonly what: string
  readonly value: number
  readonly unit: "µs" | "requests" | "signatures" | "ratio"
  /** A bound that does not depend on the machine: the run fails where it is not met. */
  readonly mustBe?: number
}

export interface Benchmark {
  readonly name: string
  readonly run: (options: { readonly rounds: number }) => Effect.Effect<ReadonlyArray<Row>>
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
