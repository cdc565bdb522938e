import { parseArgs } from "node:util"
import { Effect } from "effect"
import { cacheHit } from "./cacheHit.js"
import { cacheSize } from "./cacheSize.js"
import { certificate } from "./certificate.js"
import { challenges } from "./challenges.js"
import { coldAcquisition } from "./coldAcquisition.js"
import { concurrency } from "./concurrency.js"
import { managedIdentity } from "./managedIdentity.js"
import type { Row } from "./measure.js"
import { onBehalfOf } from "./onBehalfOf.js"
import { sharedCache } from "./sharedCache.js"
import { validation } from "./validation.js"

const { values } = parseArgs({
  options: { json: { type: "boolean" }, only: { type: "string" }, short: { type: "boolean" } }
})
const all = [
  cacheHit,
  cacheSize,
  sharedCache,
  concurrency,
  coldAcquisition,
  certificate,
  onBehalfOf,
  managedIdentity,
  challenges,
  validation
]
const chosen = all.filter(({ name }) => values.only === undefined || name === values.only)
if (chosen.length === 0) throw new Error(`--only takes one of ${all.map(({ name }) => name).join(", ")}`)

const counts: ReadonlyArray<Row["unit"]> = ["requests", "commands", "signatures"]

const figure = ({ unit, value }: Row): string => {
  if (counts.includes(unit)) return String(value)
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : value.toPrecision(3)
}

const line = (row: Row): string => {
  const value = figure(row)
  const bound = row.mustBe === undefined ? "" : `  (must be ${row.mustBe})`
  return `${row.benchmark.padEnd(12)} ${row.what.padEnd(58)} ${value.padStart(9)} ${row.unit}${bound}`
}

const isShort = values.short === true
const rows = await Effect.runPromise(Effect.forEach(chosen, ({ run }) => run({ rounds: isShort ? 3 : 15, isShort })))
const report = rows.flat()
console.log(values.json ? JSON.stringify(report, undefined, 2) : report.map(line).join("\n"))
if (report.some(({ mustBe, value }) => mustBe !== undefined && value !== mustBe)) process.exitCode = 1
