import { Effect } from "effect"
import { applies, type Ending, expected, type Row, rows, run } from "./identities.js"
import { type Source, sources } from "./identitySources.js"
import type { Times } from "./matrix.js"
import type { Stage } from "./stage.js"
import { merged, seconds, type Table } from "./table.js"

type End = Pick<Ending, "outcome" | "requests">

/** One line: how a fault ends at each source that can have it. */
export interface IdentityLine {
  readonly name: string
  readonly ends: ReadonlyArray<Readonly<Record<Times, End>> | undefined>
  /** For how many milliseconds the identity is held back after a fault that stays, anywhere. */
  readonly held: number
}

/** As the rows say it must be. */
export const expectedIdentityLines: ReadonlyArray<IdentityLine> = rows.map((row) => ({
  name: row.name,
  ends: sources.map((source) => (applies(row, source) ? expected(row, source) : undefined)),
  held: row.holds ?? 0
}))

const measureEnd = (row: Row, times: Times, source: Source) =>
  Effect.zipWith(run(row, times, source, 0), run(row, times, source, 1), (least, most) => ({
    held: most.held,
    end: { outcome: most.outcome, requests: [least.requests, most.requests] } satisfies End
  }))

const measureLine = (row: Row): Effect.Effect<IdentityLine, never, Stage> =>
  Effect.gen(function* () {
    const measured = yield* Effect.forEach(sources, (source) =>
      applies(row, source)
        ? Effect.zip(measureEnd(row, "once", source), measureEnd(row, "always", source))
        : Effect.succeed(undefined)
    )
    return {
      name: row.name,
      ends: measured.map((each) => each && { once: each[0].end, always: each[1].end }),
      held: Math.max(...measured.map((each) => each?.[1].held ?? 0))
    }
  })

/** As it is. */
export const measureIdentities: Effect.Effect<ReadonlyArray<IdentityLine>, never, Stage> = Effect.forEach(
  rows,
  measureLine,
  { concurrency: 8 }
)

const endText = ({ outcome, requests }: End): string => `${outcome}, ${[...new Set(requests)].sort().join("-")}`

const cellText = (ends: IdentityLine["ends"][number]): string => {
  if (ends === undefined) return ""
  const [once, always] = [endText(ends.once), endText(ends.always)]
  return once === always ? always : `${always} (once: ${once})`
}

/** Sources that are alike in every line share a column. */
export const identityTable = (lines: ReadonlyArray<IdentityLine>): Table => {
  const columns = merged(
    sources.map(({ name }, index) => ({ name, cells: lines.map(({ ends }) => cellText(ends[index])) }))
  )
  return {
    heads: ["fault, always", ...columns.map(({ name }) => name), "then held back"],
    cells: lines.map(({ held, name }, index) => [
      name,
      ...columns.map(({ cells }) => cells[index] ?? ""),
      held === 0 ? "" : `${seconds(held)} s`
    ])
  }
}
