import { Effect } from "effect"
import { type Ending, expected, isRetired, type Row, rows, run, type Times } from "./matrix.js"
import type { Stage } from "./stage.js"
import { clientCredentials, type Subject, subjects } from "./subjects.js"

/** One line: a row, as it ends for an app, and what every other grant makes of the fault when it stays. */
export interface Line {
  readonly name: string
  readonly once: Ending
  readonly always: Ending
  /** For how many milliseconds the principal is held back after a fault that stays. */
  readonly held: number
  readonly others: ReadonlyArray<Other | undefined>
}

interface Other extends Pick<Ending, "outcome" | "requests"> {
  /** Whether nothing is left to come again with, and memory says so. */
  readonly isRetired: boolean
}

const otherSubjects = subjects.filter((subject) => subject !== clientCredentials)

const applies = (row: Row, subject: Subject): boolean => subject.isEntra || row.entraOnly !== true

/** As the rows say it must be. */
export const expectedLines: ReadonlyArray<Line> = rows.map((row) => ({
  name: row.name,
  once: expected(row, "once", clientCredentials),
  always: expected(row, "always", clientCredentials),
  held: row.holds,
  others: otherSubjects.map((subject) =>
    applies(row, subject) ? { ...expected(row, "always", subject), isRetired: isRetired(row, subject) } : undefined
  )
}))

const measureTimes = (row: Row, times: Times) =>
  Effect.gen(function* () {
    const least = yield* run(row, times, clientCredentials, 0)
    const { held, millis, outcome, requests } = yield* run(row, times, clientCredentials, 1)
    return { held, ending: { outcome, requests, time: [least.millis, millis] } satisfies Ending }
  })

const measureOther = (row: Row, subject: Subject): Effect.Effect<Other, never, Stage> =>
  Effect.map(run(row, "always", subject), ({ next, outcome, requests }) => ({
    outcome,
    requests,
    isRetired: next.requests === 0
  }))

const measureLine = (row: Row): Effect.Effect<Line, never, Stage> =>
  Effect.gen(function* () {
    const once = yield* measureTimes(row, "once")
    const always = yield* measureTimes(row, "always")
    const others = yield* Effect.forEach(otherSubjects, (subject) =>
      applies(row, subject) ? measureOther(row, subject) : Effect.succeed(undefined)
    )
    return { name: row.name, once: once.ending, always: always.ending, held: always.held, others }
  })

/** As it is. */
export const measure: Effect.Effect<ReadonlyArray<Line>, never, Stage> = Effect.forEach(rows, measureLine, {
  concurrency: 8
})

export const seconds = (millis: number): string => String(Number((millis / 1000).toFixed(2)))

const timeText = ([least, most]: Ending["time"]): string => {
  if (most === 0) return "at once"
  return least === most ? `${seconds(most)} s` : `${seconds(least)}-${seconds(most)} s`
}

const endingText = ({ outcome, requests, time }: Ending): ReadonlyArray<string> => [
  outcome,
  String(requests),
  timeText(time)
]

const heldText = (millis: number): string => (millis === 0 ? "" : `${seconds(millis)} s`)

/** A table: its heads, and its cells row by row. */
export interface Table {
  readonly heads: ReadonlyArray<string>
  readonly cells: ReadonlyArray<ReadonlyArray<string>>
}

const endingHeads = (times: string) => [times, "requests", "time"]

export const appTable = (lines: ReadonlyArray<Line>): Table => ({
  heads: ["fault", ...endingHeads("once"), ...endingHeads("always"), "then held back"],
  cells: lines.map(({ always, held, name, once }) => [name, ...endingText(once), ...endingText(always), heldText(held)])
})

const otherText = (other: Other | undefined): string =>
  other === undefined ? "" : `${other.outcome}, ${other.requests}${other.isRetired ? ", token over" : ""}`

export interface Column {
  readonly name: string
  readonly cells: ReadonlyArray<string>
}

/** Columns that are alike in every line become one. */
export const merged = (columns: ReadonlyArray<Column>): ReadonlyArray<Column> => {
  const alike = new Map<string, Column>()
  for (const { cells, name } of columns) {
    const text = cells.join("\n")
    const known = alike.get(text)
    alike.set(text, { name: known === undefined ? name : `${known.name}; ${name}`, cells })
  }
  return [...alike.values()]
}

/** Grants that are alike in every line share a column. */
export const grantTable = (lines: ReadonlyArray<Line>): Table => {
  const columns = merged(
    otherSubjects.map(({ name }, index) => ({ name, cells: lines.map(({ others }) => otherText(others[index])) }))
  )
  return {
    heads: ["fault, always", ...columns.map(({ name }) => name)],
    cells: lines.map(({ name }, index) => [name, ...columns.map(({ cells }) => cells[index] ?? "")])
  }
}

/** Columns as wide as their widest cell. */
export const plain = ({ cells, heads }: Table): string => {
  const all = [heads, ...cells]
  const widths = heads.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")
  return all.map((row) => line(row).trimEnd()).join("\n")
}

const escaped = (cell: string) => cell.replaceAll("|", "\\|")
const markdownRow = (row: ReadonlyArray<string>) => `| ${row.map(escaped).join(" | ")} |`

export const markdown = ({ cells, heads }: Table): string =>
  [markdownRow(heads), markdownRow(heads.map(() => "---")), ...cells.map(markdownRow)].join("\n")
