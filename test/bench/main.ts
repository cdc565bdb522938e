import { parseArgs } from "node:util"
import { Effect } from "effect"
import { cacheHit } from "./cacheHit.js"
import { certificate } from "./certificate.js"
import { challenges } from "./challenges.js"
import { coldAcquisition } from "./coldAcquisition.js"
import { concurrency } from "./concurrency.js"
import type { Row } from "./measure.js"
import { onBehalfOf } from "./onBehalfOf.js"
import { validation } from "./validation.js"

const { values } = parseArgs({
  options: { json: { type: "boolean" }, only: { type: "string" }, short: { type: "boolean" } }
})
const all = [cacheHit, concurrency, coldAcquisition, certificate, onBehalfOf, challenges, validation]
const chosen = all.filter(({ name }) => values.only === undefined || name === values.only)
if (chosen.length === 0) throw new Error(`--only takes one of ${all.map(({ name }) => name).join(", ")}`)

const line = (row: Row): string => {
  const value = row.unit === "requests" || row.unit === "signatures" ? String(row.value) : row.value.toPrecision(3)
  const bound = row.mustBe === undefined ? "" : `  (must be ${row.mustBe})`
  return `${row.benchmark.padEnd(12)} ${row.what.padEnd(58)} ${value.padStart(9)} ${row.unit}${bound}`
}

const rows = await Effect.runPromise(Effect.forEach(chosen, ({ run }) => run({ rounds: values.short ? 3 : 15 })))
const report = rows.flat()
console.log(values.json ? JSON.stringify(report, undefined, 2) : report.map(line).join("\n"))
if (report.some(({ mustBe, value }) => mustBe !== undefined && value !== mustBe)) process.exitCode = 1
